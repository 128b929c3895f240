// What a server does with its database beside the node's own work: copying it while it is in use, giving up what is too
// old, and reading all of it with a critical eye. All of it on the node's thread, in small steps.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/event/verifier.h"
#include "core/store/sqlite_store.h"

struct sqlite3;
struct sqlite3_backup;

namespace np2p {

// A copy of an open database into another file, page by page. Between two steps the store may go on as it likes: what
// it changes is changed in the copy, too. The copy is the database as it is at the last step.
class SqliteBackup {
 public:
  // `path` names a file that is empty or not there. The error is one sentence.
  static Result<std::unique_ptr<SqliteBackup>> start(SqliteStore& store, const std::string& path);
  ~SqliteBackup();
  SqliteBackup(const SqliteBackup&) = delete;
  SqliteBackup& operator=(const SqliteBackup&) = delete;

  // Copies so many pages of 4 KiB, and says whether that was all. Then the file is whole, but not synced.
  Result<bool> step(int pages);
  [[nodiscard]] int pages() const noexcept { return pages_; }
  [[nodiscard]] int copied() const noexcept { return copied_; }

 private:
  SqliteBackup(SqliteStore& store, sqlite3* copy) : store_(store), copy_(copy) {}
  SqliteStore& store_;
  sqlite3* copy_;
  sqlite3_backup* backup_ = nullptr;
  int pages_ = 0;
  int copied_ = 0;
};

// How long what is kept of others is kept, in seconds by created_at; 0: for ever. What the owner wrote is never given
// up for its age, nor are profiles, follow lists, relay lists and BINDs of those we know.
struct AgeLimits {
  std::int64_t strangers = 0;
  std::int64_t known = 0;                       // whom the owner follows, and followers
  std::map<std::uint16_t, std::int64_t> kinds;  // whoever wrote it, but the owner
  [[nodiscard]] bool any() const noexcept { return strangers > 0 || known > 0 || !kinds.empty(); }
};

// Erases up to `most` events that are too old at `now`, the oldest first, and says how many.
std::size_t prune(SqliteStore& store, const AgeLimits& limits, std::int64_t now, std::size_t most);

// Reads every event of an open database and verifies its signature; `progress` gets how many were read of how many.
// Error malformed: one sentence that says what is wrong.
Status verify_all(SqliteStore& store, Verifier& verifier,
                  const std::function<void(std::size_t done, std::size_t all)>& progress);

}  // namespace np2p
