// Links to the heads of our cells (cells.h): a copy that is routed to a head takes two or three hops, and all members
// wait for it. They are made when a payload went to the cells, for the next one, and let go when none has gone for
// Limits::cell_lease, which is as long as heads keep their lists. Until a link is there copies are routed.
#pragma once

#include <optional>
#include <vector>

#include "core/overlay/swarm/locator.h"

namespace np2p::swarm {

class HeadLinks {
 public:
  HeadLinks(const Config& config, Host& host, Links& links, const Locator& locator)
      : config_(config), host_(host), links_(links), locator_(locator) {}
  // A payload went to these: they are linked with from now on, others no more.
  void hold(const std::vector<PubKey>& heads);
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept { return until_; }
  void due(MonoTime now);
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(held_); }

 private:
  void let_go(const NodeId& node);

  const Config& config_;
  Host& host_;
  Links& links_;
  const Locator& locator_;
  std::vector<NodeId> held_;  // ascending
  std::optional<MonoTime> until_;
};

}  // namespace np2p::swarm
