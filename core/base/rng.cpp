#include "core/base/rng.h"

#include <algorithm>
#include <bit>

#include "core/base/hash.h"

namespace np2p {

Rng::Rng(std::uint64_t seed, std::string_view stream, std::uint64_t index) noexcept {
  std::uint64_t s = combine64(combine64(mix64(seed), hash_bytes(bytes_of(stream))), index);
  for (auto& word : state_) {
    s += 0x9E3779B97F4A7C15ull;
    word = mix64(s);
  }
}

std::uint64_t Rng::next() noexcept {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Rng::below(std::uint64_t bound) noexcept {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
}

bool Rng::chance(std::uint32_t numerator, std::uint32_t denominator) noexcept {
  return below(denominator) < numerator;
}

Duration Rng::between(Duration low, Duration high) noexcept {
  if (high <= low) return low;
  return low + Duration{static_cast<std::int64_t>(below(static_cast<std::uint64_t>((high - low).count()) + 1))};
}

Duration Rng::exponential(Duration mean) noexcept {
  // -ln(u) = ln 2 * -log2(u), and log2 of a 64-bit number bit by bit: squaring the mantissa doubles its logarithm, so
  // each squaring yields the next binary digit. Integers all the way; 24 fractional digits.
  __extension__ using Wide = unsigned __int128;
  const std::uint64_t bits = next() | 1u;
  const int zeros = std::countl_zero(bits);
  std::uint64_t mantissa = bits << zeros;  // in [2^63, 2^64): 1.x with 63 fractional bits
  std::uint64_t log2 = static_cast<std::uint64_t>(63 - zeros);
  for (int digit = 0; digit < 24; ++digit) {
    const Wide square = static_cast<Wide>(mantissa) * mantissa;  // 126 fractional bits, in [1, 4)
    const bool over = (square >> 127) != 0;
    mantissa = static_cast<std::uint64_t>(over ? square >> 64 : square >> 63);
    log2 = log2 << 1 | (over ? 1u : 0u);
  }
  const std::uint64_t minus_log2 = (std::uint64_t{64} << 24) - log2;  // of u = bits / 2^64
  constexpr std::uint64_t kLn2 = 11629080;                            // ln 2 * 2^24
  constexpr std::uint64_t kCap = std::uint64_t{12} << 24;
  const std::uint64_t minus_ln = std::min(kCap, minus_log2 * kLn2 >> 24);
  const Wide scaled = static_cast<Wide>(static_cast<std::uint64_t>(mean.count())) * minus_ln >> 24;
  return Duration{static_cast<std::int64_t>(scaled)};
}

}  // namespace np2p
