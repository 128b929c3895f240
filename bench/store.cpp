// The stores: putting, asking, starting, and publishing durably. `floor` is the bare database doing the least that a
// durable publish needs (one row, two indices, one transaction, synchronous=FULL); the durable rates are to be read as
// ratios to it, in one run. The directory of the files is $TMPDIR, or the working directory.
#include <benchmark/benchmark.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/event/canonical.h"
#include "core/event/validation.h"
#include "core/store/memory_store.h"
#include "core/store/sqlite_store.h"

namespace np2p {
namespace {

constexpr unsigned kAuthors = 1000;
constexpr std::size_t kContent = 300;  // with two tags and the signature about 500 bytes a row

PubKey author(std::uint64_t number) {
  Rng rng(number, "author");
  PubKey key;
  for (auto& byte : key.data) byte = static_cast<std::uint8_t>(rng.next());
  return key;
}

EventPtr event(std::uint64_t number) {
  Rng rng(number, "event");
  Event e{.id = {},
          .pubkey = author(rng.below(kAuthors)),
          .created_at = 1'750'000'000 + static_cast<std::int64_t>(number),
          .kind = static_cast<std::uint16_t>(rng.chance(1, 10) ? 7 : 1),
          .tags = {},
          .content = std::string(kContent, 'x'),
          .sig = {}};
  const std::uint64_t parent = rng.below(10'000);
  e.tags.add({"e", author(parent).hex()});
  e.tags.add({"p", author(parent % kAuthors).hex()});
  for (char& c : e.content) c = static_cast<char>('a' + rng.below(26));
  e.id = compute_id(e);
  return ValidationGate::trusted(std::move(e)).value();
}

const std::vector<EventPtr>& events(std::size_t count) {
  static std::vector<EventPtr> made;
  while (made.size() < count) made.push_back(event(made.size()));
  return made;
}

Limits roomy() {
  Limits limits;
  limits.stored_events = 1'000'000;
  limits.stranger_share_percent = 100;
  return limits;
}

class Directory {
 public:
  Directory() {
    const char* parent = std::getenv("TMPDIR");
    std::string name = std::string(parent != nullptr ? parent : ".") + "/bench-store-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::unique_ptr<SqliteStore> open_at(const std::string& path) {
  auto store = SqliteStore::open(path, roomy());
  if (!store.ok()) std::abort();
  return std::move(store).value();
}

void save(SqliteStore& store) {
  const auto ticket = store.commit();
  if (!ticket.ok() || !store.sync().ok()) std::abort();
  store.mark_durable(*ticket);
}

// A database with so many events, made once.
std::string filled(std::size_t count) {
  static Directory directory;
  const std::string path = directory.file(("filled-" + std::to_string(count)).c_str());
  if (std::filesystem::exists(path)) return path;
  const auto store = open_at(path);
  for (std::size_t i = 0; i < count; ++i) {
    store->put(events(count)[i]);
    if (i % 1000 == 999) save(*store);
  }
  save(*store);
  return path;
}

Filter home_feed(Rng& rng) {
  Filter filter;
  filter.authors.emplace();
  for (int i = 0; i < 100; ++i) filter.authors->push_back(author(rng.below(kAuthors)));
  filter.kinds = {1};
  filter.limit = 50;
  return filter;
}

void ask_home_feeds(benchmark::State& state, Store& store) {
  Rng rng(1, "bench");
  std::vector<Filter> filters;
  for (int i = 0; i < 64; ++i) filters.push_back(home_feed(rng));
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(store.query(filters[next++ % filters.size()], Order::newest_first));
  }
  state.SetItemsProcessed(state.iterations());
}

void memory_put(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  events(count);
  for (auto _ : state) {
    MemoryStore store(roomy());
    for (std::size_t i = 0; i < count; ++i) store.put(events(count)[i]);
    state.counters["bytes/event"] = static_cast<double>(store.bytes()) / static_cast<double>(count);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(memory_put)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMillisecond);

void memory_home_feed(benchmark::State& state) {
  MemoryStore store(roomy());
  for (std::size_t i = 0; i < 100'000; ++i) store.put(events(100'000)[i]);
  ask_home_feeds(state, store);
}
BENCHMARK(memory_home_feed);

void sqlite_put(benchmark::State& state) {
  const Directory directory;
  const auto batch = static_cast<std::size_t>(state.range(0));
  const auto store = open_at(directory.file("put.db"));
  std::size_t i = 0;
  events(20'000);
  for (auto _ : state) {
    for (std::size_t n = 0; n < batch; ++n) store->put(events(20'000)[i++]);
    store->flush();
    benchmark::DoNotOptimize(store->commit());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(i));
}
BENCHMARK(sqlite_put)->Arg(100)->Iterations(200)->UseRealTime();

void sqlite_home_feed(benchmark::State& state) {
  const auto store = open_at(filled(100'000));
  ask_home_feeds(state, *store);
}
BENCHMARK(sqlite_home_feed)->UseRealTime();

void sqlite_newest_100_of_20k(benchmark::State& state) {
  const auto store = open_at(filled(20'000));
  Filter filter;
  filter.limit = 100;
  for (auto _ : state) benchmark::DoNotOptimize(store->query(filter, Order::oldest_first));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(sqlite_newest_100_of_20k)->UseRealTime();

void sqlite_start(benchmark::State& state) {
  const std::string path = filled(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    auto store = open_at(path);
    state.PauseTiming();
    store.reset();
    state.ResumeTiming();
  }
}
BENCHMARK(sqlite_start)->Arg(20'000)->Arg(100'000)->Iterations(5)->UseRealTime()->Unit(benchmark::kMillisecond);

void floor_full_batch_1(benchmark::State& state) {
  const Directory directory;
  sqlite3* db = nullptr;
  sqlite3_stmt* insert = nullptr;
  if (sqlite3_open(directory.file("floor.db").c_str(), &db) != SQLITE_OK) std::abort();
  const char* schema =
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
      "CREATE TABLE ev(seq INTEGER PRIMARY KEY, id BLOB UNIQUE NOT NULL, pubkey BLOB NOT NULL, kind INT, created_at "
      "INT, "
      "raw BLOB); CREATE INDEX ev_pk ON ev(pubkey, kind, created_at)";
  if (sqlite3_exec(db, schema, nullptr, nullptr, nullptr) != SQLITE_OK) std::abort();
  sqlite3_prepare_v2(db, "INSERT INTO ev(id, pubkey, kind, created_at, raw) VALUES(?,?,?,?,?)", -1, &insert, nullptr);
  events(1000);
  const std::string raw(500, 'x');
  std::size_t i = 0;
  for (auto _ : state) {
    const Event& e = events(1000)[i++].get();
    sqlite3_bind_blob(insert, 1, e.id.data.data(), 32, SQLITE_STATIC);
    sqlite3_bind_blob(insert, 2, e.pubkey.data.data(), 32, SQLITE_STATIC);
    sqlite3_bind_int(insert, 3, e.kind);
    sqlite3_bind_int64(insert, 4, e.created_at);
    sqlite3_bind_blob(insert, 5, raw.data(), static_cast<int>(raw.size()), SQLITE_STATIC);
    if (sqlite3_step(insert) != SQLITE_DONE) std::abort();
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  sqlite3_close(db);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(floor_full_batch_1)->Iterations(500)->UseRealTime();

// So many publishes wait for one sync, as they do with so many connections.
void sqlite_durable(benchmark::State& state) {
  const Directory directory;
  const auto store = open_at(directory.file("durable.db"));
  events(5000);
  std::size_t i = 0;
  for (auto _ : state) {
    for (std::int64_t n = 0; n < state.range(0); ++n) store->put(events(5000)[i++]);
    store->flush();
    save(*store);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(i));
}
BENCHMARK(sqlite_durable)->Arg(1)->Arg(8)->Iterations(500)->UseRealTime();

}  // namespace
}  // namespace np2p
