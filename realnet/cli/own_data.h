// The data directory that a command works on, and its database: opened here while no server runs on it, or by way of
// the running server (realnet/control.h).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/store/sqlite_store.h"
#include "realnet/cli/command_line.h"
#include "realnet/data_dir.h"

namespace np2p::real {

struct DataPlace {
  std::string path;
  std::optional<PubKey> owner;  // that was named
  std::vector<PubKey> writers;  // likewise
  Limits limits;                // of the configuration
};

// Which directory the flags mean. Error bad_field: they name none.
Result<DataPlace> find_data(const DataFlags& flags);

struct OwnData {
  std::unique_ptr<DataDir> directory;  // locked; let go of last
  std::unique_ptr<SqliteStore> store;
  PubKey owner;
  Limits limits;
};

// Opens it, or says that a server runs on it (unavailable). `make`: a directory that is new may become that of
// DataFlags::public_key; otherwise there must be a database.
Result<OwnData> open_data(const DataFlags& flags, bool make);
// A server runs on it.
bool is_served(const std::string& path);

// One request to the server that runs on a data directory. What comes behind a backup's answer goes to `body`.
struct ControlAnswer {
  std::uint64_t number = 0;
};
Result<ControlAnswer> control_call(const std::string& path, const std::vector<std::string>& words,
                                   const std::function<void(std::uint64_t done, std::uint64_t all)>& progress = {},
                                   const std::function<Status(std::string_view bytes)>& body = {});

// Does what a command says on the data directory, whoever has it open.
Result<std::uint64_t> execute_for(const DataFlags& flags, const std::vector<std::string>& words);

// A bar that moves on a terminal; elsewhere a line now and then. On stderr.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // `all` 0: nobody knows. `more` stands behind it.
  void show(std::uint64_t done, std::uint64_t all, const std::string& more = {});
  void end();  // before anything else is said; the bar is gone, and comes again with the next show()

 private:
  std::string what_;
  bool terminal_;
  bool shown_ = false;
  std::int64_t last_ms_ = -1;
};

}  // namespace np2p::real
