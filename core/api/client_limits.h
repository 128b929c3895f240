// What one client's message may cost us, beside what an owner may want to set (core/base/client_limits.h): each of
// these is far above what clients do, and below what others would notice.
#pragma once

#include <cstddef>
#include <cstdint>

namespace np2p {

inline constexpr std::size_t kAnswersEvents = 4000;  // for all filters of one REQ: of many filters each gets less
inline constexpr std::size_t kCountedEvents =
    20'000;  // looked at for a COUNT of several filters; above, it is a lower bound
// Events of one connection whose id or signature is not true; beyond, it is closed.
inline constexpr std::uint32_t kForgeries = 100;
inline constexpr std::uint32_t kForgivenForgeriesPerSecond = 1;

}  // namespace np2p
