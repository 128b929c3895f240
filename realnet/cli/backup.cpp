// backup and restore.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/crypto/node_key.h"
#include "core/crypto/verifier.h"
#include "core/event/nip19.h"
#include "core/store/sqlite_upkeep.h"
#include "realnet/cli/commands.h"
#include "realnet/cli/own_data.h"

namespace np2p::real {

namespace {

constexpr int kPagesAtOnce = 1024;
constexpr std::size_t kKnownAuthors = 4096;

Error failed(const std::string& what) {
  return error(ErrorCode::unavailable, what + ": " + std::strerror(errno));
}

void sync_directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const int directory = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  ::fsync(directory);
  ::close(directory);
}

// A new file of mode 0600 that only gets its name once it is whole and on the disk.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)), part_(path_ + ".part") {
    ::unlink(part_.c_str());
    file_ = ::open(part_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  }
  ~NewFile() {
    if (file_ >= 0) ::close(file_);
    if (!kept_) ::unlink(part_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  [[nodiscard]] Status opened() const { return file_ >= 0 ? Status{} : failed("cannot create " + part_); }
  [[nodiscard]] const std::string& part() const noexcept { return part_; }
  Status write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t done = ::write(file_, bytes.data(), bytes.size());
      if (done <= 0 && errno != EINTR) return failed("cannot write " + part_);
      bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(done, 0)));
    }
    return {};
  }
  Status keep() {
    if (::fsync(file_) != 0) return failed("cannot write " + part_);
    if (::rename(part_.c_str(), path_.c_str()) != 0) return failed("cannot create " + path_);
    kept_ = true;
    sync_directory_of(path_);
    return {};
  }

 private:
  std::string path_;
  std::string part_;
  int file_ = -1;
  bool kept_ = false;
};

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

Status copy_database(SqliteStore& store, const std::string& path, Progress& progress) {
  auto backup = SqliteBackup::start(store, path);
  if (!backup.ok()) return backup.error();
  for (;;) {
    const auto whole = (*backup)->step(kPagesAtOnce);
    if (!whole.ok()) return whole.error();
    if (*whole) return {};
    progress.show(static_cast<std::uint64_t>((*backup)->copied()), static_cast<std::uint64_t>((*backup)->pages()));
  }
}

bool exists(const std::string& path) {
  struct stat about {};
  return ::lstat(path.c_str(), &about) == 0;
}

Status backup(const BackupFlags& flags) {
  const auto place = find_data(flags.data);
  if (!place.ok()) return place.error();
  const std::string key_file = flags.file + ".node.key";
  if (!flags.force && exists(flags.file)) {
    return error(ErrorCode::bad_field, flags.file + " is there already; --force replaces it");
  }
  if (!flags.force && flags.node_key && exists(key_file)) {
    return error(ErrorCode::bad_field, key_file + " is there already; --force replaces it");
  }
  NewFile file(flags.file);
  if (Status status = file.opened(); !status.ok()) return status;
  Progress progress("backup");
  if (is_served(place->path)) {
    const auto answer = control_call(
        place->path, {"backup"}, [&](std::uint64_t done, std::uint64_t all) { progress.show(done, all); },
        [&](std::string_view bytes) { return file.write(bytes); });
    if (!answer.ok()) return answer.error();
  } else {
    auto data = open_data(flags.data, false);
    if (!data.ok()) return data.error();
    if (Status status = copy_database(*data->store, file.part(), progress); !status.ok()) return status;
  }
  progress.end();
  if (Status status = file.keep(); !status.ok()) return status;
  if (flags.node_key) {
    NewFile key(key_file);
    if (Status status = key.opened(); !status.ok()) return status;
    if (Status status = copy_file(place->path + "/node.key", key); !status.ok()) return status;
    if (Status status = key.keep(); !status.ok()) return status;
  }
  std::printf("%s: %llu bytes%s\n", flags.file.c_str(),
              static_cast<unsigned long long>(std::filesystem::file_size(flags.file)),
              flags.node_key ? (", node key in " + key_file).c_str() : "");
  return {};
}

struct Verified {
  PubKey owner;
  std::size_t events = 0;
};

