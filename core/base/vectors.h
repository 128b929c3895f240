// Vectors of which a world with a hundred thousand nodes holds millions: what grows for good grows in small steps, and
// what was long for a moment is given back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace np2p {

// Room for one more, and for an eighth more than there is: insertion stays cheap, and little lies idle.
template <class T>
void make_room_for_one(std::vector<T>& items) {
  if (items.size() == items.capacity()) items.reserve(items.size() + std::max<std::size_t>(4, items.size() / 8));
}

template <class T>
void clear_out(std::vector<T>& items) noexcept {
  constexpr std::size_t kWorthKeeping = 128;  // bytes
  if (items.capacity() * sizeof(T) > kWorthKeeping) {
    std::vector<T>().swap(items);
  } else {
    items.clear();
  }
}

}  // namespace np2p
