#include "core/overlay/swarm/locator.h"

#include <algorithm>
#include <string>

#include "core/overlay/swarm/coordinates.h"

namespace np2p::swarm {
namespace {

constexpr Duration kFirstLinks = 1s;  // from the first link to a question that nobody could be asked before
constexpr Duration kEcho = 5s;        // by then an answer could have come

}  // namespace

Locator::Locator(const Config& config, Host& host, Links& links, Directory& directory, Router& router,
                 Evidence& evidence, std::uint64_t boot)
    : config_(config),
      host_(host),
      links_(links),
      directory_(directory),
      router_(router),
      evidence_(evidence),
      rng_(config.seed, "swarm/locator"),
      contacts_(config.limits, Rng(config.seed, "swarm/contacts").next()),
      turns_(config.limits.lookup_turns_per_second, config.limits.lookup_turns_per_second),
      boot_(boot) {}

void Locator::start() {
  if (const BindingPtr stored = stored_binding(host_.store, config_.owner)) bound_ourselves(stored);
}

Known* Locator::find(const PubKey& user) {
  Known* known = contacts_.find(user);
  if (known != nullptr && !std::exchange(known->asked_store, true)) {
    known->binding = stored_binding(host_.store, user);
  }
  return known;
}

bool Locator::forbidden(const Known& known) const noexcept {
  if (known.binding == nullptr) return config_.require_bind;
  return forbids(known.binding, known.node, unix_seconds(host_.clock.wall()));
}

bool Locator::alive(const Known& known) const noexcept {
  return !known.dead && known.expires > host_.clock.mono();
}

// A mere claim gets answers to what it said itself, and nothing else until the directory was asked. Where a contact has
// expired only questions go, which wait for an answer: somebody else may be there, or serve the user now.
const Known* Locator::usable(const PubKey& user, Channel channel) const noexcept {
  const Known* known = contacts_.find(user);
  if (known == nullptr || forbidden(*known) || !can_be_answered(*known)) return nullptr;
  const bool asks = channel == Channel::extension;
  return (alive(*known) ? known->checked || asks : asks && fit_for_copy(*known)) ? known : nullptr;
}

std::optional<NodeId> Locator::serving(const PubKey& user) const {
  const Known* known = contacts_.find(user);
  const bool asked = known != nullptr && known->asked_store;
  if (const BindingPtr binding = asked ? known->binding : stored_binding(host_.store, user)) return binding->bind.node;
  return known != nullptr && known->checked && known->node != NodeId{} ? std::optional(known->node) : std::nullopt;
}

bool Locator::reaches(const PubKey& user) const {
  return usable(user, Channel::packets) != nullptr;
}

std::optional<Whereabouts> Locator::find_alive(const PubKey& user) const {
  const Known* known = usable(user, Channel::packets);
  if (known == nullptr) return std::nullopt;
  Whereabouts found{known->node, known->listens, {}};
  if (known->via != NodeId{}) found.vias.push_back(known->via);
  for (const NodeId& relay : known->home_relays()) found.vias.push_back(relay);
  return found;
}

bool Locator::send(const PubKey& user, Channel channel, const Frame& payload, Priority priority) {
  if (usable(user, channel) == nullptr) {
    const Known* known = contacts_.find(user);
    if (known == nullptr || can_be_answered(*known)) want(user);
    return false;
  }
  Known& known = *find(user);
  contacts_.touch(known);
  const Traffic traffic = carries_events(channel) ? Traffic::payload : Traffic::control;
  std::vector<NodeId> vias;
  if (!known.listens.is_unspecified()) vias.push_back(known.node);
  if (known.via != NodeId{} && known.via != known.node) vias.push_back(known.via);
  // Relays nearest to us first would save little: hops lead anywhere in as many steps.
  for (const NodeId& relay : known.home_relays()) {
    if (relay != known.via) vias.push_back(relay);
  }
  if (vias.empty() && known.via != NodeId{}) vias.push_back(known.via);
  const unsigned turn = turn_of(known, channel);
  for (std::size_t i = 0; i < vias.size(); ++i) {
    const NodeId& via = vias[(turn + i) % vias.size()];
    if (!router_.send(via, known.node, channel, payload, priority, traffic, turn)) continue;
    try_expired(known);
    return true;
  }
  want(user);  // no link leads there: it may be somewhere else by now
  return false;
}

// Not before there is somebody who can be named as the way back: then the version rises.
bool Locator::can_be_answered(const Known& known) const noexcept {
  return has_way_back_ || !links_.listens().is_unspecified() || links_.find(known.node) != nullptr;
}

// What was not answered goes another way the next time: somebody may have swallowed it, or the answer. The same for
// answers, of which nobody says that they arrived: one that follows another after a while goes another way.
unsigned Locator::turn_of(Known& known, Channel channel) {
  const MonoTime now = host_.clock.mono();
  if (carries_events(channel)) {
    // Of the first one that is not answered: who writes often would never see that time pass otherwise.
    const bool silent = known.spoken_at != MonoTime{} && known.spoken_at + kEcho <= now;
    if (silent) ++known.turn, contacts_.set_moved(known);
    if (silent || known.spoken_at == MonoTime{}) known.spoken_at = now;
    return known.turn;
  }
  const bool later = known.answered_at != MonoTime{} && known.answered_at + kEcho <= now;
  if (later) ++known.answer_turn;
  if (later || known.answered_at == MonoTime{}) known.answered_at = now;
  return known.answer_turn;
}

// --- others

Known& Locator::remember(const PubKey& user) {
  contacts_.put(user);
  return *find(user);
}

void Locator::keep(const PubKey& user, bool kept) {
  if (!contacts_.keep(user, kept)) {
    return host_.observer.rejected("contact", error(ErrorCode::full, "too many are kept"), {});
  }
  if (!kept) return host_.store.erase_value(Table::contacts, text_of(user.view()));
  Known* known = find(user);
  if (known->expires != MonoTime{}) return save(*known);
  restore(*known);
  if (known->expires == MonoTime{}) line_up(*known);
}

void Locator::believe(Known& known) {
  contacts_.set_checked(known, true);
  contacts_.set_moved(known);
  save(known);
  ++version_;
}

// Who wrote to us can be answered the same way, whatever the directory knows - unless the user bound another node.
bool Locator::arrived(Arrival& arrival) {
  const PubKey& user = arrival.delivery.source;
  Known& known = remember(user);
  if (forbids(known.binding, arrival.node, unix_seconds(host_.clock.wall()))) {
    host_.observer.rejected("claim", error(ErrorCode::forbidden, "a node whom that user did not bind"),
                            arrival.delivery.link);
    return false;
  }
  const bool was_usable = usable(user, Channel::packets) != nullptr;
  arrival.delivery.from_server = known.checked && known.node == arrival.node;
  if (arrival.delivery.from_server) known.spoken_at = {};
  if (known.node != arrival.node) {
    if (known.node != NodeId{} && !known.dead) return true;  // it may say what it likes; our answers go elsewhere
    forget_contact(known);
    contacts_.set_node(known, arrival.node);
    contacts_.set_checked(known, known.binding != nullptr);
    contacts_.set_moved(known);
  }
  if (known.via != arrival.via || known.dead) contacts_.set_moved(known);
  known.via = arrival.via;
  heard_of(known);
  known.tries = 0;
  known.expires = std::max(known.expires, host_.clock.mono() + config_.limits.contact_life / 2);
  // Who writes all the time is asked about again now and then: meanwhile there may be a BIND.
  const bool old = known.binding == nullptr && known.checked_at + config_.limits.contact_life <= host_.clock.mono();
  if (!known.checked || old || forbidden(known)) {
    check(user, arrival);
    return true;
  }
  want_no_more(user);
  if (!was_usable) ++version_;
  return true;
}

// --- what users sign

void Locator::bound(const BindingPtr& binding) {
  if (binding->bind.user == config_.owner) return bound_ourselves(binding);
  // Of others the store remembers it, and remember() looks there.
  if (Known* known = find(binding->bind.user)) adopt(*known, binding);
}

void Locator::adopt(Known& known, const BindingPtr& binding) {
  if (known.binding != nullptr && known.binding->bind.id == binding->bind.id) return;
  if (!replaces(binding, known.binding, evidence_)) return;
  known.binding = binding;
  contacts_.set_checked(known, true);
  contacts_.set_moved(known);
  ++version_;
  if (binding->bind.node == known.node) return;
  forget_contact(known);
  contacts_.set_node(known, {});
  if (known.kept) want(PubKey(known.user));
}

void Locator::forget_contact(Known& known) {
  known.listens = {};
  known.at = {};
  known.relay_count = 0;
  known.via = {};
  known.sequence = 0;
  known.expires = {};
  known.dead = false;
  known.lost_at = {};
}

void Locator::lost(const NodeId& node) {
  Known* found = nullptr;
  contacts_.each_at(node, [&](Known& one) {
    if (found == nullptr && !one.dead) found = &one;
  });
  if (found == nullptr) return;
  found->dead = true;
  if (found->lost_at == MonoTime{}) found->lost_at = host_.clock.mono();
  ++found->turn;
  ++version_;
  want(PubKey(found->user));
}

// A link to a node that we know is proof of its life, and a way to it that may not have been there before. Who is
// looked for and says to be at the end of this one is looked for again at once: what the directory says counts, not the
// claim.
void Locator::linked(const Peer& peer) {
  contacts_.each_at(peer.id, [&](Known& one) {
    if (one.dead) contacts_.set_moved(one);
    heard_of(one);
    if (!one.checked) return;  // a mere claim is still to be asked about
    want_no_more(one.user);
    ++version_;
  });
  const MonoTime now = host_.clock.mono();
  const bool alone = links_.ready().size() <= 1;  // until now: who was lost then may have been there all the time
  if (alone) {
    contacts_.each([&](Known& one) {
      if (one.lost_at != MonoTime{}) one.lost_at = now;
    });
  }
  for (Wanted& one : wanted_) {
    if (one.user == peer.owner) one.at = std::min(one.at, one.open ? one.until : now);
    if (alone) one.since = now;
    // As after a start: so far there was nobody to ask. A few links are better than one.
    if ((one.asked == 0 || alone) && peer.reachable()) one.at = std::min(one.at, now + kFirstLinks);
  }
}

std::optional<MonoTime> Locator::next_due() const noexcept {
  std::optional<MonoTime> first = publish_at_;
  for (const auto& at : {repeat_at_, line_at_}) {
    if (at && (!first || *at < *first)) first = at;
  }
  for (const Wanted& one : wanted_) {
    const MonoTime at = one.open ? std::min(one.at, one.until) : one.at;
    if (!first || at < *first) first = at;
  }
  if (!tried_.empty() && (!first || tried_.front().until < *first)) first = tried_.front().until;
  return first;
}

void Locator::due(MonoTime now) {
  while (!tried_.empty() && tried_.front().until <= now) {
    const NodeId node = tried_.front().node;
    tried_.erase(tried_.begin());
    lost(node);
  }
  if (publish_at_ && *publish_at_ <= now) publish(now);
  if (repeat_at_ && *repeat_at_ <= now) publish_again(now);
  look_again(now);
}

}  // namespace np2p::swarm
