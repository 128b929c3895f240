// What goes first when a store is full. Every stored event has a rank, by its author's standing, its kind and what it
// claims of the owner's attention; each rank lies in a share of the room (host/store.h), and no share ever takes from
// another. What the owner and the writers wrote has no bound and never goes. Within a share the oldest goes first,
// "oldest" being the end of NIP-01's order (created_at, then the highest id), and an event that is older than all is
// refused instead; but:
// - Of those whom the owner follows, what says who they are and where (is_vital()) is kept; of followers it goes last.
// - Mentions and what is sealed go as they came, because their dates mean little: gift wraps are dated back on
//   purpose. One author has at most one_author_percent of the mentions.
// - A stranger whom somebody follows whom the owner follows moves to the share `trusted` when the strangers' is full;
//   before, nobody has to look.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/limits.h"
#include "core/event/event.h"
#include "core/event/kinds.h"
#include "core/host/store.h"

namespace np2p {

// The numbers are stored in databases.
enum class Rank : std::uint8_t {
  stranger = 0,
  known = 1,  // of those whom the owner follows
  own = 2,
  kept = 3,      // of `known`, what is vital
  follower = 4,  // what is vital of followers
  follower_post = 5,
  mention = 6,
  sealed = 7,
  trusted = 8
};
inline constexpr std::size_t kRanks = 9;

// What speaks for an event beside who wrote it; stored with it, for when its author's standing changes.
enum class Claim : std::uint8_t { none = 0, mention = 1, sealed = 2, trusted = 3 };
inline constexpr std::size_t kClaims = 4;

// Who an author is and where their node lives: without these nothing of theirs can be shown or reached.
constexpr bool is_vital(std::uint16_t k) noexcept {
  return k == kind::profile || k == kind::follow_list || k == kind::relay_list || k == kind::bind;
}

constexpr Rank rank_of(Standing standing, bool vital, Claim claim) noexcept {
  if (standing == Standing::owner) return Rank::own;
  if (standing == Standing::followed) return vital ? Rank::kept : Rank::known;
  if (claim == Claim::mention) return Rank::mention;
  if (claim == Claim::sealed) return Rank::sealed;
  if (standing == Standing::follower) return vital ? Rank::follower : Rank::follower_post;
  return claim == Claim::trusted ? Rank::trusted : Rank::stranger;
}

constexpr Share share_of(Rank rank) noexcept {
  constexpr Share kShareOf[kRanks] = {Share::strangers, Share::followed,  Share::own,
                                      Share::followed,  Share::followers, Share::followers,
                                      Share::mentions,  Share::sealed,    Share::trusted};
  return kShareOf[static_cast<std::size_t>(rank)];
}
constexpr bool never_goes(Rank rank) noexcept {
  return rank == Rank::own || rank == Rank::kept;
}
// The oldest of it is what came first, whatever its date.
constexpr bool goes_as_it_came(Rank rank) noexcept {
  return rank == Rank::mention || rank == Rank::sealed;
}

// About what an event takes on a disk: its row, its entries in the indices, and one more for each tag.
inline std::size_t stored_bytes_of(const EventPtr& event) noexcept {
  return 256 + event->content.size() + event->tags.bytes() + 48 * event->tags.size() + event.written().size();
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

// What each share has of all that is there. As small as it is because simulated servers are many.
class Room {
 public:
  explicit Room(const Limits& limits) noexcept
      : bytes_(limits.stored_bytes),
        events_(static_cast<std::uint32_t>(std::min<std::size_t>(limits.stored_events, UINT32_MAX))),
        one_author_percent_(static_cast<std::uint8_t>(limits.one_author_percent)) {
    unsigned left = 100;
    const auto give = [&](Share share, unsigned percent) {
      percents_[static_cast<std::size_t>(share)] = static_cast<std::uint8_t>(std::min(percent, left));
      left -= std::min(percent, left);
    };
    give(Share::strangers, limits.stranger_share_percent);
    give(Share::trusted, limits.trusted_share_percent);
    give(Share::mentions, limits.mention_share_percent);
    give(Share::sealed, limits.sealed_share_percent);
    give(Share::followers, limits.follower_share_percent);
  }
  // Nothing for `own`, which is not asked; for the followed what the others leave.
  [[nodiscard]] Amount operator[](Share share) const noexcept {
    if (share != Share::followed) return part(percents_[static_cast<std::size_t>(share)]);
    Amount left{events_, bytes_};
    for (const std::uint8_t percent : percents_) {
      const Amount taken = part(percent);
      left = {left.events - taken.events, left.bytes - taken.bytes};
    }
    return left;
  }
  [[nodiscard]] Amount one_author() const noexcept {  // in the share of mentions
    const Amount mentions = (*this)[Share::mentions];
    return {std::max<std::size_t>(1, mentions.events * one_author_percent_ / 100),
            mentions.bytes * one_author_percent_ / 100};
  }
  [[nodiscard]] std::array<Amount, kShares> all() const noexcept {
    std::array<Amount, kShares> rooms{};
    for (std::size_t i = 0; i < kShares; ++i) rooms[i] = (*this)[static_cast<Share>(i)];
    return rooms;
  }

 private:
  [[nodiscard]] Amount part(unsigned percent) const noexcept {
    return {std::size_t{events_} * percent / 100, bytes_ * percent / 100};
  }
  std::uint64_t bytes_;
  std::uint32_t events_;
  std::array<std::uint8_t, kShares> percents_{};
  std::uint8_t one_author_percent_;
};

// How much of each rank there is, and what the room says to more.
class RankCounts {
 public:
  [[nodiscard]] Amount operator[](Rank rank) const noexcept {
    const auto i = static_cast<std::size_t>(rank);
    return {events_[i], bytes_[i]};
  }
  void add(Rank rank, const Amount& more) noexcept {
    events_[static_cast<std::size_t>(rank)] += static_cast<std::uint32_t>(more.events);
    bytes_[static_cast<std::size_t>(rank)] += more.bytes;
  }
  void take(Rank rank, const Amount& less) noexcept {
    events_[static_cast<std::size_t>(rank)] -= static_cast<std::uint32_t>(less.events);
    bytes_[static_cast<std::size_t>(rank)] -= less.bytes;
  }
  [[nodiscard]] std::array<Amount, kShares> shares() const noexcept {
    std::array<Amount, kShares> shares{};
    for (std::size_t i = 0; i < kRanks; ++i) {
      Amount& share = shares[static_cast<std::size_t>(share_of(static_cast<Rank>(i)))];
      share = {share.events + events_[i], share.bytes + bytes_[i]};
    }
    return shares;
  }
  [[nodiscard]] std::size_t events() const noexcept {
    std::size_t sum = 0;
    for (const std::uint32_t events : events_) sum += events;
    return sum;
  }

  [[nodiscard]] bool fits(Rank rank, std::size_t bytes, const Room& room) const noexcept {
    if (rank == Rank::own) return true;
    const Share share = share_of(rank);
    const Amount there = in(share);
    return there.events + 1 <= room[share].events && there.bytes + bytes <= room[share].bytes;
  }
  [[nodiscard]] bool within(Share share, const Room& room) const noexcept {
    const Amount there = in(share);
    return there.events <= room[share].events && there.bytes <= room[share].bytes;
  }
  // It would fit if all were gone that may go for it.
  [[nodiscard]] bool may_fit(Rank rank, std::size_t bytes, const Room& room) const noexcept {
    if (rank == Rank::own) return true;
    const Share share = share_of(rank);
    Amount stays{};
    if (share == Share::followed) stays = (*this)[Rank::kept];
    if (rank == Rank::follower_post) stays = (*this)[Rank::follower];
    return stays.events + 1 <= room[share].events && stays.bytes + bytes <= room[share].bytes;
  }
  // The rank whose oldest event goes for a new one of `rank`.
  [[nodiscard]] Rank victim_for(Rank rank) const noexcept {
    if (rank == Rank::kept) return Rank::known;
    return rank == Rank::follower && (*this)[Rank::follower_post].events > 0 ? Rank::follower_post : rank;
  }
  // After standings changed: a rank whose oldest event has to go.
  [[nodiscard]] std::optional<Rank> overfull(const Room& room) const noexcept {
    for (const Rank last : {Rank::stranger, Rank::trusted, Rank::mention, Rank::sealed, Rank::follower, Rank::known}) {
      if (within(share_of(last), room)) continue;
      if (const Rank victim = victim_for(last); (*this)[victim].events > 0) return victim;
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] Amount in(Share share) const noexcept { return shares()[static_cast<std::size_t>(share)]; }
  std::array<std::uint64_t, kRanks> bytes_{};
  std::array<std::uint32_t, kRanks> events_{};
};

}  // namespace np2p
