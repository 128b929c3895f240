#include "core/overlay/swarm/head_links.h"

#include <algorithm>

namespace np2p::swarm {

void HeadLinks::hold(const std::vector<PubKey>& heads) {
  if (heads.empty() && held_.empty()) return;
  std::vector<NodeId> now;
  for (const PubKey& head : heads) {
    const auto found = locator_.find_alive(head);
    if (!found || found->listens.is_unspecified()) continue;
    now.push_back(found->node);
    const Peer* peer = links_.find(found->node);
    if (peer == nullptr || !peer->has(Use::head)) links_.connect({found->node, found->listens, {}}, Use::head);
  }
  std::sort(now.begin(), now.end());
  for (const NodeId& node : held_) {
    if (!std::binary_search(now.begin(), now.end(), node)) let_go(node);
  }
  held_ = std::move(now);
  until_ = host_.clock.mono() + config_.limits.cell_lease;
}

void HeadLinks::let_go(const NodeId& node) {
  if (const Peer* peer = links_.find(node)) links_.drop_use(peer->link, Use::head);
}

void HeadLinks::due(MonoTime now) {
  if (!until_ || *until_ > now) return;
  until_.reset();
  for (const NodeId& node : std::exchange(held_, {})) let_go(node);
}

}  // namespace np2p::swarm
