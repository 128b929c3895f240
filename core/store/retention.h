// What goes first when a store is full. Every stored event has a rank, by its author's standing and its kind. The room
// of Limits::stored_events is split in two that never take from each other: strangers have stranger_share_percent of
// it, everybody known the rest. In the strangers' room the oldest goes first; in the other the oldest event of those
// we know, then the oldest of the owner; what is kept never goes. What is kept of followers (anybody may become one)
// has at most follower_share_percent of the second room; when that share is full, its oldest goes for a newer one. An
// event older than all that could make room for it is refused instead. "Oldest" is the end of NIP-01's order
// (created_at, then the highest id).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/limits.h"
#include "core/event/kinds.h"
#include "core/host/store.h"

namespace np2p {

// The numbers are stored in databases.
enum class Rank : std::uint8_t { stranger = 0, known = 1, owner = 2, kept = 3, follower = 4 };
inline constexpr std::size_t kRanks = 5;

// Who an author is and where their node lives: without these nothing of theirs can be shown or reached.
constexpr bool is_vital(std::uint16_t k) noexcept {
  return k == kind::profile || k == kind::follow_list || k == kind::relay_list || k == kind::bind;
}

constexpr Rank rank_of(Standing standing, std::uint16_t k) noexcept {
  if (standing == Standing::stranger) return Rank::stranger;
  if (is_vital(k)) return standing == Standing::follower ? Rank::follower : Rank::kept;
  return standing == Standing::owner ? Rank::owner : Rank::known;
}

// Each table of named values has room of its own, so that no table that peers fill can take another's.
inline std::size_t room_of(Table table, const Limits& limits) noexcept {
  switch (table) {
    case Table::outbox:
      return limits.outbox_entries;
    case Table::follows:
      return limits.follows;
    case Table::followers:
      return limits.followers;
    case Table::addresses:
      return limits.address_book;
    case Table::stream:
      return limits.stream_events + 1;
    case Table::heard:
      return limits.follows * limits.heard_events;
    case Table::mail:
      return limits.letters;
    case Table::wards:
      return limits.wards;
    case Table::contacts:
      return limits.followers + limits.follows;
    case Table::banned:
      return limits.banned;
    case Table::node:
    case Table::count_:
      break;
  }
  return limits.node_values;
}

using TableRooms = std::array<std::uint32_t, static_cast<std::size_t>(Table::count_)>;
inline TableRooms table_rooms(const Limits& limits) noexcept {
  TableRooms rooms{};
  for (std::size_t i = 0; i < rooms.size(); ++i) {
    rooms[i] = static_cast<std::uint32_t>(room_of(static_cast<Table>(i), limits));
  }
  return rooms;
}

struct Room {
  std::size_t total;
  std::size_t strangers;
  std::size_t followers;  // of known()
  [[nodiscard]] std::size_t known() const noexcept { return total - strangers; }
};

inline Room room_of(const Limits& limits) noexcept {
  Room room{limits.stored_events, limits.stored_events * limits.stranger_share_percent / 100, 0};
  room.followers = room.known() * limits.follower_share_percent / 100;
  return room;
}

// How many events of each rank there are, and what the room says to one more.
struct RankCounts {
  std::size_t of[kRanks] = {};

  [[nodiscard]] std::size_t& operator[](Rank rank) noexcept { return of[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] std::size_t operator[](Rank rank) const noexcept { return of[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] std::size_t strangers() const noexcept { return (*this)[Rank::stranger]; }
  [[nodiscard]] std::size_t known() const noexcept { return of[1] + of[2] + of[3] + of[4]; }
  [[nodiscard]] std::size_t total() const noexcept { return strangers() + known(); }

  [[nodiscard]] bool fits(Rank rank, const Room& room) const noexcept {
    if (rank == Rank::stranger) return strangers() < room.strangers && total() < room.total;
    return known() < room.known() && (rank != Rank::follower || !share_full(room));
  }
  // After standings changed: the rank whose oldest event has to go; Rank::kept if none has to, or none may.
  [[nodiscard]] Rank overfull(const Room& room) const noexcept {
    if ((*this)[Rank::follower] > room.followers) return Rank::follower;
    if (known() > room.known() && (*this)[Rank::known] > 0) return Rank::known;
    if (known() > room.known() && (*this)[Rank::owner] > 0) return Rank::owner;
    if (strangers() > 0 && (strangers() > room.strangers || total() > room.total)) return Rank::stranger;
    return Rank::kept;
  }
  // The rank whose oldest event may go for a new one of `rank`, which does not fit; Rank::kept if none.
  [[nodiscard]] Rank victim_for(Rank rank, const Room& room) const noexcept {
    if (rank == Rank::stranger) return strangers() > 0 ? Rank::stranger : Rank::kept;
    if (rank == Rank::follower && share_full(room)) return Rank::follower;
    if ((*this)[Rank::known] > 0) return Rank::known;
    return rank != Rank::known && (*this)[Rank::owner] > 0 ? Rank::owner : Rank::kept;
  }
  [[nodiscard]] bool share_full(const Room& room) const noexcept { return (*this)[Rank::follower] >= room.followers; }
};

}  // namespace np2p
