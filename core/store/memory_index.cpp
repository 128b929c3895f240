#include "core/store/memory_index.h"

#include <algorithm>
#include <tuple>

#include "core/event/expiry.h"
#include "core/event/replaceable.h"

namespace np2p {

namespace {

constexpr MemoryIndex::Slot kNoSlot = ~MemoryIndex::Slot{0};
constexpr std::size_t kTimeLists = 5;
constexpr std::size_t kArrivalLists = 2;
// What never goes needs none.
constexpr std::size_t list_of(Rank rank) noexcept {
  switch (rank) {
    case Rank::stranger:
    case Rank::mention:
      return 0;
    case Rank::known:
    case Rank::sealed:
      return 1;
    case Rank::follower:
      return 2;
    case Rank::follower_post:
      return 3;
    default:
      return 4;
  }
}

bool names(const Event& list, const PubKey& who) {
  const std::string text = who.hex();
  for (std::size_t i = 0; i < list.tags.size(); ++i) {
    if (list.tags[i].name() == "p" && list.tags[i].first() == text) return true;
  }
  return false;
}

Amount amount_of(const EventPtr& event) noexcept {
  return {1, stored_bytes_of(event)};
}

}  // namespace

// The best `limit` of what is offered, as a heap whose front is the worst of them.
class MemoryIndex::Selection {
 public:
  Selection(const MemoryIndex& index, const PreparedFilter& filter, std::size_t limit)
      : index_(index), filter_(filter), newer_{&index.slots_}, limit_(limit) {}

  // True if nothing older than `slot` can be taken any more.
  [[nodiscard]] bool closed_to(Slot slot) const {
    if (filter_.rest.since && index_.event(slot)->created_at < *filter_.rest.since) return true;
    return chosen_.size() >= limit_ && !newer_(slot, chosen_.front());
  }
  void offer(Slot slot) {
    if (!filter_.accepts(index_.event(slot).get())) return;
    if (chosen_.size() == limit_) {
      std::pop_heap(chosen_.begin(), chosen_.end(), newer_);
      chosen_.pop_back();
    }
    chosen_.push_back(slot);
    std::push_heap(chosen_.begin(), chosen_.end(), newer_);
  }
  // Takes what it wants from a list that is in NIP-01's order from `place` on, as long as goes_on(slot).
  template <class List, class GoesOn>
  void take(const List& list, typename List::Place place, GoesOn goes_on) {
    for (; !list.at_end(place); place = list.next(place)) {
      const Slot slot = list.at(place);
      if (!goes_on(slot) || closed_to(slot)) return;
      offer(slot);
    }
  }
  [[nodiscard]] std::vector<EventPtr> result() && {
    std::sort_heap(chosen_.begin(), chosen_.end(), newer_);
    std::vector<EventPtr> events;
    events.reserve(chosen_.size());
    for (const Slot slot : chosen_) events.push_back(index_.event(slot));
    return events;
  }
  [[nodiscard]] const PreparedFilter& filter() const noexcept { return filter_; }

