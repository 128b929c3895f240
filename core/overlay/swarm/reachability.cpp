#include "core/overlay/swarm/reachability.h"

#include <algorithm>

namespace np2p::swarm {
namespace {

constexpr std::size_t kAsked = 3;    // peers, in different places if possible
constexpr Duration kAnswers = 12s;   // three SYNs in 7 s, the way there and back, and TLS
constexpr Duration kAgain = 90min;   // jittered by a quarter
constexpr Duration kRetry = 2min;    // after a probe that nobody helped with
constexpr Duration kMoved = 3s;      // after the news of another address
constexpr Duration kProofs = 20min;  // nobody came in for so long: ask
constexpr Duration kDoubts = 2min;   // between doubts about an address that proved right
constexpr std::size_t kDissent = 8;  // peers that see us elsewhere, remembered

Address without_port(Address address) noexcept {
  address.port = 0;
  return address;
}

}  // namespace

Reachability::Reachability(const Config& config, Host& host, Links& links, MappingProbes& probes)
    : config_(config), host_(host), links_(links), probes_(probes), rng_(config.seed, "swarm/reachability") {}

void Reachability::start() {
  const bool first = config_.bootstrap.empty() && config_.listen.port != 0 && !config_.listen.is_unspecified();
  fixed_ = first || !config_.external.is_unspecified();
  if (!config_.external.is_unspecified()) return links_.set_listens(config_.external);
  if (first) links_.set_listens(config_.listen);
}

NatClass Reachability::nat() const noexcept {
  return reachable() ? NatClass{Mapping::none, Filtering::independent} : nat_;
}

void Reachability::set_listens(const Address& address) {
  if (address.is_unspecified() != links_.listens().is_unspecified()) news_ = true;
  links_.set_listens(address);
}

std::vector<PeerRef> Reachability::helpers(std::size_t count) {
  std::vector<PeerRef> all;
  for (const Peer& peer : links_.ready()) {
    if (peer.reachable() && peer.path != Path::tunnel && links_.may_dial(peer.listens)) all.push_back(peer.ref());
  }
  rng_.shuffle(all);
  std::vector<PeerRef> chosen;
  for (const bool elsewhere : {true, false}) {
    for (const PeerRef& ref : all) {
      if (chosen.size() >= count) break;
      const bool there = std::any_of(chosen.begin(), chosen.end(), [&](const PeerRef& one) {
        return one.id == ref.id || (elsewhere && without_port(one.address) == without_port(ref.address));
      });
      if (!there) chosen.push_back(ref);
    }
  }
  return chosen;
}

// --- can we be dialled?

void Reachability::changed(const LinkChange& change) {
  if (change.kind != LinkChange::Kind::ready || is_fixed()) return;
  const Peer* peer = links_.find(change.link);
  if (peer == nullptr || !can_be_asked(*peer)) return;
  if (stage_ != Stage::idle && stage_ != Stage::asked) return;
  if (stage_ == Stage::idle && (reachable() || due_)) return;  // has been asked, or is about to be
  ask();
}

// Whether it works is for the peers to say: they are asked anew.
void Reachability::port_mapped(const Address& outside) {
  if (is_fixed() || outside.port == mapped_) return;
  mapped_ = outside.port;
  if (probe_ != 0) probes_.release(std::exchange(probe_, 0));
  stage_ = Stage::idle;
  due_.reset();
  ask();
}

// Whom we dialled; the first of a network, which listens anywhere, asks those who dialled it somewhere.
bool Reachability::can_be_asked(const Peer& peer) const noexcept {
  return peer.path != Path::tunnel && (peer.outbound || config_.bootstrap.empty());
}

void Reachability::ask() {
  if (stage_ != Stage::asked) {
    asked_.clear();
    proven_.clear();
    known_ = links_.listens();
    stage_ = Stage::asked;
    due_ = host_.clock.mono() + kAnswers;
  }
  if (config_.listen.port == 0) return;
  std::vector<NodeId> candidates;
  for (const PeerRef& helper : helpers(kAsked)) candidates.push_back(helper.id);
  for (const Peer& peer : links_.ready()) candidates.push_back(peer.id);
  for (const NodeId& id : candidates) {
    if (asked_.size() >= kAsked) return;
    const Peer* peer = links_.find(id);
    if (!can_be_asked(*peer)) continue;
    if (std::find(asked_.begin(), asked_.end(), id) != asked_.end()) continue;
    asked_.push_back(id);
    links_.send(peer->link, DialBack{outer_port()}, Priority::control, Traffic::control);
  }
}

bool Reachability::came_in(const LinkInfo& info) {
  if (info.outbound || !info.proven || info.path != Path::direct) return false;
  proof_at_ = host_.clock.mono();
  if (stage_ == Stage::filtering) {
    if (info.peer != same_ && info.peer != third_) return false;
    nat_.filtering =
        info.peer == third_ || nat_.filtering == Filtering::independent ? Filtering::independent : Filtering::address;
    return true;
  }
  if (stage_ != Stage::asked || std::find(asked_.begin(), asked_.end(), info.peer) == asked_.end()) return false;
  Address own = seen_by(info.peer, info.remote.is_v4());
  if (own.is_unspecified()) return false;
  own.port = outer_port();
  // One link of each is the answer; what else it opens is for its own ends, and stays.
  std::replace(asked_.begin(), asked_.end(), info.peer, NodeId{});
  proven_.push_back(own);
  const bool all = proven_.size() == asked_.size();
  if (all || !reachable() || without_port(own) == without_port(links_.listens())) choose();
  return true;
}

// It dialled where it sees us; what the others see matters only if it did not say.
Address Reachability::seen_by(const NodeId& peer, bool v4) const noexcept {
  for (const Dissent& one : dissent_) {
    if (one.id == peer && one.here.is_v4() == v4) return one.here;
  }
  return places_[v4 ? 1 : 0];
}

// What was known before stays as long as anybody comes in there: then neither several liars change it, nor the lot
// which of two families is asked.
void Reachability::choose() {
  const Address& listens = links_.listens();
  const auto votes = [&](const Address& one) { return std::count(proven_.begin(), proven_.end(), one); };
  if (listens == known_ && votes(known_) > 0) return;
  Address best = listens;
  for (const Address& one : proven_) {
    if (votes(one) > votes(best)) best = one;
  }
  if (best == listens) return;
  set_listens(best);
  move_to(without_port(best));
  host_.observer.noted("others can dial this server at " + best.text());
}

void Reachability::decide(MonoTime now) {
  stage_ = Stage::idle;
  if (asked_.empty() && config_.listen.port != 0) {
    due_ = now + rng_.between(kRetry / 2, kRetry);
    return;
  }
  due_ = now + rng_.between(kAgain * 3 / 4, kAgain * 5 / 4);
  has_asked_ = true;
  const bool doubted = std::exchange(doubted_, false);
  if (!proven_.empty()) {
    doubt_after_ = now + kDoubts;
    return choose();
  }
  if (reachable()) {
    set_listens({});
    host_.observer.noted("others cannot dial this server any more");
  }
  if (doubted) move_to(elsewhere_);
  find_out(now);
}

// --- what does our NAT do?

void Reachability::find_out(MonoTime now) {
  const std::vector<PeerRef> three = helpers(3);
  const std::vector<PeerRef> two(three.begin(),
                                 three.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(2, three.size())));
  same_ = two.empty() ? NodeId{} : two.front().id;
  third_ = three.size() > 2 ? three.back().id : NodeId{};
  probe_ = probes_.start(two);
  if (probe_ == 0) {
    due_ = now + rng_.between(kRetry / 2, kRetry);
    return;
  }
  stage_ = Stage::mapping;
  due_.reset();
}

