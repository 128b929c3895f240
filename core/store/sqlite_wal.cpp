#include "core/store/sqlite_wal.h"

#include <sqlite3.h>

#include <cstddef>

namespace np2p {

WalFile::WalFile(Database& db, const char* vfs_name) : db_(db), gather_(db) {
  sqlite3_vfs* vfs = sqlite3_vfs_find(vfs_name);
  const char* name = sqlite3_filename_wal(sqlite3_db_filename(db.handle(), "main"));
  memory_ = std::make_unique<std::byte[]>(static_cast<std::size_t>(vfs->szOsFile));
  auto* file = reinterpret_cast<sqlite3_file*>(memory_.get());
  const int code = vfs->xOpen(vfs, name, file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL, nullptr);
  if (code != SQLITE_OK) throw DiskTrouble{code & 0xFF, "its write-ahead log cannot be opened"};
  file_ = file;
  sqlite3_wal_hook(db.handle(), &WalFile::committed, this);
}

WalFile::~WalFile() {
  sqlite3_wal_hook(db_.handle(), nullptr, nullptr);
  if (file_ != nullptr && file_->pMethods != nullptr) file_->pMethods->xClose(file_);
}

int WalFile::committed(void* self, sqlite3* /*db*/, const char* /*name*/, int frames) {
  static_cast<WalFile*>(self)->frames_ = frames;
  return SQLITE_OK;
}

void WalFile::write_out() {
  if (const int code = gather_.write_out(); code != SQLITE_OK) throw DiskTrouble{code & 0xFF, sqlite3_errstr(code)};
}

Status WalFile::sync() {
  if (lost_sync_.load()) return error(ErrorCode::unavailable, "an earlier sync failed and is not made up for yet");
  const int code = file_->pMethods->xSync(file_, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  if (code == SQLITE_OK) return {};
  lost_sync_.store(true);
  return error(ErrorCode::unavailable, std::string("the disk failed to sync: ") + sqlite3_errstr(code));
}

void WalFile::checkpoint() {
  int in_log = 0;
  int copied = 0;
  if (sqlite3_wal_checkpoint_v2(db_.handle(), "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied) != SQLITE_OK) {
    db_.fail();
  }
  if (in_log != copied) throw DiskTrouble{SQLITE_BUSY, "the write-ahead log could not be copied"};
  frames_ = 0;
  lost_sync_.store(false);
}

}  // namespace np2p
