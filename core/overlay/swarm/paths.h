// Shortest-path trees among the reachable nodes, which broadcasts travel along. The root of each tree is the node whose
// id is nearest to a point of the ring that everybody knows, so some root is near to every source; distances are the
// round trips measured on the links. Nothing has to be broadcast before the trees are good.
//
// A distance-vector protocol without loops: as in Babel (RFC 8966) and DUAL (Garcia-Luna-Aceves 1993) a route is taken
// only from a neighbour that is nearer to the root than we have ever told anybody to be. Without such a neighbour the
// route is taken back, and when that has had time to reach all who came through us, any neighbour will do. Links are
// reliable and their end is noticed, so neighbours hear of changes only, and a quiet network is silent.
//
// Who lies about its distance or its rank attracts a tree and can swallow what comes along it. That is repaired by the
// announcements of plumtree.h like any loss.
#pragma once

#include <optional>
#include <vector>

#include "core/overlay/swarm/links.h"
#include "core/overlay/swarm/ring.h"

namespace np2p::swarm {

// The tree of those who know no root: Plumtree's own, grown by GRAFT and PRUNE (plumtree.h).
inline constexpr std::uint8_t kSharedTree = 63;

class Paths {
 public:
  Paths(const SwarmParams& params, Host& host, Links& links);

  void link_up(LinkId link);  // between two reachable nodes
  void link_down(LinkId link);
  void leave();  // we can be dialled no longer
  void on(Peer& from, const PathVector& message);

  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);

  [[nodiscard]] std::uint8_t nearest() const noexcept;  // the tree whose root is nearest; kSharedTree if there is none
  [[nodiscard]] LinkId parent(std::uint8_t tree) const noexcept;
  [[nodiscard]] PathDelay delay(std::uint8_t tree) const noexcept;  // to its root; kFar: no route
  // The rank of a root that we have a route to; kNoRank if there is none.
  [[nodiscard]] std::uint32_t root(std::uint8_t tree) const noexcept;
  [[nodiscard]] std::size_t routes() const noexcept;  // trees with a route to the root
  [[nodiscard]] std::size_t bytes() const noexcept;
  struct Change {  // of our parent in a tree; 0: none
    std::uint8_t tree = 0;
    LinkId before;
    LinkId after;
  };
  std::optional<Change> next();  // since the last call, oldest first

 private:
  struct Route {
    std::uint32_t rank = kNoRank;  // of the root: its distance to the tree's point; the lowest known counts
    PathDelay delay = kFar;        // ours to the root
    PathDelay feasible = kFar;     // the least that we told anybody about this root
    PathDelay told = kFar;
    std::uint32_t told_rank = kNoRank;
    LinkId parent;                 // 0: we are the root, or there is no route
    std::optional<MonoTime> held;  // no route, and none taken but a feasible one until then
    std::uint8_t waited = 0;       // how often for a neighbour that should be the root, and does not say so
  };
  struct Neighbour {
    LinkId link;
    bool open = false;              // it has outlived those that are only tried
    std::vector<PathDelay> delays;  // to the roots of our routes, by tree
  };

  [[nodiscard]] std::vector<Neighbour>::iterator place_of(LinkId link) noexcept;
  [[nodiscard]] std::uint32_t own_rank(std::size_t tree) const noexcept;
  [[nodiscard]] std::optional<PathDelay> over(LinkId link, PathDelay delay) const noexcept;
  void begin();               // with the first link
  void settle(MonoTime now);  // who is the root, when our neighbours have had time to tell us
  void open(Neighbour& neighbour);
  void take(std::size_t tree, LinkId parent, PathDelay delay);
  void claim(std::size_t tree);
  void reselect(std::size_t tree);
  void take_back(std::size_t tree);
  void hold(Route& route, MonoTime until);
  // Trees: 1 << tree if the other side, which knows no root of it, is to hear of ours.
  [[nodiscard]] Trees hear(Neighbour& from, const PathEntry& entry);
  [[nodiscard]] static Duration pause_for(const Route& route) noexcept;
  void tell_within(Duration pause);
  void tell(LinkId link, Trees trees);
  void say(const PathVector& message);  // to everybody
  [[nodiscard]] static bool worth_telling(const Route& route) noexcept;

  const SwarmParams& params_;
  Host& host_;
  Links& links_;
  std::vector<Route> routes_;          // by tree; empty as long as we are no part of this
  std::vector<std::uint32_t> ranks_;   // ours, by tree
  std::vector<Neighbour> neighbours_;  // ascending by link
  std::vector<Change> changes_;
  std::size_t taken_ = 0;
  std::optional<MonoTime> tell_at_;
  std::optional<MonoTime> settle_at_;
  std::optional<MonoTime> held_from_;  // no route is held until an earlier time
  // When due() has something to do: asked after each message, found out after those that were ours.
  [[nodiscard]] std::optional<MonoTime> find_due() const noexcept;
  mutable std::optional<MonoTime> due_;
  mutable bool due_known_ = false;
};

}  // namespace np2p::swarm
