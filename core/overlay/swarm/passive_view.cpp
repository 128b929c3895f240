#include "core/overlay/swarm/passive_view.h"

#include "core/overlay/swarm/netgroup.h"

namespace np2p::swarm {
namespace {

constexpr std::size_t kPerGroup = 2;  // of a full view

}  // namespace

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
  const std::uint64_t group = netgroup(ref.address);
  const auto same = [&](const PeerRef& one) { return group != 0 && netgroup(one.address) == group; };
  const auto count = static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(), same));
  if (count < kPerGroup) {
    entries_[static_cast<std::size_t>(rng.below(entries_.size()))] = ref;
    return;
  }
  std::uint64_t before = rng.below(count);
  for (PeerRef& entry : entries_) {
    if (same(entry) && before-- == 0) {
      entry = ref;
      return;
    }
  }
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
  std::size_t left = entries_.size();
  for (const PeerRef& entry : entries_) {  // selection sampling, Knuth's algorithm S
    if (chosen.size() == count) break;
    if (rng.below(left) < count - chosen.size()) chosen.push_back(entry);
    --left;
  }
  return chosen;
}

}  // namespace np2p::swarm
