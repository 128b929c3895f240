// backup and restore.
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
#include "realnet/new_file.h"
#include "realnet/upgrade.h"

namespace np2p::real {

namespace {

constexpr int kPagesAtOnce = 1024;
constexpr std::size_t kKnownAuthors = 4096;

Error failed(const std::string& what) {
  return error(ErrorCode::unavailable, what + ": " + std::strerror(errno));
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

// What is to be replaced also has the other name then, until the next time. At every moment there is a database of the
// old name: whoever loses power here starts with the one or the other.
Status keep_beside(const std::string& database) {
  const std::string old = database + ".before-restore";
  remove_database(old);
  if (const auto kept = keep_before_upgrade(database); !kept.ok()) return kept.error();
  // The log first belongs into its file. If that is damaged, it goes aside with it, and nobody takes it for the new
  // one's.
  if (auto store = SqliteStore::open(database, Limits{}); store.ok()) store->reset();
  for (const char* more : {"-wal", "-journal"}) {
    if (exists(database + more) && ::rename((database + more).c_str(), (old + more).c_str()) != 0) {
      return failed("cannot rename " + database + more);
    }
  }
  if (::link(database.c_str(), old.c_str()) == 0) {
    sync_directory_of(database);
    return {};
  }
  // A file system without second names.
  NewFile copy(old);
  if (Status status = copy.opened(); !status.ok()) return status;
  if (Status status = copy_file(database, copy); !status.ok()) return status;
  return copy.keep();
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
  if (replaces) {
    if (Status status = keep_beside(database); !status.ok()) return status;
  }
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
