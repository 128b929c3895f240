// What hosts of this folder do with messages for a feed: look into them, and put something else in.
#pragma once

#include <optional>

#include "core/base/frame.h"
#include "core/wire/extension.h"
#include "simnet/adversary/adversary.h"

namespace np2p::sim {

// A payload for one other node's feed; null: there is none in it.
struct Spoken {
  std::uint8_t channel = 0;
  const Frame* payload = nullptr;
};
[[nodiscard]] Spoken spoken_in(const swarm::Message& message);
// Our own messages between nodes; nothing if it is none.
[[nodiscard]] std::optional<Extension> extension_in(const swarm::Message& message);

// The MAC as the router makes it; with this host's own key no more than that can be had.
void sign(swarm::Routed& message, Adversary::Means& means);
// Something else in its place, from this host.
void say_instead(swarm::Message& message, Frame payload, Adversary::Means& means);

}  // namespace np2p::sim
