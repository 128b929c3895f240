// Tells the supervisor that the node's thread still goes round (sd_watchdog_enabled(3)): if it hangs, nothing more is
// said, and the supervisor starts the server again.
#pragma once

#include "realnet/net/asio.h"

#include <optional>

#include "core/base/time.h"

namespace np2p::real {

class Watchdog {
 public:
  // Says so at half the time that WATCHDOG_USEC allows, if that is set and WATCHDOG_PID is this process (or not set).
  explicit Watchdog(asio::io_context& io);
  void start();
  void stop() { timer_.cancel(); }

 private:
  asio::steady_timer timer_;
  std::optional<Duration> every_;  // nothing: nobody wants to hear it
};

}  // namespace np2p::real
