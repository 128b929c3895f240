// Where we are ourselves, and whom our user has bound: what we publish.
#include <algorithm>
#include <string>
#include <utility>

#include "core/overlay/swarm/locator.h"

namespace np2p::swarm {
namespace {

constexpr Duration kFirstPause = 1min;  // between the first publications; doubles up to half the life of a contact
constexpr Duration kAskOwn = 30min;     // between questions whom our user has bound
constexpr Duration kFirstRepeat = 1s;   // of what was published; the pause doubles
constexpr unsigned kRepeats = 2;
constexpr Duration kSettleRest = 1min;  // changes of some of our relays: the others still lead here
constexpr Duration kSettle = 3s;        // changes of our relays within this are published together

}  // namespace

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
  const bool has_way_back = vias.front() != host_.node_key.id() || !listens.is_unspecified();
  if (has_way_back && !has_way_back_) ++version_;
  has_way_back_ = has_way_back;
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

void Locator::publish_with(ByteVec record) {
  beside_ = std::move(record);
  const MonoTime soon = host_.clock.mono() + kSettle;
  if (!publish_at_ || *publish_at_ > soon) publish_at_ = soon;
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
  if (!beside_.empty()) records.push_back(std::exchange(beside_, {}));
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

}  // namespace np2p::swarm
