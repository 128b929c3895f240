// Port Clock on the machine's clocks. Both values are frozen while one input is handled: the host thaws them once per
// input.
#pragma once

#include "core/host/clock.h"

namespace np2p::real {

MonoTime mono_now() noexcept;
WallTime wall_now() noexcept;

class RealClock final : public Clock {
 public:
  RealClock() { thaw(); }
  void thaw() noexcept {
    mono_ = mono_now();
    wall_ = wall_now();
  }
  [[nodiscard]] MonoTime mono() const noexcept override { return mono_; }
  [[nodiscard]] WallTime wall() const noexcept override { return wall_; }

 private:
  MonoTime mono_;
  WallTime wall_;
};

}  // namespace np2p::real
