#include "core/store/sqlite_check.h"

#include <algorithm>
#include <limits>

namespace np2p {

namespace {

constexpr std::int64_t kPagesToCheck = 6144;  // 24 MiB, some 20,000 events
constexpr std::int64_t kSamples = 64;         // ways down each tree

std::string in_one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  return text;
}

// Both ends of every tree: from the root down the first and the last branch. Each throws if it meets damage.
void look_at_ends(Database& db) {
  for (const char* query : {
           "SELECT seq FROM event ORDER BY seq LIMIT 1",
           "SELECT seq FROM event ORDER BY seq DESC LIMIT 1",
           "SELECT head FROM event INDEXED BY event_head ORDER BY head LIMIT 1",
           "SELECT head FROM event INDEXED BY event_head ORDER BY head DESC LIMIT 1",
           "SELECT author FROM event INDEXED BY event_author ORDER BY author LIMIT 1",
           "SELECT author FROM event INDEXED BY event_author ORDER BY author DESC LIMIT 1",
           "SELECT kind FROM event INDEXED BY event_kind ORDER BY kind LIMIT 1",
           "SELECT kind FROM event INDEXED BY event_kind ORDER BY kind DESC LIMIT 1",
           "SELECT rank FROM event INDEXED BY event_rank ORDER BY rank LIMIT 1",
           "SELECT rank FROM event INDEXED BY event_rank ORDER BY rank DESC LIMIT 1",
           "SELECT author FROM event INDEXED BY event_address WHERE address IS NOT NULL ORDER BY author LIMIT 1",
           "SELECT author FROM event INDEXED BY event_address WHERE address IS NOT NULL ORDER BY author DESC LIMIT 1",
           "SELECT standing FROM standing ORDER BY author LIMIT 1",
           "SELECT standing FROM standing ORDER BY author DESC LIMIT 1",
           "SELECT key FROM tag ORDER BY key LIMIT 1",
           "SELECT key FROM tag ORDER BY key DESC LIMIT 1",
           "SELECT part FROM value ORDER BY part, key LIMIT 1",
           "SELECT part FROM value ORDER BY part DESC, key DESC LIMIT 1",
       }) {
    static_cast<void>(db.number(query));
  }
  if (db.number("SELECT count(*) FROM sqlite_schema WHERE name='rotten'") == 0) return;  // an older schema
  static_cast<void>(db.number("SELECT number FROM rotten ORDER BY number LIMIT 1"));
  if (db.number("SELECT count(*) FROM sqlite_schema WHERE name='searched'") == 0) return;  // likewise
  static_cast<void>(db.number("SELECT at FROM expiry ORDER BY at LIMIT 1"));
  static_cast<void>(db.number("SELECT upto FROM searched"));
  static_cast<void>(db.number("SELECT id FROM search_data ORDER BY id LIMIT 1"));
  static_cast<void>(db.number("SELECT segid FROM search_idx ORDER BY segid LIMIT 1"));
  static_cast<void>(db.number("SELECT count(*) FROM search_config"));
  if (db.number("SELECT count(*) FROM sqlite_schema WHERE name='event_mention'") == 0) return;  // likewise
  for (const char* query : {
           "SELECT seq FROM event INDEXED BY event_arrival WHERE rank IN (6,7) AND rank=6 ORDER BY seq LIMIT 1",
           "SELECT seq FROM event INDEXED BY event_arrival WHERE rank IN (6,7) AND rank=7 ORDER BY seq DESC LIMIT 1",
           "SELECT author FROM event INDEXED BY event_mention WHERE rank=6 ORDER BY author LIMIT 1",
           "SELECT author FROM event INDEXED BY event_mention WHERE rank=6 ORDER BY author DESC LIMIT 1",
       }) {
    static_cast<void>(db.number(query));
  }
}

// Rows all over the table of events, and each one's place in the indices.
std::string look_at_rows(Database& db) {
  Statement row(db, "SELECT seq, head, author, kind, created_at, rank FROM event WHERE seq>=? ORDER BY seq LIMIT 1");
  Statement by_head(db, "SELECT 1 FROM event INDEXED BY event_head WHERE head=? AND seq=?");
  Statement by_author(
      db,
      "SELECT 1 FROM event INDEXED BY event_author WHERE author=? AND kind=? AND created_at=? AND head=? AND seq=?");
  Statement by_kind(db, "SELECT 1 FROM event INDEXED BY event_kind WHERE kind=? AND created_at=? AND head=? AND seq=?");
  Statement by_rank(db, "SELECT 1 FROM event INDEXED BY event_rank WHERE rank=? AND created_at=? AND head=? AND seq=?");
  const std::int64_t last = db.number("SELECT max(seq) FROM event");
  for (std::int64_t i = 0; i < kSamples; ++i) {
    Use at(row);
    if (!at.bind(last / kSamples * i + last % kSamples * i / kSamples).row()) break;
    const auto seq = at.number(0);
    const auto head = at.number(1);
    const auto author = at.number(2);
    const auto kind = at.number(3);
    const auto time = at.number(4);
    const auto rank = at.number(5);
    if (!Use(by_head).bind(head).bind(seq).row() ||
        !Use(by_author).bind(author).bind(kind).bind(time).bind(head).bind(seq).row() ||
        !Use(by_kind).bind(kind).bind(time).bind(head).bind(seq).row() ||
        !Use(by_rank).bind(rank).bind(time).bind(head).bind(seq).row()) {
      return "event " + std::to_string(seq) + " is missing in an index";
    }
  }
  return {};
}

// The keys of tags and of standings are hashes and public keys: evenly spread.
void look_at_keys(Database& db) {
  Statement tag(db, "SELECT key FROM tag WHERE key>=? ORDER BY key LIMIT 1");
  Statement standing(db, "SELECT standing FROM standing WHERE author>=? ORDER BY author LIMIT 1");
  for (std::int64_t i = 0; i < kSamples; ++i) {
    static_cast<void>(Use(tag).bind(std::numeric_limits<std::int64_t>::min() + i * (std::int64_t{1} << 58)).row());
    const auto first_byte = static_cast<std::uint8_t>(i * 256 / kSamples);
    static_cast<void>(Use(standing).bind(ByteView(&first_byte, 1)).row());
  }
}

}  // namespace

std::string find_damage(Database& db) {
  if (db.number("PRAGMA page_count") <= kPagesToCheck) {
    const std::string found = db.text("PRAGMA quick_check(1)");
    if (found != "ok") return in_one_line(found);
  }
  look_at_ends(db);
  look_at_keys(db);
  return look_at_rows(db);
}

}  // namespace np2p
