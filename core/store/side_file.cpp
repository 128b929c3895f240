#include "core/store/side_file.h"

#include <sqlite3.h>

namespace np2p {

sqlite3_vfs& find_vfs(const char* name) {
  sqlite3_vfs* vfs = sqlite3_vfs_find(name);
  if (vfs == nullptr) throw DiskTrouble{SQLITE_CANTOPEN, "no such file system"};
  return *vfs;
}

bool has_content(const std::string& path, const char* vfs_name) {
  sqlite3_vfs& vfs = find_vfs(vfs_name);
  int exists = 0;
  if (vfs.xAccess(&vfs, path.c_str(), SQLITE_ACCESS_EXISTS, &exists) != SQLITE_OK) {
    throw DiskTrouble{SQLITE_CANTOPEN, "its directory cannot be read"};
  }
  return exists != 0;
}

void remove_if_empty(const std::string& path, const char* vfs_name) noexcept {
  try {
    if (SideFile(path, vfs_name, SideFile::Mode::read).size() != 0) return;
    sqlite3_vfs& vfs = find_vfs(vfs_name);
    vfs.xDelete(&vfs, path.c_str(), 0);
  } catch (const DiskTrouble&) {
    return;  // there is none
  }
}

SideFile::SideFile(const std::string& path, const char* vfs_name, Mode mode) {
  sqlite3_vfs& vfs = find_vfs(vfs_name);
  memory_ = std::make_unique<std::byte[]>(static_cast<std::size_t>(vfs.szOsFile));
  auto* file = reinterpret_cast<sqlite3_file*>(memory_.get());
  name_ = sqlite3_create_filename(path.c_str(), "", "", 0, nullptr);
  const int how = mode == Mode::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = vfs.xOpen(&vfs, name_, file, how | SQLITE_OPEN_MAIN_DB, nullptr);
  if (code == SQLITE_OK) {
    file_ = file;
    return;
  }
  if (file->pMethods != nullptr) file->pMethods->xClose(file);
  sqlite3_free_filename(const_cast<char*>(name_));
  throw DiskTrouble{code & 0xFF, path + " cannot be opened"};
}

SideFile::~SideFile() {
  file_->pMethods->xClose(file_);
  sqlite3_free_filename(const_cast<char*>(name_));
}

std::int64_t SideFile::size() const {
  sqlite3_int64 bytes = 0;
  const int code = file_->pMethods->xFileSize(file_, &bytes);
  if (code != SQLITE_OK) throw DiskTrouble{code & 0xFF, "its size is unknown"};
  return bytes;
}

void SideFile::read(std::span<std::uint8_t> out, std::int64_t offset) const {
  const int code = file_->pMethods->xRead(file_, out.data(), static_cast<int>(out.size()), offset);
  if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) throw DiskTrouble{code & 0xFF, "it cannot be read"};
}

void SideFile::write(ByteView bytes, std::int64_t offset) {
  const int code = file_->pMethods->xWrite(file_, bytes.data(), static_cast<int>(bytes.size()), offset);
  if (code != SQLITE_OK) throw DiskTrouble{code & 0xFF, sqlite3_errstr(code)};
}

void SideFile::sync() {
  const int code = file_->pMethods->xSync(file_, SQLITE_SYNC_NORMAL);
  if (code != SQLITE_OK) throw DiskTrouble{code & 0xFF, sqlite3_errstr(code)};
}

}  // namespace np2p
