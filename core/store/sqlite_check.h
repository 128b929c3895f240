// Is the file of an open database whole? Every page of a small one is looked at. In a larger one the way down from
// every root is taken many times, which costs a few milliseconds whatever the size, and meets damage near the roots,
// where one page spoils a whole tree. What that leaves unseen shows when it is met.
#pragma once

#include <string>

#include "core/store/sqlite_db.h"

namespace np2p {

// The first damage found, in one line; empty if there is none. Throws DiskTrouble too, with SQLite's own words.
std::string find_damage(Database& db);

}  // namespace np2p
