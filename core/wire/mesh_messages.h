// The messages of weaveworks/mesh, protocol version 2, as the original NostrP2P sends them; one message is one frame on
// a link (its 4-byte length and the protocol header belong to the link layer). The first frame both ways is a features
// map; each later one is a tag byte and, for gossip, a gob stream: channel, source, (destination,) payload. On the
// channel "topology" the payload is a gob stream of its own: a summary and the connections of one peer after another.
//
// Encoding is byte for byte the original's, except for the order of the features map, which is random in Go and fixed
// here. Decoding is strict and bounded, copies nothing and allocates nothing: views point into the frame.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/frame.h"
#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/wire/gob.h"

namespace np2p::mesh {

// A peer's name: 48 bits, written as a MAC address.
using Name = std::uint64_t;
inline constexpr Name kNameMask = 0xffff'ffff'ffff;
std::string name_text(Name name);  // "1d:84:4d:0a:a1:d8"

enum class Tag : std::uint8_t {
  heartbeat = 0,
  reserved1 = 1,
  reserved2 = 2,
  reserved3 = 3,
  gossip = 4,     // to a neighbour
  unicast = 5,    // to one peer, handed on along shortest paths
  broadcast = 6,  // to all, handed on along the tree of its source
  overlay_control = 7,
};

inline constexpr std::string_view kTopologyChannel = "topology";

// --- features: the first frame

struct Features {
  Name name = 0;
  std::string nick_name;
  std::uint16_t short_id = 0;  // 12 bits
  bool has_short_id = true;    // version 1 peers leave it out
  std::uint64_t uid = 0;       // random for each start of a peer
  std::uint64_t connection_id = 0;
  bool trusted = false;
  friend bool operator==(const Features&, const Features&) = default;
};

using FeatureMap = std::vector<std::pair<std::string, std::string>>;  // in the order of the wire
Frame encode_feature_map(const FeatureMap& map);
Result<FeatureMap> decode_feature_map(ByteView frame, const Limits& limits);
Frame encode_features(const Features& features);
Result<Features> decode_features(ByteView frame, const Limits& limits);

// --- gossip

struct Message {
  Tag tag = Tag::gossip;  // gossip, unicast or broadcast
  std::string_view channel;
  Name source = 0;       // of gossip: the neighbour; else where it comes from
  Name destination = 0;  // unicast only
  ByteView payload;
};
Frame encode_message(const Message& message);
// Only for frames whose first byte is one of the three tags.
Result<Message> decode_message(ByteView frame, const Limits& limits);

// --- topology payload

struct PeerSummary {
  Name name = 0;
  std::string_view nick_name;
  std::uint64_t uid = 0;  // 0: heard of only as somebody's neighbour
  std::uint64_t version = 0;
  std::uint16_t short_id = 0;
  bool has_short_id = false;
};

struct Connection {
  Name name = 0;
  std::string_view address;  // as that peer sees it: dialled, or the observed one
  bool outbound = false;
  bool established = false;
  friend bool operator==(const Connection&, const Connection&) = default;
};

// The two messages that say one peer, without type definitions. They can be kept and put into any topology payload.
void append_summary(ByteVec& out, const PeerSummary& peer);
void append_connections(ByteVec& out, std::span<const Connection> connections);
// The list inside what append_connections() wrote, for ConnectionReader.
ByteView connection_list(ByteView connections) noexcept;

// Builds the gossip frame of a topology: definitions go before their first use, as Go's encoder puts them.
class TopologyWriter {
 public:
  void add(ByteView summary, ByteView connections);
  [[nodiscard]] std::size_t size() const noexcept { return payload_.size(); }
  [[nodiscard]] Frame finish(Tag tag, Name source) const;

 private:
  ByteVec payload_;
};

// Reads peer after peer. connections() of a peer are checked only by who reads them to their end.
class TopologyReader {
 public:
  TopologyReader(ByteView payload, const Limits& limits) noexcept : stream_(payload), limits_(limits) {}
  // False at the end and when the payload is malformed: then ok() says which.
  bool next(PeerSummary& peer, ByteView& connections) noexcept;
  [[nodiscard]] bool ok() const noexcept { return stream_.ok(); }

 private:
  gob::Reader value(std::int64_t& type) noexcept;
  bool define(gob::Reader& message, std::int64_t id) noexcept;
  gob::Reader stream_;
  const Limits& limits_;
  std::int64_t summary_type_ = 0;
  std::int64_t connection_type_ = 0;
  std::int64_t connections_type_ = 0;
  std::int64_t connections_element_ = 0;
};

class ConnectionReader {
 public:
  ConnectionReader(ByteView connections, const Limits& limits) noexcept;
  bool next(Connection& connection) noexcept;
  [[nodiscard]] std::size_t left() const noexcept { return left_; }  // not yet read
  [[nodiscard]] bool ok() const noexcept { return in_.ok(); }

 private:
  gob::Reader in_;
  std::size_t text_limit_;
  std::size_t left_ = 0;
};

}  // namespace np2p::mesh
