// A file of the database directory read or written beside SQLite's own handles, through the same VFS and without any of
// SQLite's own doing (locks, recovery). Throws DiskTrouble.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "core/store/sqlite_db.h"

struct sqlite3_file;
struct sqlite3_vfs;

namespace np2p {

sqlite3_vfs& find_vfs(const char* name);
bool has_content(const std::string& path, const char* vfs);
// Takes away an empty file; what has content stays.
void remove_if_empty(const std::string& path, const char* vfs) noexcept;

class SideFile {
 public:
  enum class Mode : std::uint8_t { read, create };
  SideFile(const std::string& path, const char* vfs, Mode mode);
  ~SideFile();
  SideFile(const SideFile&) = delete;
  SideFile& operator=(const SideFile&) = delete;

  [[nodiscard]] std::int64_t size() const;
  // Fills `out`; what lies behind the end of the file reads as zero.
  void read(std::span<std::uint8_t> out, std::int64_t offset) const;
  void write(ByteView bytes, std::int64_t offset);
  void sync();

 private:
  const char* name_ = nullptr;  // as SQLite wants it, and for as long as the file is open
  std::unique_ptr<std::byte[]> memory_;
  sqlite3_file* file_ = nullptr;
};

}  // namespace np2p
