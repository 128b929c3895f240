#include "core/overlay/swarm/locator.h"

#include <algorithm>
#include <string>

#include "core/overlay/swarm/coordinates.h"

namespace np2p::swarm {
namespace {

constexpr Duration kFirstPause = 1min;  // between the first publications; doubles up to half the life of a contact
constexpr Duration kAskOwn = 30min;     // between questions whom our user has bound
constexpr Duration kFirstRepeat = 1s;   // of what was published; the pause doubles
constexpr unsigned kRepeats = 2;
constexpr Duration kSettleRest = 1min;  // changes of some of our relays: the others still lead here
constexpr Duration kSettle = 3s;        // changes of our relays within this are published together
constexpr Duration kFirstLinks = 1s;    // from the first link to a question that nobody could be asked before
constexpr Duration kEcho = 5s;          // by then an answer could have come

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

// A mere claim gets answers to what it said itself, and nothing else until the directory was asked.
const Known* Locator::usable(const PubKey& user, Channel channel) const noexcept {
  const Known* known = contacts_.find(user);
  if (known == nullptr || !alive(*known) || forbidden(*known)) return nullptr;
  return known->checked || channel == Channel::extension ? known : nullptr;
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
    want(user);
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
    if (router_.send(via, known.node, channel, payload, priority, traffic, turn)) return true;
  }
  want(user);  // no link leads there: it may be somewhere else by now
  return false;
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
  Known* known = kept ? contacts_.find(user) : nullptr;
  if (known != nullptr && known->expires == MonoTime{}) line_up(*known);
}

void Locator::believe(Known& known) {
  contacts_.set_checked(known, true);
  contacts_.set_moved(known);
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
  known.dead = false;
  known.tries = 0;
  known.expires = std::max(known.expires, host_.clock.mono() + config_.limits.contact_life / 2);
  // Who writes all the time is asked about again now and then: meanwhile there may be a BIND.
  const bool old = known.binding == nullptr && known.checked_at + config_.limits.contact_life <= host_.clock.mono();
  if (!known.checked || old || forbidden(known)) {
    check(user, arrival.delivery.link);
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
}

void Locator::forget_contact(Known& known) {
  known.listens = {};
  known.at = {};
  known.relay_count = 0;
  known.via = {};
  known.sequence = 0;
  known.expires = {};
  known.dead = false;
}

void Locator::bound_ourselves(const BindingPtr& binding) {
  if (own_ != nullptr && own_->bind.id == binding->bind.id) return;
  if (!replaces(binding, own_, evidence_)) return;
  own_ = binding;
  const Identity now = identity();
  if (now.state == Identity::State::bound) {
    host_.observer.noted("our user bound this node, epoch " + std::to_string(now.epoch));
    publish_at_ = host_.clock.mono() + kSettle;
  } else if (now.state == Identity::State::elsewhere) {
    host_.observer.noted("our user is bound to another node: this one is not published any more");
  } else {
    host_.observer.noted("the BIND of our user is revoked or has expired: this node is not published any more");
  }
}

Identity Locator::identity() const {
  if (own_ == nullptr) return {};
  const Bind& bind = own_->bind;
  Identity made{Identity::State::bound, bind.epoch, bind.expires};
  if (!bind.node) {
    made.state = Identity::State::revoked;
  } else if (*bind.node != host_.node_key.id()) {
    made.state = Identity::State::elsewhere;
  } else if (bind.expires <= unix_seconds(host_.clock.wall())) {
    made.state = Identity::State::expired;
  }
  return made;
}

void Locator::lost(const NodeId& node) {
  Known* found = nullptr;
  contacts_.each_at(node, [&](Known& one) {
    if (found == nullptr && !one.dead) found = &one;
  });
  if (found == nullptr) return;
  found->dead = true;
  ++found->turn;
  ++version_;
  want(PubKey(found->user));
}

// A link to a node that we know is proof of its life, and a way to it that may not have been there before. Who is
// looked for and says to be at the end of this one is looked for again at once: what the directory says counts, not the
// claim.
void Locator::linked(const Peer& peer) {
  contacts_.each_at(peer.id, [&](Known& one) {
    if (std::exchange(one.dead, false)) contacts_.set_moved(one);
    if (!one.checked) return;  // a mere claim is still to be asked about
    want_no_more(one.user);
    ++version_;
  });
  const MonoTime now = host_.clock.mono();
  for (Wanted& one : wanted_) {
    if (one.user == peer.owner) one.at = std::min(one.at, one.open ? one.until : now);
    // As after a start: so far there was nobody to ask. A few links are better than one.
    if (one.asked == 0 && peer.reachable()) one.at = std::min(one.at, now + kFirstLinks);
  }
}

// --- ourselves

void Locator::own_changed(const std::vector<LinkId>& active) {
  const Address& listens = links_.listens();
  std::vector<PeerRef> relays;
  if (listens.is_unspecified()) {
    // Those that serve stay: each change is published.
    for (const PeerRef& relay : relays_) {
      const Peer* peer = links_.find(relay.id);
      if (peer != nullptr && std::find(active.begin(), active.end(), peer->link) != active.end()) {
        relays.push_back(relay);
      }
    }
    for (const LinkId link : active) {
      if (relays.size() >= kHomeRelays) break;
      const Peer* peer = links_.find(link);
      if (peer == nullptr || !peer->reachable()) continue;
      const bool there =
          std::any_of(relays.begin(), relays.end(), [&](const PeerRef& one) { return one.id == peer->id; });
      if (!there) relays.push_back(peer->ref());
    }
  }
  std::vector<NodeId> vias;
  for (const PeerRef& relay : relays) vias.push_back(relay.id);
  if (vias.empty()) vias.push_back(host_.node_key.id());
  router_.set_vias(std::move(vias));
  if (published_ != 0 && relays == relays_ && listens == published_listens_) return;
  const bool found = is_published_ && listens == published_listens_ &&
                     std::count_if(relays_.begin(), relays_.end(), [&](const PeerRef& one) {
                       return std::find(relays.begin(), relays.end(), one) != relays.end();
                     }) >= 2;
  relays_ = std::move(relays);
  published_listens_ = listens;
  is_published_ = false;
  if (relays_.empty() && listens.is_unspecified()) return;
  const MonoTime soon = host_.clock.mono() + (found ? kSettleRest : kSettle);
  if (!publish_at_ || *publish_at_ > soon) publish_at_ = soon;
}

void Locator::set_nat(NatClass nat) {
  if (nat == nat_) return;
  nat_ = nat;
  const MonoTime soon = host_.clock.mono() + kSettle;
  if (published_ != 0 && (!publish_at_ || *publish_at_ > soon)) publish_at_ = soon;
}

void Locator::publish(MonoTime now) {
  // Often at first: a network that grows puts the record where later nobody looks for it.
  const Duration half = std::min(config_.limits.contact_life / 2,
                                 kFirstPause * (std::int64_t{1} << std::min<std::uint64_t>(published_, 10)));
  publish_at_ = now + rng_.between(half * 4 / 5, half);
  if (relays_.empty() && links_.listens().is_unspecified()) return;
  const Key key = directory_key(config_.owner);
  // Not at the start: then our own store knows as much as anybody. Later our user may have bound another node.
  if (published_ != 0 && (!own_asked_at_ || *own_asked_at_ + kAskOwn <= now)) {
    own_asked_at_ = now;
    own_query_ = rng_.next();
    directory_.get(key, own_query_);
  }
  const Identity::State state = identity().state;
  if (state != Identity::State::claimed && state != Identity::State::bound) return;
  Contact contact;
  contact.owner = config_.owner;
  contact.node = host_.node_key.id();
  contact.listens = links_.listens();
  contact.relays = relays_;
  contact.at = links_.coordinates();
  contact.sequence = boot_ + ++published_;
  contact.expires = unix_seconds(host_.clock.wall()) + config_.limits.contact_life / 1s;
  contact.nat = nat_;
  std::vector<ByteVec> records;
  if (own_) records.push_back(encode_bind(own_->event));
  records.push_back(encode_contact(contact, host_.node_key, config_.network_id));
  directory_.put(key, records);
  is_published_ = true;
  repeated_ = std::move(records);
  repeats_ = kRepeats;
  repeat_at_ = now + kFirstRepeat;
}

// A hop may swallow it. Who keeps it already hands it to nobody, so this costs little.
void Locator::publish_again(MonoTime now) {
  directory_.put(directory_key(config_.owner), repeated_);
  repeat_at_ = now + kFirstRepeat * (2 << (kRepeats - repeats_));
  if (--repeats_ > 0) return;
  repeat_at_.reset();
  std::vector<ByteVec>().swap(repeated_);
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
  return first;
}

void Locator::due(MonoTime now) {
  if (publish_at_ && *publish_at_ <= now) publish(now);
  if (repeat_at_ && *repeat_at_ <= now) publish_again(now);
  look_again(now);
}

}  // namespace np2p::swarm
