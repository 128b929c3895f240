#include "core/overlay/swarm/ladder.h"

#include <algorithm>
#include <iterator>

namespace np2p::swarm {
namespace {

constexpr Duration kClimb = 45s;    // two probes of 8 s at most, three punches of 7 s
constexpr Duration kIdle = 2min;    // a link that nobody speaks over is let go
constexpr Duration kGiveUp = 1min;  // whoever could not be linked is not tried again before
constexpr std::size_t kGivenUp = 64;
constexpr unsigned kTries = 3;
constexpr Duration kArriving = 3s;           // for the handshake of a link whose SYN crossed ours
constexpr std::uint32_t kAsksOverLink = 10;  // for links with us, and one a second; and of one node
constexpr std::uint32_t kAsks = 4;
constexpr std::uint32_t kAskCost = 5;  // seconds
// After each climb that ended in a tunnel. Another try costs little beside what a relay carries meanwhile, and what was
// in the way may have passed: a busy machine, lost SYNs, another address.
constexpr Duration kPauses[] = {30s, 2min, 10min, 1h};

Address without_port(Address address) noexcept {
  address.port = 0;
  return address;
}

}  // namespace

Ladder::Ladder(const Config& config, Host& host, Links& links, Router& router, Tunnels& tunnels, MappingProbes& probes,
               Reachability& reachability)
    : config_(config),
      host_(host),
      links_(links),
      router_(router),
      tunnels_(tunnels),
      probes_(probes),
      reachability_(reachability),
      rng_(config.seed, "swarm/ladder") {}

Ladder::Climb* Ladder::find(const NodeId& node) noexcept {
  for (Climb& climb : climbs_) {
    if (climb.to.node == node) return &climb;
  }
  return nullptr;
}

bool Ladder::has_room() const noexcept {
  return climbs_.size() + held_.size() < config_.limits.ladder_links;
}

// --- asking

Ladder::Answer Ladder::want(const Whereabouts& to) {
  if (const Peer* peer = links_.find(to.node)) {
    links_.add_use(peer->link, Use::bulk);
    hold(to.node);
    return Answer::linked;
  }
  if (find(to.node) != nullptr) return Answer::climbing;
  const MonoTime now = host_.clock.mono();
  std::erase_if(given_up_, [now](const GivenUp& one) { return one.until <= now; });
  const bool tried =
      std::any_of(given_up_.begin(), given_up_.end(), [&](const GivenUp& one) { return one.node == to.node; });
  if (tried || !has_room() || to.node == host_.node_key.id()) return Answer::refused;
  Climb climb;
  climb.to = to;
  climb.leads = true;
  climb.until = now + kClimb;
  climb.offers_dial = !links_.listens().is_unspecified();
  if (!to.listens.is_unspecified()) climb.dial = dial(to.node, to.listens);
  if (!climb.dial && !ask(climb)) {
    if (given_up_.size() < kGivenUp) given_up_.push_back({to.node, now + kGiveUp});
    return Answer::refused;
  }
  climbs_.push_back(std::move(climb));
  return Answer::climbing;
}

bool Ladder::say(const Climb& climb, Step step) {
  Meeting meeting;
  meeting.step = step;
  meeting.tunnel = climb.number;
  meeting.nat = reachability_.nat();
  if (step == Step::ask ? climb.offers_dial : step == Step::here) meeting.listens = links_.listens();
  meeting.mapped = step == Step::ready || step == Step::start ? climb.own_mapped : reachability_.place();
  if (config_.listen.is_private()) meeting.lan = config_.listen;
  const Frame frame = encode_meeting(meeting);
  for (const NodeId& via : climb.to.vias) {
    if (router_.send(via, climb.to.node, static_cast<Channel>(kMeetingChannel), frame, Priority::control,
                     Traffic::control)) {
      return true;
    }
  }
  return router_.send(climb.to.node, climb.to.node, static_cast<Channel>(kMeetingChannel), frame, Priority::control,
                      Traffic::control);
}

// A tunnel that both have already is not opened again: that is how the other side understands its number.
bool Ladder::ask(Climb& climb) {
  climb.asked = true;
  if (climb.number == 0) climb.number = rng_.next();
  climb.asked_at = host_.clock.mono();
  if (!say(climb, Step::ask)) return false;
  if (climb.offers_dial || links_.find(climb.to.node) != nullptr) return true;
  const NodeId& via = climb.to.vias.empty() ? climb.to.node : climb.to.vias.front();
  climb.tunnel = tunnels_.open(climb.to.node, via, climb.number, true, Use::bulk);
  return true;
}

// A link for bulk would be the tunnel itself, if there is one.
LinkId Ladder::dial(const NodeId& node, const Address& to) {
  const Use use = links_.find(node) == nullptr ? Use::bulk : Use::probe;
  return links_.connect({node, to, {}}, use);
}

// --- being asked, and answers

void Ladder::on(const Arrival& arrival) {
  const auto meeting = decode_meeting(arrival.delivery.payload.view());
  if (!meeting.ok()) {
    host_.observer.rejected("meeting", meeting.error(), arrival.delivery.link);
    return;
  }
  if (meeting->step == Step::ask) return asked(arrival, *meeting);
  Climb* climb = find(arrival.node);
  if (climb == nullptr || climb->number != meeting->tunnel) return;  // late
  switch (meeting->step) {
    case Step::here:
      if (climb->leads) answered(*climb, *meeting);
      return;
    case Step::ready:
      if (!climb->leads || !mapped(*climb, *meeting)) return;
      if (!climb->own_mapped.is_unspecified() && climb->tries == 0) start(*climb);
      return;
    case Step::start:
      if (climb->leads || climb->own_mapped.is_unspecified() || !mapped(*climb, *meeting)) return;
      if (climb->tries++ < kTries) punch(*climb, host_.clock.mono());
      return;
    case Step::sorry:
      if (climb->leads) refused(*climb);
      return;
    case Step::ask:
    case Step::count_:
      return;
  }
}

void Ladder::asked(const Arrival& arrival, const Meeting& meeting) {
  const MonoTime now = host_.clock.mono();
  Climb fresh;
  fresh.to.node = arrival.node;
  if (arrival.via != host_.node_key.id()) fresh.to.vias.push_back(arrival.via);
  fresh.number = meeting.tunnel;
  fresh.asked_over = arrival.delivery.link;
  fresh.until = now + kClimb;
  if (const Climb* old = find(arrival.node)) {
    // Both ask at the same time: the smaller id leads.
    if (old->leads && old->asked && host_.node_key.id() < arrival.node) return;
    fresh.told = old->told;
    const bool wanted = old->leads && !old->told;
    finish(arrival.node);
    std::erase_if(outcomes_, [&](const Outcome& one) { return wanted && one.node == arrival.node; });
    std::erase_if(given_up_, [&](const GivenUp& one) { return one.node == arrival.node; });
    fresh.told = !wanted;
  } else {
    fresh.told = true;  // nobody here waits for it
  }
  if (!may_ask(arrival) || !has_room()) {
    host_.observer.rejected("meeting", error(ErrorCode::rate_limited, "asked for too many links"),
                            arrival.delivery.link);
    say(fresh, Step::sorry);
    return tell(fresh, false);
  }
  learn(fresh, meeting);
  if (!meeting.listens.is_unspecified()) {
    fresh.dial = dial(arrival.node, meeting.listens);
    if (!fresh.dial) {
      say(fresh, Step::sorry);
      return tell(fresh, false);
    }
    climbs_.push_back(std::move(fresh));
    return;
  }
  const NodeId& via = fresh.to.vias.empty() ? arrival.node : fresh.to.vias.front();
  fresh.tunnel = tunnels_.open(arrival.node, via, fresh.number, false, Use::bulk);
  climbs_.push_back(std::move(fresh));
  Climb& climb = climbs_.back();
  say(climb, Step::here);
  if (can_punch(reachability_.nat(), climb.theirs)) prepare(climb);
}

// Names cost nothing, so who asks under many of them is stopped where he comes from; and who is honest and shares that
// way with him has still its own share of what is let through there.
bool Ladder::may_ask(const Arrival& arrival) {
  const MonoTime now = host_.clock.mono();
  const LinkId link = arrival.delivery.link;
  const auto climbs = std::count_if(climbs_.begin(), climbs_.end(),
                                    [&](const Climb& one) { return !one.leads && one.asked_over == link; });
  if (static_cast<std::size_t>(climbs) >= std::max<std::size_t>(config_.limits.ladder_links / 3, 1)) return false;
  for (auto* askers : {&over_links_, &askers_}) {
    std::erase_if(*askers, [&](const Asker& one) { return one.asks.is_full(now); });
  }
  const auto pace_of = [](std::vector<Asker>& askers, std::uint64_t who, std::size_t most) -> Pace& {
    auto at = std::find_if(askers.begin(), askers.end(), [&](const Asker& one) { return one.who == who; });
    if (at == askers.end()) {
      if (askers.size() >= most) askers.erase(askers.begin());
      askers.push_back({who, {}});
      at = askers.end() - 1;
    }
    std::rotate(at, at + 1, askers.end());
    return askers.back().asks;
  };
  Pace& over_link = pace_of(over_links_, link.value, config_.limits.links);
  if (!over_link.may(now, 1, kAsksOverLink)) return false;
  Pace& asker = pace_of(askers_, arrival.node.hash(), config_.limits.link_askers);
  if (!asker.may(now, 1, kAsks * kAskCost)) return false;
  over_link.spend(now, 1, 1);
  asker.spend(now, kAskCost, 1);
  return true;
}

void Ladder::learn(Climb& climb, const Meeting& meeting) {
  climb.theirs = meeting.nat;
  climb.place = without_port(meeting.mapped);
}

void Ladder::answered(Climb& climb, const Meeting& meeting) {
  if (climb.round_trip != Duration{}) return;
  climb.round_trip = std::max<Duration>(host_.clock.mono() - climb.asked_at, 1ns);
  learn(climb, meeting);
  if (!meeting.listens.is_unspecified() && !climb.dial) {
    climb.dial = dial(climb.to.node, meeting.listens);
  }
  const bool same_place = !climb.place.is_unspecified() && climb.place == reachability_.place();
  if (same_place && config_.listen.is_private()) {
    static_cast<void>(links_.dial_lan({climb.to.node, meeting.lan, {}}, Use::bulk));
  }
  if (can_punch(reachability_.nat(), climb.theirs)) prepare(climb);
}

// Only where it said to be, once it knew: an address of somebody else would make us a weapon.
bool Ladder::mapped(Climb& climb, const Meeting& meeting) {
  if (climb.place.is_unspecified()) climb.place = without_port(meeting.mapped);
  if (climb.place.is_unspecified() || without_port(meeting.mapped) != climb.place || !links_.may_dial(meeting.mapped)) {
    host_.observer.rejected("meeting", error(ErrorCode::forbidden, "to be dialled elsewhere than seen"), {});
    return false;
  }
  climb.mapped = meeting.mapped;
  return true;
}

void Ladder::refused(Climb& climb) {
  if (climb.offers_dial) {  // it cannot dial us: the other ways are left
    climb.offers_dial = false;
    if (ask(climb)) return;
  }
  finish(climb.to.node);
}

// --- the punch

void Ladder::prepare(Climb& climb) {
  if (climb.probe != 0 || climb.port != 0) return;
  climb.needs_place = reachability_.place().is_unspecified();
  if (climb.needs_place) return;
  if (reachability_.nat().mapping != Mapping::dependent) {
    climb.probe = probes_.start(reachability_.helpers(1));
    return;
  }
  // Nothing can be foretold: our SYN will come from another port than this, if the other side lets it in.
  climb.port = host_.network.open_port();
  if (climb.port == 0) return;
  climb.own_mapped = reachability_.place();
  climb.own_mapped.port = climb.port;
  prepared(climb);
}

void Ladder::placed() {
  for (Climb& climb : climbs_) {
    if (climb.needs_place) prepare(climb);
  }
}

bool Ladder::probed(const MappingProbes::Result& result) {
  for (Climb& climb : climbs_) {
    if (climb.probe == 0 || climb.probe != result.probe) continue;
    if (result.seen.empty()) {
      probes_.release(climb.probe);
      climb.probe = 0;
      if (++climb.failed_probes < kTries) prepare(climb);
      return true;
    }
    climb.port = result.port;
    climb.own_mapped = result.seen.front();
    prepared(climb);
    return true;
  }
  return false;
}

void Ladder::prepared(Climb& climb) {
  if (!climb.leads) {
    say(climb, Step::ready);
  } else if (!climb.mapped.is_unspecified() && climb.tries == 0) {
    start(climb);
  }
}

void Ladder::start(Climb& climb) {
  ++climb.tries;
  if (!say(climb, Step::start)) return;
  punch(climb, host_.clock.mono() + climb.round_trip / 2);
}

void Ladder::punch(Climb& climb, MonoTime at) {
  if (!punches_.take(host_.clock.mono())) {
    host_.observer.rejected("meeting", error(ErrorCode::rate_limited, "asked for too many punches"), {});
    return;
  }
  if (const LinkId old = climb.punch) {
    climb.punch = {};
    links_.close(old, CloseReason::local);
  }
  climb.punch = links_.punch(climb.port, {climb.to.node, climb.mapped, {}}, at, Use::bulk);
}

// --- what becomes of it

void Ladder::changed(const LinkChange& change) {
  Climb* climb = find(change.id);
  if (change.kind == LinkChange::Kind::ready) {
    Peer* peer = links_.find(change.link);
    if (peer == nullptr || climb == nullptr) return;
    if (is_their_punch(*climb, *peer)) peer->path = Path::punched;
    links_.add_use(peer->link, Use::bulk);
    if (change.link == climb->dial) links_.drop_use(peer->link, Use::probe);
    hold(change.id);
    tell(*climb, true);
    if (peer->path != Path::tunnel) finish(change.id);
    return;
  }
  if (climb != nullptr) fell(*climb, change);
  if (links_.find(change.id) == nullptr) {
    std::erase_if(held_, [&](const Held& one) { return one.node == change.id; });
  }
}

// Through a NAT that lets everything in their SYN may be here before their word to punch, which takes more hops; to us
// it then looks like any connection.
bool Ladder::is_their_punch(const Climb& climb, const Peer& peer) noexcept {
  const bool agreed = !climb.leads && climb.port != 0;  // we have told them where to punch to
  return agreed && peer.path == Path::direct && !peer.outbound && !peer.reachable() && !peer.remote.is_private();
}

void Ladder::fell(Climb& climb, const LinkChange& change) {
  if (change.link == climb.dial) {
    climb.dial = {};
    if (!climb.leads) {
      say(climb, Step::sorry);
      return finish(climb.to.node);
    }
    if (!climb.asked && !ask(climb)) finish(climb.to.node);
    return;
  }
  if (change.link == climb.tunnel) climb.tunnel = {};
  if (change.link != climb.punch) return;
  climb.punch = {};
  // Another try would end the link that is coming up.
  if (change.reason == CloseReason::duplicate_link) {
    climb.arrives = host_.clock.mono() + kArriving;
  } else {
    punched_in_vain(climb);
  }
}

void Ladder::punched_in_vain(Climb& climb) {
  if (climb.leads && climb.tries < kTries) return start(climb);
  if (climb.tries >= kTries) finish(climb.to.node);
}

void Ladder::tell(Climb& climb, bool linked) {
  if (std::exchange(climb.told, true)) return;
  outcomes_.push_back({climb.to.node, linked});
}

void Ladder::finish(const NodeId& node) {
  const auto at = std::find_if(climbs_.begin(), climbs_.end(), [&](const Climb& one) { return one.to.node == node; });
  if (at == climbs_.end()) return;
  Climb climb = std::move(*at);
  climbs_.erase(at);
  if (climb.probe != 0) {
    probes_.release(climb.probe);
  } else if (climb.port != 0) {
    host_.network.close_port(climb.port);
  }
  const bool linked = links_.find(node) != nullptr;
  for (const LinkId link : {climb.dial, climb.punch, climb.tunnel}) {
    // The other side may have a tunnel already and have sent through it: with a better link it ends by itself
    // (links.h).
    if (!link || (linked && link == climb.tunnel)) continue;
    if (links_.find(link) == nullptr) links_.close(link, CloseReason::local);
  }
  if (!linked && climb.leads && given_up_.size() < kGivenUp) {
    given_up_.push_back({node, host_.clock.mono() + kGiveUp});
  }
  stayed(climb);
  tell(climb, linked);
}

std::optional<Ladder::Outcome> Ladder::next() {
  if (outcomes_.empty()) return std::nullopt;
  const Outcome outcome = outcomes_.front();
  outcomes_.erase(outcomes_.begin());
  return outcome;
}

// --- links that are held

void Ladder::hold(const NodeId& node) {
  for (Held& one : held_) {
    if (one.node != node) continue;
    one.used = host_.clock.mono();
    return;
  }
  Held fresh;
  fresh.node = node;
  fresh.used = host_.clock.mono();
  held_.push_back(fresh);
}

void Ladder::stayed(const Climb& climb) {
  const Peer* peer = links_.find(climb.to.node);
  if (!climb.leads || peer == nullptr || peer->path != Path::tunnel) return;
  for (Held& one : held_) {
    if (one.node != climb.to.node || one.climbs == std::size(kPauses)) continue;
    const Duration pause = kPauses[one.climbs++];
    one.again = host_.clock.mono() + rng_.between(pause * 3 / 4, pause * 5 / 4);
    one.tunnel = climb.number;
    one.theirs = climb.theirs;
  }
}

void Ladder::climb_again(Held& held) {
  held.again.reset();
  const Peer* peer = links_.find(held.node);
  if (peer == nullptr || peer->path != Path::tunnel || find(held.node) != nullptr) return;
  Climb climb;
  climb.to.node = held.node;
  climb.leads = true;
  climb.told = true;
  climb.number = held.tunnel;
  climb.theirs = held.theirs;
  climb.until = host_.clock.mono() + kClimb;
  climb.offers_dial = !links_.listens().is_unspecified();
  const bool vain = !climb.offers_dial && !peer->reachable() && !can_punch(reachability_.nat(), held.theirs);
  if (vain || !has_room()) return stayed(climb);
  if (peer->reachable()) climb.dial = dial(held.node, peer->listens);
  if (!climb.dial && !ask(climb)) return stayed(climb);
  climbs_.push_back(std::move(climb));
}

void Ladder::used(const NodeId& node) {
  for (Held& one : held_) {
    if (one.node == node) one.used = host_.clock.mono();
  }
}

std::optional<MonoTime> Ladder::next_due() const noexcept {
  std::optional<MonoTime> first;
  const auto sooner = [&first](MonoTime at) {
    if (!first || at < *first) first = at;
  };
  for (const Climb& climb : climbs_) {
    sooner(climb.until);
    if (climb.arrives) sooner(*climb.arrives);
  }
  for (const Held& one : held_) {
    sooner(one.used + kIdle);
    if (one.again) sooner(*one.again);
  }
  return first;
}

void Ladder::due(MonoTime now) {
  std::vector<NodeId> over;
  for (const Climb& climb : climbs_) {
    if (climb.until <= now) over.push_back(climb.to.node);
  }
  for (const NodeId& node : over) finish(node);
  std::vector<NodeId> missed;
  for (Climb& climb : climbs_) {
    if (!climb.arrives || *climb.arrives > now) continue;
    climb.arrives.reset();
    missed.push_back(climb.to.node);
  }
  for (const NodeId& node : missed) {
    if (Climb* climb = find(node)) punched_in_vain(*climb);
  }
  std::vector<NodeId> idle;
  for (const Held& one : held_) {
    if (one.used + kIdle <= now) idle.push_back(one.node);
  }
  std::erase_if(held_, [now](const Held& one) { return one.used + kIdle <= now; });
  for (const NodeId& node : idle) {
    if (const Peer* peer = links_.find(node)) links_.drop_use(peer->link, Use::bulk);
  }
  for (Held& one : held_) {
    if (one.again && *one.again <= now) climb_again(one);
  }
}

}  // namespace np2p::swarm
