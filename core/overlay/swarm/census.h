// How many servers the network has, those behind NAT included, from what is there anyway. Each user's CONTACT lies at
// the reachable nodes nearest to the hash of the public key, so a node holds those of all keys that share with its id
// one bit more than its eighth nearest node does: no more than 8 nodes have ids there, and all of these keep each of
// them. Keys are spread evenly, so their number, doubled for each shared bit, is that of all users. It is some 30 if a
// fifth can be dialled, fewer if more can: one node's count is a fifth wrong, or a third. So nodes say their own counts
// to each other, in the echoes by which they measure round trips anyway (4 bytes), and take the mean of the middle half
// of what they hear: a few that lie or know little move it hardly, whatever they say.
//
// What it counts are keys that somebody has signed a contact for, and keys cost nothing. Who wants the network to look
// larger has to put, each hour, one record for each server to be invented, against the keepers' budgets.
#pragma once

#include <cstdint>

#include "core/overlay/swarm/directory.h"
#include "core/overlay/swarm/fingers.h"
#include "core/overlay/swarm/links.h"

namespace np2p::swarm {

// By what this node keeps, itself counted in; 0: it keeps nothing.
[[nodiscard]] std::uint32_t own_census(const Directory& directory, const Fingers& fingers, const Links& links) noexcept;

// By what this node and the reachable ones that it has dialled say: who comes uninvited, and who keeps no part of the
// directory, is not asked. 0: nobody has said anything yet.
[[nodiscard]] std::uint32_t census(const Links& links);

}  // namespace np2p::swarm
