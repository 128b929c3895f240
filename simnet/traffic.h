// Traffic accounting: wire bytes and messages of each host by direction and category. Wire bytes are payload + frame
// header + 22 per record (only where a link is encrypted) + 52 per segment of 1460 bytes, and 52 per two segments for
// the acknowledgements, which are the receiver's sending. Handshakes, keepalive and acknowledgements count as control.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/host/network.h"

namespace np2p::sim {

inline constexpr std::size_t kTrafficKinds = static_cast<std::size_t>(Traffic::count_);

struct TrafficCounts {
  struct Direction {
    std::array<std::uint64_t, kTrafficKinds> bytes{};     // by Traffic
    std::array<std::uint32_t, kTrafficKinds> messages{};  // by Traffic; acknowledgements are not messages
    [[nodiscard]] std::uint64_t total_bytes() const noexcept {
      std::uint64_t sum = 0;
      for (const auto b : bytes) sum += b;
      return sum;
    }
    [[nodiscard]] std::uint64_t total_messages() const noexcept {
      std::uint64_t sum = 0;
      for (const auto m : messages) sum += m;
      return sum;
    }
  };
  Direction in;
  Direction out;
};

// One row of World::traffic().
struct TrafficRow {
  std::uint32_t node = 0;
  TrafficCounts counts;
};

}  // namespace np2p::sim
