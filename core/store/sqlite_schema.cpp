#include "core/store/sqlite_schema.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "core/event/expiry.h"
#include "core/store/event_row.h"
#include "core/store/side_file.h"
#include "core/store/sqlite_check.h"
#include "core/store/wal_damage.h"

namespace np2p {

namespace {

constexpr std::int64_t kSchemaWithClaims = 6;
constexpr std::int64_t kSchemaWithWritten = 5;
constexpr std::int64_t kSchemaWithExpiry = 4;

// In the order of their names, which is how they are read back. `head` and `author` are the first eight bytes of id and
// pubkey as sortable numbers: they keep the indices small, and (created_at DESC, head) is NIP-01's order.
struct Piece {
  std::int64_t since;  // schema version
  const char* sql;
  std::int64_t until = kSchemaVersion;  // the last version that has it
  bool changed = false;                 // it is what its predecessor becomes, and not made when a file is brought up
};
constexpr std::array kSchema{
    // `written`: EventPtr::written(), where there is any. `rank`, `claim` and `size` (stored_bytes_of()): retention.h.
    Piece{6,
          "CREATE TABLE event(seq INTEGER PRIMARY KEY, id BLOB NOT NULL, head INTEGER NOT NULL, pubkey BLOB NOT NULL, "
          "author INTEGER NOT NULL, kind INTEGER NOT NULL, created_at INTEGER NOT NULL, rank INTEGER NOT NULL, "
          "address INTEGER, body BLOB NOT NULL, written BLOB, claim INTEGER NOT NULL DEFAULT 0, "
          "size INTEGER NOT NULL DEFAULT 0)",
          kSchemaVersion, true},
    Piece{5,
          "CREATE TABLE event(seq INTEGER PRIMARY KEY, id BLOB NOT NULL, head INTEGER NOT NULL, pubkey BLOB NOT NULL, "
          "author INTEGER NOT NULL, kind INTEGER NOT NULL, created_at INTEGER NOT NULL, rank INTEGER NOT NULL, "
          "address INTEGER, body BLOB NOT NULL, written BLOB)",
          kSchemaWithClaims - 1, true},
    Piece{1,
          "CREATE TABLE event(seq INTEGER PRIMARY KEY, id BLOB NOT NULL, head INTEGER NOT NULL, pubkey BLOB NOT NULL, "
          "author INTEGER NOT NULL, kind INTEGER NOT NULL, created_at INTEGER NOT NULL, rank INTEGER NOT NULL, "
          "address INTEGER, body BLOB NOT NULL)",
          kSchemaWithWritten - 1, true},
    Piece{1, "CREATE INDEX event_address ON event(author, kind, address) WHERE address IS NOT NULL"},
    // Of the ranks that go as they came, and of one author's mentions.
    Piece{6, "CREATE INDEX event_arrival ON event(rank) WHERE rank IN (6,7)"},
    Piece{1, "CREATE INDEX event_author ON event(author, kind, created_at DESC, head)"},
    Piece{1, "CREATE INDEX event_head ON event(head)"},
    Piece{1, "CREATE INDEX event_kind ON event(kind, created_at DESC, head)"},
    Piece{6, "CREATE INDEX event_mention ON event(author, size) WHERE rank=6"},
    // With the size, so that a start adds up what is there without a look at the events.
    Piece{6, "CREATE INDEX event_rank ON event(rank, created_at DESC, head, size)"},
    Piece{1, "CREATE INDEX event_rank ON event(rank, created_at DESC, head)", kSchemaWithClaims - 1},
    // When events expire (NIP-40).
    Piece{4, "CREATE TABLE expiry(at INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(at, seq)) WITHOUT ROWID"},
    // Events whose bytes no longer give their id: kept for whoever wants to look, never served.
    Piece{3,
          "CREATE TABLE rotten(number INTEGER PRIMARY KEY, id BLOB NOT NULL, pubkey BLOB NOT NULL, kind INTEGER NOT "
          "NULL, created_at INTEGER NOT NULL, body BLOB NOT NULL)"},
    // The index of words (sqlite_search.h), which has tables of its own (search_...), and up to which row it goes.
    Piece{4, "CREATE VIRTUAL TABLE search USING fts5(words, content='', columnsize=0, detail=none, tokenize='ascii')"},
    Piece{4, "CREATE TABLE searched(upto INTEGER NOT NULL)"},
    Piece{1, "CREATE TABLE standing(author BLOB PRIMARY KEY, standing INTEGER NOT NULL) WITHOUT ROWID"},
    Piece{1,
          "CREATE TABLE tag(key INTEGER NOT NULL, created_at INTEGER NOT NULL, head INTEGER NOT NULL, "
          "seq INTEGER NOT NULL, kind INTEGER NOT NULL, author INTEGER NOT NULL, "
          "PRIMARY KEY(key, created_at DESC, head, seq)) WITHOUT ROWID"},
    Piece{1,
          "CREATE TABLE value(part INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY(part, key)) "
          "WITHOUT ROWID"},
};

constexpr std::string_view kLeft = "; it was left as it is";

Error not_ours(const std::string& path) {
  return error(ErrorCode::malformed, path + " is not a nostrp2p database" + std::string(kLeft));
}

Error refusal(const std::string& path, const DiskTrouble& trouble) {
  switch (trouble.code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return error(ErrorCode::unavailable, "another server uses this data directory (" + path + " is locked)");
    case SQLITE_NOTADB:
      return not_ours(path);
    case SQLITE_CORRUPT:
      return error(ErrorCode::malformed, path + " is damaged (" + trouble.reason + ")" + std::string(kLeft));
    default:
      return error(ErrorCode::unavailable, "cannot open " + path + ": " + trouble.reason);
  }
}

using Header = std::array<std::uint8_t, 100>;

// The file's first bytes, without SQLite, which would begin to repair. What is not there reads as zero.
Header read_header(const std::string& path, const char* vfs) {
  Header header{};
  SideFile(path, vfs, SideFile::Mode::read).read(header, 0);
  return header;
}

std::int64_t header_number(const Header& header, std::size_t at) {
  std::int64_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | header[i];
  return value;
}

// A URI that opens the file without locks, without recovery and without ever writing.
std::string untouched(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      uri += '%' + to_hex(bytes_of(std::string_view(&c, 1)));
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1&mode=ro";
}

Status check_mark(std::int64_t application, std::int64_t version, const std::string& path) {
  if (application != kApplicationId) return not_ours(path);
  if (version <= kSchemaVersion) return {};
  return error(ErrorCode::wrong_version, path + " was made by a newer version of nostrp2p (schema " +
                                             std::to_string(version) + ", this one knows " +
                                             std::to_string(kSchemaVersion) + ")" + std::string(kLeft));
}

// Before SQLite opens a file in earnest, and so begins to repair and to move logs: is it ours at all?
Status check_untouched(const std::string& path, const char* vfs) {
  const Header header = read_header(path, vfs);
  const bool in_creation = has_content(path + "-journal", vfs);
  // A power cut in create() can leave pages without the first one, and the journal that takes them back.
  if (in_creation && std::all_of(header.begin(), header.end(), [](std::uint8_t b) { return b == 0; })) return {};
  constexpr std::string_view kMagic{"SQLite format 3\0", 16};
  if (text_of(header).substr(0, kMagic.size()) != kMagic) return not_ours(path);
  // The places of application_id and user_version in the file format.
  if (auto status = check_mark(header_number(header, 68), header_number(header, 60), path); !status.ok()) return status;
  // A power cut in the middle of a checkpoint leaves a file that is whole only together with its log.
  if (in_creation || has_content(path + "-wal", vfs)) return {};
  Database probe(untouched(path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, vfs);
  static_cast<void>(probe.number("SELECT count(*) FROM sqlite_schema"));  // throws if it is cut off
  return {};
}

void create(Database& db) {
  // Everything in one synchronous transaction of a rollback journal: the file is ours and whole, or it is empty.
  db.exec("PRAGMA synchronous=FULL");
  db.exec("BEGIN EXCLUSIVE");
  db.exec(("PRAGMA application_id=" + std::to_string(kApplicationId)).c_str());
  db.exec(("PRAGMA user_version=" + std::to_string(kSchemaVersion)).c_str());
  for (const Piece& piece : kSchema) {
    if (piece.until >= kSchemaVersion) db.exec(piece.sql);
  }
  db.exec("INSERT INTO searched VALUES(0)");
  db.exec("COMMIT");
}

// Every event of a file that is brought up to date, as far as it can be read.
template <class Visit>
void each_event(Database& db, Visit visit) {
  Statement all(db, "SELECT seq, id, pubkey, kind, created_at, body, written FROM event ORDER BY seq");
  Use row(all);
  while (row.row()) {
    const auto id = EventId::from(row.blob(1));
    const auto pubkey = PubKey::from(row.blob(2));
    if (!id || !pubkey) continue;
    const EventPtr event = decode_row(Event{.id = *id,
                                            .pubkey = *pubkey,
                                            .created_at = row.number(4),
                                            .kind = static_cast<std::uint16_t>(row.number(3)),
                                            .tags = {},
                                            .content = {},
                                            .sig = {}},
                                      row.blob(5), row.blob(6));
    if (event) visit(row.number(0), event);
  }
}

void note_expiries(Database& db) {
  Statement insert(db, "INSERT INTO expiry(at, seq) VALUES(?,?)");
  each_event(db, [&](std::int64_t seq, const EventPtr& event) {
    if (const auto at = expiration_of(event.get())) Use(insert).bind(*at).bind(seq).run();
  });
}

// What has rotted keeps a size of its own; it is set aside when somebody reads it.
void file_all_anew(Database& db) {
  db.exec("UPDATE event SET rank=0, size=256+length(body)");
  const OwnKeys own = own_keys_of(db);
  Statement standing(db, "SELECT standing FROM standing WHERE author=?");
  const auto standing_of = [&](const PubKey& author) {
    Use use(standing);
    use.bind(author.view());
    return use.row() ? static_cast<Standing>(std::clamp<std::int64_t>(use.number(0), 0, 3)) : Standing::stranger;
  };
  Statement find(db, "SELECT pubkey FROM event WHERE head=? AND id=?");
  const auto is_own = [&](const EventId& id) {
    Use use(find);
    use.bind(sortable_head(id.view())).bind(id.view());
    const auto author = use.row() ? PubKey::from(use.blob(0)) : std::nullopt;
    return author && std::find(own.begin(), own.end(), *author) != own.end();
  };
  Statement file(db, "UPDATE event SET rank=?, claim=?, size=? WHERE seq=?");
  each_event(db, [&](std::int64_t seq, const EventPtr& event) {
    const Claim claim = claim_of(event.get(), own, is_own);
    Use use(file);
    use.bind(static_cast<std::int64_t>(rank_of(standing_of(event->pubkey), is_vital(event->kind), claim)));
    use.bind(static_cast<std::int64_t>(claim)).bind(static_cast<std::int64_t>(stored_bytes_of(event))).bind(seq).run();
  });
}

void bring_up_to_date(Database& db, std::int64_t version) {
  db.exec("BEGIN IMMEDIATE");
  if (version < kSchemaWithWritten) db.exec("ALTER TABLE event ADD COLUMN written BLOB");
  if (version < kSchemaWithClaims) {
    db.exec("ALTER TABLE event ADD COLUMN claim INTEGER NOT NULL DEFAULT 0");
    db.exec("ALTER TABLE event ADD COLUMN size INTEGER NOT NULL DEFAULT 0");
    db.exec("DROP INDEX event_rank");
    file_all_anew(db);  // before the new indices, which are made once
  }
  for (const Piece& piece : kSchema) {
    if (piece.since > version && piece.until >= kSchemaVersion && !piece.changed) db.exec(piece.sql);
  }
  if (version < kSchemaWithExpiry) {
    db.exec("INSERT INTO searched VALUES(0)");  // the words themselves SqliteStore takes in
    note_expiries(db);
  }
  db.exec(("PRAGMA user_version=" + std::to_string(kSchemaVersion)).c_str());
  db.exec("COMMIT");
}

Status check_schema(Database& db, std::int64_t version, const std::string& path) {
  Statement statement(db,
                      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'search\\_%' ESCAPE '\\' "
                      "ORDER BY name");
  Use use(statement);
  for (const Piece& expected : kSchema) {
    if (expected.since > version || expected.until < version) continue;
    if (!use.row() || text_of(use.blob(0)) != expected.sql) {
      return error(ErrorCode::malformed, path + " is damaged (its tables are not ours)" + std::string(kLeft));
    }
  }
  return {};
}

// Once the file is ours: what SQLite left out of the log is kept, and then the log begins anew.
std::string keep_lost_log(Database& db, const std::string& path, const char* vfs) {
  const std::string log = path + "-wal";
  const WalDamage damage = examine_wal(log, vfs);
  if (!damage.any()) return {};
  const std::string copy = keep_damaged_wal(log, vfs);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  return "the end of the write-ahead log was damaged or half written (" +
         (damage.header ? std::string("its header")
                        : std::to_string(damage.lost_frames) + " of " +
                              std::to_string(damage.good_frames + damage.lost_frames) + " frames") +
         "), what was published last may be lost; the log as it was is " + copy;
}

Result<OpenedDatabase> open_checked(const std::string& path, const char* vfs) {
  if (has_content(path, vfs)) {
    if (const auto status = check_untouched(path, vfs); !status.ok()) return status.error();
  }
  auto db = std::make_unique<Database>(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs);
  // Until the file is accepted, closing it must not move anything into it.
  sqlite3_db_config(db->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  db->exec("PRAGMA locking_mode=EXCLUSIVE");
  db->exec("PRAGMA cache_size=-4000");  // KiB
  db->exec("PRAGMA temp_store=MEMORY");
  if (db->number("SELECT count(*) FROM sqlite_schema") == 0) create(*db);
  if (sqlite3_db_readonly(db->handle(), "main") != 0) throw DiskTrouble{SQLITE_READONLY, "it is read-only"};
  const std::int64_t application = db->number("PRAGMA application_id");
  const std::int64_t version = db->number("PRAGMA user_version");
  if (const auto status = check_mark(application, version, path); !status.ok()) return status.error();
  if (const auto status = check_schema(*db, version, path); !status.ok()) return status.error();
  if (const std::string found = find_damage(*db); !found.empty()) throw DiskTrouble{SQLITE_CORRUPT, found};
  if (db->text("PRAGMA journal_mode=WAL") != "wal") throw DiskTrouble{SQLITE_CANTOPEN, "no write-ahead log there"};
  db->exec("PRAGMA synchronous=NORMAL");
  db->exec("PRAGMA wal_autocheckpoint=0");
  // The lock of a WAL database comes with the first transaction.
  db->exec("BEGIN IMMEDIATE");
  db->exec("COMMIT");
  std::string note = keep_lost_log(*db, path, vfs);
  if (version < kSchemaVersion) bring_up_to_date(*db, version);
  sqlite3_db_config(db->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  return OpenedDatabase{std::move(db), std::move(note)};
}

}  // namespace

OwnKeys own_keys_of(Database& db) {
  OwnKeys own;
  Statement owners(db, "SELECT author FROM standing WHERE standing>=3");
  Use row(owners);
  while (row.row()) {
    if (const auto key = PubKey::from(row.blob(0))) own.push_back(*key);
  }
  return own;
}

Result<OpenedDatabase> open_database(const std::string& path, const char* vfs) {
  bool had_log = true;
  try {
    had_log = has_content(path + "-wal", vfs);
    auto opened = open_checked(path, vfs);
    if (!opened.ok() && !had_log) remove_if_empty(path + "-wal", vfs);
    return opened;
  } catch (const DiskTrouble& trouble) {
    // Looking made one; but while another server is at it, it is that server's.
    if (!had_log && trouble.code != SQLITE_BUSY) remove_if_empty(path + "-wal", vfs);
    return refusal(path, trouble);
  }
}

}  // namespace np2p
