// Routes over the topology as weaveworks/mesh computes them, breadth first with peers of one distance in the order of
// their names: every node that knows the same topology gets the same trees, so a broadcast reaches everybody once.
// Like the original's gossip they use all connections that one side claims, established or not.
//
// Computed on demand after invalidate(); the hops of a broadcast source are kept until then.
#pragma once

#include "core/base/heap_bytes.h"
#include "core/base/rng.h"
#include "core/overlay/mesh/topology.h"

namespace np2p::mesh {

class Routes {
 public:
  explicit Routes(const Topology& topology) : topology_(topology) {}

  void invalidate() noexcept { current_ = false; }

  // The neighbour on a shortest path; kOwn for ourselves, kNoSlot if there is none.
  [[nodiscard]] Slot next_hop(Slot to);
  // By slot; kNoSlot marks what cannot be reached.
  [[nodiscard]] const std::vector<Slot>& next_hops();
  // To whom we hand on what came from `source`.
  [[nodiscard]] const std::vector<Slot>& broadcast_hops(Slot source);
  // About 2 log2 N neighbours, those more likely over which more peers are reached. Not `except`, not those behind it.
  [[nodiscard]] std::vector<Slot> random_neighbours(Slot except, Rng& rng);
  // Is there a path of connections that both sides call established?
  [[nodiscard]] bool established(Slot to) const;

  [[nodiscard]] std::size_t reachable();  // without ourselves
  [[nodiscard]] std::uint64_t version();  // rises when the set of reachable peers changes
  [[nodiscard]] std::size_t bytes() const noexcept {
    return heap_bytes(hop_) + heap_bytes(rank_) + heap_bytes(weights_) +
           heap_bytes(broadcast_, [](const Hops& hops) { return heap_bytes(hops.slots); }) + heap_bytes(level_) +
           heap_bytes(next_level_) + heap_bytes(seen_) + heap_bytes(tree_) + heap_bytes(counts_);
  }

 private:
  void refresh();
  bool walk(Slot from, Slot stop, std::vector<Slot>& hop);

  const Topology& topology_;
  bool current_ = false;
  std::uint64_t version_ = 0;
  std::uint64_t signature_ = 0;  // of the set of reachable names
  std::size_t reached_ = 0;      // with ourselves
  std::vector<Slot> hop_;
  std::vector<std::uint16_t> rank_;                      // slot -> place in the order of names
  std::vector<std::pair<Slot, std::uint32_t>> weights_;  // neighbour -> peers reached over it
  struct Hops {
    bool known = false;
    std::vector<Slot> slots;
  };
  std::vector<Hops> broadcast_;  // by source
  std::vector<Slot> level_;      // scratch
  std::vector<Slot> next_level_;
  std::vector<std::uint64_t> seen_;
  std::vector<Slot> tree_;
  std::vector<std::uint32_t> counts_;
};

}  // namespace np2p::mesh
