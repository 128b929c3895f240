#include "core/overlay/mesh/routes.h"

#include <algorithm>
#include <bit>

#include "core/base/hash.h"

namespace np2p::mesh {

// Fills hop[slot] with the first step from `from` towards slot. True if it came to `stop`: hop then marks what comes
// before `stop` in the order of the walk. A walk that has reached everybody may end early.
bool Routes::walk(Slot from, Slot stop, std::vector<Slot>& hop) {
  hop.assign(topology_.slots(), kNoSlot);
  hop[from] = from;
  seen_.assign((topology_.slots() + 63) / 64, 0);
  seen_[from / 64] |= 1ull << (from % 64);
  std::size_t reached = 1;
  level_.assign(1, from);
  while (!level_.empty()) {
    std::sort(level_.begin(), level_.end(), [this](Slot a, Slot b) { return rank_[a] < rank_[b]; });
    next_level_.clear();
    for (const Slot at : level_) {
      if (at == stop) return true;
      const std::vector<std::uint64_t>& neighbours = topology_.at(at).neighbours;
      for (std::size_t word = 0; word < neighbours.size(); ++word) {
        std::uint64_t fresh = neighbours[word] & ~seen_[word];
        seen_[word] |= fresh;
        for (; fresh != 0; fresh &= fresh - 1) {
          const auto to = static_cast<Slot>(64 * word + static_cast<unsigned>(std::countr_zero(fresh)));
          hop[to] = at == from ? to : hop[at];
          next_level_.push_back(to);
          ++reached;
        }
      }
      if (reached == topology_.size()) return true;
    }
    std::swap(level_, next_level_);
  }
  return stop == kNoSlot;
}

void Routes::refresh() {
  if (current_) return;
  current_ = true;
  const auto& by_name = topology_.by_name();
  rank_.assign(topology_.slots(), 0);
  for (std::size_t i = 0; i < by_name.size(); ++i) rank_[by_name[i].second] = static_cast<std::uint16_t>(i);
  for (Hops& hops : broadcast_) hops.known = false;
  broadcast_.resize(topology_.slots());
  walk(kOwn, kNoSlot, hop_);

  weights_.clear();
  std::uint64_t signature = 0;
  reached_ = 0;
  counts_.assign(topology_.slots(), 0);
  for (const auto& [name, slot] : by_name) {
    if (hop_[slot] == kNoSlot) continue;
    ++reached_;
    signature += mix64(name + 1);
    if (slot != kOwn) ++counts_[hop_[slot]];
  }
  for (const auto& [name, slot] : by_name)
    if (counts_[slot] > 0) weights_.emplace_back(slot, counts_[slot]);
  if (signature != signature_) {
    signature_ = signature;
    ++version_;
  }
}

Slot Routes::next_hop(Slot to) {
  refresh();
  return to < hop_.size() ? hop_[to] : kNoSlot;
}

const std::vector<Slot>& Routes::next_hops() {
  refresh();
  return hop_;
}

const std::vector<Slot>& Routes::broadcast_hops(Slot source) {
  refresh();
  Hops& hops = broadcast_[source];
  if (hops.known) return hops.slots;
  hops.known = true;
  hops.slots.clear();
  if (!walk(source, kOwn, tree_)) return hops.slots;
  for (const Edge& edge : topology_.at(kOwn).edges)
    if (tree_[edge.to] == kNoSlot) hops.slots.push_back(edge.to);
  return hops.slots;
}

std::vector<Slot> Routes::random_neighbours(Slot except, Rng& rng) {
  refresh();
  std::vector<std::pair<Slot, std::uint32_t>> left = weights_;
  std::erase_if(left, [except](const auto& entry) { return entry.first == except; });
  std::uint64_t total = 0;
  for (const auto& [slot, weight] : left) total += weight;
  const std::uint64_t squared = static_cast<std::uint64_t>(reached_) * reached_;
  const std::size_t needed = std::min(static_cast<std::size_t>(std::bit_width(squared) - 1), left.size());
  std::vector<Slot> chosen;
  chosen.reserve(needed);
  while (chosen.size() < needed) {
    std::uint64_t point = rng.below(total);
    std::size_t i = 0;
    while (point >= left[i].second) point -= left[i++].second;
    chosen.push_back(left[i].first);
    total -= left[i].second;
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return chosen;
}

bool Routes::established(Slot to) const {
  const auto symmetric = [this](Slot from, const Edge& edge) {
    if (!edge.established) return false;
    for (const Edge& back : topology_.at(edge.to).edges)
      if (back.to == from) return static_cast<bool>(back.established);
    return false;
  };
  std::vector<bool> seen(topology_.slots());
  std::vector<Slot> queue{kOwn};
  seen[kOwn] = true;
  for (std::size_t i = 0; i < queue.size(); ++i) {
    for (const Edge& edge : topology_.at(queue[i]).edges) {
      if (seen[edge.to] || !symmetric(queue[i], edge)) continue;
      if (edge.to == to) return true;
      seen[edge.to] = true;
      queue.push_back(edge.to);
    }
  }
  return false;
}

std::size_t Routes::reachable() {
  refresh();
  return reached_ - 1;
}

std::uint64_t Routes::version() {
  refresh();
  return version_;
}

}  // namespace np2p::mesh
