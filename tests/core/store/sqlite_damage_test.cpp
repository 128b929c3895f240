// A database file or log that is damaged: refused before anything is written, or set aside; never lost without a word.
#include <chrono>
#include <map>

#include "tests/core/store/sqlite_file.h"

namespace np2p::test {
namespace {

using testing::HasSubstr;

TEST_F(SqliteFile, RefusesDamage) {
  fill(200);
  const std::string whole = content(path());
  ASSERT_GT(whole.size(), 40'000u);
  set_content(path(), whole.substr(0, whole.size() / 2));
  expect_refused(ErrorCode::malformed, "is damaged");
  std::string scratched = whole;
  scratched.replace(100, 3000, std::string(3000, '\x55'));  // the page of the tables
  set_content(path(), scratched);
  expect_refused(ErrorCode::malformed, "is damaged");
  scratched = whole;
  scratched.replace(4096 * 3, 4096 * 4, std::string(4096 * 4, '\x55'));
  set_content(path(), scratched);
  expect_refused(ErrorCode::malformed, "is damaged");
  set_content(path(), whole);
  auto store = open();
  ASSERT_TRUE(store.ok());
  EXPECT_EQ((*store)->stats().events, 200u);
}

// A file too large to look at every page of it in passing.
class LargeSqliteFile : public SqliteFile {
 protected:
  static constexpr int kEvents = 6000;
  void SetUp() override {
    auto store = open();
    ASSERT_TRUE(store.ok());
    for (unsigned i = 0; i < 50; ++i) (*store)->set_standing(user(i), Standing::followed);  // they have the room
    (*store)->set_value(Table::node, "key", "value");
    for (int i = 0; i < kEvents; ++i) {
      const std::string content(5000, 'x');
      const std::uint16_t kind = i % 50 == 0 ? std::uint16_t{30'000} : std::uint16_t{1};
      (*store)->put(made_event(user(static_cast<unsigned>(i % 50)), kind, 1000 + i, content,
                               tags_of({{"t", std::to_string(i % 500)}, {"d", std::to_string(i)}})));
    }
    store->reset();
    ASSERT_GT(std::filesystem::file_size(path()), 6144u * 4096u);
  }
  std::map<std::string, std::int64_t> roots() {
    std::map<std::string, std::int64_t> roots;
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
    const auto row = [](void* out, int, char** values, char**) {
      (*static_cast<std::map<std::string, std::int64_t>*>(out))[values[0]] = std::stoll(values[1]);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(db, "SELECT name, rootpage FROM sqlite_schema WHERE rootpage>0", row, &roots, nullptr),
              SQLITE_OK);
    sqlite3_close(db);
    return roots;
  }
  void overwrite(std::int64_t page, const std::string& bytes) {
    std::fstream file(path(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp((page - 1) * 4096);
    file << bytes;
  }
};

TEST_F(LargeSqliteFile, EveryDamagedRootIsFoundAtTheStart) {
  const auto roots = this->roots();
  EXPECT_EQ(roots.size(), 17u);
  for (const auto& [name, page] : roots) {
    SCOPED_TRACE(name);
    std::ifstream file(path(), std::ios::binary);
    std::string whole(4096, '\0');
    file.seekg((page - 1) * 4096);
    file.read(whole.data(), 4096);
    file.close();
    overwrite(page, std::string(4096, page % 2 == 0 ? '\0' : '\x55'));
    expect_refused(ErrorCode::malformed, "is damaged");
    overwrite(page, whole);
  }
  const auto begin = std::chrono::steady_clock::now();
  auto store = open();
  ASSERT_TRUE(store.ok()) << store.error().reason;
  // Generous: on an idle machine it is a tenth of this, and a look at everything takes far longer.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ((*store)->stats().events, static_cast<std::size_t>(kEvents));
}

TEST_F(LargeSqliteFile, AnIndexThatMissesRowsIsFoundAtTheStart) {
  const std::int64_t first = roots().at("event_kind");
  const std::int64_t second = roots().at("event_rank");
  run_sql(path(), "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET rootpage=CASE name WHEN 'event_kind' THEN " +
                      std::to_string(second) + " ELSE " + std::to_string(first) +
                      " END WHERE name IN ('event_kind', 'event_rank')");
  expect_refused(ErrorCode::malformed, "is missing in an index");
}

TEST_F(LargeSqliteFile, DamageMetLaterEndsAllWritingWithOneReason) {
  const std::int64_t root = roots().at("event_head");
  auto store = open();
  ASSERT_TRUE(store.ok());
  const EventPtr accepted = made_event(user(1), 1, 1'000'000, "accepted before");
  EXPECT_EQ((*store)->put(accepted), PutOutcome::stored);
  (*store)->flush();
  ASSERT_TRUE((*store)->commit().ok());
  // Pages in the cache hide the damage for a while: drown them, and write over the whole index.
  const std::size_t at = static_cast<std::size_t>(root - 1) * 4096;
  overwrite(root, std::string(4096, '\x55'));
  for (int i = 0; i < 40 && (*store)->healthy(); ++i) {
    static_cast<void>((*store)->query(Where().limit(5000), Order::newest_first));
    (*store)->put(made_event(user(2), 1, 2'000'000 + i, "later"));
    static_cast<void>((*store)->commit());
  }
  ASSERT_FALSE((*store)->healthy());
  EXPECT_TRUE((*store)->damaged());
  EXPECT_THAT((*store)->trouble(), HasSubstr("the database is damaged"));
  const std::string reason = (*store)->trouble();
  const std::string before = content(path());
  ASSERT_EQ(before.substr(at, 4096), std::string(4096, '\x55'));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ((*store)->put(made_event(user(2), 1, 3'000'000 + i, "refused")), PutOutcome::trouble);
  }
  const Ticket durable = (*store)->durable();
  (*store)->set_value(Table::node, "owed", "but lost");
  EXPECT_GT((*store)->flush(), durable);
  EXPECT_FALSE((*store)->commit().ok());  // no ticket for what is lost
  EXPECT_EQ((*store)->trouble(), reason);
  store->reset();
  EXPECT_TRUE(content(path()) == before);
}

TEST_F(SqliteFile, SetsRottenRowsAsideAndCountsThem) {
  const EventPtr good = made_event(user(1), 1, 1000, "good", tags_of({{"t", "x"}}));
  const EventPtr text = made_event(user(1), 1, 1001, "rotten in the text", tags_of({{"t", "x"}}));
  const EventPtr time = made_event(user(1), 1, 1002, "rotten in the time", tags_of({{"t", "x"}}));
  const EventPtr sig = made_event(user(1), 1, 1003, "rotten in the signature", tags_of({{"t", "x"}}));
  const EventPtr cut = made_event(user(1), 1, 1004, "cut off", tags_of({{"t", "x"}}));
  {
    auto store = open();
    ASSERT_TRUE(store.ok());
    for (const EventPtr& event : {good, text, time, sig, cut}) (*store)->put(event);
  }
  const auto where = [](const EventPtr& event) { return " WHERE id=x'" + event->id.hex() + "'"; };
  run_sql(path(), "UPDATE event SET body=substr(body, 1, length(body)-1) || x'21'" + where(text));
  run_sql(path(), "UPDATE event SET created_at=created_at+1" + where(time));
  run_sql(path(), "UPDATE event SET body=substr(body, 1, 20) || x'00' || substr(body, 22)" + where(sig));
  run_sql(path(), "UPDATE event SET body=substr(body, 1, 74)" + where(cut));
  auto store = open();
  ASSERT_TRUE(store.ok());
  EXPECT_FALSE((*store)->get(cut->id));
  EXPECT_EQ((*store)->stats().rotten, 1u);
  EXPECT_EQ(ids_of((*store)->query(Where().limit(1), Order::newest_first)), ids_of({good}));
  EXPECT_EQ((*store)->stats().rotten, 4u);
  EXPECT_EQ(ids_of((*store)->query(Where().tag('t', {"x"}), Order::newest_first)), ids_of({good}));
  EXPECT_EQ((*store)->stats().events, 1u);
  EXPECT_EQ((*store)->put(text), PutOutcome::stored);
  // Their bytes are still there, and so is the count after a restart.
  store->reset();
  EXPECT_THAT(content(path()), HasSubstr("rotten in the signature"));
  EXPECT_THAT(content(path()), HasSubstr("rotten in the tim"));
  store = open();
  ASSERT_TRUE(store.ok());
  EXPECT_EQ((*store)->stats().rotten, 4u);
  EXPECT_EQ((*store)->stats().events, 2u);
}

// --- a log as a killed server leaves it

class KilledSqliteFile : public SqliteFile {
 protected:
  // Copies of database and log taken while the store was open: what a kill leaves.
  void killed_after(int events) {
    const std::string original = path() + ".original";
    auto store = SqliteStore::open(original, Limits{});
    ASSERT_TRUE(store.ok());
    for (int i = 0; i < events; ++i) {
      (*store)->put(made_event(user(1), 1, 1000 + i, std::string(600, 'x')));
      (*store)->flush();
      ASSERT_TRUE((*store)->commit().ok());
    }
    set_content(path(), content(original));
    set_content(path() + "-wal", content(original + "-wal"));
  }
  std::size_t events() {
    auto store = open();
    EXPECT_TRUE(store.ok()) << store.error().reason;
    note_ = (*store)->note();
    return (*store)->stats().events;
  }
  std::string kept() { return content(path() + "-wal.damaged-1"); }
  std::string note_;
};

TEST_F(KilledSqliteFile, AWholeLogIsTakenUpWithoutAWord) {
  killed_after(300);
  ASSERT_GT(content(path() + "-wal").size(), 1'000'000u);
  EXPECT_EQ(events(), 300u);
  EXPECT_EQ(note_, "");
  EXPECT_FALSE(std::filesystem::exists(path() + "-wal.damaged-1"));
}

TEST_F(KilledSqliteFile, AFrameThatWasBeingWrittenIsNoDamage) {
  killed_after(300);
  const std::string log = content(path() + "-wal");
  set_content(path() + "-wal", log.substr(0, log.size() - 2000));
  EXPECT_EQ(events(), 299u);
  EXPECT_EQ(note_, "");
}

TEST_F(KilledSqliteFile, ADamagedLogIsKeptAndSaidSo) {
  for (const std::size_t at : {5000u, 40u, 8u, 400'000u}) {  // in a page, a frame's header, the log's own, the middle
    SCOPED_TRACE(at);
    std::filesystem::remove(path() + "-wal.damaged-1");
    for (const char* end : {"", "-wal"}) std::filesystem::remove(path() + ".original" + end);
    killed_after(300);
    std::string log = content(path() + "-wal");
    for (std::size_t i = at; i < at + 8; ++i) log[i] = static_cast<char>(log[i] ^ 0x5A);
    set_content(path() + "-wal", log);
    EXPECT_LT(events(), 300u);
    EXPECT_THAT(note_, HasSubstr("log was damaged"));
    EXPECT_THAT(note_, HasSubstr("store.db-wal.damaged-1"));
    EXPECT_TRUE(kept() == log);
    events();  // once
    EXPECT_EQ(note_, "");
    EXPECT_FALSE(std::filesystem::exists(path() + "-wal.damaged-2"));
  }
}

}  // namespace
}  // namespace np2p::test
