// Before a database of an earlier version is brought up to date, from which there is no way back.
#pragma once

#include <string>

#include "core/base/result.h"

namespace np2p::real {

// If opening that database will change its schema, a copy of it is made first, named with the schema it has (such as
// nostrp2p.db.schema-4), in the place of copies of other schemas: the version that made it can read it. The answer is
// what people should know of it, mostly nothing. Whoever calls has the data directory locked.
Result<std::string> keep_before_upgrade(const std::string& database);

}  // namespace np2p::real
