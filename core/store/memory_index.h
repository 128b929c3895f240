// The events of a MemoryStore and their indices: by id, by time, by (author, kind, time), by address, by rank and time
// (or, where that decides what goes first, by how they came).
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

// How an event was taken in: the how-manieth, and what it claims.
struct Filing {
  std::uint32_t arrival : 30;
  std::uint32_t claim : 2;
  [[nodiscard]] Claim claimed() const noexcept { return static_cast<Claim>(claim); }
};

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
  [[nodiscard]] Filing filing(Slot slot) const noexcept { return filings_[slot]; }
  [[nodiscard]] Rank rank(Slot slot, Standing author) const noexcept {
    return rank_of(author, is_vital(slots_[slot]->kind), filings_[slot].claimed());
  }
  [[nodiscard]] std::optional<Slot> oldest(Rank rank) const noexcept;
  struct OfAuthor {
    Amount amount;
    std::optional<Slot> first;  // that came
  };
  [[nodiscard]] OfAuthor mentions_by(const PubKey& author) const;
  // Of a list (NIP-02) by this author.
  [[nodiscard]] bool lists(const PubKey& author, const PubKey& who) const;
  [[nodiscard]] std::optional<Slot> first_to_expire(std::int64_t now) const noexcept;  // by then
  [[nodiscard]] const RankCounts& counts() const noexcept { return counts_; }

  void insert(const EventPtr& event, Standing author, Filing filing);  // its id is not there
  void remove(Slot slot, Standing author);
  void claim(Slot slot, Standing author, Claim claim);
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
  struct Later {
    const std::vector<Filing>* filings;
    bool operator()(Slot a, Slot b) const noexcept { return (*filings)[a].arrival > (*filings)[b].arrival; }
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
  using ArrivalList = SortedBlocks<Slot, Later>;
  using AuthorList = SortedBlocks<Slot, ByAuthor>;

  class Selection;
  void select_author(const PubKey& author, Selection& selection) const;
  void select_run(const PubKey& author, std::uint16_t kind, Selection& selection) const;
  [[nodiscard]] AuthorList::Place author_run(const PubKey& author, std::uint32_t kind) const;

  void rank_insert(Slot slot, Rank rank);
  void rank_erase(Slot slot, Rank rank);

  void table_insert(Slot slot);
  void table_erase(Slot slot);
  void table_grow();

  std::vector<EventPtr> slots_;  // null: free
  std::vector<Filing> filings_;  // of each slot
  std::vector<Slot> free_;
  std::vector<Slot> table_;  // by id: open addressing, linear probing, kNoSlot is empty; a power of two
  TimeList by_time_;
  AuthorList by_author_;
  SortedBlocks<Slot, ByAddress> by_address_;  // addressable kinds only; replaceable ones are found by author and kind
  std::vector<TimeList> by_rank_;             // of the ranks whose oldest may go, if there are any,
  std::vector<ArrivalList> by_arrival_;       // and of those that go as they came; both by list_of()
  std::unique_ptr<std::vector<Expiry>> expiries_;  // ascending; mostly there is none
  RankCounts counts_;
};

}  // namespace np2p
