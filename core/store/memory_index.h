// The events of a MemoryStore and their indices: by id, by time, by (author, kind, time), by address, by rank and time.
// An event is a slot number in each of them. It decides nothing: retention and durability are MemoryStore's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/event/event.h"
#include "core/event/filter.h"
#include "core/store/prepared_filter.h"
#include "core/store/retention.h"
#include "core/store/sorted_blocks.h"

namespace np2p {

class MemoryIndex {
 public:
  using Slot = std::uint32_t;

  MemoryIndex();
  MemoryIndex(const MemoryIndex&) = delete;
  MemoryIndex& operator=(const MemoryIndex&) = delete;

  [[nodiscard]] const EventPtr& event(Slot slot) const noexcept { return slots_[slot]; }
  [[nodiscard]] std::optional<Slot> find(const EventId& id) const noexcept;
  // The holder of a replaceable or addressable event's address; nothing for other kinds.
  [[nodiscard]] std::optional<Slot> holder(const Event& event) const;
  [[nodiscard]] std::optional<Slot> oldest(Rank rank) const noexcept;
  [[nodiscard]] std::optional<Slot> first_to_expire(std::int64_t now) const noexcept;  // by then
  [[nodiscard]] const RankCounts& counts() const noexcept { return counts_; }

  void insert(const EventPtr& event, Standing author);  // its id is not there
  void remove(Slot slot, Standing author);
  // Files everything of an author anew.
  void change_standing(const PubKey& author, Standing from, Standing to);

  // The newest `limit` matches in NIP-01's order.
  [[nodiscard]] std::vector<EventPtr> query(const PreparedFilter& filter, std::size_t limit) const;

  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Newer {
    const std::vector<EventPtr>* slots;
    bool operator()(Slot a, Slot b) const noexcept { return newer((*slots)[a].get(), (*slots)[b].get()); }
  };
  struct ByAuthor {
    const std::vector<EventPtr>* slots;
    bool operator()(Slot a, Slot b) const noexcept;
  };
  struct ByAddress {
    const std::vector<EventPtr>* slots;
    bool operator()(Slot a, Slot b) const;
  };
  struct Expiry {
    std::int64_t at;
    Slot slot;
    friend auto operator<=>(const Expiry&, const Expiry&) = default;
  };
  using TimeList = SortedBlocks<Slot, Newer>;
  using AuthorList = SortedBlocks<Slot, ByAuthor>;

  class Selection;
  void select_author(const PubKey& author, Selection& selection) const;
  void select_run(const PubKey& author, std::uint16_t kind, Selection& selection) const;
  [[nodiscard]] AuthorList::Place author_run(const PubKey& author, std::uint32_t kind) const;

  void table_insert(Slot slot);
  void table_erase(Slot slot);
  void table_grow();

  std::vector<EventPtr> slots_;  // null: free
  std::vector<Slot> free_;
  std::vector<Slot> table_;  // by id: open addressing, linear probing, kNoSlot is empty; a power of two
  TimeList by_time_;
  AuthorList by_author_;
  SortedBlocks<Slot, ByAddress> by_address_;  // addressable kinds only; replaceable ones are found by author and kind
  std::vector<TimeList> by_rank_;             // all but what is kept
  std::unique_ptr<std::vector<Expiry>> expiries_;  // ascending; mostly there is none
  RankCounts counts_;
};

}  // namespace np2p
