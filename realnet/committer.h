// Group commit: while the disk works on one batch of writes, the next collects. The node's thread commits (cheap: the
// frames go to the WAL); a thread of its own waits for the disk; then the tickets of that batch are durable. At most
// one sync is under way, so many publishes share one fdatasync. If the disk fails, it tries again, ever more slowly,
// and nothing is called durable before it worked.
#pragma once

#include "realnet/net/asio.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "core/store/sqlite_store.h"

namespace np2p::real {

class Committer {
 public:
  using Durable = std::function<void(Ticket)>;  // on the node's thread, after mark_durable
  // At each failure; `lasting`: it has failed since kPatience, so that who waits should be told.
  using Trouble = std::function<void(const std::string& reason, bool lasting)>;
  Committer(asio::io_context& io, SqliteStore& store, Durable durable, Trouble trouble);
  ~Committer();

  void pump();  // after each input: commits what was flushed, if no sync is under way
  // Calls `done` once everything flushed so far is durable; at once if it is. Then nothing more is synced.
  void finish(std::function<void()> done);
  [[nodiscard]] std::uint64_t syncs() const noexcept { return syncs_; }

 private:
  void work();  // of the thread
  void commit();
  void synced(Ticket ticket, const Status& status);
  void fail(const std::string& reason);
  void check_finished();

  asio::io_context& io_;
  SqliteStore& store_;
  Durable durable_;
  Trouble trouble_;
  asio::steady_timer retry_;
  Duration pause_;
  std::optional<MonoTime> failing_since_;
  bool busy_ = false;              // a sync or a pause is under way
  bool waiting_ = false;           // for inputs that may share the next commit
  std::uint64_t last_ = 0;         // tickets in the last batch
  std::uint64_t before_last_ = 0;  // and in the one before
  std::uint64_t syncs_ = 0;
  std::function<void()> finished_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<Ticket> job_;  // guarded by mutex_
  bool quit_ = false;          // guarded by mutex_
  std::thread thread_;
};

}  // namespace np2p::real
