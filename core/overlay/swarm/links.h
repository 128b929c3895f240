// The links of the scalable overlay: who is at the other end, and what for. A link is ready once both Hellos have
// arrived. It is standing as long as some part of the overlay on either side uses it: a part that needs a link adds its
// Use, and drops it when done; a side without uses says Unused, and a link that neither side uses is closed.
//
// Of two links between a pair one stays, by the same rule on both sides: that of the later boot; then a direct one
// before a tunnel; then that which came up more than 5 s later; of crossed dials the one dialled by the smaller NodeId.
// Uses move to the one that stays. A tunnel is held for a moment longer: what is on its way in it still arrives.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/base/rng.h"
#include "core/host/host.h"
#include "core/wire/swarm_messages.h"

namespace np2p::swarm {

enum class Use : std::uint8_t {
  joining,  // a bootstrap server, until the active view has members
  active,   // HyParView's active view; Plumtree runs over these
  finger,   // the finger graph, leaves included
  probe,    // a dial-back or an RTT measurement
  bulk,     // answers too large to be routed; dropped when idle
  head,     // of a cell of ours
  onward,   // of cells that we lead: heads of parts, and relays
  count_,
};

struct Peer {
  LinkId link;
  NodeId id;
  std::uint64_t boot = 0;
  Address remote;   // as observed
  Address listens;  // where it can be dialled, unspecified if it cannot
  PubKey owner;     // a claim
  Coordinates at;
  std::uint32_t servers = 0;   // how many there are, as it says; 0: it does not
  Duration rtt{};              // of the Hello, the smallest seen
  std::uint64_t asked_at = 0;  // of the Hello or Probe whose echo is awaited; 0: none is
  std::uint64_t salt = 0;      // both halves combined: the same on both sides
  MonoTime ready_at;
  MonoTime spent;         // its messages up to then have been let in: a token bucket in one number
  std::uint8_t uses = 0;  // bit per Use, ours
  bool outbound = false;
  bool peer_unused = false;      // it said so
  bool said_unused = false;      // we did
  bool was_handed = false;       // the records that it is near to: once is enough
  bool compared = false;         // what both know of earlier broadcasts was, if we had to begin
  std::uint8_t samples_due = 0;  // ShuffleReplies that we asked for and did not get yet
  Path path = Path::direct;
  [[nodiscard]] bool has(Use use) const noexcept { return (uses >> static_cast<unsigned>(use) & 1u) != 0; }
  [[nodiscard]] bool reachable() const noexcept { return !listens.is_unspecified(); }
  [[nodiscard]] PeerRef ref() const { return {id, listens, at}; }
};

// What became of a link, for the parts that use it.
struct LinkChange {
  enum class Kind : std::uint8_t { ready, lost, failed } kind;  // failed: a dial that never became ready
  LinkId link;
  NodeId id;              // zero if a failed dial's was not known
  Address address;        // dialled, for failed
  std::uint8_t uses = 0;  // ours, at that moment
  CloseReason reason = CloseReason::none;
};

class Links {
 public:
  Links(const Config& config, Host& host, std::uint64_t boot);

  // --- for the parts
  // The link to that node, for that use: the open one, or a new dial; ready or failed follows as a change (for an open
  // one as well: the parts need not tell the cases apart). 0: over the limit, own id, or an address never to be
  // dialled.
  LinkId connect(const PeerRef& to, Use use);
  LinkId dial(const Address& to, Use use);  // a bootstrap server: whose id is not known yet
  // A connection from an opened port, which never becomes a link: next_seen() says what the other side sees of us.
  LinkId look(std::uint16_t port, const PeerRef& to);
  struct Seen {
    LinkId link;
    Address from;
  };
  std::optional<Seen> next_seen();
  LinkId dial_lan(const PeerRef& to, Use use);  // on the LAN, whatever may_dial() says of that
  LinkId punch(std::uint16_t port, const PeerRef& to, MonoTime at, Use use);
  LinkId tunnel(const NodeId& to, bool outbound, Use use);
  std::optional<LinkId> next_closed_tunnel();  // whose other end is to be told
  void add_use(LinkId link, Use use);
  void drop_use(LinkId link, Use use);
  void close(LinkId link, CloseReason reason);  // a peer that broke a rule
  void send(LinkId link, const Message& message, Priority priority, Traffic traffic);
  void send(LinkId link, Frame encoded, Priority priority, Traffic traffic);  // encoded once for several links
  [[nodiscard]] Peer* find(LinkId link) noexcept;                             // ready ones only
  [[nodiscard]] Peer* find(const NodeId& id) noexcept;
  [[nodiscard]] const std::vector<Peer>& ready() const noexcept { return ready_; }  // ascending by LinkId
  [[nodiscard]] Peer* successor(LinkId replaced) noexcept;  // the link that has replaced this tunnel a moment ago
  // Can be dialled, and the link is there to stay: we use it, or the other side seems to.
  [[nodiscard]] bool stands(const Peer& peer) const noexcept;
  [[nodiscard]] std::size_t open_count() const noexcept;               // dials and half-introduced ones included
  [[nodiscard]] bool may_dial(const Address& address) const noexcept;  // protocol.md's rules for addresses heard of

