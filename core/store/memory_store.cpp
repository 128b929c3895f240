#include "core/store/memory_store.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <variant>

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/event/replaceable.h"
#include "core/store/making_room.h"
#include "core/store/memory_index.h"
#include "core/store/retention.h"
#include "core/store/sorted_blocks.h"

namespace np2p {

namespace {

// A key and its value in one allocation.
class Cell {
 public:
  Cell(std::string_view key, std::string_view value) : bytes_(new char[sizeof(Sizes) + key.size() + value.size()]) {
    const Sizes sizes{static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size())};
    std::memcpy(bytes_.get(), &sizes, sizeof sizes);
    if (!key.empty()) std::memcpy(bytes_.get() + sizeof sizes, key.data(), key.size());
    if (!value.empty()) std::memcpy(bytes_.get() + sizeof sizes + key.size(), value.data(), value.size());
  }
  [[nodiscard]] std::string_view key() const noexcept { return {bytes_.get() + sizeof(Sizes), sizes().key}; }
  [[nodiscard]] std::string_view value() const noexcept {
    return {bytes_.get() + sizeof(Sizes) + sizes().key, sizes().value};
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return sizeof(Sizes) + sizes().key + sizes().value + 16; }

 private:
  struct Sizes {
    std::uint32_t key;
    std::uint32_t value;
  };
  [[nodiscard]] Sizes sizes() const noexcept {
    Sizes sizes;
    std::memcpy(&sizes, bytes_.get(), sizeof sizes);
    return sizes;
  }
  std::unique_ptr<char[]> bytes_;
};
struct CellLess {
  bool operator()(const Cell& a, const Cell& b) const noexcept { return a.key() < b.key(); }
};
using Cells = SortedBlocks<Cell, CellLess>;

struct Relation {
  PubKey author;
  Standing standing;
};
struct RelationLess {
  bool operator()(const Relation& a, const Relation& b) const noexcept { return a.author < b.author; }
};

// What takes a write back.
struct Inserted {
  EventPtr event;
};
struct Removed {
  EventPtr event;
  Filing filing;
};
struct ClaimWas {
  EventPtr event;
  Claim claim;
};
struct StandingWas {
  PubKey author;
  Standing standing;
};
struct ValueWas {
  Table table;
  bool there;
  Cell old;  // the key, and the old value if there was one
};
using Undo = std::variant<Inserted, Removed, ClaimWas, StandingWas, ValueWas>;

// Gives the memory back too, which clear() does not.
template <class Vector>
void release(Vector& items) {
  Vector().swap(items);
}

// What a database would write, about.
std::uint64_t row_bytes(const EventPtr& event) {
  return 256 + event->content.size() + event->tags.bytes() +
         event.written().size();  // ids, keys and index entries come to about 256
}

}  // namespace

struct MemoryStore::Impl {
  struct Mark {
    Ticket ticket;
    std::uint64_t writes;  // the count of writes when the ticket was given out
  };

  explicit Impl(const Limits& limits)
      : room_(limits),
        max_values(table_rooms(limits)),
        max_answer(static_cast<std::uint32_t>(limits.query_events)),
        max_journal(static_cast<std::uint32_t>(limits.unsafe_writes)) {}

  // --- state
  MemoryIndex index;
  SortedBlocks<Relation, RelationLess> relations;  // strangers are not in it
  std::array<Cells, static_cast<std::size_t>(Table::count_)> values;

  // --- durability
  std::vector<Undo> journal;  // of the writes journal_begin ... journal_begin + size
  std::uint64_t journal_begin = 0;
  std::vector<Mark> marks;  // of the tickets that are not durable
  std::uint64_t flushed_writes = 0;
  Ticket last;
  Ticket committed;
  Ticket durable;

  Room room_;
  TableRooms max_values;
  std::uint32_t max_answer;
  std::uint32_t max_journal;
  std::uint64_t evicted = 0;
  std::uint32_t arrivals = 0;
  OwnKeys own;
  std::uint64_t written_hash = 0;
  std::uint64_t written_bytes = 0;

  [[nodiscard]] std::uint64_t writes() const noexcept { return journal_begin + journal.size(); }

