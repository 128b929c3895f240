// The write-ahead log of an open database as a file to be synced from another thread, and its checkpoints. It has a
// handle of its own on the log (opened through the VFS), so sync() shares nothing with SQLite's connection but the
// file. SQLite keeps the file for as long as the connection is open.
//
// SQLite writes a commit as two small writes for every changed page, one after the other in the file. They are gathered
// (WalGather) and go out as one.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "core/base/result.h"
#include "core/store/sqlite_db.h"
#include "core/store/wal_gather.h"

struct sqlite3_file;

namespace np2p {

class WalFile {
 public:
  WalFile(Database& db, const char* vfs);  // throws DiskTrouble
  ~WalFile();
  WalFile(const WalFile&) = delete;
  WalFile& operator=(const WalFile&) = delete;

  // --- any one thread at a time
  Status sync();  // everything in the log so far is safe when it returns ok

  // --- the connection's thread
  // After a COMMIT: its pages leave this process; only then may sync() be asked for. Throws DiskTrouble, and keeps what
  // it could not write for the next time.
  void write_out();
  [[nodiscard]] int frames() const noexcept { return frames_; }  // in the log since it began anew
  // Copies the log into the database file, in the order of syncs that keeps both safe. Throws DiskTrouble.
  void checkpoint();
  // A sync() failed: what it covered may be lost although a later one would succeed (the kernel drops pages that it
  // could not write). Until a checkpoint has copied everything, sync() refuses.
  [[nodiscard]] bool lost_sync() const noexcept { return lost_sync_.load(); }

 private:
  static int committed(void* self, sqlite3* db, const char* name, int frames);

  Database& db_;
  std::unique_ptr<std::byte[]> memory_;
  sqlite3_file* file_ = nullptr;
  WalGather gather_;
  int frames_ = 0;
  std::atomic<bool> lost_sync_{false};
};

}  // namespace np2p
