#include "realnet/data_dir.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace np2p::real {

namespace {

std::string errno_text() {
  return std::strerror(errno);
}

Error failed(const std::string& what) {
  return error(ErrorCode::unavailable, what + ": " + errno_text());
}

void sync_directory(const std::string& path) {
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  ::fsync(directory);
  ::close(directory);
}

// $HOME, or what the account says. A relative one would be another place at every start.
std::string home_directory() {
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') {
    const passwd* account = ::getpwuid(::getuid());
    home = account != nullptr ? account->pw_dir : nullptr;
  }
  return home != nullptr && *home == '/' ? std::string(home) : std::string();
}

}  // namespace

Status write_secret_file(const std::string& path, std::string_view content) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return failed("cannot create " + path);
  const bool written = ::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  const bool ok = written && ::fsync(file) == 0;
  const Status status = ok ? Status{} : failed("cannot write " + path);
  ::close(file);
  if (!ok) ::unlink(path.c_str());
  return status;
}

Result<std::unique_ptr<DataDir>> DataDir::open(const std::string& path) {
  std::error_code failure;
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, failure);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed("cannot create data directory " + path);
  const std::string lock_path = path + "/lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return failed("cannot use data directory " + path);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return error(ErrorCode::unavailable, "data directory " + path + " is in use by another server");
  }
  std::unique_ptr<DataDir> directory(new DataDir(path, lock));
  // SQLite would make the file by the umask, and its journals take the mode of the file. What is wrong with a file that
  // is there already, the store says.
  const int database = ::open(directory->database().c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (database >= 0) ::close(database);
  return directory;
}

DataDir::~DataDir() {
  ::close(lock_);
}

Result<std::unique_ptr<SecpNodeKey>> DataDir::node_key(Entropy& entropy) {
  const std::string path = path_ + "/node.key";
  std::ifstream file(path);
  if (!file) {
    if (errno != ENOENT) return failed("cannot read node key " + path);
    auto key = SecpNodeKey::generate(entropy);
    // First under another name, so that a crash leaves no half key behind.
    const std::string fresh = path + ".new";
    ::unlink(fresh.c_str());
    if (Status status = write_secret_file(fresh, key->secret().hex() + "\n"); !status.ok()) return status.error();
    if (::rename(fresh.c_str(), path.c_str()) != 0) return failed("cannot create node key " + path);
    sync_directory(path_);
    return key;
  }
  std::string text;
  file >> text;
  const auto secret = SecretKey::parse_hex(text);
  if (!secret) return error(ErrorCode::malformed, "node key file " + path + " is damaged");
  auto key = SecpNodeKey::from_secret(*secret);
  if (!key.ok()) return error(ErrorCode::malformed, "node key file " + path + " is damaged");
  return key;
}

std::string DataDir::default_path(const PubKey& owner) {
  const char* data = std::getenv("XDG_DATA_HOME");
  std::string base = data != nullptr && *data == '/' ? std::string(data) : std::string();
  if (base.empty()) {
    const std::string home = home_directory();
    if (home.empty()) return {};
    base = home + "/.local/share";
  }
  return base + "/nostrp2p/" + owner.hex().substr(0, 16);
}

}  // namespace np2p::real
