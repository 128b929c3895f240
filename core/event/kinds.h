// Event kinds by name, and NIP-01's classes of kinds.
#pragma once

#include <cstdint>

namespace np2p::kind {

inline constexpr std::uint16_t profile = 0;          // NIP-01
inline constexpr std::uint16_t post = 1;             // NIP-10; a quote if it has a q tag (NIP-18)
inline constexpr std::uint16_t follow_list = 3;      // NIP-02
inline constexpr std::uint16_t message = 4;          // NIP-04: encrypted, for those it names
inline constexpr std::uint16_t deletion = 5;         // NIP-09
inline constexpr std::uint16_t repost = 6;           // NIP-18
inline constexpr std::uint16_t reaction = 7;         // NIP-25
inline constexpr std::uint16_t generic_repost = 16;  // NIP-18: of what is no post
inline constexpr std::uint16_t gift_wrap = 1059;     // NIP-59
inline constexpr std::uint16_t comment = 1111;       // NIP-22
inline constexpr std::uint16_t zap = 9735;           // NIP-57: a receipt
inline constexpr std::uint16_t relay_list = 10002;   // NIP-65
inline constexpr std::uint16_t article = 30023;      // NIP-23
inline constexpr std::uint16_t bind = 10848;         // BIND of protocol.md
inline constexpr std::uint16_t recent_data = 40000;  // the original's request for everything recent; never an event

enum class Class : std::uint8_t { regular, replaceable, ephemeral, addressable };

constexpr Class class_of(std::uint16_t k) noexcept {
  if (k == profile || k == follow_list || (k >= 10000 && k < 20000)) return Class::replaceable;
  if (k >= 20000 && k < 30000) return Class::ephemeral;
  if (k >= 30000 && k < 40000) return Class::addressable;
  return Class::regular;
}

// Lists of people, relays, words and the like, which grow with their author's years: kind 3 (NIP-02), the standard
// lists of NIP-51 and those that others keep in its form (10000 to 10102: mutes, relays, bookmarks, ...), its sets
// (30000 to 30030, without the long articles in between, which are texts), and its starter packs.
constexpr bool is_list(std::uint16_t k) noexcept {
  constexpr std::uint16_t kArticleDraft = 30024;
  if (k == article || k == kArticleDraft) return false;
  return k == follow_list || (k >= 10000 && k <= 10102) || (k >= 30000 && k <= 30030) || k == 39089 || k == 39092;
}

}  // namespace np2p::kind
