#include "realnet/log.h"

#include <fmt/chrono.h>
#include <spdlog/pattern_formatter.h>

#include <chrono>
#include <ctime>
#include <string>

#include "realnet/http/http_message.h"

namespace np2p::real {

namespace {

// Beside the message that is being logged, because spdlog hands on nothing else.
struct Beside {
  std::string_view event;
  std::initializer_list<LogField> fields;
};
const Beside* beside = nullptr;

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto since = message.time.time_since_epoch();
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
    const std::time_t seconds = static_cast<std::time_t>(milliseconds / 1000);
    const auto level = spdlog::level::to_string_view(message.level);
    std::string line =
        fmt::format(R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z","level":"{}","message":{})", fmt::gmtime(seconds),
                    milliseconds % 1000, std::string_view(level.data(), level.size()),
                    json_string({message.payload.data(), message.payload.size()}));
    if (beside != nullptr) {
      line += fmt::format(R"(,"event":{})", json_string(beside->event));
      for (const LogField& field : beside->fields) {
        line += fmt::format(R"(,"{}":{})", field.name, json_string(field.value));
      }
    }
    line += "}\n";
    out.append(line.data(), line.data() + line.size());
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

}  // namespace

std::unique_ptr<spdlog::formatter> log_formatter(LogFormat format) {
  if (format == LogFormat::json) return std::make_unique<JsonFormatter>();
  return std::make_unique<spdlog::pattern_formatter>("%Y-%m-%d %H:%M:%S.%e %l %v");
}

void log_event(spdlog::level::level_enum level, std::string_view event, std::string_view message,
               std::initializer_list<LogField> fields) {
  const Beside now{event, fields};
  beside = &now;
  spdlog::log(level, "{}", message);
  beside = nullptr;
}

}  // namespace np2p::real
