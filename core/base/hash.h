// Our own 64-bit hash: the same on every machine, compiler and library, because the trace digest is made of it.
// Not cryptographic: it detects differences, it does not resist an attacker.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"

namespace np2p {

// splitmix64's finaliser (Steele, Lea, Flood 2014): a bijection that spreads every input bit over the output.
constexpr std::uint64_t mix64(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

constexpr std::uint64_t combine64(std::uint64_t hash, std::uint64_t value) noexcept {
  return mix64((hash ^ value) + 0x9E3779B97F4A7C15ull);
}

// Hash of a byte string; reads eight bytes at a time as little-endian.
std::uint64_t hash_bytes(ByteView bytes, std::uint64_t seed = 0) noexcept;

}  // namespace np2p
