// The little of SQLite that the store needs, with owners for its handles. Inside core/store/sqlite_* trouble with the
// disk or the file travels as the exception DiskTrouble; SqliteStore's public functions catch it, nobody else sees it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/bytes.h"

struct sqlite3;
struct sqlite3_stmt;

namespace np2p {

struct DiskTrouble {
  int code;  // SQLite's primary result code
  std::string reason;
};

// An open connection. Used from one thread.
class Database {
 public:
  Database(const std::string& path, int flags, const char* vfs);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void exec(const char* sql);
  [[nodiscard]] std::int64_t number(const char* sql);  // the first column of the first row; 0 without one
  [[nodiscard]] std::string text(const char* sql);
  [[nodiscard]] bool in_transaction() const noexcept;
  [[nodiscard]] std::int64_t last_row() const noexcept;  // the number of the row inserted last
  [[nodiscard]] sqlite3* handle() const noexcept { return db_; }
  [[noreturn]] void fail() const;  // with what SQLite says about its last call

 private:
  sqlite3* db_ = nullptr;
};

// A statement, compiled at its first use and kept. Its Database outlives it.
class Statement {
 public:
  Statement(Database& db, const char* sql) : db_(db), sql_(sql) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

 private:
  friend class Use;
  Database& db_;
  const char* sql_;
  sqlite3_stmt* stmt_ = nullptr;
};

// One execution of a statement: bind in order, then row() until it is false, or run(). Views of columns are valid until
// the next row() or the end of the Use; bound bytes must live as long as it.
class Use {
 public:
  explicit Use(Statement& statement);
  ~Use();
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

  Use& bind(std::int64_t value);
  Use& bind(ByteView bytes);
  Use& bind_text(std::string_view text);
  Use& bind_null();
  [[nodiscard]] bool row();
  void run() { static_cast<void>(row()); }

  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] ByteView blob(int column) const;

 private:
  Statement& statement_;
  int bound_ = 0;
};

}  // namespace np2p
