// The store in memory: what simulated nodes use, and tests. Events are shared with everybody else who holds them and
// never copied; an empty store costs a few hundred bytes and an event some 50 bytes of index, because a simulation
// holds 100,000 of these.
//
// Durability is imitated: writes are journalled with their inverse until the host says mark_durable(). crash() takes
// back what was not durable, as a machine that loses power does.
//
// The host's loop: commit() closes the batch and names its newest ticket; when its disk is done (at once, or after the
// modelled time) it calls mark_durable(ticket) and inputs Node::durable(ticket).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/limits.h"
#include "core/host/store.h"

namespace np2p {

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(const Limits& limits);
  ~MemoryStore() override;
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

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

  // --- the host's side
  // The newest ticket that flush() gave out; larger than the last commit()'s means: a commit is wanted.
  [[nodiscard]] Ticket requested() const noexcept;
  // Closes the batch: everything up to requested(), which it returns, goes to the disk now.
  Ticket commit();
  // The disk has it. A ticket that is durable already is ignored (a disk's late answer after a crash).
  void mark_durable(Ticket ticket);
  // A disk that lies says that it has it: crash() takes it back until mark_durable() makes it true.
  void say_durable(Ticket ticket);
  // Power loss: back to the state at the newest durable ticket. Tickets go on from where they were.
  void crash();
  // Everything, as a machine whose disk is lost.
  void wipe();
  // Bytes written by the batches since the last call, roughly as a database would write them (for disk models).
  [[nodiscard]] std::uint64_t take_written_bytes() noexcept;
  // A hash of every write so far, in their order: two stores that were written alike have the same.
  [[nodiscard]] std::uint64_t written_hash() const noexcept;
  // Memory of its own in bytes, about; shared events are not counted.
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace np2p
