// Many events as packets that each stay under the frame limit, and how many of them fit into an answer.
#pragma once

#include <span>
#include <vector>

#include "core/base/limits.h"
#include "core/event/event.h"
#include "core/wire/packet.h"

namespace np2p {

// More than the encoding of one event takes: 320 for the fixed fields and all names.
inline std::size_t bytes_at_most(const Event& event) {
  return 320 + event.content.size() + event.tags.bytes() + 8 * event.tags.size();
}

inline std::size_t bytes_at_most(std::span<const EventPtr> events) {
  std::size_t bytes = 0;
  for (const EventPtr& event : events) bytes += bytes_at_most(event.get());
  return bytes;
}

// Leaves of events in NIP-01's order, newest first, as many as fit; one always does.
inline void keep_what_fits(std::vector<EventPtr>& events, std::size_t room) {
  std::size_t kept = 0;
  for (std::size_t bytes = 0; kept < events.size(); ++kept) {
    bytes += bytes_at_most(events[kept].get());
    if (kept > 0 && bytes > room) break;
  }
  events.resize(kept);
}

inline std::vector<Frame> encode_packets(std::span<const EventPtr> events, const Limits& limits) {
  const std::size_t room = limits.frame_bytes / 2;  // a packet is wrapped again by the overlay
  std::vector<Frame> packets;
  std::size_t first = 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const std::size_t size = bytes_at_most(events[i].get());
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
