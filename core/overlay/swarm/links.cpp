#include "core/overlay/swarm/links.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/base/vectors.h"
#include "core/overlay/swarm/coordinates.h"

namespace np2p::swarm {
namespace {

constexpr Duration kYounger = 5s;
constexpr Duration kPassing = 5s;  // what is only tried is gone after this
constexpr Duration kVisit = 2s;    // to ask for the way; then others may take its place
constexpr Duration kHeld = 3s;     // a tunnel that has been replaced
constexpr unsigned kOften = 40;    // first round trips, in a quick row
constexpr Duration kQuickProbe = 2s;
constexpr std::size_t kPulls = 64;          // of known round trips, with each that is measured
constexpr std::uint16_t kNoPlace = 0xFFFF;  // the error of one who knows nothing yet
constexpr Duration kSlowProbe = 2min;

constexpr std::uint8_t bit(Use use) noexcept {
  return static_cast<std::uint8_t>(1u << static_cast<unsigned>(use));
}

template <class Item>
auto place_of(std::vector<Item>& items, LinkId link) {
  return std::lower_bound(items.begin(), items.end(), link, [](const Item& a, LinkId id) { return a.link < id; });
}

}  // namespace

Links::Links(const Config& config, Host& host, std::uint64_t boot)
    : config_(config), host_(host), rng_(config.seed, "swarm/links"), boot_(boot), listens_(config.external) {
  all_loopback_ = config.listen.is_loopback();
  for (const Address& address : config.bootstrap) all_loopback_ = all_loopback_ && address.is_loopback();
}

bool Links::may_dial(const Address& address) const noexcept {
  if (address.port == 0 || address.is_unspecified() || address.is_multicast()) return false;
  if (address == config_.listen || address == listens_) return false;
  if (address.is_loopback()) return config_.dial_loopback;
  if (address.is_private()) return config_.dial_private || config_.listen.is_private();
  return !all_loopback_;
}

// --- for the parts

LinkId Links::connect(const PeerRef& to, Use use) {
  if (to.id == host_.node_key.id()) return {};
  if (Peer* peer = find(to.id); peer != nullptr && (peer->path != Path::tunnel || use == Use::bulk)) {
    const LinkId link = peer->link;
    add_use(link, use);
    changes_.push_back({LinkChange::Kind::ready, link, to.id, to.address, bit(use), CloseReason::none});
    return link;
  }
  for (Pending& waiting : pending_) {
    if (waiting.id != to.id || !waiting.outbound || waiting.aside || waiting.path != Path::direct) continue;
    waiting.uses = static_cast<std::uint8_t>(waiting.uses | bit(use));
    return waiting.link;
  }
  if (!may_dial(to.address)) return {};
  return start_dial(to.id, to.address, use);
}

LinkId Links::dial(const Address& to, Use use) {
  if (to == config_.listen || to == listens_) return {};
  for (const Pending& waiting : pending_) {
    if (waiting.outbound && !waiting.aside && waiting.address == to) return waiting.link;
  }
  return start_dial({}, to, use);
}

LinkId Links::start_dial(const NodeId& id, const Address& to, Use use) {
  if (!has_room()) return {};
  return await(host_.network.dial(to), {id, to, {}}, Path::direct, true, use);
}

LinkId Links::look(std::uint16_t port, const PeerRef& to) {
  if (to.id == host_.node_key.id() || !may_dial(to.address) || !has_room()) return {};
  const LinkId link = await(host_.network.dial_from(port, to.address), to, Path::direct, true, Use::probe);
  if (Pending* fresh = pending(link)) fresh->aside = true;
  return link;
}

std::optional<Links::Seen> Links::next_seen() {
  if (seen_.empty()) return std::nullopt;
  const Seen seen = seen_.back();
  seen_.pop_back();
  return seen;
}

bool Links::is_aside(LinkId link) noexcept {
  const Pending* waiting = pending(link);
  return waiting != nullptr && waiting->aside;
}

LinkId Links::dial_lan(const PeerRef& to, Use use) {
  const bool dialable = to.address.is_private() && to.address.port != 0 && to.address != config_.listen;
  if (to.id == host_.node_key.id() || !dialable || !has_room()) return {};
  return await(host_.network.dial(to.address), to, Path::direct, true, use);
}

LinkId Links::punch(std::uint16_t port, const PeerRef& to, MonoTime at, Use use) {
  if (!may_dial(to.address) || !has_room()) return {};
  return await(host_.network.punch(port, to.address, to.id, at), to, Path::punched, true, use);
}

LinkId Links::tunnel(const NodeId& to, bool outbound, Use use) {
  if (to == host_.node_key.id() || !has_room()) return {};
  return await(host_.network.tunnel(to, outbound), {to, {}, {}}, Path::tunnel, outbound, use);
}

LinkId Links::await(LinkId link, const PeerRef& to, Path path, bool outbound, Use use) {
  if (!link) return {};
  Pending fresh;
  fresh.link = link;
  fresh.id = to.id;
  fresh.address = to.address;
  fresh.uses = bit(use);
  fresh.outbound = outbound;
  fresh.path = path;
  fresh.since = host_.clock.mono();
  pending_.insert(place_of(pending_, fresh.link), fresh);
  return link;
}

void Links::close_at_host(LinkId link, Path path, CloseReason reason) {
  host_.network.close(link, reason);
  if (path == Path::tunnel) closed_tunnels_.push_back(link);
}

// The other side may have sent something through a tunnel already, or may not know yet of the link that stays.
void Links::retire(LinkId link, Path path, LinkId stays, bool same_boot) {
  if (path == Path::tunnel && same_boot) {
    replaced_.push_back({link, stays, host_.clock.mono() + kHeld});
  } else {
    close_at_host(link, path, CloseReason::duplicate_link);
  }
}

std::optional<LinkId> Links::next_closed_tunnel() {
  if (closed_tunnels_.empty()) return std::nullopt;
  const LinkId link = closed_tunnels_.back();
  closed_tunnels_.pop_back();
  return link;
}

Peer* Links::successor(LinkId replaced) noexcept {
  for (const Replaced& one : replaced_) {
    if (one.link == replaced) return find(one.by);
  }
  return nullptr;
}

void Links::add_use(LinkId link, Use use) {
  if (Pending* waiting = pending(link)) {
    waiting->uses = static_cast<std::uint8_t>(waiting->uses | bit(use));
    return;
  }
  Peer* peer = find(link);
  if (peer == nullptr) return;
  peer->uses = static_cast<std::uint8_t>(peer->uses | bit(use));
  if (!peer->said_unused) return;
  peer->said_unused = false;
  send(link, Unused{true}, Priority::control, Traffic::control);
}

void Links::drop_use(LinkId link, Use use) {
  if (Pending* waiting = pending(link)) {
    waiting->uses = static_cast<std::uint8_t>(waiting->uses & ~bit(use));
    return;
  }
  Peer* peer = find(link);
  if (peer == nullptr || !peer->has(use)) return;
  peer->uses = static_cast<std::uint8_t>(peer->uses & ~bit(use));
  if (peer->uses != 0) return;
  if (peer->peer_unused) {
    close(link, CloseReason::local);
  } else if (!peer->said_unused) {
    peer->said_unused = true;
    send(link, Unused{false}, Priority::control, Traffic::control);
  }
}

void Links::close(LinkId link, CloseReason reason) {
  Path path = Path::direct;
  if (const Peer* peer = find(link)) {
    path = peer->path;
  } else if (const Pending* waiting = pending(link)) {
    path = waiting->path;
  }
  close_at_host(link, path, reason);
  link_down(link, reason);
}

void Links::send(LinkId link, const Message& message, Priority priority, Traffic traffic) {
  host_.network.send(link, encode(message), priority, traffic);
}

void Links::send(LinkId link, Frame encoded, Priority priority, Traffic traffic) {
  host_.network.send(link, std::move(encoded), priority, traffic);
}

Peer* Links::find(LinkId link) noexcept {
  const auto at = std::lower_bound(order_.begin(), order_.end(), link);
  return at != order_.end() && *at == link ? &ready_[static_cast<std::size_t>(at - order_.begin())] : nullptr;
}

Peer* Links::find(const NodeId& id) noexcept {
  const std::uint64_t head = id.hash();
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    if (heads_[i] == head && ready_[i].id == id) return &ready_[i];
  }
  return nullptr;
}

