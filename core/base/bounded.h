// Containers with a bound: whatever a peer can grow has a limit. BoundedSet forgets the oldest insertion first, which
// is what duplicate suppression wants: it remembers the last `capacity` keys and costs nothing more, for ever.
#pragma once

#include <cstddef>
#include <deque>
#include <unordered_set>

#include "core/base/assert.h"
#include "core/base/heap_bytes.h"

namespace np2p {

template <class Key>
class BoundedSet {
 public:
  explicit BoundedSet(std::size_t capacity) : capacity_(capacity) { NP2P_ASSERT(capacity > 0); }

  // True if the key was not there. May forget the oldest key.
  bool insert(const Key& key) {
    if (!members_.insert(key).second) return false;
    order_.push_back(key);
    if (order_.size() > capacity_) {
      members_.erase(order_.front());
      order_.pop_front();
    }
    return true;
  }
  [[nodiscard]] bool contains(const Key& key) const { return members_.count(key) != 0; }
  [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(members_) + heap_bytes(order_); }

 private:
  std::size_t capacity_;
  std::unordered_set<Key> members_;  // never iterated: its order means nothing
  std::deque<Key> order_;
};

}  // namespace np2p
