// Files that are whole or not there.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace np2p::real {

void sync_directory_of(const std::string& path);  // names in it are on the disk then

// A new file of mode 0600 that only gets its name, and takes another's place, once it is whole and on the disk.
class NewFile {
 public:
  explicit NewFile(std::string path);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  [[nodiscard]] Status opened() const;
  [[nodiscard]] const std::string& part() const noexcept { return part_; }  // its name until then
  Status write(std::string_view bytes);
  Status keep();

 private:
  std::string path_;
  std::string part_;
  int file_ = -1;
  bool kept_ = false;
};

Status copy_file(const std::string& from, NewFile& to);

}  // namespace np2p::real
