// Port: time. Both clocks stand still while one input is handled.
#pragma once

#include "core/base/time.h"

namespace np2p {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual MonoTime mono() const noexcept = 0;
  [[nodiscard]] virtual WallTime wall() const noexcept = 0;
};

}  // namespace np2p