void Links::insert(const Peer& peer) {
  const auto place = std::lower_bound(order_.begin(), order_.end(), peer.link) - order_.begin();
  make_room_for_one(order_);
  make_room_for_one(heads_);
  make_room_for_one(ready_);
  order_.insert(order_.begin() + place, peer.link);
  heads_.insert(heads_.begin() + place, peer.id.hash());
  ready_.insert(ready_.begin() + place, peer);
}

void Links::erase(std::size_t place) {
  const auto offset = static_cast<std::ptrdiff_t>(place);
  order_.erase(order_.begin() + offset);
  heads_.erase(heads_.begin() + offset);
  ready_.erase(ready_.begin() + offset);
}

bool Links::stands(const Peer& peer) const noexcept {
  if (!peer.reachable()) return false;
  if (peer.has(Use::active) || peer.has(Use::finger)) return true;
  return !peer.peer_unused && host_.clock.mono() - peer.ready_at > kPassing;
}

Links::Pending* Links::pending(LinkId link) noexcept {
  const auto at = place_of(pending_, link);
  return at != pending_.end() && at->link == link ? &*at : nullptr;
}

std::size_t Links::open_count() const noexcept {
  return ready_.size() + pending_.size();
}

void Links::set_listens(const Address& address) {
  if (address == listens_) return;
  listens_ = address;
  for (const Peer& peer : ready_) send(peer.link, hello_to(0), Priority::control, Traffic::control);
}

