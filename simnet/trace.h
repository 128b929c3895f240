// The trace digest: every input to and every output of every node, folded into one 64-bit number per node: time, kind,
// what it concerned (link, timer, ticket) and the hash of its payload. What a node writes into its store is folded
// where it asks for it to be made safe (the hash of every write up to there); what it reads back follows from that. The
// world's digest combines the nodes' digests in the order of the nodes, so that the order in which nodes ran between
// each other cannot change it.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "core/base/hash.h"
#include "simnet/base.h"

namespace np2p::sim {

enum class Io : std::uint8_t {
  in_start,
  in_stop,
  in_link_up,
  in_frame,
  in_writable,
  in_link_down,
  in_timer,
  in_durable,
  in_publish,
  in_query,
  out_dial,
  out_send,
  out_close,
  out_arm,
  out_cancel,
  out_flush,
  out_published,
  out_answer,
  in_carry,
  out_open_port,
  out_close_port,
  out_punch,
  out_tunnel,
  out_carried,
  out_hold,
  in_client,   // a client's connection: its beginning, a message, its end
  out_client,  // what it is told, or that it is given up
  count_,
};

static_assert(static_cast<unsigned>(Io::count_) <= 32);  // fold() gives it five bits

std::string_view name(Io io) noexcept;

inline std::uint64_t fold(std::uint64_t digest, SimTime at, Io io, std::uint64_t what, std::uint64_t hash) noexcept {
  const std::uint64_t head = (what << 5 | static_cast<std::uint64_t>(io)) * 0xC2B2AE3D27D4EB4Full;
  return combine64(digest, static_cast<std::uint64_t>(at) * 0x9E3779B97F4A7C15ull ^ std::rotl(head, 23) ^ hash);
}

// Sees what the digest sees.
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual void entry(SimTime at, NodeIndex node, Io io, std::uint64_t what, std::uint64_t hash) = 0;
};

}  // namespace np2p::sim
