#include "realnet/upgrade.h"

#include <unistd.h>

#include <array>
#include <cstdint>
#include <fstream>

#include "core/store/sqlite_schema.h"
#include "realnet/new_file.h"

namespace np2p::real {

namespace {

// The schema that the file says it has; 0 if it is none of ours, or too short to be one.
std::int64_t schema_of(const std::string& database) {
  std::array<char, 100> header{};
  if (!std::ifstream(database, std::ios::binary).read(header.data(), header.size())) return 0;
  const auto number = [&](std::size_t at) {
    std::int64_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<std::uint8_t>(header[i]);
    return value;
  };
  // The places of application_id and user_version in SQLite's file format.
  return number(68) == kApplicationId ? number(60) : 0;
}

bool is_there(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace

Result<std::string> keep_before_upgrade(const std::string& database) {
  const std::int64_t schema = schema_of(database);
  if (schema <= 0 || schema >= kSchemaVersion) return std::string();
  const auto name_of = [&](std::int64_t version) { return database + ".schema-" + std::to_string(version); };
  const std::string copy = name_of(schema);
  const std::string log = database + "-wal";
  // What stands in the log may be this very upgrade, broken off: then the copy was made before it began.
  if (is_there(log) && is_there(copy)) return std::string();
  for (std::int64_t other = 1; other < kSchemaVersion; ++other) {
    if (other != schema) ::unlink(name_of(other).c_str());
    ::unlink((name_of(other) + "-wal").c_str());
  }
  // The log first: who sees the copy has both.
  for (const char* more : {"-wal", ""}) {
    if (!is_there(database + more)) continue;
    NewFile file(copy + more);
    Status status = file.opened();
    if (status.ok()) status = copy_file(database + more, file);
    if (status.ok()) status = file.keep();
    if (!status.ok()) {
      return error(status.error().code,
                   "a copy of the database must be kept before it is brought up to date: " + status.error().reason);
    }
  }
  return "the database had schema " + std::to_string(schema) + " and is brought up to date; as it was it is " + copy +
         ", which the version before can read";
}

}  // namespace np2p::real
