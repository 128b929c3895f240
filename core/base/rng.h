// Our own generator (xoshiro256**, Blackman and Vigna 2018), so that a seed means the same on every machine, compiler
// and library. Streams are named: Rng(seed, "mesh", node) and Rng(seed, "workload", node) never disturb each other.
// Draw one number per expression: argument order differs between compilers.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "core/base/time.h"

namespace np2p {

class Rng {
 public:
  explicit Rng(std::uint64_t seed, std::string_view stream = {}, std::uint64_t index = 0) noexcept;

  std::uint64_t next() noexcept;
  // Uniform in [0, bound), without bias worth mentioning (multiply-shift on 64 bits); bound 0 gives 0.
  std::uint64_t below(std::uint64_t bound) noexcept;
  // True with probability numerator / denominator.
  bool chance(std::uint32_t numerator, std::uint32_t denominator) noexcept;
  // Uniform in [low, high].
  Duration between(Duration low, Duration high) noexcept;
  // Exponential with the given mean, in integer arithmetic (no libm: its last bits differ between machines). Cut off at
  // 12 times the mean.
  Duration exponential(Duration mean) noexcept;

  template <class Vector>
  void shuffle(Vector& items) noexcept {
    for (std::size_t i = items.size(); i > 1; --i) {
      const std::size_t j = static_cast<std::size_t>(below(i));
      std::swap(items[i - 1], items[j]);
    }
  }

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace np2p
