// Where copies go that one payload for many needs: a receipt tells whether what is known still holds.
#include "core/overlay/swarm/coordinates.h"
#include "core/overlay/swarm/locator.h"

namespace np2p::swarm {

bool Locator::fit_for_copy(const Known& known) const noexcept {
  return known.expires != MonoTime{} && !known.dead && known.checked && !forbidden(known);
}

std::optional<Receiver> Locator::find_for_copy(const PubKey& user) {
  Known* known = find(user);
  if (known == nullptr || !fit_for_copy(*known)) {
    want(user);
    return std::nullopt;
  }
  known->used = host_.clock.mono();
  return receiver_of(*known);
}

Receiver Locator::receiver_of(const Known& known) {
  Receiver receiver{known.user, known.node, {}, known.turn};
  if (!known.listens.is_unspecified()) {
    receiver.vias.push_back(known.node);
    return receiver;
  }
  if (known.via != NodeId{}) receiver.vias.push_back(known.via);
  for (const PeerRef& relay : known.relays) {
    if (relay.id != known.via) receiver.vias.push_back(relay.id);
  }
  return receiver;
}

// Who does not know its own place is somewhere near its relays.
Coordinates Locator::place_of(const Known& known) noexcept {
  if (!is_vague(known.at)) return known.at;
  for (const PeerRef& relay : known.relays) {
    if (!is_vague(relay.at)) return relay.at;
  }
  return known.at;
}

Coordinates Locator::place_of(const PubKey& user) const noexcept {
  for (const Known& one : known_) {
    if (one.user == user) return place_of(one);
  }
  return {};
}

void Locator::proved(const NodeId& node) {
  for (Known& one : known_) {
    if (one.node != node) continue;
    one.expires = std::max(one.expires, host_.clock.mono() + config_.limits.contact_life / 2);
    return;
  }
}

}  // namespace np2p::swarm
