#include "core/overlay/swarm/locator.h"

#include <algorithm>

#include "core/overlay/swarm/coordinates.h"

namespace np2p::swarm {
namespace {

constexpr Duration kSettle = 3s;       // changes of our relays within this are published together
constexpr Duration kFirstRetry = 10s;  // of a lookup that found nothing; doubles to
constexpr Duration kLongestRetry = 1min;
constexpr Duration kOthers = 2s;   // for the other answers, once one is there
constexpr unsigned kGiveUp = 200;  // tries; whoever still wants the user asks anew

}  // namespace

Locator::Locator(const Config& config, Host& host, Links& links, Directory& directory, Router& router,
                 std::uint64_t boot)
    : config_(config),
      host_(host),
      links_(links),
      directory_(directory),
      router_(router),
      rng_(config.seed, "swarm/locator"),
      boot_(boot) {}

Locator::Known* Locator::find(const PubKey& user) noexcept {
  for (Known& one : known_) {
    if (one.user == user) return &one;
  }
  return nullptr;
}

const Locator::Known* Locator::alive(const PubKey& user) const noexcept {
  for (const Known& one : known_) {
    if (one.user == user) return one.dead || one.expires <= host_.clock.mono() ? nullptr : &one;
  }
  return nullptr;
}

bool Locator::reaches(const PubKey& user) const {
  return alive(user) != nullptr;
}

std::optional<Whereabouts> Locator::find_alive(const PubKey& user) const {
  const Known* known = alive(user);
  if (known == nullptr) return std::nullopt;
  Whereabouts found{known->node, known->listens, {}};
  if (known->via != NodeId{}) found.vias.push_back(known->via);
  for (const PeerRef& relay : known->relays) found.vias.push_back(relay.id);
  return found;
}

bool Locator::send(const PubKey& user, Channel channel, const Frame& payload, Priority priority) {
  if (alive(user) == nullptr) {
    want(user);
    return false;
  }
  Known& known = *find(user);
  known.used = host_.clock.mono();
  const Traffic traffic = channel == Channel::packets ? Traffic::payload : Traffic::control;
  if (!known.listens.is_unspecified()) {
    if (router_.send(known.node, known.node, channel, payload, priority, traffic)) return true;
  }
  if (known.via != NodeId{} && router_.send(known.via, known.node, channel, payload, priority, traffic)) return true;
  // Relays nearest to us first would save little: hops lead anywhere in as many steps. The first that works.
  for (const PeerRef& relay : known.relays) {
    if (router_.send(relay.id, known.node, channel, payload, priority, traffic)) return true;
  }
  return false;
}

// --- others

Locator::Known& Locator::remember(const PubKey& user) {
  if (Known* known = find(user)) return *known;
  if (known_.size() >= config_.limits.contacts) {
    const auto oldest =
        std::min_element(known_.begin(), known_.end(), [](const Known& a, const Known& b) { return a.used < b.used; });
    known_.erase(oldest);
  }
  Known fresh;
  fresh.user = user;
  fresh.used = host_.clock.mono();
  return known_.emplace_back(std::move(fresh));
}

void Locator::want(const PubKey& user) {
  const auto known = std::find_if(wanted_.begin(), wanted_.end(), [&](const Wanted& one) { return one.user == user; });
  if (known != wanted_.end() || wanted_.size() >= config_.limits.lookups_open) return;
  wanted_.emplace_back().user = user;
  ask(wanted_.back(), host_.clock.mono());
}

void Locator::ask(Wanted& wanted, MonoTime now) {
  wanted.query = rng_.next();
  const Duration pause = std::min(kLongestRetry, kFirstRetry * (std::int64_t{1} << std::min(wanted.tries, 10u)));
  wanted.at = now + rng_.between(pause * 3 / 4, pause * 5 / 4);
  ++wanted.tries;
  wanted.came = 0;
  wanted.claims.clear();
  wanted.asked = directory_.get(directory_key(wanted.user), wanted.query);
}

void Locator::answered(const Directory::Answer& answer) {
  const auto wanted =
      std::find_if(wanted_.begin(), wanted_.end(), [&](const Wanted& one) { return one.query == answer.query; });
  if (wanted == wanted_.end()) return;
  if (wanted->came++ == 0) wanted->first_at = host_.clock.mono();
  count(*wanted, answer);
  unsigned most = 0;
  for (const Claim& claim : wanted->claims) most = std::max(most, claim.votes);
  if (most * 2 <= wanted->asked && wanted->came < wanted->asked) return;
  if (decide(*wanted)) wanted_.erase(wanted);
}

// An answer speaks for one node: the oldest claim in it that holds. Whoever lies can sign a claim of its own, so one
// answer alone decides nothing while others are awaited.
void Locator::count(Wanted& wanted, const Directory::Answer& answer) {
  const std::int64_t wall = unix_seconds(host_.clock.wall());
  for (const ByteVec& record : answer.records) {
    auto contact = verify_contact(record, host_.verifier, config_.network_id);
    if (!contact.ok()) {
      host_.observer.rejected("record", contact.error(), {});
      continue;
    }
    if (contact->owner != wanted.user || contact->expires <= wall) continue;
    const auto same = std::find_if(wanted.claims.begin(), wanted.claims.end(),
                                   [&](const Claim& one) { return one.contact.node == contact->node; });
    if (same == wanted.claims.end()) {
      wanted.claims.push_back({std::move(*contact), 1});
    } else {
      ++same->votes;
      if (contact->sequence > same->contact.sequence) same->contact = std::move(*contact);
    }
    return;
  }
}

// The claim that most answers name; of equals the one that came first. A newer contact replaces the one that we know.
bool Locator::decide(Wanted& wanted) {
  const Claim* best = nullptr;
  for (const Claim& claim : wanted.claims) {
    if (best == nullptr || claim.votes > best->votes) best = &claim;
  }
  wanted.asked = 0;
  if (best == nullptr) return false;
  const Contact& contact = best->contact;
  const Known* before = find(wanted.user);
  if (before != nullptr && before->node == contact.node && contact.sequence <= before->sequence) {
    if (!before->dead && before->expires > host_.clock.mono()) return true;
    // It had time to publish where it is now. It stands by what it said, and who said that it is lost may be wrong.
    if (wanted.tries < 2) return false;
  }
  Known& known = remember(wanted.user);
  known.node = contact.node;
  known.listens = contact.listens;
  known.relays = contact.relays;
  known.via = {};
  known.sequence = contact.sequence;
  known.expires = host_.clock.mono() + (contact.expires - unix_seconds(host_.clock.wall())) * 1s;
  known.dead = false;
  ++version_;
  return true;
}

// Who wrote to us can be answered the same way, whatever the directory knows.
void Locator::arrived(const Arrival& arrival) {
  const PubKey& user = arrival.delivery.source;
  if (const Known* known = find(user); known != nullptr && known->node != arrival.node && !known->dead) return;
  const bool fresh = alive(user) == nullptr;
  Known& known = remember(user);
  if (known.node != arrival.node) {
    known.node = arrival.node;
    known.listens = {};
    known.relays.clear();
    known.sequence = 0;
  }
  known.via = arrival.via;
  known.dead = false;
  known.expires = std::max(known.expires, host_.clock.mono() + config_.limits.contact_life / 2);
  std::erase_if(wanted_, [&](const Wanted& one) { return one.user == user; });
  if (fresh) ++version_;
}

void Locator::lost(const NodeId& node) {
  for (Known& one : known_) {
    if (one.node != node || one.dead) continue;
    one.dead = true;
    const PubKey user = one.user;
    want(user);
    return;
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
  router_.set_via(relays.empty() ? host_.node_key.id() : relays.front().id);
  if (published_ != 0 && relays == relays_ && listens == published_listens_) return;
  relays_ = std::move(relays);
  published_listens_ = listens;
  if (relays_.empty() && listens.is_unspecified()) return;
  const MonoTime soon = host_.clock.mono() + kSettle;
  if (!publish_at_ || *publish_at_ > soon) publish_at_ = soon;
}

void Locator::set_nat(NatClass nat) {
  if (nat == nat_) return;
  nat_ = nat;
  const MonoTime soon = host_.clock.mono() + kSettle;
  if (published_ != 0 && (!publish_at_ || *publish_at_ > soon)) publish_at_ = soon;
}

void Locator::publish(MonoTime now) {
  const Duration half = config_.limits.contact_life / 2;
  publish_at_ = now + rng_.between(half * 4 / 5, half);
  if (relays_.empty() && links_.listens().is_unspecified()) return;
  Contact contact;
  contact.owner = config_.owner;
  contact.node = host_.node_key.id();
  contact.listens = links_.listens();
  contact.relays = relays_;
  contact.at = links_.coordinates();
  contact.sequence = boot_ + ++published_;
  contact.expires = unix_seconds(host_.clock.wall()) + config_.limits.contact_life / 1s;
  contact.nat = nat_;
  directory_.put(directory_key(config_.owner), encode_contact(contact, host_.node_key, config_.network_id));
}

std::optional<MonoTime> Locator::next_due() const noexcept {
  std::optional<MonoTime> first = publish_at_;
  for (const Wanted& one : wanted_) {
    const MonoTime at = one.came > 0 && one.asked > 0 ? std::min(one.at, one.first_at + kOthers) : one.at;
    if (!first || at < *first) first = at;
  }
  return first;
}

void Locator::due(MonoTime now) {
  if (publish_at_ && *publish_at_ <= now) publish(now);
  std::erase_if(wanted_, [&](const Wanted& one) { return one.at <= now && one.tries >= kGiveUp; });
  std::erase_if(wanted_, [&](Wanted& one) {
    return one.came > 0 && one.asked > 0 && one.first_at + kOthers <= now && decide(one);
  });
  for (Wanted& one : wanted_) {
    if (one.at <= now) ask(one, now);
  }
}

}  // namespace np2p::swarm
