#include "realnet/timers.h"

#include <utility>

namespace np2p::real {

RealTimers::RealTimers(asio::io_context& io, Fire fire) : fire_(std::move(fire)) {
  timers_.reserve(armed_.size());
  for (std::size_t i = 0; i < armed_.size(); ++i) timers_.emplace_back(io);
}

void RealTimers::arm(Timer timer, MonoTime at) {
  const auto index = static_cast<std::size_t>(timer);
  const std::uint64_t turn = ++armed_[index];
  timers_[index].expires_at(std::chrono::steady_clock::time_point(Duration(at.ns)));
  timers_[index].async_wait([this, timer, index, turn](const SocketError& cancelled) {
    if (!cancelled && armed_[index] == turn) fire_(timer);
  });
}

void RealTimers::cancel(Timer timer) {
  const auto index = static_cast<std::size_t>(timer);
  ++armed_[index];
  timers_[index].cancel();
}

void RealTimers::cancel_all() {
  for (std::size_t i = 0; i < armed_.size(); ++i) cancel(static_cast<Timer>(i));
}

}  // namespace np2p::real
