#include "realnet/watchdog.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "realnet/supervisor.h"

namespace np2p::real {

namespace {

std::optional<std::int64_t> number_of(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr) return std::nullopt;
  const std::string_view text = value;
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Duration> half_of_what_is_allowed() {
  constexpr std::int64_t kMost = std::int64_t{1} << 50;  // of microseconds; a nanosecond count has room for it
  const auto allowed = number_of("WATCHDOG_USEC");
  if (!allowed || *allowed <= 1 || *allowed > kMost) return std::nullopt;
  if (std::getenv("WATCHDOG_PID") != nullptr && number_of("WATCHDOG_PID") != ::getpid()) return std::nullopt;
  return std::chrono::microseconds(*allowed / 2);
}

}  // namespace

Watchdog::Watchdog(asio::io_context& io) : timer_(io), every_(half_of_what_is_allowed()) {}

void Watchdog::start() {
  if (!every_) return;
  tell_supervisor("WATCHDOG=1");
  timer_.expires_after(*every_);
  timer_.async_wait([this](const SocketError& cancelled) {
    if (!cancelled) start();
  });
}

}  // namespace np2p::real
