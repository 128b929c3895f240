#include "core/overlay/swarm/fingers.h"

#include <algorithm>

namespace np2p::swarm {
namespace {

constexpr std::size_t kLeaves = 8;
constexpr std::size_t kDialling = 12;  // fingers dialled at a time
constexpr std::size_t kAnswer = 40;    // references in an answer
constexpr Duration kCrowded = 10min;   // who had no room for us is not asked again for this long
constexpr std::size_t kCrowdedMost = 64;
constexpr Duration kFirstPause = 1s;  // between questions; doubles to
constexpr Duration kLongestPause = 10min;

}  // namespace

Fingers::Fingers(const Config& config, Host& host, Links& links)
    : host_(host), links_(links), rng_(config.seed, "swarm/fingers") {}

void Fingers::became_reachable() {
  ask_pause_ = kFirstPause;
  ask_at_ = host_.clock.mono() + rng_.between(kFirstPause, 2 * kFirstPause);
  for (const Peer& peer : std::vector<Peer>(links_.ready())) {
    if (peer.reachable()) heard(peer.ref());
  }
}

void Fingers::became_unreachable() {
  std::vector<LinkId> links;
  for (const Peer& peer : links_.ready()) {
    if (peer.has(Use::finger)) links.push_back(peer.link);
  }
  for (const LinkId link : links) links_.drop_use(link, Use::finger);
  dialling_.clear();
  ask_at_.reset();
  recount();
}

bool Fingers::fits(const Point& id) const {
  const Point& own = host_.node_key.id().data;
  const std::size_t row = common_digits(own, id);
  if (row < kRows && (covered_[row] >> digit(id, row) & 1u) == 0) return true;
  return leaves_.size() < kLeaves || nearer(id, leaves_.back(), own);
}

void Fingers::heard(const PeerRef& ref) {
  if (!takes_part() || dialling_.size() >= kDialling || ref.id == host_.node_key.id()) return;
  if (!fits(ref.id.data) || std::find(dialling_.begin(), dialling_.end(), ref.id) != dialling_.end()) return;
  if (const Peer* peer = links_.find(ref.id)) {
    if (peer->has(Use::finger)) return;
    links_.add_use(peer->link, Use::finger);
    return recount();
  }
  if (had_no_room(ref.id)) return;
  if (!links_.connect(ref, Use::finger)) return;
  dialling_.push_back(ref.id);
  const std::size_t row = common_digits(host_.node_key.id().data, ref.id.data);
  if (row < kRows) covered_[row] = static_cast<std::uint16_t>(covered_[row] | 1u << digit(ref.id.data, row));
}

bool Fingers::had_no_room(const NodeId& id) {
  const MonoTime now = host_.clock.mono();
  std::erase_if(crowded_, [&](const Crowded& one) { return one.since + kCrowded <= now; });
  return std::any_of(crowded_.begin(), crowded_.end(), [&](const Crowded& one) { return one.id == id; });
}

void Fingers::changed(const LinkChange& change) {
  if (!takes_part()) return;
  const bool used = (change.uses >> static_cast<unsigned>(Use::finger) & 1u) != 0;
  if (used && change.kind != LinkChange::Kind::ready && change.reason == CloseReason::crowded) {
    if (crowded_.size() >= kCrowdedMost) crowded_.erase(crowded_.begin());
    crowded_.push_back({change.id, host_.clock.mono()});
  }
  if (used) std::erase(dialling_, change.id);
  if (change.kind == LinkChange::Kind::ready) {
    Peer* peer = links_.find(change.link);
    if (peer == nullptr || !peer->reachable() || peer->path == Path::tunnel) return;
    if (!used && fits(peer->id.data)) links_.add_use(peer->link, Use::finger);  // it is there anyway
    if (peer->has(Use::finger)) {
      recount();
      trim();
    }
  } else if (used) {
    recount();
    ask_soon();
  }
}

// Somebody who shares much with what was lost will know another one.
void Fingers::ask_soon() {
  if (!ask_at_ || *ask_at_ > host_.clock.mono() + 2 * kFirstPause) ask_pause_ = kFirstPause;
  ask_at_ = host_.clock.mono() + rng_.between(kFirstPause, 2 * kFirstPause);
}

// Who cannot be dialled any more is no finger: its place is free for another one.
void Fingers::peer_updated(const Peer& peer) {
  if (peer.reachable() || !peer.has(Use::finger)) return;
  links_.drop_use(peer.link, Use::finger);
  recount();
  if (takes_part()) ask_soon();
}

void Fingers::recount() {
  const Point& own = host_.node_key.id().data;
  covered_.fill(0);
  leaves_.clear();
  const auto cover = [&](const Point& id) {
    const std::size_t row = common_digits(own, id);
    if (row < kRows) covered_[row] = static_cast<std::uint16_t>(covered_[row] | 1u << digit(id, row));
  };
  for (const NodeId& id : dialling_) cover(id.data);
  for (const Peer& peer : links_.ready()) {
    if (!peer.has(Use::finger)) continue;
    cover(peer.id.data);
    const auto at = std::lower_bound(leaves_.begin(), leaves_.end(), peer.id.data,
                                     [&](const Point& a, const Point& b) { return nearer(a, b, own); });
    leaves_.insert(at, peer.id.data);
    if (leaves_.size() > kLeaves) leaves_.pop_back();
  }
}

// Lets go of fingers that are neither among the nearest nor alone in their place.
void Fingers::trim() {
  const Point& own = host_.node_key.id().data;
  std::array<std::uint16_t, kRows> seen{};
  std::vector<LinkId> spare;
  for (const Peer& peer : links_.ready()) {  // oldest link first: it stays
    if (!peer.has(Use::finger)) continue;
    const std::size_t row = common_digits(own, peer.id.data);
    const auto bit = static_cast<std::uint16_t>(row < kRows ? 1u << digit(peer.id.data, row) : 0u);
    const bool leaf = std::find(leaves_.begin(), leaves_.end(), peer.id.data) != leaves_.end();
    if (!leaf && (row >= kRows || (seen[row] & bit) != 0)) spare.push_back(peer.link);
    if (row < kRows) seen[row] = static_cast<std::uint16_t>(seen[row] | bit);
  }
  for (const LinkId link : spare) links_.drop_use(link, Use::finger);
}

std::size_t Fingers::size() const noexcept {
  std::size_t count = 0;
  for (const Peer& peer : links_.ready()) count += peer.has(Use::finger) ? 1u : 0u;
  return count;
}

LinkId Fingers::toward(const Point& target, const NodeId& avoid) const noexcept {
  const Point* best = takes_part() ? &host_.node_key.id().data : nullptr;
  LinkId link;
  LinkId avoided;
  for (const Peer& peer : links_.ready()) {
    if (!peer.reachable() || peer.path == Path::tunnel || (best != nullptr && !nearer(peer.id.data, *best, target)))
      continue;
    if (peer.id == avoid) {
      avoided = peer.link;
      continue;
    }
    best = &peer.id.data;
    link = peer.link;
  }
  return link ? link : avoided;
}

std::vector<LinkId> Fingers::nearest(const Point& target, std::size_t count) const {
  struct Candidate {
    std::uint64_t distance = 0;  // its leading bits
    const Peer* peer = nullptr;
  };
  std::vector<Candidate> peers;
  peers.reserve(links_.ready().size());
  const std::uint64_t from = leading(target);
  for (const Peer& peer : links_.ready()) {
    if (peer.reachable()) peers.push_back({leading(peer.id.data) ^ from, &peer});
  }
  const std::size_t kept = std::min(count, peers.size());
  std::partial_sort(peers.begin(), peers.begin() + static_cast<std::ptrdiff_t>(kept), peers.end(),
                    [&](const Candidate& a, const Candidate& b) {
                      if (a.distance != b.distance) return a.distance < b.distance;
                      return nearer(a.peer->id.data, b.peer->id.data, target);
                    });
  std::vector<LinkId> links;
  links.reserve(kept);
  for (std::size_t i = 0; i < kept; ++i) links.push_back(peers[i].peer->link);
  return links;
}

bool Fingers::has_leaves() const noexcept {
  return leaves_.size() >= kLeaves;
}

std::size_t Fingers::shared_bits() const noexcept {
  return leaves_.size() < kLeaves ? 0 : common_bits(leaves_.back(), host_.node_key.id().data);
}

bool Fingers::is_near(const Point& node, const Point& target, std::size_t slack) const noexcept {
  return leaves_.size() < kLeaves || common_bits(node, target) + slack >= shared_bits();
}

void Fingers::on(Peer& from, const FindNode& message) {
  FoundNodes answer;
  answer.query = message.query;
  for (const LinkId link : nearest(message.target.data, kAnswer)) {
    const Peer* peer = links_.find(link);
    if (link != from.link) answer.nodes.push_back(peer->ref());
  }
  links_.send(from.link, answer, Priority::control, Traffic::control);
}

void Fingers::on(Peer&, const FoundNodes& message) {
  for (const PeerRef& ref : message.nodes) heard(ref);
}

// One of the nearest, now and then: who shares our first digits knows whom we need.
void Fingers::due(MonoTime now) {
  if (!ask_at_ || *ask_at_ > now) return;
  const NodeId& own = host_.node_key.id();
  const std::vector<LinkId> near = nearest(own.data, kLeaves);
  if (!near.empty()) {
    const LinkId link = near[static_cast<std::size_t>(rng_.below(near.size()))];
    links_.send(link, FindNode{rng_.next(), own}, Priority::control, Traffic::control);
  }
  ask_at_ = now + rng_.between(ask_pause_, ask_pause_ * 3 / 2);
  ask_pause_ = std::min(ask_pause_ * 3 / 2, kLongestPause);
}

}  // namespace np2p::swarm
