#include "core/overlay/swarm/recent_payloads.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/base/vectors.h"

namespace np2p::swarm {

RecentPayloads::Entry* RecentPayloads::find(std::uint64_t head) {
  if (table_.empty()) return nullptr;
  const std::size_t mask = table_.size() - 1;
  for (std::size_t i = mix64(head) & mask; table_[i] != 0; i = (i + 1) & mask) {
    const std::size_t at = table_[i] - 1;
    if (at >= first_ && RecentPayloads::head(ring_[at].id) == head) return &ring_[at];
  }
  return nullptr;
}

RecentPayloads::Entry* RecentPayloads::find(const PayloadId& id) {
  Entry* entry = find(head(id));
  return entry != nullptr && entry->id == id ? entry : nullptr;
}

RecentPayloads::Entry& RecentPayloads::add(Entry entry) {
  while (size() > 0 && (size() >= max_entries_ || bytes_ + entry.whole.size() > max_bytes_)) drop_oldest();
  bytes_ += entry.whole.size();
  make_room_for_one(ring_);
  ring_.push_back(std::move(entry));
  if (ring_.size() * 4 > table_.size() * 3) {
    rebuild();
  } else {
    const std::size_t mask = table_.size() - 1;
    std::size_t i = mix64(head(ring_.back().id)) & mask;
    while (table_[i] != 0) i = (i + 1) & mask;
    table_[i] = static_cast<std::uint32_t>(ring_.size());
  }
  return ring_.back();
}

void RecentPayloads::drop_oldest() {
  bytes_ -= ring_[first_].whole.size();
  ring_[first_].whole = Frame();
  ++first_;
  bare_ = std::max(bare_, first_);
}

// Makes the ring start at 0 again and the table fit.
void RecentPayloads::rebuild() {
  ring_.erase(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(first_));
  bare_ -= first_;
  first_ = 0;
  std::size_t slots = 16;
  while (slots < ring_.size() * 2) slots *= 2;
  table_.assign(slots, 0);
  for (std::size_t at = 0; at < ring_.size(); ++at) {
    std::size_t i = mix64(head(ring_[at].id)) & (slots - 1);
    while (table_[i] != 0) i = (i + 1) & (slots - 1);
    table_[i] = static_cast<std::uint32_t>(at + 1);
  }
}

void RecentPayloads::forget(MonoTime payloads_before, MonoTime ids_before) {
  while (bare_ < ring_.size() && ring_[bare_].at() < payloads_before) {
    bytes_ -= ring_[bare_].whole.size();
    ring_[bare_].whole = Frame();
    ++bare_;
  }
  while (first_ < ring_.size() && ring_[first_].at() < ids_before) drop_oldest();
  if (size() > 0) return;
  std::vector<Entry>().swap(ring_);  // it was long ago, and may not come again
  std::vector<std::uint32_t>().swap(table_);
  first_ = bare_ = 0;
}

}  // namespace np2p::swarm
