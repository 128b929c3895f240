// What containers hold on the heap, as the GNU library lays them out: for measuring a node's memory, never for
// decisions. A vector holds its capacity, a tree or a hash table one allocation per element.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace np2p {

inline constexpr std::size_t kAllocationBytes = 8;  // malloc's own, in front of each block
inline constexpr std::size_t kTreeNodeBytes = 32 + kAllocationBytes;
inline constexpr std::size_t kHashNodeBytes = 16 + kAllocationBytes;  // link and cached hash
inline constexpr std::size_t kDequeBlockBytes = 512;

template <class T>
std::size_t heap_bytes(const std::vector<T>& items) noexcept {
  return items.capacity() == 0 ? 0 : items.capacity() * sizeof(T) + kAllocationBytes;
}

// The items hold memory themselves, as their own heap_bytes() says.
template <class T, class Inner>
std::size_t heap_bytes(const std::vector<T>& items, Inner inner) {
  std::size_t sum = heap_bytes(items);
  for (const T& item : items) sum += inner(item);
  return sum;
}

template <class Key, class Value>
std::size_t heap_bytes(const std::map<Key, Value>& items) noexcept {
  return items.size() * (sizeof(std::pair<const Key, Value>) + kTreeNodeBytes);
}

template <class Key>
std::size_t heap_bytes(const std::set<Key>& items) noexcept {
  return items.size() * (sizeof(Key) + kTreeNodeBytes);
}

template <class Key, class Value, class Hash>
std::size_t heap_bytes(const std::unordered_map<Key, Value, Hash>& table) noexcept {
  return table.size() * (sizeof(std::pair<const Key, Value>) + kHashNodeBytes) + table.bucket_count() * sizeof(void*);
}

template <class Key, class Hash>
std::size_t heap_bytes(const std::unordered_set<Key, Hash>& table) noexcept {
  return table.size() * (sizeof(Key) + kHashNodeBytes) + table.bucket_count() * sizeof(void*);
}

// At least one block and a table of eight of them, even if empty.
template <class T>
std::size_t heap_bytes(const std::deque<T>& items) noexcept {
  const std::size_t each = sizeof(T) < kDequeBlockBytes ? kDequeBlockBytes / sizeof(T) : 1;
  const std::size_t blocks = items.size() / each + 1;
  const std::size_t map = (blocks + 2 > 8 ? blocks + 2 : 8) * sizeof(void*);
  return blocks * (each * sizeof(T) + kAllocationBytes) + map + kAllocationBytes;
}

}  // namespace np2p
