#include "core/overlay/swarm/passive_view.h"

#include <algorithm>

namespace np2p::swarm {

PassiveView::Entry* PassiveView::find(const NodeId& id) noexcept {
  for (Entry& entry : entries_) {
    if (entry.ref.id == id) return &entry;
  }
  return nullptr;
}

void PassiveView::add(const PeerRef& ref, Rng& rng) {
  if (Entry* known = find(ref.id)) {
    known->ref = ref;
    return;
  }
  if (entries_.size() < capacity_) {
    entries_.push_back({ref, {}});
    return;
  }
  if (capacity_ == 0) return;
  entries_[static_cast<std::size_t>(rng.below(entries_.size()))] = {ref, {}};
}

void PassiveView::remove(const NodeId& id) {
  Entry* known = find(id);
  if (known == nullptr) return;
  *known = entries_.back();
  entries_.pop_back();
}

void PassiveView::leave_alone(const NodeId& id, MonoTime until) {
  if (Entry* known = find(id)) known->not_before = until;
}

std::vector<PeerRef> PassiveView::sample(std::size_t count, Rng& rng) const {
  std::vector<PeerRef> chosen;
  chosen.reserve(std::min(count, entries_.size()));
  std::size_t left = entries_.size();
  for (const Entry& entry : entries_) {  // selection sampling, Knuth's algorithm S
    if (chosen.size() == count) break;
    if (rng.below(left) < count - chosen.size()) chosen.push_back(entry.ref);
    --left;
  }
  return chosen;
}

}  // namespace np2p::swarm
