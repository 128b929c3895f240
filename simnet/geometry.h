// Distances on the latency plane, in integers: the same on every machine.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "simnet/base.h"

namespace np2p::sim {

// floor(sqrt(n)), digit by digit. The oracle of the quick one, and what its table is made of.
constexpr std::uint64_t square_root(std::uint64_t n) noexcept {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 62; bit != 0; bit >>= 2) {
    if (n >= root + bit) {
      n -= root + bit;
      root = (root >> 1) + bit;
    } else {
      root >>= 1;
    }
  }
  return root;
}

namespace detail {
// sqrt of the leading 12 bits of a number (its top bit within the upper two of them), times 2^10.
inline const auto kRoots = [] {
  std::array<std::uint32_t, 4096> table{};
  for (std::uint64_t i = 0; i < 4096; ++i) table[i] = static_cast<std::uint32_t>(square_root(i << 20));
  return table;
}();
}  // namespace detail

// sqrt(n) within 0.1 % below it, from a table.
inline std::uint64_t quick_root(std::uint64_t n) noexcept {
  const int excess = std::max(0, 64 - std::countl_zero(n) - 12);
  const int shift = (excess + 1) & ~1;  // even, so that its half is exact
  return (static_cast<std::uint64_t>(detail::kRoots[n >> shift]) << (shift / 2)) >> 10;
}

// One-way delay of the distance between two positions, in ns.
inline SimTime distance_delay(Position a, Position b) noexcept {
  const std::int64_t dx = a.x - b.x;
  const std::int64_t dy = a.y - b.y;
  return static_cast<SimTime>(quick_root(static_cast<std::uint64_t>(dx * dx + dy * dy)) * 1000);
}

}  // namespace np2p::sim
