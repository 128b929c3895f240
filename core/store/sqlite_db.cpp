#include "core/store/sqlite_db.h"

#include <sqlite3.h>

namespace np2p {

Database::Database(const std::string& path, int flags, const char* vfs) {
  const int code = sqlite3_open_v2(path.c_str(), &db_, flags | SQLITE_OPEN_NOMUTEX, vfs);
  if (code == SQLITE_OK) return;
  DiskTrouble trouble{code & 0xFF, db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(code)};
  sqlite3_close(db_);
  throw trouble;
}

Database::~Database() {
  sqlite3_close(db_);
}

void Database::fail() const {
  throw DiskTrouble{sqlite3_errcode(db_) & 0xFF, sqlite3_errmsg(db_)};
}

void Database::exec(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

std::int64_t Database::number(const char* sql) {
  Statement statement(*this, sql);
  Use use(statement);
  return use.row() ? use.number(0) : 0;
}

std::string Database::text(const char* sql) {
  Statement statement(*this, sql);
  Use use(statement);
  return use.row() ? std::string(text_of(use.blob(0))) : std::string();
}

bool Database::in_transaction() const noexcept {
  return sqlite3_get_autocommit(db_) == 0;
}

std::int64_t Database::last_row() const noexcept {
  return sqlite3_last_insert_rowid(db_);
}

Statement::~Statement() {
  sqlite3_finalize(stmt_);
}

Use::Use(Statement& statement) : statement_(statement) {
  if (statement.stmt_ != nullptr) return;
  if (sqlite3_prepare_v3(statement.db_.handle(), statement.sql_, -1, SQLITE_PREPARE_PERSISTENT, &statement.stmt_,
                         nullptr) != SQLITE_OK) {
    statement.db_.fail();
  }
}

Use::~Use() {
  sqlite3_reset(statement_.stmt_);
}

Use& Use::bind(std::int64_t value) {
  if (sqlite3_bind_int64(statement_.stmt_, ++bound_, value) != SQLITE_OK) statement_.db_.fail();
  return *this;
}

Use& Use::bind(ByteView bytes) {
  // Without a pointer SQLite would bind NULL, which is not the empty blob.
  const void* data = bytes.empty() ? static_cast<const void*>("") : bytes.data();
  if (sqlite3_bind_blob64(statement_.stmt_, ++bound_, data, bytes.size(), SQLITE_STATIC) != SQLITE_OK) {
    statement_.db_.fail();
  }
  return *this;
}

Use& Use::bind_text(std::string_view text) {
  const char* data = text.empty() ? "" : text.data();
  if (sqlite3_bind_text64(statement_.stmt_, ++bound_, data, text.size(), SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK) {
    statement_.db_.fail();
  }
  return *this;
}

Use& Use::bind_null() {
  if (sqlite3_bind_null(statement_.stmt_, ++bound_) != SQLITE_OK) statement_.db_.fail();
  return *this;
}

bool Use::row() {
  const int code = sqlite3_step(statement_.stmt_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) statement_.db_.fail();
  return false;
}

std::int64_t Use::number(int column) const {
  return sqlite3_column_int64(statement_.stmt_, column);
}

ByteView Use::blob(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.stmt_, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.stmt_, column))};
}

}  // namespace np2p
