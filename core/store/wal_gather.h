// SQLite's handle on the write-ahead log of an open database, with its writes gathered: those that follow each other in
// the file wait in memory and go out together. Anything else that SQLite asks of the file (a read, its size, a
// truncation, a sync) comes after what waits. While the disk refuses, what waits stays, so nothing is lost by the wait.
//
// SQLite's own way to wrap a file is a VFS, registered for the whole process; this replaces the methods of one file.
#pragma once

#include <sqlite3.h>

#include "core/base/bytes.h"
#include "core/store/sqlite_db.h"

namespace np2p {

class WalGather {
 public:
  explicit WalGather(Database& db);  // throws DiskTrouble if there is no log
  ~WalGather();                      // writes what waits; the file has its own methods again
  WalGather(const WalGather&) = delete;
  WalGather& operator=(const WalGather&) = delete;

  // Writes what waits. An SQLite result code; if it is not SQLITE_OK, everything waits on.
  int write_out();

 private:
  struct Methods : sqlite3_io_methods {
    WalGather* self = nullptr;
  };
  static WalGather& of(sqlite3_file* file);
  static int close(sqlite3_file* file);
  static int read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset);
  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset);
  static int truncate(sqlite3_file* file, sqlite3_int64 size);
  static int sync(sqlite3_file* file, int flags);
  static int file_size(sqlite3_file* file, sqlite3_int64* size);

  Database& db_;
  sqlite3_file* file_ = nullptr;
  const sqlite3_io_methods* real_ = nullptr;
  Methods methods_;
  ByteVec waiting_;
  sqlite3_int64 offset_ = 0;  // of waiting_ in the file
};

}  // namespace np2p
