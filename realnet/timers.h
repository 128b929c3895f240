// Port Timers: one timer of the io_context per token.
#pragma once

#include "realnet/net/asio.h"

#include <array>
#include <functional>
#include <vector>

#include "core/host/timers.h"

namespace np2p::real {

class RealTimers final : public Timers {
 public:
  using Fire = std::function<void(Timer)>;
  RealTimers(asio::io_context& io, Fire fire);

  void arm(Timer timer, MonoTime at) override;
  void cancel(Timer timer) override;
  void cancel_all();

 private:
  Fire fire_;
  std::vector<asio::steady_timer> timers_;                                      // by token
  std::array<std::uint64_t, static_cast<std::size_t>(Timer::count_)> armed_{};  // a stale expiry sees another number
};

}  // namespace np2p::real
