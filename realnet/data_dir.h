// The directory a server keeps its own things in: its database and its node key (mode 0600, made at the first start).
// One server at a time: the directory is locked while this object lives.
#pragma once

#include <memory>
#include <string>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/crypto/node_key.h"

namespace np2p::real {

class DataDir {
 public:
  // Creates the directory (mode 0700) and the database file (0600) if they are not there, and locks it. Errors are
  // sentences for people.
  static Result<std::unique_ptr<DataDir>> open(const std::string& path);
  ~DataDir();
  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;

  // The node's own key; made, and safe on disk, before this returns. A key file that is not one is never overwritten.
  Result<std::unique_ptr<SecpNodeKey>> node_key(Entropy& entropy);
  [[nodiscard]] std::string database() const { return path_ + "/nostrp2p.db"; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  // $XDG_DATA_HOME or ~/.local/share, then nostrp2p/<first 16 hex digits of the owner's key>: several servers of one
  // account on one machine do not meet. Empty if this account has no home.
  static std::string default_path(const PubKey& owner);

 private:
  DataDir(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_;
};

// Writes a new file of mode 0600 and waits until it is on disk; fails if the file exists.
Status write_secret_file(const std::string& path, std::string_view content);

}  // namespace np2p::real
