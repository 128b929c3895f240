// Containers with a bound: whatever a peer can grow has a limit. BoundedSet forgets the oldest insertion first, which
// is what duplicate suppression wants: it remembers the last `capacity` keys and costs nothing more, for ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/base/heap_bytes.h"
#include "core/base/vectors.h"

namespace np2p {

// The keys lie in one ring, found by a table of places in it: about 6 bytes each
// besides the key, where nodes of a hash table would take 70.
template <class Key>
class BoundedSet {
 public:
  explicit BoundedSet(std::size_t capacity) : capacity_(capacity) { NP2P_ASSERT(capacity > 0 && capacity < kFree); }

  // True if the key was not there. May forget the oldest key.
  bool insert(const Key& key) {
    if (contains(key)) return false;
    if (keys_.size() < capacity_) {
      make_room_for_one(keys_);
      keys_.push_back(key);
      if (keys_.size() * 4 > table_.size() * 3) return grow(), true;
      place(keys_.size() - 1);
      return true;
    }
    forget(oldest_);
    keys_[oldest_] = key;
    place(oldest_);
    oldest_ = (oldest_ + 1) % capacity_;
    return true;
  }
  [[nodiscard]] bool contains(const Key& key) const noexcept {
    if (table_.empty()) return false;
    for (std::size_t slot = home(key); table_[slot] != kFree; slot = next(slot)) {
      if (keys_[table_[slot]] == key) return true;
    }
    return false;
  }
  [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(keys_) + heap_bytes(table_); }

 private:
  static constexpr std::uint32_t kFree = 0xFFFFFFFF;
  [[nodiscard]] std::size_t home(const Key& key) const noexcept {
    return mix64(std::hash<Key>{}(key)) & (table_.size() - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t slot) const noexcept { return (slot + 1) & (table_.size() - 1); }
  void place(std::size_t index) {
    std::size_t slot = home(keys_[index]);
    while (table_[slot] != kFree) slot = next(slot);
    table_[slot] = static_cast<std::uint32_t>(index);
  }
  void grow() {
    std::size_t slots = 16;
    while (slots < keys_.size() * 2) slots *= 2;
    table_.assign(slots, kFree);
    for (std::size_t index = 0; index < keys_.size(); ++index) place(index);
  }
  // Takes it out of the table and closes the gap (Knuth, volume 3, 6.4, algorithm R): what lies behind it on its way
  // from home moves up.
  void forget(std::size_t index) {
    std::size_t gap = home(keys_[index]);
    while (table_[gap] != index) gap = next(gap);
    for (std::size_t slot = next(gap); table_[slot] != kFree; slot = next(slot)) {
      const std::size_t from_home = (slot - home(keys_[table_[slot]])) & (table_.size() - 1);
      const std::size_t from_gap = (slot - gap) & (table_.size() - 1);
      if (from_home < from_gap) continue;
      table_[gap] = table_[slot];
      gap = slot;
    }
    table_[gap] = kFree;
  }

  std::size_t capacity_;
  std::vector<Key> keys_;  // in the order of coming, from oldest_ on
  std::size_t oldest_ = 0;
  std::vector<std::uint32_t> table_;  // open addressing, linear probing; a power of two
};

}  // namespace np2p
