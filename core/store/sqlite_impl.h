// Inside of SqliteStore: its transactions, what is kept to repeat them, and its rules. For core/store/sqlite_*.cpp
// only.
#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/event/expiry.h"
#include "core/event/replaceable.h"
#include "core/store/event_row.h"
#include "core/store/making_room.h"
#include "core/store/sqlite_db.h"
#include "core/store/sqlite_events.h"
#include "core/store/sqlite_schema.h"
#include "core/store/sqlite_store.h"
#include "core/store/sqlite_wal.h"

namespace np2p {

// 16 MiB of log before it is copied into the database file: an extra sync in a hundred publishes or less, and a
// pause of some 20 ms.
inline constexpr int kCheckpointFrames = 4000;
inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
// So many events at least are taken into the index of words at once.
inline constexpr std::size_t kWordsAtOnce = 256;

// The writes of the open transaction, to repeat them if it is lost.
struct PutWrite {
  EventPtr event;
};
struct EraseWrite {
  EventId id;
};
struct SetStandingWrite {
  PubKey author;
  Standing standing;
};
struct SetValueWrite {
  Table table;
  std::string key;
  std::optional<std::string> value;  // nothing: erase it
};
using StoreWrite = std::variant<PutWrite, EraseWrite, SetStandingWrite, SetValueWrite>;

struct SqliteStore::Impl {
  Impl(std::unique_ptr<Database> database, const char* vfs, const Limits& limits)
      : db(std::move(database)),
        rows(*db, limits.search_candidates, limits.listing_candidates),
        wal(*db, vfs),
        room_(limits),
        max_values(table_rooms(limits)),
        max_answer(limits.query_events),
        max_writes(limits.unsafe_writes),
        get_standing(*db, "SELECT standing FROM standing WHERE author=?"),
        put_standing(*db, "INSERT OR REPLACE INTO standing(author, standing) VALUES(?,?)"),
        drop_standing(*db, "DELETE FROM standing WHERE author=?"),
        get_value(*db, "SELECT value FROM value WHERE part=? AND key=?"),
        put_value(*db, "INSERT OR REPLACE INTO value(part, key, value) VALUES(?,?,?)"),
        drop_value(*db, "DELETE FROM value WHERE part=? AND key=?"),
        all_values(*db, "SELECT key, value FROM value WHERE part=? ORDER BY key"),
        begin_(*db, "BEGIN IMMEDIATE"),
        commit_(*db, "COMMIT") {
    state.counts = rows.count();
    state.values = count_values();
    state.rotten = static_cast<std::uint64_t>(db->number("SELECT count(*) FROM rotten"));
    state.first_expiry = rows.first_expiry();
    state.own = own_keys_of(*db);
    before = state;
  }

  // What has to go back with a rolled back transaction.
  struct State {
    RankCounts counts;
    TableRooms values{};  // how many each table has
    std::uint64_t evicted = 0;
    std::uint64_t rotten = 0;
    std::optional<std::int64_t> first_expiry;  // of all events; it may name one that is gone
    OwnKeys own;
  };

  std::unique_ptr<Database> db;
  EventRows rows;
  WalFile wal;
  Room room_;
  TableRooms max_values;
  std::size_t max_answer;
  std::size_t max_writes;
  Statement get_standing;
  Statement put_standing;
  Statement drop_standing;
  Statement get_value;
  Statement put_value;
  Statement drop_value;
  Statement all_values;
  Statement begin_;
  Statement commit_;

  State state;
  State before;             // at the begin of the transaction
  bool open = false;        // a transaction with all of `writes` in it
  bool incomplete = false;  // more writes were lost than can be repeated: no ticket passes any more
  std::vector<StoreWrite> writes;
  bool unflushed = false;
  Ticket last;
  Ticket committed;
  Ticket durable;
  std::string trouble;   // empty: healthy
  bool damaged = false;  // the file itself: no write is tried any more, and only a look from outside can help
  std::string opening_note;
  unsigned refused_in_trouble = 0;

  // --- transactions

