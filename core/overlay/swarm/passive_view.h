// HyParView's passive view: nodes that could be dialled if a neighbour is lost. A bounded set in no order, from which
// a random one makes room: one of the netgroup with most members, the newcomer counted among its own. So whoever has
// many addresses in few networks pushes out himself. Who could not be dialled is dropped, who refused is left alone for
// a while.
#pragma once

#include <algorithm>
#include <vector>

#include "core/base/heap_bytes.h"
#include "core/base/rng.h"
#include "core/overlay/swarm/netgroup.h"
#include "core/wire/swarm_messages.h"

namespace np2p::swarm {

class PassiveView {
 public:
  explicit PassiveView(std::size_t capacity, bool heeds_groups = true)
      : capacity_(capacity), heeds_groups_(heeds_groups) {}

  void add(const PeerRef& ref, Rng& rng);  // or takes its newer address and place
  void remove(const NodeId& id);
  void leave_alone(const NodeId& id, MonoTime now, MonoTime until);
  [[nodiscard]] std::vector<PeerRef> sample(std::size_t count, Rng& rng) const;  // of as many netgroups as possible
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(entries_) + heap_bytes(left_alone_); }

  template <class Fits>
  [[nodiscard]] bool any(Fits fits) const {
    return std::any_of(entries_.begin(), entries_.end(), fits);
  }
  // A random one that `fits`, or none. Those left alone do not count.
  template <class Fits>
  const PeerRef* pick(MonoTime now, Rng& rng, Fits fits) const {
    const PeerRef* chosen = nullptr;
    std::uint64_t candidates = 0;
    for (const PeerRef& entry : entries_) {
      if (!fits(entry) || is_left_alone(entry.id, now)) continue;
      ++candidates;
      if (rng.below(candidates) == 0) chosen = &entry;
    }
    return chosen;
  }
  // Likewise, but each netgroup has the same chance, however many members it has.
  template <class Fits>
  const PeerRef* pick_by_group(MonoTime now, Rng& rng, Fits fits) const {
    std::vector<const PeerRef*> fitting;
    std::vector<std::uint64_t> groups;
    for (const PeerRef& entry : entries_) {
      if (!fits(entry) || is_left_alone(entry.id, now)) continue;
      const std::uint64_t group = netgroup(entry.address);
      fitting.push_back(&entry);
      if (group == 0 || std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
    }
    if (groups.empty()) return nullptr;
    const std::uint64_t chosen = groups[static_cast<std::size_t>(rng.below(groups.size()))];
    std::erase_if(fitting, [&](const PeerRef* one) { return netgroup(one->address) != chosen; });
    return fitting[static_cast<std::size_t>(rng.below(fitting.size()))];
  }
  // The one with the least `cost` below `limit`, or none.
  template <class Cost>
  const PeerRef* best(MonoTime now, Duration limit, Cost cost) const {
    const PeerRef* chosen = nullptr;
    for (const PeerRef& entry : entries_) {
      const Duration price = cost(entry);
      if (price >= limit || is_left_alone(entry.id, now)) continue;
      limit = price;
      chosen = &entry;
    }
    return chosen;
  }

 private:
  struct LeftAlone {
    NodeId id;
    MonoTime until;
  };
  [[nodiscard]] PeerRef* find(const NodeId& id) noexcept;
  [[nodiscard]] bool is_left_alone(const NodeId& id, MonoTime now) const noexcept;
  [[nodiscard]] PeerRef& leaver(const Address& comes, Rng& rng) noexcept;
  std::size_t capacity_;
  bool heeds_groups_;
  std::vector<PeerRef> entries_;
  std::vector<LeftAlone> left_alone_;  // few of the entries; oldest first
};

}  // namespace np2p::swarm