  void log(Undo undo, std::uint64_t bytes) {
    if (journal.size() >= max_journal) forget_until(journal_begin + (journal.size() + 1) / 2);
    journal.push_back(std::move(undo));
    written_bytes += bytes;
  }
  // Writes before `write` can no longer be taken back.
  void forget_until(std::uint64_t write) {
    if (write <= journal_begin) return;
    const auto count = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(write - journal_begin, journal.size()));
    journal.erase(journal.begin(), journal.begin() + count);
    journal_begin += static_cast<std::uint64_t>(count);
    if (journal.empty()) release(journal);
  }

  // --- standings
  [[nodiscard]] auto relation(const PubKey& author) const {
    return relations.first_not([&](const Relation& other) { return other.author < author; });
  }
  [[nodiscard]] Standing standing(const PubKey& author) const {
    const auto place = relation(author);
    return relations.at_end(place) || relations.at(place).author != author ? Standing::stranger
                                                                           : relations.at(place).standing;
  }
  void change_standing(const PubKey& author, Standing from, Standing to) {
    if (from == Standing::stranger) {
      relations.insert({author, to});
    } else if (to == Standing::stranger) {
      relations.erase_at(relation(author));
    } else {
      relations.at(relation(author)).standing = to;
    }
    if (to == Standing::owner) own.push_back(author);
    if (from == Standing::owner) std::erase(own, author);
    index.change_standing(author, from, to);
  }

  // --- events
  [[nodiscard]] Claim claim(const Event& event) const {
    return claim_of(event, own, [this](const EventId& id) {
      const auto slot = index.find(id);
      return slot && standing(index.event(*slot)->pubkey) == Standing::owner;
    });
  }
  [[nodiscard]] bool is_trusted(const PubKey& author) const {
    for (auto place = relations.begin(); !relations.at_end(place); place = relations.next(place)) {
      const Relation& other = relations.at(place);
      if (other.standing == Standing::followed && index.lists(other.author, author)) return true;
    }
    return false;
  }
  PutOutcome put(const EventPtr& event) {
    if (index.find(event->id)) return PutOutcome::duplicate;
    const auto holder = index.holder(event.get());
    if (holder && !replaces(event.get(), index.event(*holder).get())) return PutOutcome::superseded;
    const Standing author = standing(event->pubkey);
    const std::size_t bytes = stored_bytes_of(event);
    Claim claimed = claim(event.get());
    const auto rank = [&] { return rank_of(author, is_vital(event->kind), claimed); };
    RankCounts without = index.counts();
    if (holder) without.take(index.rank(*holder, author), {1, stored_bytes_of(index.event(*holder))});
    if (rank() == Rank::stranger && !without.fits(rank(), bytes, room_) && is_trusted(event->pubkey)) {
      claimed = Claim::trusted;
    }
    if (!could_fit(without, rank(), bytes, room_)) return PutOutcome::refused;
    if (holder) remove(*holder);
    if (!make_room(*this, event.get(), rank(), bytes, holder.has_value())) return PutOutcome::refused;
    index.insert(event, author, {++arrivals & 0x3FFFFFFFu, static_cast<std::uint32_t>(claimed) & 3u});
    log(Inserted{event}, row_bytes(event));
    return PutOutcome::stored;
  }
  void remove(MemoryIndex::Slot slot) {
    EventPtr event = index.event(slot);
    const Filing filing = index.filing(slot);
    index.remove(slot, standing(event->pubkey));
    const std::uint64_t bytes = row_bytes(event);
    log(Removed{std::move(event), filing}, bytes);
  }

  // --- what making_room.h asks
  [[nodiscard]] const RankCounts& counts() const noexcept { return index.counts(); }
  [[nodiscard]] const Room& room() const noexcept { return room_; }
  [[nodiscard]] auto oldest(Rank rank) const noexcept { return index.oldest(rank); }
  [[nodiscard]] bool goes_before(const Event& event, MemoryIndex::Slot slot) const noexcept {
    return newer(index.event(slot).get(), event);
  }
  [[nodiscard]] std::pair<Amount, std::optional<MemoryIndex::Slot>> mentions_by(const PubKey& author) const {
    const auto found = index.mentions_by(author);
    return {found.amount, found.first};
  }
  bool move_if_trusted(MemoryIndex::Slot slot) {
    const EventPtr event = index.event(slot);
    if (!is_trusted(event->pubkey)) return false;
    log(ClaimWas{event, index.filing(slot).claimed()}, 64);
    index.claim(slot, Standing::stranger, Claim::trusted);
    return true;
  }
  void evict(MemoryIndex::Slot slot) {
    remove(slot);
    ++evicted;
  }

  // --- values
  [[nodiscard]] static auto find(const Cells& cells, std::string_view key) {
    return cells.first_not([&](const Cell& other) { return other.key() < key; });
  }
  enum class Written : std::uint64_t { put, erase, standing, value };
  void note(Written what, std::uint64_t hash) {
    written_hash = combine64(written_hash, hash * 4 + static_cast<std::uint64_t>(what));
  }
  bool change_value(Table table, std::string_view key, std::optional<std::string_view> value) {
    Cells& cells = values[static_cast<std::size_t>(table)];
    const auto place = find(cells, key);
    const bool there = !cells.at_end(place) && cells.at(place).key() == key;
    if (!there && !value) return true;
    if (!there && cells.size() >= max_values[static_cast<std::size_t>(table)]) return false;
    if (there && value && cells.at(place).value() == *value) return true;
    const std::uint64_t bytes = 64 + key.size() + (value ? value->size() : 0);
    const std::uint64_t content = value ? hash_bytes(bytes_of(*value), 1) : 0;
    note(Written::value, combine64(hash_bytes(bytes_of(key), static_cast<std::uint64_t>(table)), content));
    log(ValueWas{table, there, Cell(key, there ? cells.at(place).value() : std::string_view{})}, bytes);
    put_value(table, key, value);
    return true;
  }
  void put_value(Table table, std::string_view key, std::optional<std::string_view> value) {
    Cells& cells = values[static_cast<std::size_t>(table)];
    const auto place = find(cells, key);
    const bool there = !cells.at_end(place) && cells.at(place).key() == key;
    if (there && value) {
      cells.at(place) = Cell(key, *value);
    } else if (there) {
      cells.erase_at(place);
    } else if (value) {
      cells.insert(Cell(key, *value));
    }
  }

  // --- taking back
  void undo(const Undo& entry) {
    if (const auto* inserted = std::get_if<Inserted>(&entry)) {
      index.remove(*index.find(inserted->event->id), standing(inserted->event->pubkey));
    } else if (const auto* removed = std::get_if<Removed>(&entry)) {
      index.insert(removed->event, standing(removed->event->pubkey), removed->filing);
    } else if (const auto* claimed = std::get_if<ClaimWas>(&entry)) {
      index.claim(*index.find(claimed->event->id), standing(claimed->event->pubkey), claimed->claim);
    } else if (const auto* was = std::get_if<StandingWas>(&entry)) {
      change_standing(was->author, standing(was->author), was->standing);
    } else if (const auto* value = std::get_if<ValueWas>(&entry)) {
      put_value(value->table, value->old.key(),
                value->there ? std::optional(value->old.value()) : std::optional<std::string_view>());
    }
  }
};