Hello Links::hello_to(std::uint64_t salt) const {
  Hello hello;
  hello.boot = boot_;
  hello.sent_at = static_cast<std::uint64_t>(host_.clock.mono().ns);
  hello.salt = salt;
  hello.owner = config_.owner;
  hello.listens = listens_;
  hello.at = at_;
  return hello;
}

// --- inputs

void Links::link_up(const LinkInfo& info) {
  Pending* waiting = pending(info.link);
  const bool ourselves = info.peer == host_.node_key.id();
  if (!info.proven || ourselves) {
    if (!ourselves)
      host_.observer.rejected("link", error(ErrorCode::forbidden, "a link without a proven key"), info.link);
    close_at_host(info.link, info.path, CloseReason::protocol_error);
    if (waiting != nullptr) link_down(info.link, ourselves ? CloseReason::local : CloseReason::protocol_error);
    return;
  }
  if (waiting == nullptr) {
    if (!make_room()) return close_at_host(info.link, info.path, CloseReason::crowded);
    Pending fresh;
    fresh.link = info.link;
    fresh.since = host_.clock.mono();
    waiting = &*pending_.insert(place_of(pending_, info.link), fresh);
    waiting->address = info.remote;
  } else if (waiting->id != NodeId{} && waiting->id != info.peer) {
    // Somebody else lives at that address now.
    close_at_host(info.link, info.path, CloseReason::protocol_error);
    return link_down(info.link, CloseReason::protocol_error);
  }
  waiting->path = info.path;
  waiting->id = info.peer;
  waiting->remote = info.remote;
  waiting->up = true;
  waiting->salt = rng_.next();
  Hello own = hello_to(waiting->salt);
  if (waiting->aside) own.features |= kAside;
  waiting->said_at = own.sent_at;
  send(info.link, own, Priority::control, Traffic::control);
}

// So that nobody is locked out, links that only the other side uses are few enough. Who came to ask for the way has had
// its answer after a moment: the next takes its place. The youngest goes, so that what has stood for long stands on.
bool Links::make_room() {
  std::size_t guests = 0;
  const Peer* youngest = nullptr;
  for (const Peer& peer : ready_) {
    if (peer.uses != 0) continue;
    ++guests;
    if (host_.clock.mono() - peer.ready_at < kVisit) continue;
    if (youngest == nullptr || peer.ready_at >= youngest->ready_at) youngest = &peer;
  }
  const bool room = open_count() < config_.limits.standing_links;
  if (room && guests < config_.limits.guest_links) return true;
  if (youngest == nullptr) return room;
  close(youngest->link, CloseReason::crowded);
  return true;
}

