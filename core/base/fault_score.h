// What somebody did wrong lately: each fault counts one, and one is forgiven each so often. A peer of a later version,
// or one with a broken cable, makes a few; one that makes many in a row is broken for good, or hostile.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/limits.h"

namespace np2p {

class FaultScore {
 public:
  // One more. True: that was one too many.
  bool add(MonoTime now, const Limits& limits) noexcept {
    const std::int64_t steps = (now - since_) / limits.fault_forgiven;
    if (steps >= count_) {
      count_ = 0;
      since_ = now;
    } else {
      count_ -= steps;
      since_ = since_ + limits.fault_forgiven * steps;
    }
    return ++count_ >= static_cast<std::int64_t>(limits.link_faults);
  }

 private:
  std::int64_t count_ = 0;
  MonoTime since_{};  // from when on the next one is forgiven
};

}  // namespace np2p
