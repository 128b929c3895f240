// What one client's message may cost us, beside what an owner may want to set (core/base/client_limits.h): each of
// these is far above what clients do, and below what others would notice.
#pragma once

#include <cstddef>
#include <cstdint>

namespace np2p {

// For all filters of one REQ; of so many filters that it is not enough each gets less, and NIP-11 announces fewer.
inline constexpr std::size_t kAnswersEvents = 4000;
inline constexpr std::size_t kCountedEvents =
    20'000;  // looked at for a COUNT of several filters; above, it is a lower bound
// Events of one connection whose id or signature is not true; beyond, it is closed. As many of one address that is not
// trusted; beyond, nothing of it is verified but what is forgiven.
inline constexpr std::uint32_t kForgeries = 100;
inline constexpr std::uint32_t kForgivenForgeriesPerSecond = 1;

}  // namespace np2p
