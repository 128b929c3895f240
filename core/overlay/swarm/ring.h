// The space of NodeIds and directory keys under the XOR metric (Maymounkov, Mazieres: "Kademlia", IPTPS 2002), read in
// digits of 4 bits.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/wire/swarm_messages.h"

namespace np2p::swarm {

using Point = std::array<std::uint8_t, 32>;

// The leading 64 bits, which nearly always decide.
inline std::uint64_t leading(const Point& point) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | point[i];
  return value;
}

// Is `a` nearer to `target` than `b`?
inline bool nearer(const Point& a, const Point& b, const Point& target) noexcept {
  const std::uint64_t first_a = leading(a);
  const std::uint64_t first_b = leading(b);
  if (first_a != first_b) return (first_a ^ leading(target)) < (first_b ^ leading(target));
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (a[i] == b[i]) continue;
    return (a[i] ^ target[i]) < (b[i] ^ target[i]);
  }
  return false;
}

// How many leading bits are the same.
inline std::size_t common_bits(const Point& a, const Point& b) noexcept {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) return 8 * i + static_cast<std::size_t>(std::countl_zero(static_cast<std::uint8_t>(a[i] ^ b[i])));
  }
  return 8 * a.size();
}

inline unsigned digit(const Point& point, std::size_t row) noexcept {
  const unsigned byte = point[row / 2];
  return row % 2 == 0 ? byte >> 4 : byte & 15u;
}

// How many leading digits are the same.
inline std::size_t common_digits(const Point& a, const Point& b) noexcept {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) return 2 * i + ((a[i] ^ b[i]) < 16 ? 1u : 0u);
  }
  return 2 * a.size();
}

}  // namespace np2p::swarm