// Everything of a copy that is ours alone. It comes out in the present schema.
Result<Verified> verify(const std::string& path, const std::string& name, const Limits& limits, Progress& progress) {
  auto store = SqliteStore::open(path, limits);
  if (!store.ok()) return store.error();
  if (!(*store)->note().empty()) return error(ErrorCode::malformed, name + ": " + (*store)->note());
  SecpVerifier verifier(kKnownAuthors);
  const Status whole =
      verify_all(**store, verifier, [&](std::size_t done, std::size_t all) { progress.show(done, all); });
  if (!whole.ok()) return error(ErrorCode::malformed, name + ": " + whole.error().reason);
  const auto owner = PubKey::from(bytes_of((*store)->value(Table::node, "owner")));
  if (!owner) return error(ErrorCode::malformed, name + " does not say whose it is");
  return Verified{*owner, (*store)->stats().events};
}

Result<std::string> read_node_key(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  if (!file || !(file >> text)) return error(ErrorCode::unavailable, "the node key " + path + " cannot be read");
  const auto secret = SecretKey::parse_hex(text);
  if (!secret || !SecpNodeKey::from_secret(*secret).ok()) {
    return error(ErrorCode::malformed, path + " is no node key");
  }
  return text + "\n";
}

void remove_database(const std::string& path) {
  for (const char* more : {"", "-wal", "-journal"}) ::unlink((path + more).c_str());
}

// What is replaced stays beside it, until the next time.
Status put_aside(const std::string& database) {
  const std::string old = database + ".before-restore";
  remove_database(old);
  // The log first belongs into its file. If that is damaged, both go aside together.
  if (auto store = SqliteStore::open(database, Limits{}); store.ok()) store->reset();
  if (::rename(database.c_str(), old.c_str()) != 0) return failed("cannot rename " + database);
  for (const char* more : {"-wal", "-journal"}) {
    if (exists(database + more) && ::rename((database + more).c_str(), (old + more).c_str()) != 0) {
      return failed("cannot rename " + database + more);
    }
  }
  return {};
}

Status restore(const RestoreFlags& flags) {
  const auto place = find_data(flags.data);
  if (!place.ok()) return place.error();
  if (is_served(place->path)) {
    return error(ErrorCode::unavailable, "a server runs on " + place->path + ": stop it first");
  }
  std::string node_key;
  if (flags.node_key) {
    auto key = read_node_key(*flags.node_key);
    if (!key.ok()) return key.error();
    node_key = std::move(key).value();
  }
  const bool replaces = exists(place->path + "/nostrp2p.db");
  if (replaces && !flags.force) {
    return error(ErrorCode::bad_field, "there is a database in " + place->path + "; --force replaces it");
  }
  auto directory = DataDir::open(place->path);
  if (!directory.ok()) return directory.error();
  const std::string database = (*directory)->database();
  const std::string fresh = database + ".restore";
  remove_database(fresh);
  Progress progress("restore");
  const auto verified = [&]() -> Result<Verified> {
    NewFile copy(fresh);
    if (Status status = copy.opened(); !status.ok()) return status.error();
    if (Status status = copy_file(flags.file, copy); !status.ok()) return status.error();
    if (Status status = copy.keep(); !status.ok()) return status.error();
    return verify(fresh, flags.file, place->limits, progress);
  }();
  progress.end();
  const bool wrong_owner = verified.ok() && place->owner && *place->owner != verified->owner;
  if (!verified.ok() || wrong_owner) {
    remove_database(fresh);
    if (!replaces) ::unlink(database.c_str());  // the empty one that DataDir made
    if (!verified.ok()) return verified.error();
    return error(ErrorCode::unavailable, flags.file + " is the database of " + npub(verified->owner));
  }
  if (Status status = put_aside(database); !status.ok()) return status;
  if (!replaces) remove_database(database + ".before-restore");
  if (::rename(fresh.c_str(), database.c_str()) != 0) return failed("cannot rename " + fresh);
  sync_directory_of(database);
  if (!node_key.empty()) {
    NewFile key(place->path + "/node.key");
    if (Status status = key.opened(); !status.ok()) return status;
    if (Status status = key.write(node_key); !status.ok()) return status;
    if (Status status = key.keep(); !status.ok()) return status;
  }
  std::printf("%zu events of %s, all verified%s\n", verified->events, npub(verified->owner).c_str(),
              replaces ? (std::string("; what was there before is ") + database + ".before-restore").c_str() : "");
  return {};
}

}  // namespace

int run_backup(const BackupFlags& flags) {
  const Status status = backup(flags);
  return status.ok() ? 0 : fail(status.error());
}

int run_restore(const RestoreFlags& flags) {
  const Status status = restore(flags);
  return status.ok() ? 0 : fail(status.error());
}

}  // namespace np2p::real
