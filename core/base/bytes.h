// Fixed-size byte strings as strong types: an EventId never stands where a PubKey is meant. Order is lexicographic
// (the order NIP-01 asks for in tie-breaks); hash() reads the first eight bytes, which are uniform in every use here.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace np2p {

using ByteView = std::span<const std::uint8_t>;
using ByteVec = std::vector<std::uint8_t>;

inline ByteView bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view text_of(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower-case hex, two digits a byte.
std::string to_hex(ByteView bytes);
// Exactly 2 * out.size() hex digits of either case into out; false if the text is anything else.
bool from_hex(std::string_view text, std::span<std::uint8_t> out) noexcept;

template <class Tag, std::size_t N>
struct FixedBytes {
  static constexpr std::size_t size = N;
  std::array<std::uint8_t, N> data{};

  friend auto operator<=>(const FixedBytes&, const FixedBytes&) = default;
  // Most that are compared differ at once, and then a call of memcmp costs more than the comparison.
  friend bool operator==(const FixedBytes& a, const FixedBytes& b) noexcept {
    return a.hash() == b.hash() && a.data == b.data;
  }
  [[nodiscard]] ByteView view() const noexcept { return data; }
  [[nodiscard]] std::string hex() const { return to_hex(data); }
  [[nodiscard]] std::size_t hash() const noexcept {
    std::uint64_t head;
    std::memcpy(&head, data.data(), sizeof head);
    return static_cast<std::size_t>(head);
  }
  static std::optional<FixedBytes> from(ByteView bytes) noexcept {
    if (bytes.size() != N) return std::nullopt;
    FixedBytes value;
    std::memcpy(value.data.data(), bytes.data(), N);
    return value;
  }
  static std::optional<FixedBytes> parse_hex(std::string_view text) noexcept {
    FixedBytes value;
    if (!from_hex(text, value.data)) return std::nullopt;
    return value;
  }
};

using EventId = FixedBytes<struct EventIdTag, 32>;      // SHA-256 of an event's canonical bytes (NIP-01)
using PubKey = FixedBytes<struct PubKeyTag, 32>;        // a user's x-only secp256k1 key (BIP-340)
using NodeId = FixedBytes<struct NodeIdTag, 32>;        // a node's own x-only secp256k1 key
using Signature = FixedBytes<struct SignatureTag, 64>;  // BIP-340

}  // namespace np2p

template <class Tag, std::size_t N>
struct std::hash<np2p::FixedBytes<Tag, N>> {
  std::size_t operator()(const np2p::FixedBytes<Tag, N>& value) const noexcept { return value.hash(); }
};
