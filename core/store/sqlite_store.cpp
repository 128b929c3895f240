#include "core/store/sqlite_store.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "core/base/assert.h"
#include "core/store/sqlite_impl.h"

namespace np2p {

namespace {

// While the disk is in trouble every so many refused put() tries it again.
constexpr unsigned kTryEvery = 16;

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path, const Limits& limits,
                                                       const std::string& vfs) {
  const char* vfs_name = vfs.empty() ? nullptr : vfs.c_str();
  auto db = open_database(path, vfs_name);
  if (!db.ok()) return db.error();
  try {
    auto impl = std::make_unique<Impl>(std::move(db->db), vfs_name, limits);
    impl->opening_note = std::move(db->note);
    // One that an earlier version made has none of its words in the index: some seconds, once.
    while (impl->rows.search().waiting() > 4 * kWordsAtOnce) {
      impl->begin();
      impl->rows.take_in_words(16 * kWordsAtOnce);
      impl->commit();
    }
    return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(impl)));
  } catch (const DiskTrouble& trouble) {
    return error(ErrorCode::unavailable, "cannot read " + path + ": " + trouble.reason);
  }
}

SqliteStore::SqliteStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SqliteStore::~SqliteStore() {
  static_cast<void>(commit());
}

// --- the port

PutOutcome SqliteStore::put(const EventPtr& event) {
  if (impl_->damaged) return PutOutcome::trouble;
  if (!healthy() && (++impl_->refused_in_trouble % kTryEvery != 0 || !commit().ok())) return PutOutcome::trouble;
  PutOutcome outcome = PutOutcome::trouble;  // stands if the disk fails within
  impl_->write(PutWrite{event}, false, [&] {
    outcome = impl_->do_put(event);
    return outcome == PutOutcome::stored;
  });
  return outcome;
}

EventPtr SqliteStore::get(const EventId& id) {
  return impl_->read(EventPtr(), [&] {
    const auto seq = impl_->rows.find(id);
    return seq ? impl_->load(*seq) : EventPtr();
  });
}

bool SqliteStore::contains(const EventId& id) {
  return impl_->read(false, [&] { return impl_->rows.find(id).has_value(); });
}

std::vector<EventPtr> SqliteStore::query(const Filter& filter, Order order) {
  const std::size_t limit = std::min(filter.limit.value_or(impl_->max_answer), impl_->max_answer);
  auto events = impl_->read(std::vector<EventPtr>(), [&] { return impl_->query(PreparedFilter(filter), limit); });
  if (order == Order::oldest_first) std::reverse(events.begin(), events.end());
  return events;
}

std::size_t SqliteStore::count(const Filter& filter) {
  return impl_->read(std::size_t{0}, [&] {
    const PreparedFilter prepared(filter);
    if (prepared.search) impl_->take_in_words();
    return impl_->rows.count(prepared, filter.limit.value_or(std::numeric_limits<std::size_t>::max()));
  });
}

std::vector<Stamp> SqliteStore::stamps(const Filter& filter, std::size_t most) {
  return impl_->read(std::vector<Stamp>(), [&] {
    const PreparedFilter prepared(filter);
    if (prepared.search) impl_->take_in_words();
    std::vector<Stamp> found;
    for (const auto& key : impl_->rows.select(prepared, std::min(filter.limit.value_or(most), most), false, {})) {
      if (const auto id = impl_->rows.id(key.seq)) found.push_back({key.created_at, *id});
    }
    // Rows are in the order of the first eight bytes of their ids.
    std::sort(found.begin(), found.end(), [](const Stamp& a, const Stamp& b) {
      return a.created_at != b.created_at ? a.created_at > b.created_at : a.id < b.id;
    });
    return found;
  });
}

