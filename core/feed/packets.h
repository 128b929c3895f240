// Many events as packets that each stay under the frame limit.
#pragma once

#include <span>
#include <vector>

#include "core/base/limits.h"
#include "core/event/event.h"
#include "core/wire/packet.h"

namespace np2p {

inline std::vector<Frame> encode_packets(std::span<const EventPtr> events, const Limits& limits) {
  constexpr std::size_t kEventOverhead = 320;       // fixed fields and names of one event, more than the encoding takes
  const std::size_t room = limits.frame_bytes / 2;  // a packet is wrapped again by the overlay
  std::vector<Frame> packets;
  std::size_t first = 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i].get();
    const std::size_t size = kEventOverhead + event.content.size() + event.tags.bytes() + 8 * event.tags.size();
    if (i > first && (bytes + size > room || i - first >= limits.packet_events)) {
      packets.push_back(encode_events(events.subspan(first, i - first)));
      first = i;
      bytes = 0;
    }
    bytes += size;
  }
  if (first < events.size()) packets.push_back(encode_events(events.subspan(first)));
  return packets;
}

}  // namespace np2p
