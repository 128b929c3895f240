#include "core/store/sqlite_upkeep.h"

#include <algorithm>
#include <utility>

#include "core/store/sqlite_impl.h"

namespace np2p {

Result<std::unique_ptr<SqliteBackup>> SqliteBackup::start(SqliteStore& store, const std::string& path) {
  sqlite3* copy = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  std::unique_ptr<SqliteBackup> backup(new SqliteBackup(store, copy));
  const auto failed = [&] {
    return error(ErrorCode::unavailable, "cannot write " + path + ": " + sqlite3_errmsg(copy));
  };
  if (code != SQLITE_OK) return failed();
  // A copy that is not whole is thrown away, so nothing has to be taken back.
  for (const char* setting : {"PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF"}) {
    if (sqlite3_exec(copy, setting, nullptr, nullptr, nullptr) != SQLITE_OK) return failed();
  }
  backup->backup_ = sqlite3_backup_init(copy, "main", store.impl().db->handle(), "main");
  if (backup->backup_ == nullptr) return failed();
  return backup;
}

SqliteBackup::~SqliteBackup() {
  sqlite3_backup_finish(backup_);
  sqlite3_close(copy_);
}

Result<bool> SqliteBackup::step(int pages) {
  if (backup_ == nullptr) return true;
  if (store_.damaged()) return error(ErrorCode::malformed, store_.trouble());
  // SQLite copies nothing while a transaction is open.
  if (const auto committed = store_.commit(); !committed.ok()) return committed.error();
  const int code = sqlite3_backup_step(backup_, pages);
  pages_ = sqlite3_backup_pagecount(backup_);
  copied_ = pages_ - sqlite3_backup_remaining(backup_);
  if (code == SQLITE_OK) return false;
  if (code != SQLITE_DONE)
    return error(ErrorCode::unavailable, std::string("the copy failed: ") + sqlite3_errstr(code));
  sqlite3_backup_finish(std::exchange(backup_, nullptr));
  const int closed = sqlite3_close(std::exchange(copy_, nullptr));
  if (closed != SQLITE_OK) return error(ErrorCode::unavailable, "the copy could not be closed");
  return true;
}

std::size_t prune(SqliteStore& store, const AgeLimits& limits, std::int64_t now, std::size_t most) {
  SqliteStore::Impl& impl = store.impl();
  std::size_t erased = 0;
  const auto erase_all = [&](auto select) {
    if (erased >= most) return;
    for (const EventRows::Seq seq : impl.read(std::vector<EventRows::Seq>(), select)) {
      const EventPtr event = impl.read(EventPtr(), [&] { return impl.load(seq); });
      if (event && store.erase(EventId(event->id))) ++erased;
    }
  };
  const auto by_rank = [&](Rank rank, std::int64_t age) {
    if (age > 0) erase_all([&] { return impl.rows.older(rank, now - age, most - erased); });
  };
  for (const Rank rank : {Rank::stranger, Rank::trusted}) by_rank(rank, limits.strangers);
  for (const Rank rank : {Rank::known, Rank::follower_post}) by_rank(rank, limits.known);
  for (const auto& [kind, age] : limits.kinds) {
    if (age > 0) erase_all([&, k = kind, a = age] { return impl.rows.older_of_kind(k, now - a, most - erased); });
  }
  return erased;
}

Status verify_all(SqliteStore& store, Verifier& verifier,
                  const std::function<void(std::size_t done, std::size_t all)>& progress) {
  SqliteStore::Impl& impl = store.impl();
  const std::size_t all = store.stats().events;
  std::size_t done = 0;
  try {
    if (const std::string found = impl.db->text("PRAGMA integrity_check(1)"); found != "ok") {
      return error(ErrorCode::malformed, "the database is damaged: " + found);
    }
    Statement rows(*impl.db, "SELECT seq FROM event ORDER BY seq");
    Use row(rows);
    while (row.row()) {
      bool rotten = false;
      const EventPtr event = impl.rows.load(row.number(0), rotten);
      if (!event) return error(ErrorCode::malformed, "event " + std::to_string(row.number(0)) + " is damaged");
      if (!verifier.verify(event->id, event->pubkey, event->sig)) {
        return error(ErrorCode::malformed, "the signature of event " + event->id.hex() + " is not its author's");
      }
      if (++done % 1024 == 0) progress(done, all);
    }
  } catch (const DiskTrouble& trouble) {
    return error(ErrorCode::malformed, "the database cannot be read: " + trouble.reason);
  }
  progress(done, all);
  return {};
}

}  // namespace np2p
