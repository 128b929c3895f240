// A database file in a directory of its own, for tests that damage it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/core/store/store_fixture.h"

namespace np2p::test {

inline std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void set_content(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline void run_sql(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
}

class SqliteFile : public testing::Test {
 protected:
  std::string path() const { return directory_.file("store.db"); }
  auto open() { return SqliteStore::open(path(), Limits{}); }
  void fill(int events) {
    auto store = open();
    ASSERT_TRUE(store.ok());
    for (int i = 0; i < events; ++i) (*store)->put(made_event(user(1), 1, 1000 + i, std::string(600, 'x')));
  }
  // Refused with this code and a sentence, and every byte where it was.
  void expect_refused(ErrorCode code, const std::string& sentence) {
    const std::string before = content(path());
    const std::string log_before = content(path() + "-wal");
    const bool log_was_there = std::filesystem::exists(path() + "-wal");
    auto store = open();
    ASSERT_FALSE(store.ok());
    EXPECT_EQ(store.error().code, code);
    EXPECT_THAT(store.error().reason, testing::HasSubstr(sentence));
    EXPECT_TRUE(content(path()) == before);
    EXPECT_TRUE(content(path() + "-wal") == log_before);
    EXPECT_EQ(std::filesystem::exists(path() + "-wal"), log_was_there);
    EXPECT_THAT(store.error().reason, testing::Not(testing::HasSubstr("\n")));
  }

 private:
  TemporaryDirectory directory_;
};

}  // namespace np2p::test
