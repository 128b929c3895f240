// Containers with a bound: whatever a peer can grow has a limit. BoundedSet forgets the oldest insertion first, which
// is what duplicate suppression wants: it remembers the last `capacity` keys and costs nothing more, for ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/assert.h"
#include "core/base/heap_bytes.h"
#include "core/base/place_index.h"
#include "core/base/vectors.h"

namespace np2p {

// The keys lie in one ring, found by their places in it: about 6 bytes each besides the key, where nodes of a hash
// table would take 70.
template <class Key>
class BoundedSet {
 public:
  explicit BoundedSet(std::size_t capacity) : capacity_(capacity) {
    NP2P_ASSERT(capacity > 0 && capacity < PlaceIndex::kNone);
  }

  // True if the key was not there. May forget the oldest key.
  bool insert(const Key& key) {
    if (contains(key)) return false;
    const auto hash_of = [this](std::uint32_t place) { return std::uint64_t{std::hash<Key>{}(keys_[place])}; };
    if (keys_.size() < capacity_) {
      make_room_for_one(keys_);
      keys_.push_back(key);
      index_.add(static_cast<std::uint32_t>(keys_.size() - 1), hash_of);
      return true;
    }
    index_.remove(oldest_, hash_of);
    keys_[oldest_] = key;
    index_.add(oldest_, hash_of);
    oldest_ = oldest_ + 1 < capacity_ ? oldest_ + 1 : 0;
    return true;
  }
  [[nodiscard]] bool contains(const Key& key) const noexcept {
    const auto is_it = [&](std::uint32_t place) { return keys_[place] == key; };
    return index_.find(std::hash<Key>{}(key), is_it) != PlaceIndex::kNone;
  }
  [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(keys_) + index_.bytes(); }

 private:
  std::size_t capacity_;
  std::vector<Key> keys_;  // in the order of coming, from oldest_ on
  std::uint32_t oldest_ = 0;
  PlaceIndex index_;
};

}  // namespace np2p
