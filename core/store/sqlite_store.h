// The store on disk: one SQLite file in WAL mode, for real servers. It holds no event in memory but a small cache.
//
// Durability, with one fdatasync for many publishes and none on the node's thread:
//   node's thread    put() ... flush() -> ticket; after handling its inputs the host calls commit() -> ticket: the
//                    transaction's frames are appended to the WAL, without waiting for the disk
//   another thread   sync(): one fdatasync of the WAL makes every commit() that returned before safe; meanwhile the
//                    node's thread goes on reading, writing and committing
//   node's thread    mark_durable(ticket), then the input Node::durable(ticket)
// Checkpoints run inside commit(), now and then; SQLite syncs the WAL before it copies pages and the database file
// before it reuses the WAL, so what sync() made safe stays safe.
//
// Trouble with the disk: put() is refused, healthy() says so with a reason, reads answer what they can. The writes of
// the open batch are kept and repeated until the disk takes them; no ticket is passed before. Nothing aborts.
//
// A file that is corrupt, is not ours, or has a newer schema is refused and stays as it is, byte for byte; one that
// turns out to be corrupt later gets no write any more. An event whose bytes no longer give its id is set aside inside
// the database, a log that SQLite could not read to its end is kept beside it. One process at a time may have it open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/host/store.h"

namespace np2p {

class SqliteStore final : public Store {
 public:
  // Opens or creates the database file. `vfs` names a registered SQLite VFS; empty is the system's own.
  // Errors, each with one sentence for people: unavailable (in use by another server, cannot be opened), malformed
  // (corrupt, or not ours), wrong_version (made by a newer version).
  static Result<std::unique_ptr<SqliteStore>> open(const std::string& path, const Limits& limits,
                                                   const std::string& vfs = {});
  ~SqliteStore() override;  // commits what is open, as far as the disk lets it
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  // --- the port
  PutOutcome put(const EventPtr& event) override;
  [[nodiscard]] EventPtr get(const EventId& id) override;
  [[nodiscard]] bool contains(const EventId& id) override;
  [[nodiscard]] std::vector<EventPtr> query(const Filter& filter, Order order) override;
  [[nodiscard]] std::size_t count(const Filter& filter) override;
  [[nodiscard]] std::vector<Stamp> stamps(const Filter& filter, std::size_t most) override;
  bool erase(const EventId& id) override;
  std::size_t expire(std::int64_t now) override;
  void set_standing(const PubKey& author, Standing standing) override;
  [[nodiscard]] Standing standing(const PubKey& author) override;
  [[nodiscard]] bool is_addressed(const Event& event) override;
  [[nodiscard]] bool is_trusted(const PubKey& author) override;
  bool set_value(Table table, std::string_view key, std::string_view value) override;
  void erase_value(Table table, std::string_view key) override;
  [[nodiscard]] std::string value(Table table, std::string_view key) override;
  void each_value(Table table, const std::function<void(std::string_view, std::string_view)>& visit) override;
  Ticket flush() override;
  [[nodiscard]] Ticket durable() const noexcept override;
  [[nodiscard]] StoreStats stats() override;

  // --- the host's side, on the node's thread
  // The newest ticket that flush() gave out; larger than the last commit()'s means: a commit is wanted.
  [[nodiscard]] Ticket requested() const noexcept;
  // Ends the transaction and returns the newest ticket in it. An error leaves everything to be tried again by the next
  // commit(), which is also how the store finds out that the disk is well again.
  Result<Ticket> commit();
  // After a sync() that began after commit() returned `ticket`, and was ok. Older tickets than durable() are ignored.
  void mark_durable(Ticket ticket);
  [[nodiscard]] bool healthy() const noexcept;
  [[nodiscard]] const std::string& trouble() const noexcept;  // the reason; empty while healthy
  [[nodiscard]] bool damaged() const noexcept;                // the trouble is the file's, and for good
  // What was found at the opening and people should know, in one sentence; mostly empty.
  [[nodiscard]] const std::string& note() const noexcept;

  // --- the host's side, on any one thread at a time
  // Waits for the disk. After a failure call commit() and sync() again: a failed fdatasync is never trusted, the next
  // commit() moves what it covered into the database file itself.
  Status sync();

  struct Impl;
  [[nodiscard]] Impl& impl() noexcept { return *impl_; }  // for core/store/sqlite_upkeep.cpp

 private:
  explicit SqliteStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace np2p
