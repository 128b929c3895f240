// Streams: what an author's server sends to followers, numbered. Each event gets the next `seq`; numbers go on for
// ever, over restarts too. The server begins another incarnation with each start, so that what it numbered and lost (a
// crash, a backup put back) and numbers again is not taken for two stories of one incarnation. `base` is the last
// number before the incarnation. `chain` sums up its events up to `seq`: the first 16 bytes of SHA-256 of the chain
// before and the event's id, from one that depends on author, incarnation and base. Two heads of one incarnation with
// one seq and different chains show that the author's server tells different stories.
//
// A head is signed by the author's node, which the author's BIND or claim names; the receiver knows that node, so its
// id is not in there. 146 bytes with all numbers small.
//
// Channel::stream carries StreamPart: a packet (packet.h) and the head after its last event.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/frame.h"
#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/event/verifier.h"
#include "core/wire/msgpack.h"

namespace np2p {

inline constexpr std::string_view kStreamTag = "np2p/stream/v1";

using Chain = std::array<std::uint8_t, 16>;
Chain first_chain(const PubKey& author, std::uint64_t incarnation, std::uint64_t base);
Chain next_chain(const Chain& before, const EventId& event);

struct StreamHead {
  PubKey author;
  std::uint64_t epoch = 0;        // of the BIND under which the node serves; 0: a claim
  std::uint64_t incarnation = 0;  // rises with each start of the server
  std::uint64_t base = 0;
  std::uint64_t seq = 0;
  Chain chain{};
  Signature sig;               // zero: not signed, what it says counts only if the author's own server says it
  std::uint64_t previous = 0;  // the incarnation in which number `base` was given; 0: none is known
  friend bool operator==(const StreamHead&, const StreamHead&) = default;
};
ByteVec signed_part(const StreamHead& head);

struct StreamPart {
  StreamHead head;
  std::uint64_t covers = 0;  // numbers up to head.seq; events that are gone are not in the packet
  Frame packet;
  friend bool operator==(const StreamPart&, const StreamPart&) = default;
};
Frame encode_stream_part(const StreamPart& part);
Result<StreamPart> decode_stream_part(ByteView bytes, const Limits& limits);

// As part of other messages.
void write_head(msgpack::Writer& out, const StreamHead& head);
bool read_head(msgpack::Reader& in, StreamHead& head);

// How far a follower has got.
struct StreamPosition {
  std::uint64_t incarnation = 0;
  std::uint64_t seq = 0;
  friend bool operator==(const StreamPosition&, const StreamPosition&) = default;
};

}  // namespace np2p
