#include "core/store/wal_gather.h"

#include <algorithm>
#include <cstddef>

namespace np2p {

namespace {

// Bytes that wait; a larger transaction goes out in parts. SQLite's file system cannot write 128 KiB or more at once.
constexpr std::size_t kMostWaiting = 96 * 1024;

}  // namespace

WalGather::WalGather(Database& db) : db_(db) {
  if (sqlite3_file_control(db.handle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &file_) != SQLITE_OK ||
      file_ == nullptr || file_->pMethods == nullptr) {
    throw DiskTrouble{SQLITE_CANTOPEN, "its write-ahead log is not open"};
  }
  real_ = file_->pMethods;
  static_cast<sqlite3_io_methods&>(methods_) = *real_;
  methods_.self = this;
  methods_.xClose = &WalGather::close;
  methods_.xRead = &WalGather::read;
  methods_.xWrite = &WalGather::write;
  methods_.xTruncate = &WalGather::truncate;
  methods_.xSync = &WalGather::sync;
  methods_.xFileSize = &WalGather::file_size;
  file_->pMethods = &methods_;
}

WalGather::~WalGather() {
  if (file_ == nullptr) return;
  // What could not be written must not be taken for written when the connection closes and copies the log: the next
  // start finds the log as far as it got.
  if (write_out() != SQLITE_OK) sqlite3_db_config(db_.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  file_->pMethods = real_;
}

int WalGather::write_out() {
  if (waiting_.empty()) return SQLITE_OK;
  const int code = real_->xWrite(file_, waiting_.data(), static_cast<int>(waiting_.size()), offset_);
  if (code != SQLITE_OK) return code;
  waiting_.clear();
  return SQLITE_OK;
}

WalGather& WalGather::of(sqlite3_file* file) {
  return *static_cast<const Methods*>(file->pMethods)->self;
}

int WalGather::close(sqlite3_file* file) {
  WalGather& self = of(file);
  static_cast<void>(self.write_out());
  file->pMethods = self.real_;
  self.file_ = nullptr;
  return self.real_->xClose(file);
}

int WalGather::read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  WalGather& self = of(file);
  const int code = self.write_out();
  return code == SQLITE_OK ? self.real_->xRead(file, out, size, offset) : code;
}

int WalGather::write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  WalGather& self = of(file);
  const auto end = self.offset_ + static_cast<sqlite3_int64>(self.waiting_.size());
  const auto room = kMostWaiting - std::min(kMostWaiting, self.waiting_.size());
  const bool follows = !self.waiting_.empty() && offset == end && static_cast<std::size_t>(size) <= room;
  if (!follows) {
    if (const int code = self.write_out(); code != SQLITE_OK) return code;
    self.offset_ = offset;
  }
  const auto* first = static_cast<const std::uint8_t*>(bytes);
  self.waiting_.insert(self.waiting_.end(), first, first + size);
  return SQLITE_OK;
}

int WalGather::truncate(sqlite3_file* file, sqlite3_int64 size) {
  WalGather& self = of(file);
  const int code = self.write_out();
  return code == SQLITE_OK ? self.real_->xTruncate(file, size) : code;
}

int WalGather::sync(sqlite3_file* file, int flags) {
  WalGather& self = of(file);
  const int code = self.write_out();
  return code == SQLITE_OK ? self.real_->xSync(file, flags) : code;
}

int WalGather::file_size(sqlite3_file* file, sqlite3_int64* size) {
  WalGather& self = of(file);
  const int code = self.write_out();
  return code == SQLITE_OK ? self.real_->xFileSize(file, size) : code;
}

}  // namespace np2p
