#include "simnet/adversary/spoken.h"

#include <utility>

#include "core/overlay/overlay.h"

namespace np2p::sim {

using swarm::Direct;
using swarm::Routed;

Spoken spoken_in(const swarm::Message& message) {
  if (const auto* direct = std::get_if<Direct>(&message)) return {direct->channel, &direct->payload};
  if (const auto* routed = std::get_if<Routed>(&message)) return {routed->channel, &routed->payload};
  return {};
}

std::optional<Extension> extension_in(const swarm::Message& message) {
  const Spoken spoken = spoken_in(message);
  if (spoken.payload == nullptr || static_cast<Channel>(spoken.channel) != Channel::extension) return std::nullopt;
  auto decoded = decode_extension(spoken.payload->view(), Limits{});
  if (!decoded.ok()) return std::nullopt;
  return std::move(*decoded);
}

void sign(Routed& message, Adversary::Means& means) {
  const std::uint8_t hops = std::exchange(message.hops, 0);
  message.mac = {};
  const Frame bytes = swarm::encode(message);
  ByteVec covered(means.network.begin(), means.network.end());
  covered.insert(covered.end(), bytes.view().begin(), bytes.view().end());
  message.mac = means.key.pair_mac(message.to, covered);
  message.hops = hops;
}

void say_instead(swarm::Message& message, Frame payload, Adversary::Means& means) {
  if (auto* direct = std::get_if<Direct>(&message)) direct->payload = std::move(payload);
  auto* routed = std::get_if<Routed>(&message);
  if (routed == nullptr) return;
  routed->payload = std::move(payload);
  sign(*routed, means);
}

}  // namespace np2p::sim
