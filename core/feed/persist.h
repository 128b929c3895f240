// Binary helpers for the values that the feed keeps in the store: fixed-width little-endian integers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace np2p {

inline void append_u64(std::string& out, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

// Reads and removes the first eight bytes; nothing if there are fewer.
inline std::optional<std::uint64_t> take_u64(std::string_view& in) noexcept {
  if (in.size() < 8) return std::nullopt;
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | static_cast<std::uint8_t>(in[static_cast<std::size_t>(i)]);
  in.remove_prefix(8);
  return value;
}

}  // namespace np2p
