// What a message costs on the wire, in bytes: payload + frame header + 22 per TLS record (encrypted links only) + 52
// per segment of 1460 bytes; the receiver acknowledges every second segment with 52 bytes.
#pragma once

#include <cstdint>

#include "core/host/network.h"

namespace np2p::sim {

inline constexpr std::uint64_t kSegmentPayload = 1460;
inline constexpr std::uint64_t kSegmentHeader = 52;  // IPv4 20 + TCP 20 + timestamps 12
inline constexpr std::uint64_t kRecordPayload = 16'384;
inline constexpr std::uint64_t kRecordOverhead = 22;
inline constexpr std::uint64_t kSynBytes = 60;  // SYN and SYN-ACK carry 8 bytes more of options

// TLS 1.3 with two self-signed P-256 certificates, payload bytes of each flight; then the node's own proof.
inline constexpr std::uint64_t kClientHello = 320;
inline constexpr std::uint64_t kServerFlight = 760;
inline constexpr std::uint64_t kClientFlight = 640;
inline constexpr std::uint64_t kHello = 160;

struct WireCost {
  std::uint64_t bytes = 0;     // sender's
  std::uint64_t acks = 0;      // receiver's
  std::uint64_t segments = 0;  // each may be lost
};

inline WireCost stream_cost(std::uint64_t stream_bytes) noexcept {
  const std::uint64_t segments = stream_bytes == 0 ? 1 : (stream_bytes + kSegmentPayload - 1) / kSegmentPayload;
  return {stream_bytes + segments * kSegmentHeader, (segments + 1) / 2 * kSegmentHeader, segments};
}

inline WireCost frame_cost(std::uint64_t payload, const LinkProfile& profile) noexcept {
  std::uint64_t bytes = payload + profile.frame_header_bytes;
  if (profile.encrypted) bytes += (bytes + kRecordPayload - 1) / kRecordPayload * kRecordOverhead;
  return stream_cost(bytes);
}

}  // namespace np2p::sim