bool Reachability::probed(const MappingProbes::Result& result) {
  if (probe_ == 0 || result.probe != probe_) return false;
  const MonoTime now = host_.clock.mono();
  nat_ = {};
  if (result.seen.size() >= 2) {
    nat_.mapping = result.seen[0] == result.seen[1] ? Mapping::independent : Mapping::dependent;
  }
  if (result.seen.empty()) {
    probes_.release(std::exchange(probe_, 0));
    stage_ = Stage::idle;
    due_ = now + rng_.between(kRetry / 2, kRetry);
    return true;
  }
  // Where the mapping depends on whom we dial, that towards the one who dials back is not known for sure: the filter
  // matters little there.
  const Address& seen = result.seen.front();
  for (const NodeId& id : {same_, third_}) {
    const Peer* peer = id == NodeId{} ? nullptr : links_.find(id);
    if (peer != nullptr) links_.send(peer->link, DialBack{seen.port}, Priority::control, Traffic::control);
  }
  stage_ = Stage::filtering;
  due_ = now + kAnswers;
  return true;
}

// --- time and places

// One peer may be wrong, or lie: two that we dialled must say the same, and nobody the contrary in between. Each family
// of addresses has a place of its own: peers that use the other one do not contradict. Where we can be dialled, even
// two change nothing but that others are asked to dial.
void Reachability::seen_at(const Peer& by, const Address& observed) {
  const Address here = without_port(observed);
  if (!can_be_asked(by) || here.is_unspecified()) return;
  const Address& place = places_[here.is_v4() ? 1 : 0];
  if (!place.is_unspecified() && here.is_private() && !place.is_private()) return;
  std::erase_if(dissent_, [&](const Dissent& one) { return one.id == by.id && one.here.is_v4() == here.is_v4(); });
  if (place.is_unspecified()) return move_to(here);
  if (here == place) {
    for (Dissent& one : dissent_) one.counts = one.counts && one.here.is_v4() != here.is_v4();
    return;
  }
  if (dissent_.size() >= kDissent) dissent_.erase(dissent_.begin());
  dissent_.push_back({by.id, here});
  const auto same = std::count_if(dissent_.begin(), dissent_.end(),
                                  [&](const Dissent& one) { return one.counts && one.here == here; });
  if (same < 2) return;
  if (reachable() && !is_fixed()) return doubt(here);
  move_to(here);
  if (is_fixed()) return;
  if (probe_ != 0) probes_.release(std::exchange(probe_, 0));
  stage_ = Stage::idle;
  nat_ = {};
  has_asked_ = false;
  due_ = host_.clock.mono() + rng_.between(kMoved / 2, kMoved);
}

