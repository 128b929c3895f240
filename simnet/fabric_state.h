// The state of the fabric: hosts, the ends of their links, NAT boxes. Kept small, because a world holds 100,000 hosts
// with twenty links each: 208 bytes a host, 24 a link end, 16 a NAT session; what is needed only while something
// unusual goes on (dialling, a dead path, congestion) lies in Cold, which exists only then. A message touches two lines
// of the caches in the host, one in the link end, and the place of whom it goes to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/host/network.h"
#include "simnet/base.h"
#include "simnet/inhabitant.h"
#include "simnet/nat.h"
#include "simnet/traffic.h"

namespace np2p::sim {

enum class EndState : std::uint8_t { free, dialing, handshaking, accepting, up };

// One end of a link, owned by its host. The two ends never touch each other except by events; only barriers see both.
struct LinkEnd {
  static constexpr std::uint8_t kOutbound = 1 << 3;
  static constexpr std::uint8_t kTroubled = 1 << 4;  // see Trouble
  static constexpr std::uint8_t kFragile = 1 << 5;   // a NAT on the path forgets faster than keepalive comes
  static constexpr std::uint8_t kNat = 1 << 6;       // a NAT is between
  static constexpr std::uint8_t kPunched = 1 << 7;   // both sides dial: the roles follow from the ids
  static constexpr std::uint8_t kStateMask = 7;

  std::uint32_t peer_and_flags = 0;  // peer host in the upper 24 bits
  std::uint16_t peer_slot = 0;
  std::uint16_t peer_generation = 0;
  std::uint16_t generation = 1;        // of this slot; never 0, rises when the slot is freed
  std::uint16_t session = kNoSession;  // in the innermost NAT box of this host
  std::uint32_t last = 0;              // in ticks: last activity; with a heartbeat: the last beat accounted
  SimTime in_order = 0;                // when the last frame sent arrives at the peer: nothing may overtake it

  static constexpr std::uint16_t kNoSession = 0xFFFF;
  [[nodiscard]] std::uint32_t peer() const noexcept { return peer_and_flags >> 8; }
  [[nodiscard]] EndState state() const noexcept { return static_cast<EndState>(peer_and_flags & kStateMask); }
  [[nodiscard]] bool has(std::uint8_t flag) const noexcept { return (peer_and_flags & flag) != 0; }
  void set_peer(std::uint32_t peer) noexcept { peer_and_flags = (peer_and_flags & 0xFFu) | peer << 8; }
  void set_state(EndState s) noexcept {
    peer_and_flags = (peer_and_flags & ~std::uint32_t{kStateMask}) | static_cast<std::uint32_t>(s);
  }
  void set(std::uint8_t flag) noexcept { peer_and_flags |= flag; }
  void clear(std::uint8_t flag) noexcept { peer_and_flags &= ~std::uint32_t{flag}; }
};
static_assert(sizeof(LinkEnd) == 24);

// A link being established, on either side.
struct Dial {
  std::uint16_t slot = 0;
  std::uint8_t tries = 0;
  std::uint16_t local_port = 0;
  bool punch = false;
  bool refused = false;     // a reset came for the last SYN: until the next one the socket is not there
  bool said_hello = false;  // TLS has begun
  Endpoint remote;
  SimTime started = 0;
  NodeId expected;  // of a punch: who must be there
};

// What became of a path that does not work any more.
enum class Fate : std::uint8_t {
  cut,         // may heal
  gone,        // the peer's machine forgot the link: it answers with a reset once it can be reached
  renumbered,  // an address changed: packets vanish for ever
  unmapped,    // our NAT forgot the mapping: what we send is answered with a reset
};

struct Trouble {
  std::uint16_t slot = 0;
  Fate fate = Fate::cut;
  bool out_blocked = true;          // what we send does not arrive (else only the acknowledgements are lost)
  SimTime unacknowledged = kNever;  // since when data waits for its acknowledgement
  SimTime deadline = kNever;        // when the link is given up
  std::vector<std::pair<Frame, std::uint8_t>> parked;  // sent into the dead path: retransmitted if it heals
  std::uint64_t parked_bytes = 0;
};

struct Congestion {  // of a link's sending side
  std::uint16_t slot = 0;
  bool wants_writable = false;
  bool choked = false;      // and will be closed at once
  std::uint32_t bytes = 0;  // accepted since the queue was empty
  SimTime until = 0;        // when the last of them leaves
};

struct Fragile {
  std::uint16_t slot = 0;
  SimTime last_activity = 0;
  SimTime timeout = 0;  // of the most forgetful box on the way
};

struct Cold {
  std::vector<Dial> dials;
  std::vector<Trouble> troubles;
  std::vector<Congestion> queues;
  std::vector<Fragile> fragiles;
  std::vector<std::uint16_t> ports;  // opened beside the listen port
  [[nodiscard]] bool empty() const noexcept {
    return dials.empty() && troubles.empty() && queues.empty() && fragiles.empty() && ports.empty();
  }
};

// One kind of traffic of a host. Both directions lie together, because a message touches both: the other one by its
// acknowledgement.
struct Account {
  std::uint64_t in_bytes = 0;
  std::uint64_t out_bytes = 0;
  std::uint32_t in_messages = 0;
  std::uint32_t out_messages = 0;
  void count_in(std::uint64_t bytes) noexcept {
    in_bytes += bytes;
    ++in_messages;
  }
  void count_out(std::uint64_t bytes) noexcept {
    out_bytes += bytes;
    ++out_messages;
  }
};

struct alignas(64) HostData {
  static constexpr std::uint8_t kPowered = 1;
  static constexpr std::uint8_t kProcess = 2;
  static constexpr std::uint8_t kCable = 4;
  static constexpr std::uint8_t kDialFromListenPort = 8;

