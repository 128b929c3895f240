// What nodes of the scalable overlay say to each other: one byte of type, then the fields, integers big-endian, counts
// and lengths before what they count. Decoding is strict and bounded. Bytes behind the last known field belong to a
// later version and are ignored; an unknown type is refused with unknown_type, counted and otherwise ignored: so N and
// N-1 interoperate.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/base/frame.h"
#include "core/base/limits.h"
#include "core/base/result.h"

namespace np2p::swarm {

inline constexpr std::uint8_t kVersion = 1;

// Where a node is in the plane of measured round trips (Vivaldi, Dabek et al. 2004), in units of 10 us, and the height
// above it that its own access link costs. Integers: the same bits on every machine.
struct Coordinates {
  std::int16_t x = 0;
  std::int16_t y = 0;
  std::uint16_t height = 0;
  std::uint16_t error = 0xFFFF;  // relative error of the estimate, 0xFFFF = 1: knows nothing yet
  friend bool operator==(const Coordinates&, const Coordinates&) = default;
};

// A node that can be dialled. Only such nodes stand in views and tables; a node behind NAT is found through its relays.
struct PeerRef {
  NodeId id;
  Address address;
  Coordinates at;
  friend bool operator==(const PeerRef&, const PeerRef&) = default;
};

// --- link (links.h)
// This connection is only to be told, by HelloEcho, where it comes from; it is no link, whatever else is open.
inline constexpr std::uint32_t kAside = 1;
struct Hello {  // the first message of both sides
  std::uint8_t version = kVersion;
  std::uint64_t boot = 0;      // larger for a later start of the same node
  std::uint32_t features = 0;  // bits, see below
  std::uint64_t sent_at = 0;   // sender's monotonic clock in ns; comes back in HelloEcho
  std::uint64_t salt = 0;      // sender's half of the salt of short ids on this link
  PubKey owner;                // the user it claims to serve
  Address listens;             // where it can be dialled; unspecified: it cannot, as far as it knows
  Coordinates at;
  friend bool operator==(const Hello&, const Hello&) = default;
};
struct HelloEcho {
  std::uint64_t sent_at = 0;
  Address observed;           // the receiver's address as seen by the sender
  Coordinates at;             // of the sender, newer than in its Hello
  std::uint32_t servers = 0;  // how many there are, by what the sender keeps (census.h); 0: it cannot say
  friend bool operator==(const HelloEcho&, const HelloEcho&) = default;
};
struct Probe {  // answered by HelloEcho: a round trip is measured
  std::uint64_t sent_at = 0;
  Coordinates at;
  std::uint32_t servers = 0;  // as in HelloEcho
  friend bool operator==(const Probe&, const Probe&) = default;
};
struct Unused {        // "I no longer need this link": who does not need it either closes it
  bool again = false;  // true takes it back
  friend bool operator==(const Unused&, const Unused&) = default;
};
// "Dial me at my address as you see it, at this port": a link that comes in from you shows that I can be dialled.
struct DialBack {
  std::uint16_t port = 0;
  friend bool operator==(const DialBack&, const DialBack&) = default;
};

// --- membership (hyparview.h)
struct Join {
  friend bool operator==(const Join&, const Join&) = default;
};
struct ForwardJoin {
  PeerRef joiner;
  std::uint8_t ttl = 0;
  friend bool operator==(const ForwardJoin&, const ForwardJoin&) = default;
};
enum class Urgency : std::uint8_t {
  high,    // the sender has no neighbour at all: not to be refused
  low,     // takes a free slot
  nearer,  // takes a free slot, or that of a neighbour farther than the sender
};
struct Neighbor {
  Urgency urgency = Urgency::low;
  friend bool operator==(const Neighbor&, const Neighbor&) = default;
};
struct NeighborAnswer {
  bool accepted = false;
  std::vector<PeerRef> others;  // if refused: whom to try instead
  friend bool operator==(const NeighborAnswer&, const NeighborAnswer&) = default;
};
struct Disconnect {
  friend bool operator==(const Disconnect&, const Disconnect&) = default;
};
struct Shuffle {
  std::optional<PeerRef> origin;  // none: the sender itself, which cannot be dialled; answered over this link
  std::uint8_t ttl = 0;
  std::vector<PeerRef> sample;
  friend bool operator==(const Shuffle&, const Shuffle&) = default;
};
struct ShuffleReply {
  std::vector<PeerRef> sample;
  friend bool operator==(const ShuffleReply&, const ShuffleReply&) = default;
};

// --- broadcast (plumtree.h)
struct Gossip {  // the same bytes on every hop: it is handed on as it came, and says nothing of how far its source is
  std::uint8_t tree = 0;  // along which it travels (paths.h)
  std::uint8_t channel = 0;
  PubKey source;  // whose server sent it: a hint, what counts is signed inside the payload
  Frame payload;
  friend bool operator==(const Gossip&, const Gossip&) = default;
};
using ShortId = std::uint64_t;  // of a payload, under the link's salt: a hint, never a key
struct Announced {
  ShortId id = 0;
  std::uint8_t tree = 0;
  friend bool operator==(const Announced&, const Announced&) = default;
};
struct IHave {
  std::vector<Announced> ids;
  friend bool operator==(const IHave&, const IHave&) = default;
};
using Trees = std::uint64_t;  // a set, bit by tree
struct Graft {                // "push to me eagerly what travels along these", and: send me these now
  Trees trees = 0;
  std::vector<ShortId> ids;
  friend bool operator==(const Graft&, const Graft&) = default;
};
struct Prune {  // "no longer eagerly"
  Trees trees = 0;
  friend bool operator==(const Prune&, const Prune&) = default;
};
struct Watch {  // "announce to me what you do not push", and first what is younger than this; or no longer
  bool on = false;
  std::uint16_t recent = 0;  // seconds
  friend bool operator==(const Watch&, const Watch&) = default;
};

// --- paths to the roots of the trees (paths.h)
using PathDelay = std::uint16_t;  // one way, in units of 100 us
inline constexpr PathDelay kFar = 0xFFFF;
inline constexpr std::uint32_t kNoRank = 0xFFFFFFFF;
struct PathEntry {
  std::uint8_t tree = 0;
  std::uint32_t rank = kNoRank;  // of its root: leading bits of the distance to the tree's point
  PathDelay delay = kFar;        // from the sender to the root; kFar: there is no route any more
  friend bool operator==(const PathEntry&, const PathEntry&) = default;
};
struct PathVector {  // what has changed
  std::vector<PathEntry> entries;
  friend bool operator==(const PathVector&, const PathVector&) = default;
};

// --- directory and routing (directory.h, router.h)
struct FindNode {  // "whom do you know near this point of the ring of keys?"
  std::uint64_t query = 0;
  NodeId target;
  friend bool operator==(const FindNode&, const FindNode&) = default;
};
struct FoundNodes {
  std::uint64_t query = 0;
  std::vector<PeerRef> nodes;  // nearest first
  friend bool operator==(const FoundNodes&, const FoundNodes&) = default;
};
using Key = FixedBytes<struct DirectoryKeyTag, 32>;  // in the space of NodeIds
struct Put {                                         // goes to one of the nodes around the key, which replicates
  Key key;
  std::uint8_t hops = 0;
  std::vector<ByteVec> records;  // each signed in itself (contact.h, bind.h)
  friend bool operator==(const Put&, const Put&) = default;
};
struct Replicate {  // from who got it first to the nodes nearest to the key
  Key key;
  std::vector<ByteVec> records;
  friend bool operator==(const Replicate&, const Replicate&) = default;
};
struct Get {
  Key key;
  std::uint64_t query = 0;  // chosen by who asks; the answer goes back the way the question came
  std::uint8_t hops = 0;
  enum class What : std::uint8_t { contacts, guardians };
  std::uint8_t what = 0;  // of the two; beside either the BIND. What is not known means nothing that is kept
  friend bool operator==(const Get&, const Get&) = default;
};
struct Got {
  std::uint64_t query = 0;
  std::uint8_t hops = 0;  // that the question took
  std::vector<ByteVec> records;
  friend bool operator==(const Got&, const Got&) = default;
};
struct Routed {  // a small message to a node, hop by hop
  NodeId via;    // the relay of `to`, or `to` itself: greedy hops lead there
  NodeId to;
  NodeId from;
  NodeId from_via;            // where an answer goes: the relay of `from`, or `from` itself
  std::uint64_t boot = 0;     // of `from`
  std::uint64_t counter = 0;  // within that boot: replay window
  std::uint8_t hops = 0;      // not under the MAC
  std::uint8_t channel = 0;
  PubKey source;                       // the user that `from` claims to serve
  std::array<std::uint8_t, 16> mac{};  // under the pair key of `from` and `to`; of everything but hops
  Frame payload;
  friend bool operator==(const Routed&, const Routed&) = default;
};
struct Undelivered {  // to the sender of a Routed, from where it could not go on: a hint, not signed
  NodeId via;
  NodeId to;    // whom this is for
  NodeId lost;  // who could not be reached
  std::uint8_t hops = 0;
  friend bool operator==(const Undelivered&, const Undelivered&) = default;
};
struct Direct {  // the same to the node at the other end of a link, which is known already
  std::uint8_t channel = 0;
  Frame payload;
  friend bool operator==(const Direct&, const Direct&) = default;
};

// --- tunnels (tunnels.h)
// A record of a tunnel between `from` and `to`, hop by hop as a Routed. It proves itself at the other end and is not
// looked at on the way; who carries it counts its bytes.
struct Carry {
  NodeId via;
  NodeId to;
  NodeId from;
  NodeId from_via;
  std::uint64_t tunnel = 0;  // chosen at random by who opened it
  std::uint8_t hops = 0;
  Frame record;
  friend bool operator==(const Carry&, const Carry&) = default;
};
struct CarryEnd {  // the tunnel is closed, unknown, or carried no further
  NodeId via;
  NodeId to;
  NodeId from;  // the other end, whoever says this
  std::uint64_t tunnel = 0;
  std::uint8_t hops = 0;
  friend bool operator==(const CarryEnd&, const CarryEnd&) = default;
};

// --- what was broadcast earlier (history.h)
// Times are Unix seconds of which the payloads themselves tell; a span is [since, until).
struct Span {
  std::uint32_t since = 0;
  std::uint32_t until = 0;
  friend bool operator==(const Span&, const Span&) = default;
};
struct HistoryDigest {  // of all that was broadcast in that span, as far as the sender knows
  Span span;
  std::array<std::uint8_t, 32> digest{};
  friend bool operator==(const HistoryDigest&, const HistoryDigest&) = default;
};
inline constexpr std::size_t kHistoryParts = 32;
struct HistoryParts {  // "I know something else": digests of equal parts of the span
  Span span;
  std::vector<std::uint64_t> digests;
  friend bool operator==(const HistoryParts&, const HistoryParts&) = default;
};
struct HistoryIds {  // what the sender knows of the parts that differ, newest first
  Span span;
  std::uint32_t parts = 0;  // a set, bit by part
  std::vector<ShortId> ids;
  friend bool operator==(const HistoryIds&, const HistoryIds&) = default;
};
struct HistoryOffer {  // the answer: what the other one does not know
  std::vector<ShortId> ids;
  friend bool operator==(const HistoryOffer&, const HistoryOffer&) = default;
};
struct HistoryAsk {  // "send me these"
  std::vector<ShortId> ids;
  friend bool operator==(const HistoryAsk&, const HistoryAsk&) = default;
};
struct Recalled {  // one of them; an empty payload: it is not kept any more
  std::uint8_t channel = 0;
  Frame payload;
  friend bool operator==(const Recalled&, const Recalled&) = default;
};

// --- one payload for many (fanout.h)
// A node among those that a relay is linked to, by the first bytes of its id.
using ShortNode = std::uint64_t;
struct Spread {  // to `via`, hop by hop: for itself, or for those of its neighbours that are named
  NodeId via;
  NodeId from;
  NodeId from_via;  // where receipts go: the relay of `from`, or `from` itself
  NodeId origin;    // whose payload it is, and whose key receipts are under; `from`, if that is not the head of a cell
  std::uint8_t hops = 0;
  std::uint8_t channel = 0;
  std::uint64_t tag = 0;      // of the payload (copy_tag)
  std::vector<ShortNode> to;  // ascending, each once
  Frame payload;
  friend bool operator==(const Spread&, const Spread&) = default;
};
struct Handed {  // over the last link
  NodeId from;   // the Spread's origin
  std::uint8_t channel = 0;
  std::uint64_t tag = 0;
  Frame payload;
  friend bool operator==(const Handed&, const Handed&) = default;
};
struct Receipt {       // for what was handed over, back over the same link
  ShortNode from = 0;  // of the Handed
  std::uint64_t tag = 0;
  std::array<std::uint8_t, 16> mac{};  // under the pair key of who got it and the origin
  friend bool operator==(const Receipt&, const Receipt&) = default;
};
struct Receipted {
  ShortNode who = 0;
  std::array<std::uint8_t, 16> mac{};
  friend bool operator==(const Receipted&, const Receipted&) = default;
};
struct Receipts {  // those that a relay has gathered, hop by hop to the sender
  NodeId via;
  NodeId to;
  std::uint8_t hops = 0;
  std::uint64_t tag = 0;
  std::vector<Receipted> got;
  std::vector<ShortNode> lost;  // no neighbours of this relay: a hint
  friend bool operator==(const Receipts&, const Receipts&) = default;
};

using Message =
    std::variant<Hello, HelloEcho, Probe, Unused, DialBack, Join, ForwardJoin, Neighbor, NeighborAnswer, Disconnect,
                 Shuffle, ShuffleReply, Gossip, IHave, Graft, Prune, Watch, FindNode, FoundNodes, Put, Replicate, Get,
                 Got, Routed, Undelivered, Direct, PathVector, Carry, CarryEnd, HistoryDigest, HistoryParts, HistoryIds,
                 HistoryOffer, HistoryAsk, Recalled, Spread, Handed, Receipt, Receipts>;

Frame encode(const Message& message);
Result<Message> decode(ByteView bytes, const Limits& limits);

}  // namespace np2p::swarm