MemoryStore::MemoryStore(const Limits& limits) : impl_(std::make_unique<Impl>(limits)) {}
MemoryStore::~MemoryStore() = default;

// --- the port

PutOutcome MemoryStore::put(const EventPtr& event) {
  const PutOutcome outcome = impl_->put(event);
  if (outcome == PutOutcome::stored) impl_->note(Impl::Written::put, hash_bytes(event->id.view()));
  return outcome;
}

EventPtr MemoryStore::get(const EventId& id) {
  const auto slot = impl_->index.find(id);
  return slot ? impl_->index.event(*slot) : EventPtr();
}

bool MemoryStore::contains(const EventId& id) {
  return impl_->index.find(id).has_value();
}

std::vector<EventPtr> MemoryStore::query(const Filter& filter, Order order) {
  const std::size_t limit = std::min(filter.limit.value_or(impl_->max_answer), std::size_t{impl_->max_answer});
  std::vector<EventPtr> events = impl_->index.query(PreparedFilter(filter), limit);
  if (order == Order::oldest_first) std::reverse(events.begin(), events.end());
  return events;
}

std::size_t MemoryStore::count(const Filter& filter) {
  return impl_->index.query(PreparedFilter(filter), filter.limit.value_or(impl_->index.counts().events())).size();
}

std::vector<Stamp> MemoryStore::stamps(const Filter& filter, std::size_t most) {
  std::vector<Stamp> found;
  for (const EventPtr& event :
       impl_->index.query(PreparedFilter(filter), std::min(filter.limit.value_or(most), most))) {
    found.push_back({event->created_at, event->id});
  }
  return found;
}

std::size_t MemoryStore::expire(std::int64_t now) {
  std::size_t expired = 0;
  for (; const auto slot = impl_->index.first_to_expire(now); ++expired) erase(EventId(impl_->index.event(*slot)->id));
  return expired;
}

bool MemoryStore::erase(const EventId& id) {
  const auto slot = impl_->index.find(id);
  if (!slot) return false;
  impl_->remove(*slot);
  impl_->note(Impl::Written::erase, hash_bytes(id.view()));
  return true;
}