void Links::hello(LinkId link, const Hello& message) {
  const Address listens = may_dial(message.listens) ? message.listens : Address{};
  if (Peer* peer = find(link)) {  // news of a peer that we know
    peer->listens = listens;
    peer->at = message.at;
    return;
  }
  Pending* waiting = pending(link);
  if (waiting == nullptr || !waiting->up || waiting->aside) return;
  if ((message.features & kAside) != 0) {
    waiting->aside = true;
    return send(link, HelloEcho{message.sent_at, waiting->remote, at_, servers_}, Priority::control, Traffic::control);
  }
  if (Peer* old = find(waiting->id)) {
    if (!replaces(*old, *waiting, message.boot)) {
      const LinkId kept = old->link;
      const std::uint8_t uses = waiting->uses;
      old->uses = static_cast<std::uint8_t>(old->uses | uses);
      if (uses != 0) {
        if (old->said_unused) add_use_back(*old);
        changes_.push_back({LinkChange::Kind::ready, kept, waiting->id, waiting->address, uses, CloseReason::none});
      }
      retire(link, waiting->path, kept, message.boot == old->boot);
      pending_.erase(place_of(pending_, link));
      return;
    }
    const std::uint8_t uses = old->uses;  // they move to the link that stays
    const LinkId gone = old->link;
    waiting->uses = static_cast<std::uint8_t>(waiting->uses | uses);
    retire(gone, old->path, link, message.boot == old->boot);
    lose(gone, CloseReason::duplicate_link);
    waiting = pending(link);
  }
  Peer peer;
  peer.link = link;
  peer.id = waiting->id;
  peer.boot = message.boot;
  peer.remote = waiting->remote;
  peer.listens = listens;
  peer.owner = message.owner;
  peer.at = message.at;
  peer.salt = mix64(waiting->salt ^ message.salt);
  peer.ready_at = host_.clock.mono();
  peer.uses = waiting->uses;
  peer.outbound = waiting->outbound;
  peer.path = waiting->path;
  peer.asked_at = waiting->said_at;
  const Address dialled = waiting->address;
  pending_.erase(place_of(pending_, link));
  insert(peer);
  if (!measure_at_) measure_at_ = host_.clock.mono() + kQuickProbe;
  send(link, HelloEcho{message.sent_at, peer.remote, at_, servers_}, Priority::control, Traffic::control);
  changes_.push_back({LinkChange::Kind::ready, link, peer.id, dialled, peer.uses, CloseReason::none});
}

void Links::add_use_back(Peer& peer) {
  peer.said_unused = false;
  send(peer.link, Unused{true}, Priority::control, Traffic::control);
}

bool Links::replaces(const Peer& old, const Pending& fresh, std::uint64_t boot) const noexcept {
  if (boot != old.boot) return boot > old.boot;
  if ((old.path == Path::tunnel) != (fresh.path == Path::tunnel)) return old.path == Path::tunnel;
  if (host_.clock.mono() - old.ready_at > kYounger) return true;
  if (old.outbound == fresh.outbound) return false;
  const bool ours_stays = host_.node_key.id() < old.id;
  return fresh.outbound == ours_stays;
}

// One echo of what was sent last, with the time that it carried: whoever makes up another one would choose the round
// trip, and our coordinates with it.
bool Links::echo(LinkId link, const HelloEcho& message) {
  if (const Pending* waiting = pending(link)) {
    if (waiting->aside && waiting->outbound) seen_.push_back({link, message.observed});
    return true;
  }
  Peer* peer = find(link);
  if (peer == nullptr || peer->asked_at == 0 || message.sent_at != peer->asked_at) return false;
  peer->asked_at = 0;
  const Duration rtt = host_.clock.mono() - MonoTime{static_cast<std::int64_t>(message.sent_at)};
  if (rtt > config_.limits.introduction) return true;
  if (peer->rtt == Duration{} || rtt < peer->rtt) peer->rtt = rtt;
  peer->at = message.at;
  peer->servers = message.servers;
  if (peer->path == Path::tunnel) return true;  // a way that says nothing of either place
  at_ = moved(at_, message.at, rtt, rng_);
  return true;
}

void Links::probe(LinkId link, const Probe& message) {
  Peer* peer = find(link);
  if (peer == nullptr) return;
  peer->at = message.at;
  peer->servers = message.servers;
  send(link, HelloEcho{message.sent_at, peer->remote, at_, servers_}, Priority::control, Traffic::control);
}

// Vivaldi pulls at us with one round trip at a time and needs some hundreds of them until the plane is unfolded. Those
// that are known already pull at us again and again instead, towards where the others have moved meanwhile: that costs
// no message. (1,000 nodes, 40 round trips each: the mean error is 1.7 ms instead of 21 ms.)
void Links::relax() {
  if (ready_.empty()) return;
  std::size_t next = static_cast<std::size_t>(rng_.below(ready_.size()));
  for (std::size_t step = std::min(kPulls, kPulls / 8 * ready_.size()); step > 0; --step) {
    const Peer& peer = ready_[next];
    next = next + 1 == ready_.size() ? 0 : next + 1;
    if (peer.rtt == Duration{} || peer.path == Path::tunnel || peer.at.error == kNoPlace) continue;
    at_ = moved(at_, peer.at, peer.rtt, rng_);
  }
}

