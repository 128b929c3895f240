#include "core/base/hash.h"

#include <bit>
#include <cstring>

namespace np2p {

static_assert(std::endian::native == std::endian::little, "hash_bytes reads words as they lie in memory");

std::uint64_t hash_bytes(ByteView bytes, std::uint64_t seed) noexcept {
  constexpr std::uint64_t kOdd0 = 0x9E3779B97F4A7C15ull;
  constexpr std::uint64_t kOdd1 = 0xC2B2AE3D27D4EB4Full;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  // Two lanes, so that the multiplications of neighbouring words overlap.
  std::uint64_t lane0 = seed ^ (static_cast<std::uint64_t>(bytes.size()) * kOdd0);
  std::uint64_t lane1 = ~seed;
  while (left >= 16) {
    std::uint64_t words[2];
    std::memcpy(words, at, 16);
    lane0 = std::rotl((lane0 ^ words[0]) * kOdd0, 29);
    lane1 = std::rotl((lane1 ^ words[1]) * kOdd1, 31);
    at += 16;
    left -= 16;
  }
  std::uint64_t tail[2] = {0, 0};
  if (left > 0) std::memcpy(tail, at, left);
  lane0 = std::rotl((lane0 ^ tail[0]) * kOdd0, 29);
  lane1 = std::rotl((lane1 ^ tail[1]) * kOdd1, 31);
  return mix64(mix64(lane0) ^ (lane1 * kOdd0));
}

}  // namespace np2p
