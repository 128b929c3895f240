// The event tables of the database: rows in, rows out, and queries over the indices. Everything here may throw
// DiskTrouble. It decides nothing: retention, transactions and durability are SqliteStore's.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/event/event.h"
#include "core/host/store.h"
#include "core/store/prepared_filter.h"
#include "core/store/retention.h"
#include "core/store/sqlite_db.h"
#include "core/store/sqlite_search.h"

namespace np2p {

class EventRows {
 public:
  using Seq = std::int64_t;

  // Where a row stands in NIP-01's order; of two ids that share their first eight bytes the order is arbitrary.
  struct Key {
    std::int64_t created_at = 0;
    std::int64_t head = 0;
    Seq seq = 0;
    friend bool operator<(const Key& a, const Key& b) noexcept {  // newer first
      if (a.created_at != b.created_at) return a.created_at > b.created_at;
      return a.head != b.head ? a.head < b.head : a.seq < b.seq;
    }
  };

  // Of the events that a search finds, at most `most_found` that were stored last are looked at; of those that name an
  // author, `most_naming`.
  EventRows(Database& db, std::size_t most_found, std::size_t most_naming);
  EventRows(const EventRows&) = delete;
  EventRows& operator=(const EventRows&) = delete;

  [[nodiscard]] RankCounts count();
  [[nodiscard]] std::optional<Seq> find(const EventId& id);
  // The event of a row; null if there is no such row or it has rotted (`rotten` then says so).
  [[nodiscard]] EventPtr load(Seq seq, bool& rotten);
  // The holder of a replaceable or addressable event's address.
  struct Holder {
    Seq seq;
    Rank rank;
    std::size_t bytes;
    Event event;  // id, pubkey, kind and created_at only
  };
  [[nodiscard]] std::optional<Holder> holder(const Event& event);
  [[nodiscard]] std::optional<Key> oldest(Rank rank);

  struct OfAuthor {
    Amount amount;
    std::optional<Key> first;  // that came
  };
  [[nodiscard]] OfAuthor mentions_by(const PubKey& author);
  // Among the newest events that name this author: does a follow list that is kept?
  [[nodiscard]] bool is_followed_by_followed(const PubKey& author);
  [[nodiscard]] std::optional<PubKey> author_of(Seq seq);

  void insert(const EventPtr& event, Rank rank, Claim claim, std::size_t bytes);
  // Where it was filed; nothing if there is no such row.
  struct Filed {
    Rank rank;
    Amount amount;
  };
  std::optional<Filed> remove(Seq seq);
  // Files one anew, and says how large it is.
  std::size_t file(Seq seq, Rank rank, Claim claim);
  // Moves a row that has rotted to the table of those: nothing finds it any more, but its bytes are kept.
  void set_aside(Seq seq);
  // Files everything of an author anew; counts are changed accordingly.
  void change_standing(const PubKey& author, Standing from, Standing to, RankCounts& counts);

  // The rows of the newest `limit` matches, best first. Exact, except that a row listed here can turn out to be rotten,
  // or (unless `look`) not to match because eight bytes of a hash met: whoever loads the rows checks, and asks again
  // with `look`, which loads every candidate. Rows in `skip` are left out.
  [[nodiscard]] std::vector<Key> select(const PreparedFilter& filter, std::size_t limit, bool look,
                                        const std::vector<Seq>& skip);

  // All of them; only what eight bytes of a hash tell apart is told apart, unless the filter wants the events looked
  // at.
  [[nodiscard]] std::size_t count(const PreparedFilter& filter, std::size_t limit);
  [[nodiscard]] std::optional<EventId> id(Seq seq);

  [[nodiscard]] std::optional<std::int64_t> first_expiry();
  [[nodiscard]] std::vector<Seq> expired(std::int64_t now, std::size_t most);
  // Rows of this rank (or of this kind, in ranks that may be pruned) from before that time.
  [[nodiscard]] std::vector<Seq> older(Rank rank, std::int64_t before, std::size_t most);
  [[nodiscard]] std::vector<Seq> older_of_kind(std::uint16_t kind, std::int64_t before, std::size_t most);

  [[nodiscard]] SearchRows& search() noexcept { return search_; }
  void take_in_words(std::size_t most);  // into the index of words

  void forget_cache();  // after a rollback

 private:
  class Selection;
  void select_authors(const PreparedFilter& filter, Selection& selection);
  void select_author_kind(std::int64_t author, std::uint32_t kind, Selection& selection);
  void select_tags(const PreparedFilter& filter, Selection& selection);
  void select_found(const PreparedFilter& filter, Selection& selection);
  void remember(Seq seq, const EventPtr& event);

  Database& db_;
  Statement count_;
  Statement find_;
  Statement load_;
  Statement by_author_kind_;
  Statement next_kind_;
  Statement next_kind_of_all_;
  Statement by_kind_;
  Statement by_rank_;
  Statement by_tag_;
  Statement replaceable_;
  Statement addressable_;
  Statement oldest_;
  Statement first_;
  Statement mentions_;
  Statement followers_;
  Statement file_;
  Statement insert_;
  Statement insert_tag_;
  Statement remove_;
  Statement remove_tag_;
  Statement sweep_tags_;
  Statement keep_rotten_;
  Statement count_author_;
  Statement file_author_;
  Statement id_;
  Statement author_of_;
  Statement place_;
  Statement insert_expiry_;
  Statement remove_expiry_;
  Statement sweep_expiries_;
  Statement first_expiry_;
  Statement expired_;
  Statement older_;
  Statement older_of_kind_;
  SearchRows search_;
  std::size_t most_found_;
  std::size_t most_naming_;

  // The events read or written last, each in the place that its row number names.
  std::vector<std::pair<Seq, EventPtr>> cache_;
};

}  // namespace np2p
