// The small words of the simulator: virtual time in integer nanoseconds since the world began, and indices.
#pragma once

#include <cstdint>

#include "core/base/time.h"

namespace np2p::sim {

using SimTime = std::int64_t;     // ns since the world began
using NodeIndex = std::uint32_t;  // a host, in the order of adding
using BoxIndex = std::uint32_t;   // a NAT box, likewise
inline constexpr std::uint32_t kNone = 0xFFFF'FFFFu;
inline constexpr SimTime kNever = INT64_MAX;

inline constexpr SimTime kMillisecond = 1'000'000;
inline constexpr SimTime kSecond = 1'000'000'000;

// Where a host lies on the latency plane. One unit is one microsecond of one-way delay, so that the delay between two
// hosts is the world's base delay plus their distance.
struct Position {
  std::int32_t x = 0;
  std::int32_t y = 0;
};

// An IPv4 transport address inside the simulator.
struct Endpoint {
  std::uint32_t ip = 0;
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

}  // namespace np2p::sim