 private:
  const MemoryIndex& index_;
  const PreparedFilter& filter_;
  Newer newer_;
  std::size_t limit_;
  std::vector<Slot> chosen_;
};

bool MemoryIndex::ByAuthor::operator()(Slot a, Slot b) const noexcept {
  const Event& x = (*slots)[a].get();
  const Event& y = (*slots)[b].get();
  if (const auto order = x.pubkey <=> y.pubkey; order != 0) return order < 0;
  if (x.kind != y.kind) return x.kind < y.kind;
  return newer(x, y);
}

bool MemoryIndex::ByAddress::operator()(Slot a, Slot b) const {
  return address_of((*slots)[a].get()) < address_of((*slots)[b].get());
}

MemoryIndex::MemoryIndex() : by_time_(Newer{&slots_}), by_author_(ByAuthor{&slots_}), by_address_(ByAddress{&slots_}) {}

// --- by id

std::optional<MemoryIndex::Slot> MemoryIndex::find(const EventId& id) const noexcept {
  if (table_.empty()) return std::nullopt;
  const std::size_t mask = table_.size() - 1;
  for (std::size_t i = id.hash() & mask; table_[i] != kNoSlot; i = (i + 1) & mask) {
    if (slots_[table_[i]]->id == id) return table_[i];
  }
  return std::nullopt;
}

void MemoryIndex::table_insert(Slot slot) {
  if ((by_time_.size() + 1) * 4 > table_.size() * 3) table_grow();
  const std::size_t mask = table_.size() - 1;
  std::size_t i = slots_[slot]->id.hash() & mask;
  while (table_[i] != kNoSlot) i = (i + 1) & mask;
  table_[i] = slot;
}

void MemoryIndex::table_grow() {
  const std::vector<Slot> old = std::exchange(table_, {});
  table_.assign(std::max<std::size_t>(8, old.size() * 2), kNoSlot);
  const std::size_t mask = table_.size() - 1;
  for (const Slot slot : old) {
    if (slot == kNoSlot) continue;
    std::size_t i = slots_[slot]->id.hash() & mask;
    while (table_[i] != kNoSlot) i = (i + 1) & mask;
    table_[i] = slot;
  }
}

// Closes the gap, so that no probe ends early: whoever stands behind it and does not belong further on moves up.
void MemoryIndex::table_erase(Slot slot) {
  const std::size_t mask = table_.size() - 1;
  std::size_t gap = slots_[slot]->id.hash() & mask;
  while (table_[gap] != slot) gap = (gap + 1) & mask;
  for (std::size_t i = (gap + 1) & mask; table_[i] != kNoSlot; i = (i + 1) & mask) {
    const std::size_t home = slots_[table_[i]]->id.hash() & mask;
    if (((i - home) & mask) < ((i - gap) & mask)) continue;
    table_[gap] = table_[i];
    gap = i;
  }
  table_[gap] = kNoSlot;
}

// --- changes

void MemoryIndex::rank_insert(Slot slot, Rank rank) {
  counts_.add(rank, amount_of(slots_[slot]));
  if (never_goes(rank)) return;
  if (goes_as_it_came(rank)) {
    if (by_arrival_.empty()) by_arrival_.assign(kArrivalLists, ArrivalList(Later{&filings_}));
    by_arrival_[list_of(rank)].insert(slot);
  } else {
    if (by_rank_.empty()) by_rank_.assign(kTimeLists, TimeList(Newer{&slots_}));
    by_rank_[list_of(rank)].insert(slot);
  }
}

void MemoryIndex::rank_erase(Slot slot, Rank rank) {
  counts_.take(rank, amount_of(slots_[slot]));
  if (never_goes(rank)) return;
  goes_as_it_came(rank) ? by_arrival_[list_of(rank)].erase(slot) : by_rank_[list_of(rank)].erase(slot);
}

void MemoryIndex::insert(const EventPtr& event, Standing author, Filing filing) {
  Slot slot;
  if (free_.empty()) {
    slot = static_cast<Slot>(slots_.size());
    slots_.push_back(event);
    filings_.push_back(filing);
  } else {
    slot = free_.back();
    free_.pop_back();
    slots_[slot] = event;
    filings_[slot] = filing;
  }
  table_insert(slot);
  by_time_.insert(slot);
  by_author_.insert(slot);
  if (kind::class_of(event->kind) == kind::Class::addressable) by_address_.insert(slot);
  rank_insert(slot, rank(slot, author));
  if (const auto at = expiration_of(event.get())) {
    const Expiry expiry{*at, slot};
    if (!expiries_) expiries_ = std::make_unique<std::vector<Expiry>>();
    expiries_->insert(std::lower_bound(expiries_->begin(), expiries_->end(), expiry), expiry);
  }
}

void MemoryIndex::remove(Slot slot, Standing author) {
  const std::uint16_t event_kind = slots_[slot]->kind;
  if (const auto at = expiration_of(slots_[slot].get())) {
    expiries_->erase(std::lower_bound(expiries_->begin(), expiries_->end(), Expiry{*at, slot}));
    if (expiries_->empty()) expiries_.reset();
  }
  rank_erase(slot, rank(slot, author));
  if (kind::class_of(event_kind) == kind::Class::addressable) by_address_.erase(slot);
  by_author_.erase(slot);
  by_time_.erase(slot);
  table_erase(slot);
  slots_[slot] = {};
  free_.push_back(slot);
}

void MemoryIndex::change_standing(const PubKey& author, Standing from, Standing to) {
  for (auto place = author_run(author, 0); !by_author_.at_end(place); place = by_author_.next(place)) {
    const Slot slot = by_author_.at(place);
    const Event& event = slots_[slot].get();
    if (event.pubkey != author) return;
    const Rank old_rank = rank(slot, from);
    const Rank new_rank = rank(slot, to);
    if (old_rank == new_rank) continue;
    rank_erase(slot, old_rank);
    rank_insert(slot, new_rank);
  }
}

void MemoryIndex::claim(Slot slot, Standing author, Claim claim) {
  rank_erase(slot, rank(slot, author));
  filings_[slot].claim = static_cast<std::uint32_t>(claim) & 3u;
  rank_insert(slot, rank(slot, author));
}

// --- finding

std::optional<MemoryIndex::Slot> MemoryIndex::oldest(Rank rank) const noexcept {
  if (never_goes(rank)) return std::nullopt;
  const auto last = [rank](const auto& lists) -> std::optional<Slot> {
    if (lists.empty() || lists[list_of(rank)].empty()) return std::nullopt;
    return lists[list_of(rank)].last();
  };
  return goes_as_it_came(rank) ? last(by_arrival_) : last(by_rank_);
}

MemoryIndex::OfAuthor MemoryIndex::mentions_by(const PubKey& author) const {
  OfAuthor found;
  for (auto place = author_run(author, 0); !by_author_.at_end(place); place = by_author_.next(place)) {
    const Slot slot = by_author_.at(place);
    if (slots_[slot]->pubkey != author) break;
    if (filings_[slot].claimed() != Claim::mention) continue;
    const Amount one = amount_of(slots_[slot]);
    found.amount = {found.amount.events + one.events, found.amount.bytes + one.bytes};
    if (!found.first || filings_[slot].arrival < filings_[*found.first].arrival) found.first = slot;
  }
  return found;
}

bool MemoryIndex::lists(const PubKey& author, const PubKey& who) const {
  const auto place = author_run(author, kind::follow_list);
  if (by_author_.at_end(place)) return false;
  const Event& list = slots_[by_author_.at(place)].get();
  return list.pubkey == author && list.kind == kind::follow_list && names(list, who);
}

std::optional<MemoryIndex::Slot> MemoryIndex::first_to_expire(std::int64_t now) const noexcept {
  if (!expiries_ || expiries_->front().at > now) return std::nullopt;
  return expiries_->front().slot;
}

MemoryIndex::AuthorList::Place MemoryIndex::author_run(const PubKey& author, std::uint32_t kind) const {
  return by_author_.first_not([&](Slot slot) {
    const Event& event = slots_[slot].get();
    if (event.pubkey != author) return event.pubkey < author;
    return event.kind < kind;
  });
}

std::optional<MemoryIndex::Slot> MemoryIndex::holder(const Event& event) const {
  if (kind::class_of(event.kind) == kind::Class::replaceable) {
    const auto place = author_run(event.pubkey, event.kind);
    if (by_author_.at_end(place)) return std::nullopt;
    const Slot slot = by_author_.at(place);
    if (slots_[slot]->pubkey != event.pubkey || slots_[slot]->kind != event.kind) return std::nullopt;
    return slot;
  }
  const auto address = address_of(event);
  if (!address) return std::nullopt;
  const auto place = by_address_.first_not([&](Slot slot) { return address_of(slots_[slot].get()) < address; });
  if (by_address_.at_end(place) || address_of(slots_[by_address_.at(place)].get()) != address) return std::nullopt;
  return by_address_.at(place);
}

void MemoryIndex::select_run(const PubKey& author, std::uint16_t kind, Selection& selection) const {
  const auto until = selection.filter().rest.until;
  const auto place = by_author_.first_not([&](Slot slot) {
    const Event& event = slots_[slot].get();
    if (event.pubkey != author) return event.pubkey < author;
    if (event.kind != kind) return event.kind < kind;
    return until && event.created_at > *until;
  });
  selection.take(by_author_, place, [&](Slot slot) {
    const Event& event = slots_[slot].get();
    return event.pubkey == author && event.kind == kind;
  });
}

void MemoryIndex::select_author(const PubKey& author, Selection& selection) const {
  if (const auto& kinds = selection.filter().kinds) {
    for (const std::uint32_t k : *kinds) {
      if (k <= 0xFFFF) select_run(author, static_cast<std::uint16_t>(k), selection);
    }
    return;
  }
  // No kinds given: hop from one kind that the author has to the next.
  for (std::uint32_t k = 0; k <= 0xFFFF; ++k) {
    const auto place = author_run(author, k);
    if (by_author_.at_end(place) || slots_[by_author_.at(place)]->pubkey != author) return;
    k = slots_[by_author_.at(place)]->kind;
    select_run(author, static_cast<std::uint16_t>(k), selection);
  }
}

std::vector<EventPtr> MemoryIndex::query(const PreparedFilter& filter, std::size_t limit) const {
  if (limit == 0) return {};
  Selection selection(*this, filter, limit);
  if (filter.ids) {
    for (const EventId& id : *filter.ids) {
      if (const auto slot = find(id); slot && !selection.closed_to(*slot)) selection.offer(*slot);
    }
  } else if (filter.authors) {
    for (const PubKey& author : *filter.authors) select_author(author, selection);
  } else {
    const auto until = filter.rest.until;
    const auto place = by_time_.first_not([&](Slot slot) { return until && slots_[slot]->created_at > *until; });
    selection.take(by_time_, place, [](Slot) { return true; });
  }
  return std::move(selection).result();
}

std::size_t MemoryIndex::bytes() const noexcept {
  std::size_t sum = slots_.capacity() * sizeof(EventPtr) + filings_.capacity() * sizeof(Filing) +
                    (free_.capacity() + table_.capacity()) * sizeof(Slot) + by_time_.bytes() + by_author_.bytes() +
                    by_address_.bytes() + by_rank_.capacity() * sizeof(TimeList) +
                    (expiries_ ? expiries_->capacity() * sizeof(Expiry) + sizeof *expiries_ : 0);
  for (const TimeList& list : by_rank_) sum += list.bytes();
  for (const ArrivalList& list : by_arrival_) sum += list.bytes() + sizeof list;
  return sum;
}

}  // namespace np2p
