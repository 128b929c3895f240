// What a durable insert must cost: one row of a 500-byte event with two indexes per transaction, SQLite in WAL mode
// with synchronous=FULL, so one fdatasync each.   sqlite DIRECTORY INSERTS
#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

static void must(int result, sqlite3* db) {
  if (result == SQLITE_OK || result == SQLITE_DONE || result == SQLITE_ROW) return;
  std::fprintf(stderr, "sqlite %d: %s\n", result, sqlite3_errmsg(db));
  std::exit(1);
}

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: sqlite DIRECTORY INSERTS\n");
    return 2;
  }
  const std::string file = std::string(arguments[1]) + "/yardstick.db";
  const int inserts = std::atoi(arguments[2]);
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(file + suffix);
  sqlite3* db = nullptr;
  must(sqlite3_open(file.c_str(), &db), db);
  for (const char* statement :
       {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
        "CREATE TABLE ev(seq INTEGER PRIMARY KEY,id BLOB UNIQUE NOT NULL,pubkey BLOB NOT NULL,kind INT,created_at INT,"
        "raw BLOB)",
        "CREATE INDEX ev_pk ON ev(pubkey,kind,created_at)"}) {
    must(sqlite3_exec(db, statement, nullptr, nullptr, nullptr), db);
  }
  sqlite3_stmt* insert = nullptr;
  must(sqlite3_prepare_v2(db, "INSERT INTO ev(id,pubkey,kind,created_at,raw) VALUES(?,?,?,?,?)", -1, &insert, nullptr),
       db);
  std::uint64_t state = 1;
  const std::string body(500, 'x');
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < inserts; ++i) {
    std::uint64_t id[4], author[4] = {};
    for (auto& word : id) word = state = state * 6364136223846793005u + 1442695040888963407u;
    author[0] = (state >> 33) % 200;
    must(sqlite3_exec(db, "BEGIN", nullptr, nullptr, nullptr), db);
    sqlite3_bind_blob(insert, 1, id, 32, SQLITE_STATIC);
    sqlite3_bind_blob(insert, 2, author, 32, SQLITE_STATIC);
    sqlite3_bind_int(insert, 3, 1);
    sqlite3_bind_int64(insert, 4, static_cast<std::int64_t>(1'750'000'000 + (state >> 40)));
    sqlite3_bind_blob(insert, 5, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
    must(sqlite3_step(insert), db);
    sqlite3_reset(insert);
    must(sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr), db);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("sqlite FULL batch 1 inserts=%d per_s=%.0f\n", inserts, inserts / seconds.count());
  sqlite3_finalize(insert);
  sqlite3_close(db);
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(file + suffix);
}
