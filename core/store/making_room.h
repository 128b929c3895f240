// How an event gets in, and what goes for it: the rules of retention.h, carried out once for both stores.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "core/event/references.h"
#include "core/store/retention.h"

namespace np2p {

// If all were gone that may go for it.
inline bool could_fit(const RankCounts& counts, Rank rank, std::size_t bytes, const Room& room) noexcept {
  return counts.may_fit(rank, bytes, room) && (rank != Rank::mention || bytes <= room.one_author().bytes);
}

// The one way in for an event of `rank` and `bytes`, for both stores: false if it is refused. `Shelves` has
//   counts(), room();
//   oldest(rank) -> optional<Handle>, evict(handle), goes_before(event, handle): the event is the older one;
//   move_if_trusted(handle): of a stranger; true if it is in the share `trusted` now;
//   mentions_by(author) -> {Amount, optional<Handle> that came first}.
// What is replaced by the event is out already, and it could_fit(); `replaces` says so, and then it gets in.
template <class Shelves>
bool make_room(Shelves& shelves, const Event& event, Rank rank, std::size_t bytes, bool replaces) {
  constexpr int kMost =
      1000;  // that go for one: no pause is long, and of a room that was made smaller the rest follows
  const Room& room = shelves.room();
  if (!could_fit(shelves.counts(), rank, bytes, room)) return false;
  const Amount one_author = room.one_author();
  int gone = 0;
  const auto enough = [&] { return ++gone > kMost && !replaces; };
  while (rank == Rank::mention) {
    const auto [there, first] = shelves.mentions_by(event.pubkey);
    if (there.events + 1 <= one_author.events && there.bytes + bytes <= one_author.bytes) break;
    if (!first || enough()) return false;
    shelves.evict(*first);
  }
  while (!shelves.counts().fits(rank, bytes, room)) {
    const Rank from = shelves.counts().victim_for(rank);
    const auto victim = shelves.oldest(from);
    if (!victim || enough()) return false;
    if (from == rank && !replaces && !goes_as_it_came(rank) && shelves.goes_before(event, *victim)) return false;
    if (from != Rank::stranger || !shelves.move_if_trusted(*victim)) {
      shelves.evict(*victim);
      continue;
    }
    while (!shelves.counts().within(Share::trusted, room)) shelves.evict(*shelves.oldest(Rank::trusted));
  }
  return true;
}

// After a change of standings.
template <class Shelves>
void bring_within_room(Shelves& shelves) {
  while (const auto rank = shelves.counts().overfull(shelves.room())) {
    const auto victim = shelves.oldest(*rank);
    if (!victim) return;
    shelves.evict(*victim);
  }
}

// The keys that have the standing of the owner.
using OwnKeys = std::vector<PubKey>;

// What an event claims of the owner; `is_own(id)`: it is stored here, and of one of these keys. Lists name people
// without being addressed to them.
template <class IsOwn>
Claim claim_of(const Event& event, const OwnKeys& own, IsOwn is_own) {
  constexpr std::size_t kCited = 8;  // e, q and a tags that are looked at
  if (own.empty() || kind::is_list(event.kind) || is_vital(event.kind)) return Claim::none;
  const auto ours = [&](const std::optional<PubKey>& key) {
    return key && std::find(own.begin(), own.end(), *key) != own.end();
  };
  const auto claimed = [&] { return event.kind == kind::gift_wrap ? Claim::sealed : Claim::mention; };
  std::size_t cited = 0;
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    const auto tag = event.tags[i];
    if (tag.name() == "p" && ours(PubKey::parse_hex(tag.first()))) return claimed();
    const bool cites = tag.name() == "e" || tag.name() == "q" || tag.name() == "a";
    if (!cites || ++cited > kCited) continue;
    if (const auto id = EventId::parse_hex(tag.first()); id && is_own(*id)) return claimed();
    if (const auto address = parse_address(tag.first()); address && ours(address->author)) return claimed();
  }
  return Claim::none;
}

}  // namespace np2p
