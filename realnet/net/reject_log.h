// Counts what was refused and lets through at most one log line per peer and reason and minute, however hard somebody
// tries to fill the log. Bounded: reasons come from a fixed set, remembered (peer, reason) pairs have a limit.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "core/base/time.h"

namespace np2p::real {

class RejectLog {
 public:
  // True if this one may be logged now.
  bool note(std::string_view peer, std::string_view what, std::string_view reason, MonoTime now);
  // "packet malformed" -> how often, since the start.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& counts() const noexcept { return counts_; }

 private:
  struct Logged {
    std::string key;
    MonoTime at;
  };
  std::map<std::string, std::uint64_t> counts_;
  std::map<std::string, MonoTime> logged_;
  std::deque<Logged> order_;  // of logged_, oldest first
};

}  // namespace np2p::real
