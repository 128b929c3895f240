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
    heard_of(one);
    return;
  }
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
  const WallTime wall = host_.clock.wall();
  FieldWriter out;
  out.number(kForm);
  out.number(unix_seconds(wall));
  out.number(unix_seconds(wall + (known.expires - host_.clock.mono())));
  out.fixed(known.node);
  out.fixed(known.via);
  out.address(known.listens);
  out.refs(known.relays);
  out.coordinates(known.at);
  out.number(known.sequence);
  host_.store.set_value(Table::contacts, text_of(known.user.view()), text_of(out.out()));
}

// What stands on our own disk was checked when it was written; a BIND that came since then decides as ever.
void Locator::load() {
  const MonoTime now = host_.clock.mono();
  const std::int64_t wall = unix_seconds(host_.clock.wall());
  std::vector<std::string> old;
  std::vector<Known> found;
  host_.store.each_value(Table::contacts, [&](std::string_view key, std::string_view value) {
    const auto user = PubKey::from(bytes_of(key));
    FieldReader in(bytes_of(value));
    std::uint8_t form = 0;
    std::int64_t written = 0;
    std::int64_t expires = 0;
    Known known;
    in.number(form);
    in.number(written);
    in.number(expires);
    in.fixed(known.node);
    in.fixed(known.via);
    in.address(known.listens);
    in.refs(known.relays);
    in.coordinates(known.at);
    in.number(known.sequence);
    const bool fits = user && in.ok() && form == kForm && known.node != NodeId{} && known.relays.size() <= kHomeRelays;
    if (!fits || written + kOldest / 1s < wall || found.size() >= config_.limits.contacts) {
      old.emplace_back(key);
      return;
    }
    known.user = *user;
    // From the future or from a clock that went wrong: expired, so that it is tried before it is trusted.
    known.expires = now + (std::min(expires, written + config_.limits.contact_life / 1s) - wall) * 1s;
    if (known.expires == MonoTime{} || known.expires > now + config_.limits.contact_life) known.expires = now - 1s;
    known.used = now;
    known.checked_at = now;
    known.checked = true;
    found.push_back(std::move(known));
  });
  for (const std::string& key : old) host_.store.erase_value(Table::contacts, key);
  for (Known& known : found) {
    known.binding = stored_binding(host_.store, known.user);
    if (known.binding != nullptr && known.binding->bind.node != known.node) continue;
    known_.push_back(std::move(known));
  }
}

}  // namespace np2p::swarm
