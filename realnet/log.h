// The log, as lines for people or as JSON for programs: {"time":"...Z","level":"info","message":"...", fields...}.
// What has fields has an "event" as well, which names its kind; in lines for people the message alone says it all.
#pragma once

#include <spdlog/spdlog.h>

#include <initializer_list>
#include <memory>
#include <string_view>

namespace np2p::real {

enum class LogFormat : std::uint8_t { text, json };

struct LogField {
  std::string_view name;
  std::string_view value;
};

// For a logger of this process.
std::unique_ptr<spdlog::formatter> log_formatter(LogFormat format);
// To the default logger; on the node's thread, as everything is.
void log_event(spdlog::level::level_enum level, std::string_view event, std::string_view message,
               std::initializer_list<LogField> fields);

}  // namespace np2p::real
