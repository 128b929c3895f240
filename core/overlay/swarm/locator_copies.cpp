// Where copies go that one payload for many needs: a receipt tells whether what is known still holds. And contacts that
// have expired, or stood on the disk: an answer tells.
#include <algorithm>

#include "core/overlay/swarm/coordinates.h"
#include "core/overlay/swarm/locator.h"
#include "core/wire/swarm_fields.h"

namespace np2p::swarm {
namespace {

constexpr std::uint8_t kForm = 1;       // of a contact on disk
constexpr Duration kOldest = 30 * 24h;  // by then those who were its neighbours are others
constexpr Duration kTrust = 5s;         // by then who is where an expired contact says has answered
constexpr std::size_t kTried = 1024;    // expired contacts that are being tried

}  // namespace

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
      heard_of(one);
    }
  });
}

void Locator::heard_of(Known& known) {
  known.dead = false;
  known.lost_at = {};
  if (!tried_.empty()) std::erase_if(tried_, [&](const Tried& one) { return one.node == known.node; });
}

// --- contacts that have expired

void Locator::try_expired(const Known& known) {
  const MonoTime now = host_.clock.mono();
  if (known.expires > now || tried_.size() >= kTried) return;
  const auto same = [&](const Tried& one) { return one.node == known.node; };
  if (std::none_of(tried_.begin(), tried_.end(), same)) tried_.push_back({known.node, now + kTrust});
}

void Locator::save(const Known& known) {
  if (!known.kept || !known.checked || known.node == NodeId{}) return;
  const WallTime wall = host_.clock.wall();
  FieldWriter out;
  out.number(kForm);
  out.number(unix_seconds(wall));
  out.number(unix_seconds(wall + (known.expires - host_.clock.mono())));
  out.fixed(known.node);
  out.fixed(known.via);
  out.address(known.listens);
  out.coordinates(known.at);
  out.number(known.sequence);
  for (const NodeId& relay : known.home_relays()) out.fixed(relay);
  host_.store.set_value(Table::contacts, text_of(known.user.view()), text_of(out.out()));
}

// What stands on our own disk was checked when it was written; a BIND that came since then decides as ever.
void Locator::restore(Known& known) {
  const auto value = host_.store.value(Table::contacts, text_of(known.user.view()));
  if (value.empty()) return;
  FieldReader in(bytes_of(value));
  std::uint8_t form = 0;
  std::int64_t written = 0;
  std::int64_t expires = 0;
  NodeId node;
  Known found;
  in.number(form);
  in.number(written);
  in.number(expires);
  in.fixed(node);
  in.fixed(found.via);
  in.address(found.listens);
  in.coordinates(found.at);
  in.number(found.sequence);
  while (!in.at_end() && found.relay_count < found.relays.size()) {
    in.fixed(found.relays[found.relay_count++]);
  }
  const std::int64_t wall = unix_seconds(host_.clock.wall());
  const bool elsewhere = known.binding != nullptr && known.binding->bind.node != node;
  if (!in.ok() || form != kForm || node == NodeId{} || written + kOldest / 1s < wall || elsewhere) {
    return host_.store.erase_value(Table::contacts, text_of(known.user.view()));
  }
  contacts_.set_node(known, node);
  known.via = found.via;
  known.listens = found.listens;
  known.at = found.at;
  known.sequence = found.sequence;
  known.relays = found.relays;
  known.relay_count = found.relay_count;
  // From the future or from a clock that went wrong: expired, so that it is tried before it is trusted.
  const MonoTime now = host_.clock.mono();
  known.expires = now + (std::min(expires, written + config_.limits.contact_life / 1s) - wall) * 1s;
  if (known.expires == MonoTime{} || known.expires > now + config_.limits.contact_life) known.expires = now - 1s;
  known.checked_at = now;
  contacts_.set_checked(known, true);
  contacts_.set_moved(known);
}

}  // namespace np2p::swarm