  // The first line: what every message changes.
  Inhabitant* inhabitant = nullptr;
  LinkEnd* links = nullptr;  // of the fabric's pool
  std::uint64_t sequence = 0;
  std::uint64_t digest = 0;
  std::uint64_t random = 0;
  SimTime up_busy = 0;
  SimTime down_busy = 0;
  std::uint32_t up_cost = 0;  // ns per 1024 bytes
  std::uint16_t slots = 0;    // of links, used or free
  std::uint16_t boot = 0;
  // The second: how it is accounted, with the two commonest kinds of traffic.
  const LinkProfile* profile = nullptr;
  std::unique_ptr<Cold> cold;
  std::array<Account, kTrafficKinds> accounts;
  // The third: the other kinds, and what is rarely asked for.
  BoxIndex box = kNone;
  std::uint16_t inner = 0;  // its number in the box
  std::uint16_t listen_port = 0;
  std::uint16_t next_port = 0;
  std::uint8_t flags = kPowered | kCable;

  [[nodiscard]] bool is(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
  [[nodiscard]] Account& account(Traffic kind) noexcept { return accounts[static_cast<std::size_t>(kind)]; }
};
static_assert(sizeof(HostData) == 192);
static_assert(offsetof(HostData, profile) == 64 && offsetof(HostData, accounts) + 2 * sizeof(Account) == 128);

// What senders want to know of a receiver: few and small, so that it stays in the caches.
struct Place {
  Position position;
  std::uint32_t down_cost = 0;  // ns per 1024 bytes
  std::uint32_t ip = 0;
};
static_assert(sizeof(Place) == 16);

struct BoxData {
  NatBox nat;
  std::uint32_t ip = 0;
  BoxIndex outer = kNone;
  std::uint16_t inner = 0;             // its number in the outer box
  std::vector<std::uint32_t> insides;  // hosts, or boxes with kBoxBit
};
inline constexpr std::uint32_t kBoxBit = 0x8000'0000u;

// A SYN on its way: rewritten by the boxes it passes.
struct Syn {
  NodeIndex from = 0;
  std::uint16_t slot = 0;
  std::uint16_t generation = 0;
  Endpoint source;  // as seen at this point of the way
  Endpoint target;
  BoxIndex at_box = kNone;  // it arrives at this box's outside; kNone: at `host` itself
  NodeIndex host = kNone;
  bool nat = false;  // a box was passed
};

// A small table of hosts that the fabric cannot reach as plain vectors: cuts between sets of hosts. Each cut has a bit:
// what goes from a host with the bit in `from` to one with the bit in `to` is lost.
struct CutMask {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

}  // namespace np2p::sim
