// What only the SQLite store has: a file that may be damaged, foreign or newer, a disk that fails, and power cuts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <array>
#include <map>

#include "core/base/rng.h"
#include "tests/core/store/sqlite_file.h"
#include "tests/core/store/test_disk.h"

namespace np2p::test {
namespace {

using testing::HasSubstr;

TEST_F(SqliteFile, RefusesWhatIsNotADatabase) {
  set_content(path(), "Dear diary, this is not a database. " + std::string(8192, 'z'));
  expect_refused(ErrorCode::malformed, "is not a nostrp2p database");
  set_content(path(), "short");
  expect_refused(ErrorCode::malformed, "is not a nostrp2p database");
}

TEST_F(SqliteFile, RefusesTheDatabaseOfSomebodyElse) {
  run_sql(path(), "CREATE TABLE bookmarks(url); INSERT INTO bookmarks VALUES('x')");
  expect_refused(ErrorCode::malformed, "is not a nostrp2p database");
}

TEST_F(SqliteFile, RefusesSomebodyElsesLogToo) {
  // A foreign database in WAL mode whose owner was killed: opening it the usual way would already move its log.
  const std::string original = path() + ".original";
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(original.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES(1)", nullptr, nullptr,
                         nullptr),
            SQLITE_OK);
  set_content(path(), content(original));
  set_content(path() + "-wal", content(original + "-wal"));
  sqlite3_close(db);
  ASSERT_FALSE(content(path() + "-wal").empty());
  expect_refused(ErrorCode::malformed, "is not a nostrp2p database");
}

TEST_F(SqliteFile, RefusesANewerSchema) {
  fill(3);
  run_sql(path(), "PRAGMA user_version=7");
  expect_refused(ErrorCode::wrong_version, "made by a newer version");
  run_sql(path(), "PRAGMA user_version=6");
  EXPECT_TRUE(open().ok());
}

// As a server of schema 5 would have made it, but for the ranks.
constexpr const char* kToSchemaFive =
    "DROP INDEX event_arrival; DROP INDEX event_mention; DROP INDEX event_rank;"
    "ALTER TABLE event DROP COLUMN claim; ALTER TABLE event DROP COLUMN size;"
    "CREATE INDEX event_rank ON event(rank, created_at DESC, head); PRAGMA user_version=5";

TEST_F(SqliteFile, BringsSchemaOneUpToDate) {
  const EventPtr followed = made_event(user(1), 0, 1000, "profile");
  const EventPtr follower = made_event(user(2), 0, 1001, "profile");
  {
    auto store = open();
    ASSERT_TRUE(store.ok());
    (*store)->set_standing(user(1), Standing::followed);
    (*store)->set_standing(user(2), Standing::follower);
    (*store)->put(followed);
    (*store)->put(follower);
  }
  run_sql(path(), kToSchemaFive);
  run_sql(path(), "UPDATE event SET rank=3");
  for (const char* table : {"rotten", "expiry", "search", "searched"}) {
    run_sql(path(), std::string("DROP TABLE ") + table);
  }
  run_sql(path(), "ALTER TABLE event DROP COLUMN written; PRAGMA user_version=1");
  Limits limits;
  limits.stored_events = 20;
  limits.follower_share_percent = 5;  // one
  for (int start = 0; start < 2; ++start) {
    auto store = SqliteStore::open(path(), limits);
    ASSERT_TRUE(store.ok());
    (*store)->set_standing(user(3), Standing::follower);
    (*store)->put(made_event(user(3), 0, 2000, "profile"));
    EXPECT_TRUE((*store)->contains(followed->id));
    EXPECT_FALSE((*store)->contains(follower->id));
    EXPECT_EQ((*store)->stats().events, 2u);
  }
}

TEST_F(SqliteFile, BringsSchemaTwoUpToDate) {
  fill(3);
  run_sql(path(), kToSchemaFive);
  for (const char* table : {"rotten", "expiry", "search", "searched"}) {
    run_sql(path(), std::string("DROP TABLE ") + table);
  }
  run_sql(path(), "ALTER TABLE event DROP COLUMN written; PRAGMA user_version=2");
  for (int start = 0; start < 2; ++start) {
    auto store = open();
    ASSERT_TRUE(store.ok()) << store.error().reason;
    EXPECT_EQ((*store)->stats().events, 3u);
  }
}

// A file that a server of schema 3 made: what it had is all there, with the words and the expiries that it did not
// know.
TEST_F(SqliteFile, BringsAFileOfSchemaThreeUpToDate) {
  std::filesystem::copy_file(NP2P_VECTORS "/store/schema3.db", path());
  for (int start = 0; start < 2; ++start) {
    auto store = open();
    ASSERT_TRUE(store.ok()) << store.error().reason;
    const auto found = [&](const char* words) {
      return (*store)->query(Where().search(words), Order::newest_first).size();
    };
    EXPECT_EQ((*store)->stats().events, start == 0 ? 18u : 17u);
    EXPECT_EQ(found("quick FOX"), 12u);
    EXPECT_EQ(found("\u00e4rger number 7"), 1u);
    EXPECT_EQ(found("\u4eac\u30bf"), 12u);
    EXPECT_EQ(found("keeper"), 1u);
    EXPECT_EQ(found("otters article"), 1u);
    EXPECT_EQ(found("name"), 0u);
    EXPECT_EQ((*store)->expire(1'700'000'099), 0u);
    EXPECT_EQ((*store)->expire(1'700'000'100), start == 0 ? 1u : 0u);
    EXPECT_EQ(found("gone"), 0u);
    EXPECT_EQ(found("lasts"), 1u);
  }
}

TEST_F(SqliteFile, BringsSchemaFourUpToDate) {
  const EventPtr event = made_event(user(2), 1, 5000, "quick fox", tags_of({{"t", "old"}}));
  fill(3);
  {
    auto store = open();
    ASSERT_TRUE(store.ok());
    (*store)->put(event);
  }
  run_sql(path(), kToSchemaFive);
  run_sql(path(), "ALTER TABLE event DROP COLUMN written; PRAGMA user_version=4");
  const EventPtr spaced = *ValidationGate::trusted(made_event(user(2), 1, 6000, "new").get(), "3456012");
  for (int start = 0; start < 3; ++start) {
    auto store = open();
    ASSERT_TRUE(store.ok()) << store.error().reason;
    EXPECT_EQ((*store)->stats().events, start == 0 ? 4u : 5u);
    EXPECT_EQ((*store)->get(event->id).get(), event.get());
    EXPECT_TRUE((*store)->get(event->id).written().empty());
    EXPECT_EQ(ids_of((*store)->query(Where().tag('t', {"old"}), Order::newest_first)), ids_of({event}));
    EXPECT_EQ(ids_of((*store)->query(Where().search("fox"), Order::newest_first)), ids_of({event}));
    if (start > 0) {
      EXPECT_EQ((*store)->get(spaced->id).written(), "3456012");
    }
    (*store)->put(spaced);
  }
}

// The ranks of schema 5 were others; of whom nothing was known, and what is addressed to whom, it did not say.
TEST_F(SqliteFile, BringsSchemaFiveUpToDate) {
  const std::string owner = user(1).hex();
  const EventPtr own = made_event(user(1), 1, 1000, "own");
  const std::vector<EventPtr> events = {
      own,
      made_event(user(1), 0, 1001, "profile"),
      made_event(user(2), 1, 1002, "followed"),
      made_event(user(2), 0, 1003, "profile"),
      made_event(user(3), 1, 1004, "follower"),
      made_event(user(3), 0, 1005, "profile"),
      made_event(user(4), 1, 1006, "mention", tags_of({{"p", owner}})),
      made_event(user(4), 7, 1007, "+", tags_of({{"e", own->id.hex()}})),
      made_event(user(5), 1059, 1008, "sealed", tags_of({{"p", owner}})),
      made_event(user(6), 1, 1009, "stranger"),
  };
  std::array<Amount, kShares> shares;
  {
    auto store = open();
    ASSERT_TRUE(store.ok());
    (*store)->set_standing(user(1), Standing::owner);
    (*store)->set_standing(user(2), Standing::followed);
    (*store)->set_standing(user(3), Standing::follower);
    for (const EventPtr& event : events) ASSERT_EQ((*store)->put(event), PutOutcome::stored);
    shares = (*store)->stats().shares;
  }
  const auto events_in = [&](Share share) { return shares[static_cast<std::size_t>(share)].events; };
  EXPECT_EQ(events_in(Share::own), 2u);
  EXPECT_EQ(events_in(Share::mentions), 2u);
  EXPECT_EQ(events_in(Share::sealed), 1u);
  run_sql(path(), kToSchemaFive);
  run_sql(path(), "UPDATE event SET rank=3 WHERE kind=0; UPDATE event SET rank=0 WHERE rank>3");
  for (int start = 0; start < 2; ++start) {
    auto store = open();
    ASSERT_TRUE(store.ok()) << store.error().reason;
    EXPECT_EQ((*store)->stats().shares, shares);
    for (const EventPtr& event : events) EXPECT_TRUE((*store)->contains(event->id));
  }
}

// The event is whole, and is written anew.
TEST_F(SqliteFile, DoesWithoutHowAnEventWasWrittenIfThatHasRotted) {
  const EventPtr event = *ValidationGate::trusted(made_event(user(1), 1, 1000, "x").get(), "{ \"text\" }");
  {
    auto store = open();
    ASSERT_TRUE(store.ok());
    (*store)->put(event);
  }
  run_sql(path(), "UPDATE event SET written = CAST(replace(CAST(written AS TEXT), 'text', 'tent') AS BLOB)");
  for (const char* damage : {"", "UPDATE event SET written=x'00'"}) {
    if (*damage != '\0') run_sql(path(), damage);
    auto store = open();
    ASSERT_TRUE(store.ok());
    const EventPtr back = (*store)->get(event->id);
    ASSERT_TRUE(back);
    EXPECT_EQ(back.get(), event.get());
    EXPECT_TRUE(back.written().empty());
    EXPECT_EQ((*store)->stats().rotten, 0u);
  }
}

TEST_F(SqliteFile, RefusesTablesThatAreNotOurs) {
  fill(1);
  run_sql(path(), "ALTER TABLE event ADD COLUMN surprise");
  expect_refused(ErrorCode::malformed, "is damaged");
}

TEST_F(SqliteFile, SaysWhyItCannotBeOpened) {
  auto store = SqliteStore::open(path() + "/in/no/directory", Limits{});
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, ErrorCode::unavailable);
  EXPECT_THAT(store.error().reason, HasSubstr("cannot open"));
}

TEST_F(SqliteFile, IsForOneServerAtATime) {
  auto first = open();
  ASSERT_TRUE(first.ok());
  const EventPtr event = made_event(user(1), 1, 1, "mine");
  (*first)->put(event);
  auto second = open();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
  EXPECT_THAT(second.error().reason, HasSubstr("another server uses this data directory"));
  EXPECT_TRUE((*first)->commit().ok());
  EXPECT_TRUE((*first)->sync().ok());
  (*first).reset();
  auto third = open();
  ASSERT_TRUE(third.ok());
  EXPECT_TRUE((*third)->contains(event->id));
}

// --- on a disk with faults

class SqliteDisk : public testing::Test {
 protected:
  void start(const Limits& limits = {}) {
    store_.reset();
    auto opened = SqliteStore::open("store.db", limits, disk_.vfs());
    ASSERT_TRUE(opened.ok()) << opened.error().reason;
    store_ = std::move(opened).value();
  }
  bool save() {
    const auto ticket = store_->commit();
    if (!ticket.ok() || !store_->sync().ok()) return false;
    store_->mark_durable(*ticket);
    return true;
  }
  TestDisk disk_;
  std::unique_ptr<SqliteStore> store_;
};

TEST_F(SqliteDisk, OneSyncPerPublish) {
  start();
  const std::uint64_t before = disk_.syncs;
  constexpr int kPublishes = 1000;
  for (int i = 0; i < kPublishes; ++i) {
    const std::string id(64, static_cast<char>('a' + i % 16));
    store_->put(made_event(user(1), 1, 1000 + i, std::string(300, 'x'), tags_of({{"e", id}, {"p", id}})));
    store_->flush();
    ASSERT_TRUE(save());
  }
  EXPECT_LE(disk_.syncs - before, kPublishes * 105 / 100);
}

TEST_F(SqliteDisk, AFullDiskRefusesAndRecovers) {
  start();
  const EventPtr before = made_event(user(1), 1, 1, "before");
  const EventPtr pending = made_event(user(1), 1, 2, "accepted while the disk fills up");
  const EventPtr refused = made_event(user(1), 1, 3, "refused");
  store_->put(before);
  store_->flush();
  ASSERT_TRUE(save());
  EXPECT_EQ(store_->put(pending), PutOutcome::stored);
  const Ticket ticket = store_->flush();
  disk_.full = true;
  EXPECT_FALSE(store_->commit().ok());
  EXPECT_FALSE(store_->healthy());
  EXPECT_THAT(store_->trouble(), HasSubstr("full"));
  for (int i = 0; i < 40; ++i) EXPECT_EQ(store_->put(refused), PutOutcome::trouble);
  store_->set_value(Table::node, "written", "in trouble");
  EXPECT_TRUE(store_->contains(before->id));
  EXPECT_FALSE(store_->commit().ok());
  EXPECT_LT(store_->durable(), ticket);
  disk_.full = false;
  const auto committed = store_->commit();
  ASSERT_TRUE(committed.ok());
  EXPECT_EQ(*committed, ticket);
  EXPECT_TRUE(store_->healthy());
  EXPECT_TRUE(store_->contains(pending->id));  // what was accepted before the trouble is not forgotten
  EXPECT_EQ(store_->value(Table::node, "written"), "in trouble");
  EXPECT_EQ(store_->put(refused), PutOutcome::stored);
  EXPECT_EQ(store_->stats().events, 3u);
}

TEST_F(SqliteDisk, ClosingOnAFullDiskLeavesWhatWasSafe) {
  for (const int fills : {3, 120, 700}) {  // the log still in its first round, and full of frames of earlier rounds
    disk_.write("store.db", "");
    disk_.write("store.db-wal", "");
    start();
    for (int i = 0; i < fills; ++i) {
      store_->put(made_event(user(1), 1, i, std::string(20'000, 'a'), tags_of({{"t", std::to_string(i)}})));
      ASSERT_TRUE(save());
    }
    disk_.full = true;
    for (int i = 0; i < 5; ++i) {
      store_->put(made_event(user(2), 1, i, std::string(30'000, 'b')));
      EXPECT_FALSE(store_->commit().ok());
    }
    store_.reset();  // its connection copies the log into the database if it may
    disk_.full = false;
    start();
    EXPECT_EQ(store_->stats().events, static_cast<std::size_t>(fills));
    EXPECT_EQ(store_->query(Where().authors({user(1)}), Order::newest_first).size(),
              std::min<std::size_t>(static_cast<std::size_t>(fills), Limits{}.query_events));
    EXPECT_EQ(store_->stats().rotten, 0u);
  }
}

TEST_F(SqliteDisk, PutsAloneFindOutThatTheDiskIsWellAgain) {
  start();
  store_->put(made_event(user(1), 1, 1, "a"));
  disk_.full = true;
  EXPECT_FALSE(store_->commit().ok());
  disk_.full = false;
  PutOutcome outcome = PutOutcome::trouble;
  for (int i = 0; i < 32 && outcome == PutOutcome::trouble; ++i) outcome = store_->put(made_event(user(1), 1, 2, "b"));
  EXPECT_EQ(outcome, PutOutcome::stored);
  EXPECT_TRUE(store_->healthy());
}

TEST_F(SqliteDisk, RemembersOnlySoManyWrites) {
  Limits limits;
  limits.unsafe_writes = 10;
  start(limits);
  for (int i = 0; i < 25; ++i) store_->put(made_event(user(1), 1, i, "a"));  // two transactions ended by themselves
  disk_.full = true;
  EXPECT_FALSE(store_->commit().ok());
  EXPECT_EQ(store_->stats().events, 25u);
  const Ticket owed = store_->flush();
  for (int i = 0; i < 20; ++i) store_->set_value(Table::node, std::to_string(i), "more than can be remembered");
  disk_.full = false;
  EXPECT_FALSE(store_->commit().ok());  // some of it is lost: no ticket may claim otherwise
  EXPECT_LT(store_->durable(), owed);
  EXPECT_THAT(store_->trouble(), HasSubstr("restart"));
  start(limits);
  EXPECT_TRUE(store_->healthy());
  EXPECT_GE(store_->stats().events, 20u);
}

TEST_F(SqliteDisk, AFailedSyncIsNeverTrustedAgain) {
  start();
  const EventPtr event = made_event(user(1), 1, 1, "precious");
  store_->put(event);
  const Ticket ticket = store_->flush();
  ASSERT_TRUE(store_->commit().ok());
  disk_.syncs_fail = true;
  EXPECT_FALSE(store_->sync().ok());
  disk_.syncs_fail = false;
  EXPECT_FALSE(store_->sync().ok());  // the kernel would say yes now, and the page would be gone
  const auto again = store_->commit();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, ticket);
  EXPECT_TRUE(store_->sync().ok());
  disk_.cut_power();
  store_.reset();
  Rng rng(1, "disk");
  disk_.restore_power(rng);
  start();
  EXPECT_TRUE(store_->contains(event->id));
}

TEST_F(SqliteDisk, AnUnreadableDiskIsReported) {
  start();
  for (int i = 0; i < 3000; ++i) store_->put(made_event(user(1), 1, i, std::string(900, 'x')));
  ASSERT_TRUE(save());
  disk_.unreadable = true;
  EXPECT_TRUE(store_->query(Where().limit(5000), Order::newest_first).empty());
  EXPECT_FALSE(store_->healthy());
  disk_.unreadable = false;
  EXPECT_TRUE(store_->commit().ok());
  EXPECT_EQ(store_->query(Where().limit(5000), Order::newest_first).size(), 3000u);
}

// One life of a store that ends in a power cut at a random operation. Whatever was durable before has to be there.
class PowerCut {
 public:
  explicit PowerCut(std::uint64_t seed) : rng_(seed, "power") { limits_.stranger_share_percent = 100; }

  void run() {
    for (int boot = 0; boot < 3 && !testing::Test::HasFailure(); ++boot) {
      disk_.cut_power_after(1 + rng_.below(rng_.chance(1, 4) ? 40 : rng_.chance(1, 2) ? 400 : 4000));
      live();
      disk_.cut_power();
      store_.reset();
      disk_.restore_power(rng_);
      check();
    }
  }

 private:
  void live() {
    auto opened = SqliteStore::open("store.db", limits_, disk_.vfs());
    if (!opened.ok()) return;
    store_ = std::move(opened).value();
    written_.clear();
    std::uint64_t committed = 0;
    for (int step = 0; step < 400 && disk_.has_power(); ++step) {
      write_something();
      if (rng_.chance(1, 2)) continue;
      store_->flush();
      if (const auto ticket = store_->commit(); ticket.ok()) committed = ticket->value;
      if (rng_.chance(1, 2) || committed == 0) continue;
      const Ticket reached{committed};
      for (std::uint64_t more = rng_.below(3); more > 0; --more) {  // the node goes on while the disk works
        write_something();
        static_cast<void>(store_->commit());
      }
      if (!store_->sync().ok()) continue;
      store_->mark_durable(reached);
      acknowledge(reached);
    }
  }
  void write_something() {
    const std::uint64_t size = rng_.below(rng_.chance(1, 5) ? 60'000 : 500);
    const bool profile = rng_.chance(1, 10);
    const EventPtr event = made_event(user(static_cast<unsigned>(rng_.below(3))), profile ? 0 : 1, ++time_,
                                      std::string(size, 'x'), tags_of({{"t", "x"}}));
    if (store_->put(event) == PutOutcome::stored && !profile) written_.emplace_back(next_ticket(), event->id);
    const std::string key = std::to_string(rng_.below(5));
    const std::string value = std::to_string(time_);
    store_->set_value(Table::outbox, key, value);
    values_[key].emplace_back(value);
  }
  // What is written now gets at most this ticket.
  Ticket next_ticket() const { return Ticket{store_->requested().value + 1}; }
  void acknowledge(Ticket ticket) {
    for (const auto& [its, id] : written_) {
      if (its <= ticket) acknowledged_.push_back(id);
    }
    std::erase_if(written_, [&](const auto& entry) { return entry.first <= ticket; });
  }
  void check() {
    auto opened = SqliteStore::open("store.db", limits_, disk_.vfs());
    ASSERT_TRUE(opened.ok()) << opened.error().reason;
    for (const EventId& id : acknowledged_) ASSERT_TRUE((*opened)->get(id)) << "lost " << id.hex();
    EXPECT_EQ((*opened)->query(Where().tag('t', {"x"}), Order::newest_first).size(), (*opened)->stats().events);
    EXPECT_EQ((*opened)->stats().rotten, 0u);
    for (const auto& [key, values] : values_) {
      const std::string value = (*opened)->value(Table::outbox, key);
      EXPECT_TRUE(value.empty() || std::find(values.begin(), values.end(), value) != values.end());
    }
  }

  Rng rng_;
  Limits limits_;
  TestDisk disk_;
  std::unique_ptr<SqliteStore> store_;
  std::int64_t time_ = 0;
  std::vector<std::pair<Ticket, EventId>> written_;  // in this life, not acknowledged yet
  std::vector<EventId> acknowledged_;
  std::map<std::string, std::vector<std::string>> values_;
};

TEST(SqlitePower, NothingAcknowledgedIsLost) {
  for (std::uint64_t seed = 1; seed <= 60 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PowerCut(seed).run();
  }
}

}  // namespace
}  // namespace np2p::test
