#include "core/overlay/swarm/passive_view.h"

namespace np2p::swarm {
PeerRef* PassiveView::find(const NodeId& id) noexcept {
  for (PeerRef& entry : entries_) {
    if (entry.id == id) return &entry;
  }
  return nullptr;
}

bool PassiveView::is_left_alone(const NodeId& id, MonoTime now) const noexcept {
  return std::any_of(left_alone_.begin(), left_alone_.end(),
                     [&](const LeftAlone& one) { return one.until > now && one.id == id; });
}

void PassiveView::add(const PeerRef& ref, Rng& rng) {
  if (PeerRef* known = find(ref.id)) {
    *known = ref;
    return;
  }
  if (entries_.size() < capacity_) {
    entries_.push_back(ref);
    return;
  }
  if (capacity_ == 0) return;
  leaver(ref.address, rng) = ref;
}

PeerRef& PassiveView::leaver(const Address& comes, Rng& rng) noexcept {
  const std::uint64_t own = netgroup(comes);
  std::vector<std::uint64_t> groups{own};
  for (const PeerRef& entry : entries_) groups.push_back(netgroup(entry.address));
  const auto members = [&](const PeerRef& one) {
    const std::uint64_t group = netgroup(one.address);
    return group == 0 || !heeds_groups_ ? 1 : std::count(groups.begin(), groups.end(), group);
  };
  std::size_t leaves = 0;
  std::ptrdiff_t most = 0;
  std::uint64_t candidates = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::ptrdiff_t count = members(entries_[i]);
    if (count < most) continue;
    if (count > most) candidates = 0;
    most = count;
    ++candidates;
    if (rng.below(candidates) == 0) leaves = i;
  }
  return entries_[leaves];
}

void PassiveView::remove(const NodeId& id) {
  PeerRef* known = find(id);
  if (known == nullptr) return;
  *known = entries_.back();
  entries_.pop_back();
}

void PassiveView::leave_alone(const NodeId& id, MonoTime now, MonoTime until) {
  if (find(id) == nullptr) return;
  std::erase_if(left_alone_, [&](const LeftAlone& one) { return one.until <= now || one.id == id; });
  if (left_alone_.size() >= capacity_) left_alone_.erase(left_alone_.begin());
  left_alone_.push_back({id, until});
}

std::vector<PeerRef> PassiveView::sample(std::size_t count, Rng& rng) const {
  std::vector<PeerRef> chosen;
  chosen.reserve(std::min(count, entries_.size()));
  if (heeds_groups_) {
    std::vector<const PeerRef*> order;
    std::vector<const PeerRef*> others;
    std::vector<std::uint64_t> groups;
    for (const PeerRef& entry : entries_) order.push_back(&entry);
    rng.shuffle(order);
    for (const PeerRef* one : order) {
      if (chosen.size() == count) return chosen;
      const std::uint64_t group = netgroup(one->address);
      if (group != 0 && std::find(groups.begin(), groups.end(), group) != groups.end()) {
        others.push_back(one);
        continue;
      }
      groups.push_back(group);
      chosen.push_back(*one);
    }
    for (std::size_t i = 0; i < others.size() && chosen.size() < count; ++i) chosen.push_back(*others[i]);
    return chosen;
  }
  std::size_t left = entries_.size();
  for (const PeerRef& entry : entries_) {  // selection sampling, Knuth's algorithm S
    if (chosen.size() == count) break;
    if (rng.below(left) < count - chosen.size()) chosen.push_back(entry);
    --left;
  }
  return chosen;
}

}  // namespace np2p::swarm