void Reachability::move_to(const Address& here) {
  places_[here.is_v4() ? 1 : 0] = here;
  std::erase_if(dissent_, [&](const Dissent& one) { return one.here == here; });
}

void Reachability::doubt(const Address& here) {
  const MonoTime now = host_.clock.mono();
  if (stage_ != Stage::idle || doubt_after_ > now) return;
  elsewhere_ = here;
  if (doubted_) return;
  doubted_ = true;
  due_ = now + rng_.between(kMoved / 2, kMoved);
}

void Reachability::due(MonoTime now) {
  if (!due_ || *due_ > now) return;
  due_.reset();
  switch (stage_) {
    case Stage::asked:
      return decide(now);
    case Stage::filtering:
      if (nat_.filtering == Filtering::unknown && same_ != NodeId{}) nat_.filtering = Filtering::port;
      probes_.release(std::exchange(probe_, 0));
      stage_ = Stage::idle;
      due_ = now + rng_.between(kAgain * 3 / 4, kAgain * 5 / 4);
      host_.observer.noted("this server is behind a NAT: " + std::string(word()));
      return;
    case Stage::mapping:
      return;
    case Stage::idle:
      if (reachable() && !doubted_ && proof_at_ + kProofs > now) {
        due_ = now + rng_.between(kAgain * 3 / 4, kAgain * 5 / 4);
        return;
      }
      ask();
  }
}

// Only to the address that the asking node is seen at, on a budget: nobody else can be made a target.
void Reachability::on(Peer& from, const DialBack& message) {
  if (from.path == Path::tunnel) return;
  Address to = from.remote;
  to.port = message.port;
  if (!links_.may_dial(to) || !budget_.take(host_.clock.mono())) return;
  links_.dial(to, Use::probe);
}

}  // namespace np2p::swarm
