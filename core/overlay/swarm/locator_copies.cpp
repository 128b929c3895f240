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
  contacts_.touch(*known);
  return receiver_of(*known);
}

Receiver Locator::receiver_of(const Known& known) {
  Receiver receiver{known.user, known.node, {}, known.turn};
  if (!known.listens.is_unspecified()) {
    receiver.vias.push_back(known.node);
    return receiver;
  }
  if (known.via != NodeId{}) receiver.vias.push_back(known.via);
  for (const NodeId& relay : known.home_relays()) {
    if (relay != known.via) receiver.vias.push_back(relay);
  }
  return receiver;
}

Coordinates Locator::place_of(const PubKey& user) const noexcept {
  const Known* known = contacts_.find(user);
  return known == nullptr ? Coordinates{} : known->at;
}

void Locator::proved(const NodeId& node) {
  bool first = true;
  contacts_.each_at(node, [&](Known& one) {
    if (std::exchange(first, false)) {
      one.expires = std::max(one.expires, host_.clock.mono() + config_.limits.contact_life / 2);
    }
  });
}

}  // namespace np2p::swarm