  // --- what this node knows of itself; the next Hello says it, and peers that are linked are told
  void set_listens(const Address& address);
  void set_servers(std::uint32_t count) noexcept { servers_ = count; }  // how many there are, by what we keep
  [[nodiscard]] std::uint32_t servers() const noexcept { return servers_; }
  [[nodiscard]] const Address& listens() const noexcept { return listens_; }
  [[nodiscard]] PeerRef own_ref() const { return {host_.node_key.id(), listens_, at_}; }
  [[nodiscard]] Coordinates coordinates() const noexcept { return at_; }

  // --- inputs, from Swarm
  void link_up(const LinkInfo& info);
  void hello(LinkId link, const Hello& message);
  bool echo(LinkId link, const HelloEcho& message);  // false: of nothing that waits for one
  [[nodiscard]] bool is_aside(LinkId link) noexcept;
  void probe(LinkId link, const Probe& message);
  void unused(LinkId link, const Unused& message);
  [[nodiscard]] bool lets_in(Peer& peer) const noexcept;  // one more message, within Limits::link_messages_*
  void link_down(LinkId link, CloseReason reason);
  void close_all(CloseReason reason);
  std::optional<LinkChange> next();  // changes since the last call, oldest first
  [[nodiscard]] bool has_news() const noexcept { return taken_ != changes_.size(); }
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);  // closes what was not introduced in time; measures round trips
  [[nodiscard]] std::size_t bytes() const noexcept {
    return heap_bytes(ready_) + heap_bytes(order_) + heap_bytes(heads_) + heap_bytes(pending_) + heap_bytes(changes_) +
           heap_bytes(replaced_) + heap_bytes(closed_tunnels_) + heap_bytes(seen_);
  }

 private:
  struct Pending {  // dialled or come up, not ready yet
    LinkId link;
    NodeId id;        // expected or proven
    Address address;  // dialled; as observed if it came in
    Address remote;
    std::uint8_t uses = 0;
    bool outbound = false;
    bool up = false;
    bool aside = false;
    Path path = Path::direct;
    std::uint64_t salt = 0;     // our half
    std::uint64_t said_at = 0;  // of our Hello
    MonoTime since;
  };
  [[nodiscard]] Pending* pending(LinkId link) noexcept;
  void insert(const Peer& peer);
  void erase(std::size_t place);
  struct Replaced {  // a tunnel that is held for a moment
    LinkId link;
    LinkId by;
    MonoTime until;
  };
  LinkId start_dial(const NodeId& id, const Address& to, Use use);
  LinkId await(LinkId link, const PeerRef& to, Path path, bool outbound, Use use);
  [[nodiscard]] bool has_room() const noexcept { return open_count() < config_.limits.standing_links; }
  void close_at_host(LinkId link, Path path, CloseReason reason);
  void retire(LinkId link, Path path, LinkId stays, bool same_boot);
  [[nodiscard]] Hello hello_to(std::uint64_t salt) const;
  // Does the fresh link to the same node replace the old one? Both sides answer alike.
  [[nodiscard]] bool replaces(const Peer& old, const Pending& fresh, std::uint64_t boot) const noexcept;
  void add_use_back(Peer& peer);
  bool make_room();
  void lose(LinkId link, CloseReason reason);
  void measure();
  void relax();

  const Config& config_;
  Host& host_;
  Rng rng_;
  std::uint64_t boot_;
  std::optional<MonoTime> measure_at_;
  unsigned measured_ = 0;  // round trips
  Address listens_;
  Coordinates at_;
  std::uint32_t servers_ = 0;
  bool all_loopback_ = false;  // we and every bootstrap server: then nothing public is dialled
  std::vector<Peer> ready_;    // ascending by LinkId
  // Of ready_, one for one: every message and every reference that is heard looks somebody up, and few bytes are read.
  std::vector<LinkId> order_;
  std::vector<std::uint64_t> heads_;  // the first bytes of their ids
  std::vector<Pending> pending_;      // likewise
  std::vector<Replaced> replaced_;
  std::vector<LinkId> closed_tunnels_;
  std::vector<Seen> seen_;
  std::vector<LinkChange> changes_;  // a deque would cost 600 bytes empty
  std::size_t taken_ = 0;
};

}  // namespace np2p::swarm
