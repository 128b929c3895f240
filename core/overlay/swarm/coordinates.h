// Network coordinates by Vivaldi (Dabek, Cox, Kaashoek, Morris 2004) in integers: each measured round trip pulls or
// pushes us along the line to the peer, by as much as we trust it more than ourselves.
#pragma once

#include "core/base/rng.h"
#include "core/base/time.h"
#include "core/wire/swarm_messages.h"

namespace np2p::swarm {

// The error of an estimate from which on it says nothing.
[[nodiscard]] inline bool is_vague(const Coordinates& at) noexcept {
  return at.error > 0xFFFF / 2;
}
// The round trip that two positions predict.
Duration predicted_rtt(const Coordinates& a, const Coordinates& b) noexcept;
// Ours after a round trip to a peer at `theirs`. `rng` only breaks the tie of equal places.
Coordinates moved(const Coordinates& ours, const Coordinates& theirs, Duration rtt, Rng& rng) noexcept;

}  // namespace np2p::swarm