std::size_t SqliteStore::expire(std::int64_t now) {
  constexpr std::size_t kAtOnce = 256;
  std::size_t expired = 0;
  while (healthy() && impl_->state.first_expiry.value_or(kNever) <= now) {
    const auto rows = impl_->read(std::vector<EventRows::Seq>(), [&] { return impl_->rows.expired(now, kAtOnce); });
    const std::size_t before = expired;
    for (const EventRows::Seq seq : rows) {
      const EventPtr event = impl_->read(EventPtr(), [&] { return impl_->load(seq); });  // a rotten one goes with this
      if (event && erase(EventId(event->id))) ++expired;
    }
    const auto next = impl_->read(std::optional<std::int64_t>(), [&] { return impl_->rows.first_expiry(); });
    // No way on: what is left belongs to no event.
    impl_->state.first_expiry = expired == before && next.value_or(kNever) <= now ? std::nullopt : next;
  }
  return expired;
}

bool SqliteStore::erase(const EventId& id) {
  return impl_->write(EraseWrite{id}, true, [&] { return impl_->do_erase(id); });
}

void SqliteStore::set_standing(const PubKey& author, Standing standing) {
  impl_->write(SetStandingWrite{author, standing}, true, [&] { return impl_->do_set_standing(author, standing); });
}

Standing SqliteStore::standing(const PubKey& author) {
  return impl_->read(Standing::stranger, [&] { return impl_->standing_of(author); });
}

bool SqliteStore::is_addressed(const Event& event) {
  return impl_->read(false, [&] { return impl_->claim(event) != Claim::none; });
}

bool SqliteStore::is_trusted(const PubKey& author) {
  return impl_->read(false, [&] { return impl_->rows.is_followed_by_followed(author); });
}

bool SqliteStore::set_value(Table table, std::string_view key, std::string_view value) {
  const std::optional<std::string> wanted(value);
  bool full = false;
  impl_->write(SetValueWrite{table, std::string(key), wanted}, true,
               [&] { return impl_->do_set_value(table, key, wanted, full); });
  return !full && !impl_->damaged;
}

void SqliteStore::erase_value(Table table, std::string_view key) {
  impl_->write(SetValueWrite{table, std::string(key), std::nullopt}, true, [&] {
    bool full = false;
    return impl_->do_set_value(table, key, std::nullopt, full);
  });
}

std::string SqliteStore::value(Table table, std::string_view key) {
  return impl_->read(std::string(), [&] {
    Use use(impl_->get_value);
    use.bind(static_cast<std::int64_t>(table)).bind(bytes_of(key));
    return use.row() ? std::string(text_of(use.blob(0))) : std::string();
  });
}

void SqliteStore::each_value(Table table, const std::function<void(std::string_view, std::string_view)>& visit) {
  impl_->read(false, [&] {
    Use use(impl_->all_values);
    use.bind(static_cast<std::int64_t>(table));
    while (use.row()) visit(text_of(use.blob(0)), text_of(use.blob(1)));
    return true;
  });
}

Ticket SqliteStore::flush() {
  if (!std::exchange(impl_->unflushed, false)) return impl_->last;
  ++impl_->last.value;
  return impl_->last;
}

Ticket SqliteStore::durable() const noexcept {
  return impl_->durable;
}

StoreStats SqliteStore::stats() {
  const TableRooms& counts = impl_->state.values;
  const std::size_t values = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  const RankCounts& ranks = impl_->state.counts;
  return {ranks.events(), values, impl_->state.evicted, impl_->state.rotten, ranks.shares(), impl_->room_.all()};
}

// --- the host's side

Ticket SqliteStore::requested() const noexcept {
  return impl_->last;
}

Result<Ticket> SqliteStore::commit() {
  try {
    impl_->commit();
    return impl_->committed;
  } catch (const DiskTrouble& cause) {
    impl_->in_trouble(cause);
    return error(ErrorCode::unavailable, impl_->trouble);
  }
}

void SqliteStore::mark_durable(Ticket ticket) {
  NP2P_ASSERT(ticket <= impl_->committed);
  impl_->durable = std::max(impl_->durable, ticket);
}

bool SqliteStore::healthy() const noexcept {
  return impl_->trouble.empty();
}

const std::string& SqliteStore::trouble() const noexcept {
  return impl_->trouble;
}

bool SqliteStore::damaged() const noexcept {
  return impl_->damaged;
}

const std::string& SqliteStore::note() const noexcept {
  return impl_->opening_note;
}

Status SqliteStore::sync() {
  return impl_->wal.sync();
}

}  // namespace np2p