void MemoryStore::set_standing(const PubKey& author, Standing standing) {
  const Standing old = impl_->standing(author);
  if (old == standing) return;
  impl_->change_standing(author, old, standing);
  impl_->note(Impl::Written::standing, hash_bytes(author.view(), static_cast<std::uint64_t>(standing)));
  impl_->log(StandingWas{author, old}, 64);
  bring_within_room(*impl_);
}

bool MemoryStore::is_addressed(const Event& event) {
  return impl_->claim(event) != Claim::none;
}

bool MemoryStore::is_trusted(const PubKey& author) {
  return impl_->is_trusted(author);
}

Standing MemoryStore::standing(const PubKey& author) {
  return impl_->standing(author);
}

bool MemoryStore::set_value(Table table, std::string_view key, std::string_view value) {
  return impl_->change_value(table, key, value);
}

void MemoryStore::erase_value(Table table, std::string_view key) {
  impl_->change_value(table, key, std::nullopt);
}

std::string MemoryStore::value(Table table, std::string_view key) {
  const Cells& cells = impl_->values[static_cast<std::size_t>(table)];
  const auto place = Impl::find(cells, key);
  return cells.at_end(place) || cells.at(place).key() != key ? std::string() : std::string(cells.at(place).value());
}

void MemoryStore::each_value(Table table, const std::function<void(std::string_view, std::string_view)>& visit) {
  const Cells& cells = impl_->values[static_cast<std::size_t>(table)];
  for (auto place = cells.begin(); !cells.at_end(place); place = cells.next(place)) {
    visit(cells.at(place).key(), cells.at(place).value());
  }
}

Ticket MemoryStore::flush() {
  if (impl_->writes() == impl_->flushed_writes) return impl_->last;
  impl_->flushed_writes = impl_->writes();
  ++impl_->last.value;
  impl_->marks.push_back({impl_->last, impl_->flushed_writes});
  return impl_->last;
}

Ticket MemoryStore::durable() const noexcept {
  return impl_->durable;
}

StoreStats MemoryStore::stats() {
  std::size_t values = 0;
  for (const Cells& cells : impl_->values) values += cells.size();
  const RankCounts& counts = impl_->index.counts();
  return {counts.events(), values, impl_->evicted, 0, counts.shares(), impl_->room_.all()};
}

// --- the host's side

Ticket MemoryStore::requested() const noexcept {
  return impl_->last;
}

std::uint64_t MemoryStore::written_hash() const noexcept {
  return impl_->written_hash;
}

Ticket MemoryStore::commit() {
  impl_->committed = impl_->last;
  return impl_->committed;
}

void MemoryStore::mark_durable(Ticket ticket) {
  NP2P_ASSERT(ticket <= impl_->committed);
  say_durable(ticket);
  auto& marks = impl_->marks;
  const auto end = std::find_if(marks.begin(), marks.end(), [&](const Impl::Mark& m) { return m.ticket > ticket; });
  if (end != marks.begin()) impl_->forget_until(std::prev(end)->writes);
  marks.erase(marks.begin(), end);
  if (marks.empty()) release(marks);
}

void MemoryStore::say_durable(Ticket ticket) {
  NP2P_ASSERT(ticket <= impl_->committed);
  impl_->durable = std::max(impl_->durable, ticket);
}

void MemoryStore::crash() {
  for (auto entry = impl_->journal.rbegin(); entry != impl_->journal.rend(); ++entry) impl_->undo(*entry);
  release(impl_->journal);
  release(impl_->marks);
  impl_->flushed_writes = impl_->journal_begin;
  impl_->committed = impl_->durable = impl_->last;  // what was given out and lost is never asked for again
}

void MemoryStore::wipe() {
  const Impl& old = *impl_;
  auto fresh = std::make_unique<Impl>(Limits{});
  fresh->room_ = old.room_;
  fresh->max_values = old.max_values;
  fresh->max_answer = old.max_answer;
  fresh->max_journal = old.max_journal;
  fresh->written_hash = old.written_hash;
  fresh->last = fresh->committed = fresh->durable = old.last;
  impl_ = std::move(fresh);
}

std::uint64_t MemoryStore::take_written_bytes() noexcept {
  return std::exchange(impl_->written_bytes, 0);
}

std::size_t MemoryStore::bytes() const noexcept {
  std::size_t sum = sizeof *this + sizeof *impl_ + impl_->index.bytes() + impl_->relations.bytes() +
                    impl_->journal.capacity() * sizeof(Undo) + impl_->marks.capacity() * sizeof(Impl::Mark);
  for (const Cells& cells : impl_->values) {
    sum += cells.bytes();
    for (auto place = cells.begin(); !cells.at_end(place); place = cells.next(place)) sum += cells.at(place).bytes();
  }
  return sum;
}

}  // namespace np2p
