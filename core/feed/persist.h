// Binary helpers for what the feed keeps in the store: fixed-width integers, little-endian in values.
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

// Big-endian, for keys: a table is read in their order.
inline std::string ordered_u64(std::uint64_t value) {
  std::string key;
  for (int i = 7; i >= 0; --i) key.push_back(static_cast<char>(value >> (8 * i)));
  return key;
}

inline std::optional<std::uint64_t> u64_of_ordered(std::string_view key) noexcept {
  if (key.size() != 8) return std::nullopt;
  std::uint64_t value = 0;
  for (const char byte : key) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

}  // namespace np2p
