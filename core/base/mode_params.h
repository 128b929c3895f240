// The numbers of `auto`, which experiments scale down.
#pragma once

#include <cstdint>

#include "core/base/time.h"

namespace np2p {

struct ModeParams {
  std::uint32_t budget_bytes_per_s = 2048;  // what everybody's posts may cost a server before they go to followers only
  Duration review_every = 1h;               // how often a server looks at what they would cost
  Duration switch_pause = 24h;              // from one switch to the next, at least
};

}  // namespace np2p
