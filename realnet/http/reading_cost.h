// What a message is reckoned to take before it is known: long ones ask for more. So short requests of newcomers go
// before long ones of others who came with them (turns.h).
#pragma once

#include <cstddef>

#include "core/base/time.h"

namespace np2p::real {

constexpr Duration reading_cost(std::size_t bytes) noexcept {
  return Duration{50} * static_cast<std::int64_t>(bytes);
}

}  // namespace np2p::real
