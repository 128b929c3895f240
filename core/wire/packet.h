// The original's server-to-server packet and its answer to a client, byte for byte (vmihailenco/msgpack of the Go
// server; golden data in tests/vectors): field order and number formats are fixed (float64 Created_at, uint16 Kind and
// versions, uint64 request Id), Id, Pubkey, Sig and tag values are bin.
//
// What we send can never crash an original server: PktVer is always 3, an empty list is nil, no list holds nil.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/frame.h"
#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/event/event.h"

namespace np2p {

inline constexpr std::uint16_t kServerVersion = 1;  // SrvVer
inline constexpr std::uint16_t kPacketVersion = 3;  // PktVer

// A request to another server: its user's profile (kind 0), follow list (3), one event by id (1), or everything of the
// last three days (40000, broadcast). Ours also ask for a relay list (10002), and for such an event of somebody else,
// of which that server may have a copy.
struct Request {
  std::uint64_t id = 0;  // random; duplicate suppression of broadcasts
  std::uint16_t kind = 0;
  std::optional<EventId> event_id{};  // kind 1 only: Args {"evtId": [id]}
  std::optional<PubKey> author{};     // not with kind 1; of the server's own user if there is none: {"author": [key]}
  friend bool operator==(const Request&, const Request&) = default;
};

struct Packet {
  std::vector<Event> events;  // claims: nothing is verified here
  std::vector<Request> requests;
  friend bool operator==(const Packet&, const Packet&) = default;
};

Frame encode_packet(std::span<const EventPtr> events, std::span<const Request> requests);
Frame encode_events(std::span<const EventPtr> events);
Frame encode_claims(std::span<const Event> events);  // that were not verified, as somebody else sent them
Frame encode_request(const Request& request);

// Strict and bounded. Errors: malformed, too_large, wrong_version, bad_field (nil element, wrong length, no signature),
// bad_time (NaN, infinite, negative, fractional or inexact Created_at). SrvVer may differ: newer servers speak to us
// too. A packet without events and requests is bad_field.
Result<Packet> decode_packet(ByteView bytes, const Limits& limits);

// {"Evts": [...]}: the answer to POST /req. Without signatures Sig is nil.
std::string encode_answer(std::span<const EventPtr> events, bool with_signatures);
// The other direction, for clients written in C++ (tests, the Python module's RealNetwork).
Result<std::vector<Event>> decode_answer(ByteView bytes, const Limits& limits);

}  // namespace np2p