// Coordinates settle within some dozens of round trips; later they only follow what changes.
void Links::measure() {
  const MonoTime now = host_.clock.mono();
  ++measured_;
  const Duration pause = measured_ < kOften ? kQuickProbe : kSlowProbe;
  measure_at_ = now + rng_.between(pause * 3 / 4, pause * 5 / 4);
  relax();
  if (ready_.empty()) return;
  Peer& peer = ready_[static_cast<std::size_t>(rng_.below(ready_.size()))];
  if (peer.path == Path::tunnel) return;
  const MonoTime asked{static_cast<std::int64_t>(peer.asked_at)};
  if (peer.asked_at != 0 && asked + config_.limits.introduction > now) return;  // that echo may still come
  peer.asked_at = static_cast<std::uint64_t>(now.ns);
  send(peer.link, Probe{static_cast<std::uint64_t>(now.ns), at_, servers_}, Priority::control, Traffic::control);
}

void Links::unused(LinkId link, const Unused& message) {
  Peer* peer = find(link);
  if (peer == nullptr) return;
  peer->peer_unused = !message.again;
  if (peer->peer_unused && peer->uses == 0) close(link, CloseReason::local);
}

bool Links::lets_in(Peer& peer) const noexcept {
  const Duration each = Duration{1s} / config_.limits.link_messages_per_second;
  const MonoTime now = host_.clock.mono();
  const MonoTime after = std::max(peer.spent, now) + each;
  if (after - now > each * config_.limits.link_messages_burst) return false;
  peer.spent = after;
  return true;
}

void Links::link_down(LinkId link, CloseReason reason) {
  std::erase_if(replaced_, [link](const Replaced& one) { return one.link == link; });
  if (find(link) != nullptr) return lose(link, reason);
  const auto at = place_of(pending_, link);
  if (at == pending_.end() || at->link != link) return;
  if (at->outbound) changes_.push_back({LinkChange::Kind::failed, link, at->id, at->address, at->uses, reason});
  pending_.erase(at);
}

void Links::lose(LinkId link, CloseReason reason) {
  const Peer* peer = find(link);
  changes_.push_back({LinkChange::Kind::lost, link, peer->id, peer->listens, peer->uses, reason});
  erase(static_cast<std::size_t>(peer - ready_.data()));
}

void Links::close_all(CloseReason reason) {
  for (const Peer& peer : ready_) close_at_host(peer.link, peer.path, reason);
  for (const Pending& waiting : pending_) close_at_host(waiting.link, waiting.path, reason);
  for (const Replaced& one : replaced_) close_at_host(one.link, Path::tunnel, reason);
  replaced_.clear();
  ready_.clear();
  order_.clear();
  heads_.clear();
  pending_.clear();
}

std::optional<LinkChange> Links::next() {
  if (taken_ == changes_.size()) {
    clear_out(changes_);
    if (pending_.empty()) clear_out(pending_);
    taken_ = 0;
    return std::nullopt;
  }
  return changes_[taken_++];
}

// The host bounds dials; what is up must introduce itself in time.
std::optional<MonoTime> Links::next_due() const noexcept {
  std::optional<MonoTime> first = measure_at_;
  for (const Replaced& one : replaced_) {
    if (!first || one.until < *first) first = one.until;
  }
  for (const Pending& waiting : pending_) {
    const MonoTime at = waiting.since + config_.limits.introduction;
    if (waiting.up && (!first || at < *first)) first = at;
  }
  return first;
}

void Links::due(MonoTime now) {
  if (measure_at_ && *measure_at_ <= now) measure();
  for (const Replaced& one : replaced_) {
    if (one.until <= now) close_at_host(one.link, Path::tunnel, CloseReason::duplicate_link);
  }
  std::erase_if(replaced_, [now](const Replaced& one) { return one.until <= now; });
  std::vector<LinkId> late;
  for (const Pending& waiting : pending_) {
    if (waiting.up && waiting.since + config_.limits.introduction <= now) late.push_back(waiting.link);
  }
  for (const LinkId link : late) close(link, CloseReason::timed_out);
}

}  // namespace np2p::swarm
