// The finger graph of reachable nodes: standing links, one to some node for every other value of every leading digit of
// our id, and to the 8 nearest ids. Greedy hops over it end at the node nearest to any key (compare Plaxton, Rajaraman,
// Richa 1997; Kademlia). A node behind NAT takes no part; it enters the graph through its neighbours.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "core/overlay/swarm/links.h"
#include "core/overlay/swarm/ring.h"

namespace np2p::swarm {

class Fingers {
 public:
  Fingers(const Config& config, Host& host, Links& links);

  void became_reachable();
  void became_unreachable();       // takes part no longer
  void heard(const PeerRef& ref);  // a candidate
  void changed(const LinkChange& change);
  void peer_updated(const Peer& peer);  // it said something new of itself; may close its link
  void on(Peer& from, const FindNode& message);
  void on(Peer& from, const FoundNodes& message);
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept { return ask_at_; }
  void due(MonoTime now);

  // The link to the reachable peer nearest to the target; 0 if we are nearer ourselves and reachable, too.
  // `avoid`: not over that one, if there is another.
  [[nodiscard]] LinkId toward(const Point& target, const NodeId& avoid = {}) const noexcept;
  // Links to reachable peers, nearest to the target first.
  [[nodiscard]] std::vector<LinkId> nearest(const Point& target, std::size_t count) const;
  // Is that node about as near to the target as the 8 nearest nodes will be, judged by how dense they are around us?
  // With `slack` it may be farther by that many bits.
  [[nodiscard]] bool is_near(const Point& node, const Point& target, std::size_t slack = 0) const noexcept;
  // The leading bits that our id shares with the eighth nearest: the network has about 2^(3 + bits) reachable nodes.
  [[nodiscard]] std::size_t shared_bits() const noexcept;
  [[nodiscard]] bool has_leaves() const noexcept;  // eight others are linked
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(dialling_) + heap_bytes(leaves_); }

 private:
  static constexpr std::size_t kRows = 10;  // beyond, the nearest 8 are all there are
  [[nodiscard]] bool takes_part() const noexcept { return !links_.listens().is_unspecified(); }
  [[nodiscard]] bool fits(const Point& id) const;  // an empty place, or nearer than a leaf
  [[nodiscard]] bool had_no_room(const NodeId& id);
  void recount();
  void ask_soon();  // after a loss
  void trim();

  Host& host_;
  Links& links_;
  Rng rng_;
  std::array<std::uint16_t, kRows> covered_{};  // by digit: there is a finger, or one is being dialled
  std::vector<NodeId> dialling_;
  struct Crowded {
    NodeId id;
    MonoTime since;
  };
  std::vector<Crowded> crowded_;  // had no room for us; oldest first
  std::vector<Point> leaves_;     // the nearest 8, nearest first
  std::optional<MonoTime> ask_at_;
  Duration ask_pause_{};
};

}  // namespace np2p::swarm
