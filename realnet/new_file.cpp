#include "realnet/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace np2p::real {

namespace {

Error failed(const std::string& what) {
  return error(ErrorCode::unavailable, what + ": " + std::strerror(errno));
}

}  // namespace

void sync_directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const int directory = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  ::fsync(directory);
  ::close(directory);
}

NewFile::NewFile(std::string path) : path_(std::move(path)), part_(path_ + ".part") {
  ::unlink(part_.c_str());
  file_ = ::open(part_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

NewFile::~NewFile() {
  if (file_ >= 0) ::close(file_);
  if (!kept_) ::unlink(part_.c_str());
}

Status NewFile::opened() const {
  return file_ >= 0 ? Status{} : failed("cannot create " + part_);
}

Status NewFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(file_, bytes.data(), bytes.size());
    if (done <= 0 && errno != EINTR) return failed("cannot write " + part_);
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(done, 0)));
  }
  return {};
}

Status NewFile::keep() {
  if (::fsync(file_) != 0) return failed("cannot write " + part_);
  if (::rename(part_.c_str(), path_.c_str()) != 0) return failed("cannot create " + path_);
  kept_ = true;
  sync_directory_of(path_);
  return {};
}

Status copy_file(const std::string& from, NewFile& to) {
  std::ifstream in(from, std::ios::binary);
  if (!in) return failed("cannot read " + from);
  std::string chunk(1 << 20, '\0');
  while (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || in.gcount() > 0) {
    if (Status status = to.write(std::string_view(chunk).substr(0, static_cast<std::size_t>(in.gcount())));
        !status.ok()) {
      return status;
    }
  }
  return in.eof() ? Status{} : failed("cannot read " + from);
}

}  // namespace np2p::real
