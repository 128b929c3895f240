// Events from a file, one JSON object per line (strfry's format), through the same gate as those from the network: ids
// are recomputed and signatures verified, on as many threads as the machine has cores; one thread, the caller's,
// writes. Whatever is stored stays, so an import that was broken off is done again from the start and goes on where it
// was.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/event/event.h"
#include "core/store/sqlite_store.h"

namespace np2p::real {

struct ImportCounts {
  std::uint64_t lines = 0;  // that were not empty
  std::uint64_t stored = 0;
  std::uint64_t duplicates = 0;  // there already, or something newer in their place
  std::uint64_t refused = 0;
  std::uint64_t evicted = 0;                     // given up because what was stored needed their room
  std::uint64_t bytes = 0;                       // read
  std::map<std::string, std::uint64_t> reasons;  // of what was refused
};

struct ImportSettings {
  PubKey owner;
  Limits limits;
  std::int64_t now = 0;  // Unix seconds
  unsigned threads = 0;  // that verify; 0: one for each core
};

struct ImportHooks {
  std::function<void(std::uint64_t line, const std::string& reason)> refused;
  std::function<void(const ImportCounts&)> progress;  // after each batch of some hundred lines
  const std::atomic<bool>* stop = nullptr;
};

// Reads from a file descriptor to its end, or until `stop`. What was stored is on the disk when it returns. Errors are
// of the environment: the file cannot be read, the disk fails.
Result<ImportCounts> import_events(int file, SqliteStore& store, const ImportSettings& settings,
                                   const ImportHooks& hooks);

}  // namespace np2p::real