  void begin() {
    if (open) return;
    Use(begin_).run();
    before = state;
    open = true;
    for (const StoreWrite& write : writes) repeat(write);
  }
  void repeat(const StoreWrite& write) {
    if (const auto* put = std::get_if<PutWrite>(&write)) {
      do_put(put->event);
    } else if (const auto* erase = std::get_if<EraseWrite>(&write)) {
      do_erase(erase->id);
    } else if (const auto* standing = std::get_if<SetStandingWrite>(&write)) {
      do_set_standing(standing->author, standing->standing);
    } else if (const auto* value = std::get_if<SetValueWrite>(&write)) {
      bool full = false;
      do_set_value(value->table, value->key, value->value, full);
    }
  }
  // Ends the transaction. A disk that was in trouble has to prove itself with a real write.
  void commit() {
    if (!damaged && open && rows.search().waiting() >= kWordsAtOnce) rows.take_in_words(kWordsAtOnce * 4);
    if (incomplete) throw DiskTrouble{SQLITE_FULL, "too much was lost while the disk failed; restart the server"};
    if (open || !writes.empty() || (!trouble.empty() && !damaged)) {
      begin();
      if (!trouble.empty() && !damaged) db->exec(("PRAGMA user_version=" + std::to_string(kSchemaVersion)).c_str());
      Use(commit_).run();
      open = false;
      writes.clear();
    }
    wal.write_out();
    if (!damaged && (wal.lost_sync() || wal.frames() >= kCheckpointFrames)) wal.checkpoint();
    if (!damaged) trouble.clear();
    committed = last;
  }
  // Damage to the file is final: what was accepted before still goes into the log, nothing else does.
  void say(const DiskTrouble& cause) {
    if (damaged) return;
    damaged = cause.code == SQLITE_CORRUPT || cause.code == SQLITE_NOTADB;
    trouble = cause.reason.empty() ? "the disk failed" : cause.reason;
    if (!damaged) return;
    trouble = "the database is damaged (" + trouble + "); nothing is written to it any more";
    sqlite3_db_config(db->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
  // The disk or the file failed. What the transaction held is taken back, and put into a new one if that works.
  void in_trouble(const DiskTrouble& cause) {
    say(cause);
    if (!open) return;
    abandon();
    try {
      begin();
    } catch (const DiskTrouble&) {
      abandon();
    }
  }
  void abandon() {
    if (db->in_transaction()) sqlite3_exec(db->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    if (open) state = before;
    open = false;
    rows.forget_cache();
  }
  // Runs a write of the port. What cannot be done now is done with the next transaction, if it is `owed`.
  template <class Work>
  bool write(StoreWrite what, bool owed, Work work) {
    if (damaged) {
      // What is owed is lost: no ticket may say otherwise.
      unflushed = unflushed || owed;
      incomplete = incomplete || owed;
      return false;
    }
    bool done = false;
    bool remember = owed;
    try {
      begin();
      remember = done = work();
    } catch (const DiskTrouble& cause) {
      in_trouble(cause);
    }
    if (remember) note(std::move(what));
    return done;
  }
  // Remembers a write until its transaction has ended; too many end it early.
  void note(StoreWrite what) {
    unflushed = true;
    if (writes.size() < max_writes) {
      writes.push_back(std::move(what));
    } else {
      incomplete = true;
    }
    if (writes.size() < max_writes || !trouble.empty()) return;
    try {
      commit();
    } catch (const DiskTrouble& cause) {
      in_trouble(cause);
    }
  }
  // Runs a read of the port; in trouble it answers with nothing.
  template <class Answer, class Work>
  Answer read(Answer nothing, Work work) {
    try {
      return work();
    } catch (const DiskTrouble& cause) {
      say(cause);
      if (open && !db->in_transaction()) in_trouble(cause);  // SQLite gave the transaction up by itself
      return nothing;
    }
  }

  // --- writes, inside the transaction; true if something changed

  [[nodiscard]] Standing standing_of(const PubKey& author) {
    Use use(get_standing);
    use.bind(author.view());
    return use.row() ? static_cast<Standing>(std::clamp<std::int64_t>(use.number(0), 0, 3)) : Standing::stranger;
  }
  void remove(EventRows::Seq seq) {
    if (const auto filed = rows.remove(seq)) state.counts.take(filed->rank, filed->amount);
  }
  [[nodiscard]] bool is_own(const PubKey& author) const {
    return std::find(state.own.begin(), state.own.end(), author) != state.own.end();
  }
  [[nodiscard]] Claim claim(const Event& event) {
    return claim_of(event, state.own, [this](const EventId& id) {
      const auto seq = rows.find(id);
      const auto author = seq ? rows.author_of(*seq) : std::nullopt;
      return author && is_own(*author);
    });
  }
  PutOutcome do_put(const EventPtr& event) {
    if (rows.find(event->id)) return PutOutcome::duplicate;
    const auto holder = rows.holder(event.get());
    if (holder && !replaces(event.get(), holder->event)) return PutOutcome::superseded;
    const Standing author = standing_of(event->pubkey);
    const std::size_t bytes = stored_bytes_of(event);
    Claim claimed = claim(event.get());
    const auto rank = [&] { return rank_of(author, is_vital(event->kind), claimed); };
    RankCounts without = state.counts;
    if (holder) without.take(holder->rank, {1, holder->bytes});
    if (rank() == Rank::stranger && !without.fits(rank(), bytes, room_) &&
        rows.is_followed_by_followed(event->pubkey)) {
      claimed = Claim::trusted;
    }
    if (!could_fit(without, rank(), bytes, room_)) return PutOutcome::refused;
    if (holder) remove(holder->seq);
    if (!make_room(*this, event.get(), rank(), bytes, holder.has_value())) return PutOutcome::refused;
    rows.insert(event, rank(), claimed, bytes);
    state.counts.add(rank(), {1, bytes});
    if (const auto at = expiration_of(event.get()); at && *at < state.first_expiry.value_or(kNever)) {
      state.first_expiry = at;
    }
    return PutOutcome::stored;
  }

  // What making_room.h asks.
  [[nodiscard]] const RankCounts& counts() const noexcept { return state.counts; }
  [[nodiscard]] const Room& room() const noexcept { return room_; }
  [[nodiscard]] auto oldest(Rank rank) { return rows.oldest(rank); }
  [[nodiscard]] static bool goes_before(const Event& event, const EventRows::Key& other) {
    return other < EventRows::Key{event.created_at, sortable_head(event.id.view()), 0};
  }
  [[nodiscard]] std::pair<Amount, std::optional<EventRows::Key>> mentions_by(const PubKey& author) {
    const auto found = rows.mentions_by(author);
    return {found.amount, found.first};
  }
  bool move_if_trusted(const EventRows::Key& stranger) {
    const auto author = rows.author_of(stranger.seq);
    if (!author || !rows.is_followed_by_followed(*author)) return false;
    const Amount one{1, rows.file(stranger.seq, Rank::trusted, Claim::trusted)};
    state.counts.take(Rank::stranger, one);
    state.counts.add(Rank::trusted, one);
    return true;
  }
  void evict(const EventRows::Key& victim) {
    remove(victim.seq);
    ++state.evicted;
  }

  bool do_erase(const EventId& id) {
    const auto seq = rows.find(id);
    if (seq) remove(*seq);
    return seq.has_value();
  }
  bool do_set_standing(const PubKey& author, Standing standing) {
    const Standing old = standing_of(author);
    if (old == standing) return false;
    if (standing == Standing::stranger) {
      Use(drop_standing).bind(author.view()).run();
    } else {
      Use(put_standing).bind(author.view()).bind(static_cast<std::int64_t>(standing)).run();
    }
    rows.change_standing(author, old, standing, state.counts);
    if (standing == Standing::owner) state.own.push_back(author);
    if (old == Standing::owner) std::erase(state.own, author);
    bring_within_room(*this);
    return true;
  }
  [[nodiscard]] TableRooms count_values() {
    TableRooms counts{};
    Statement statement(*db, "SELECT part, count(*) FROM value GROUP BY part");
    Use use(statement);
    while (use.row()) {
      const auto part = static_cast<std::size_t>(use.number(0));
      if (part < counts.size()) counts[part] = static_cast<std::uint32_t>(use.number(1));
    }
    return counts;
  }
  // Nothing changes if the table has no room for a new key; `full` then says so.
  bool do_set_value(Table table, std::string_view key, const std::optional<std::string>& value, bool& full) {
    const auto part = static_cast<std::int64_t>(table);
    std::uint32_t& count = state.values[static_cast<std::size_t>(table)];
    bool there = false;
    {
      Use use(get_value);
      there = use.bind(part).bind(bytes_of(key)).row();
      if (there && value && text_of(use.blob(0)) == *value) return false;
    }
    full = !there && value && count >= max_values[static_cast<std::size_t>(table)];
    if (!there && (!value || full)) return false;
    if (value) {
      Use(put_value).bind(part).bind(bytes_of(key)).bind(bytes_of(*value)).run();
      count += there ? 0u : 1u;
    } else {
      Use(drop_value).bind(part).bind(bytes_of(key)).run();
      --count;
    }
    return true;
  }

  // --- reads

  // Rows that do not give back what was written are not served again, and kept for whoever can make something of them.
  void set_aside(const std::vector<EventRows::Seq>& seqs) {
    if (damaged) return;
    try {
      begin();
      for (const EventRows::Seq seq : seqs) rows.set_aside(seq);
      state.counts = rows.count();
      state.rotten += seqs.size();
    } catch (const DiskTrouble& cause) {
      in_trouble(cause);
    }
  }
  EventPtr load(EventRows::Seq seq) {
    bool is_rotten = false;
    EventPtr event = rows.load(seq, is_rotten);
    if (is_rotten) set_aside({seq});
    return event;
  }
  // Before anybody searches: all that is stored is in the index of words.
  void take_in_words() {
    if (damaged || rows.search().waiting() == 0) return;
    try {
      begin();
      while (rows.search().waiting() > 0) rows.take_in_words(kWordsAtOnce * 16);
    } catch (const DiskTrouble& cause) {
      in_trouble(cause);
    }
  }
  std::vector<EventPtr> query(const PreparedFilter& filter, std::size_t limit) {
    if (filter.search) take_in_words();
    std::vector<EventRows::Seq> bad;
    for (bool look = false;;) {
      std::vector<EventPtr> events;
      const std::size_t known_bad = bad.size();
      bool again = false;
      for (const auto& key : rows.select(filter, limit, look, bad)) {
        bool is_rotten = false;
        EventPtr event = rows.load(key.seq, is_rotten);
        if (is_rotten) bad.push_back(key.seq);
        if (event && filter.accepts(event.get())) {
          events.push_back(std::move(event));
        } else {
          again = true;
        }
      }
      if (!again || (look && bad.size() == known_bad)) {
        if (!bad.empty()) set_aside(bad);
        return events;
      }
      look = true;
    }
  }
};

}  // namespace np2p
