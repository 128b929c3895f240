// Port: timers. One timer per concern, not per peer: each token names one timer of the node; arming it again moves it.
#pragma once

#include <cstdint>

#include "core/base/time.h"

namespace np2p {

enum class Timer : std::uint8_t {
  overlay_connect,    // dial attempts that are due
  overlay_gossip,     // periodic full topology; announcements and repair of broadcasts
  outbox,             // the next retry
  follow,             // leases to renew or to forget
  flush,              // writes that nobody waits for become durable
  overlay_directory,  // lookups, fingers, our own contact
  mode,               // whether posts go to everybody is looked at
  guardians,          // mail to be left, collected and given up
  count_,
};

class Timers {
 public:
  virtual ~Timers() = default;
  virtual void arm(Timer timer, MonoTime at) = 0;  // a time in the past fires as the next input
  virtual void cancel(Timer timer) = 0;
};

}  // namespace np2p
