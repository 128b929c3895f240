// The database file: its tables, how it is made, and when it is refused. Schema 6 (1 had no rank for what is kept of
// followers, 2 no table for events that rotted, 3 neither expiries nor an index of words, 4 no column for the JSON that
// events came as, 5 neither claims nor sizes; all are brought up to date).
// The file is marked with our application id, so nothing else is ever taken for ours, and what is not ours, damaged or
// newer is left as it is.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"
#include "core/store/making_room.h"
#include "core/store/sqlite_db.h"

namespace np2p {

inline constexpr std::int64_t kApplicationId = 0x6E703270;  // "np2p"
inline constexpr std::int64_t kSchemaVersion = 6;

struct OpenedDatabase {
  std::unique_ptr<Database> db;
  std::string note;  // what people should know of it, in one sentence; mostly empty
};

// Opens the database at `path`, or makes it, for this process alone: in WAL mode, with synchronous=NORMAL and without
// automatic checkpoints.
Result<OpenedDatabase> open_database(const std::string& path, const char* vfs);

OwnKeys own_keys_of(Database& db);  // those that have the standing of the owner

}  // namespace np2p
