// [limits] of the config file: what clients and peers may cost, in units that people think in. Every key, its range and
// what it sets stand in one table (limit_keys.cpp).
#pragma once

#include <string>
#include <vector>

#include "core/base/limits.h"
#include "core/base/result.h"
#include "realnet/cli/command_line.h"

namespace np2p::real {

struct HttpLimits;

struct LimitText {
  std::string name;   // "event-kib"
  std::string value;  // if it is not given
  std::string about;  // with its range
};
std::vector<LimitText> limit_texts();

// Error bad_field: a number out of its range, or two that do not fit together, in one sentence.
Status apply_limits(const ServerFlags& flags, Limits& limits, HttpLimits& http);

}  // namespace np2p::real
