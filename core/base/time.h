// Two clocks that never mix. MonoTime measures intervals (and in the simulator is the node's own, possibly drifting,
// clock); WallTime is only for created_at and expiry. Durations are integer nanoseconds everywhere.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace np2p {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

template <class ClockTag>
struct TimePoint {
  std::int64_t ns = 0;
  friend auto operator<=>(const TimePoint&, const TimePoint&) = default;
  friend TimePoint operator+(TimePoint t, Duration d) noexcept { return {t.ns + d.count()}; }
  friend TimePoint operator-(TimePoint t, Duration d) noexcept { return {t.ns - d.count()}; }
  friend Duration operator-(TimePoint a, TimePoint b) noexcept { return Duration{a.ns - b.ns}; }
};

using MonoTime = TimePoint<struct MonoClockTag>;  // since an arbitrary start
using WallTime = TimePoint<struct WallClockTag>;  // since 1970-01-01T00:00:00Z

inline std::int64_t unix_seconds(WallTime t) noexcept {
  return t.ns / 1'000'000'000;
}

}  // namespace np2p
