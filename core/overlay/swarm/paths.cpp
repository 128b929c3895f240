#include "core/overlay/swarm/paths.h"

#include <algorithm>

#include "core/base/heap_bytes.h"
#include "core/base/vectors.h"
#include "core/event/sha256.h"

namespace np2p::swarm {
namespace {

// What is lost, or there again, is told soon, together with what else has changed. Other changes only make paths longer
// than they could be: a network that grows is nearer to its roots from second to second, and telling each step at once
// was more than half of all messages.
constexpr Duration kTellLoss = 100ms;
constexpr Duration kTellFarther = 1s;  // or another root
constexpr Duration kTellNearer = 8s;   // by a quarter or more
constexpr Duration kTellDetail = 30s;
// A newcomer takes a root's place only if it is nearer to the point by so much: else each tree of a growing network
// would move with every newcomer that happens to be a little nearer.
constexpr std::uint32_t kMuchNearer = 8;
constexpr Duration kTried = 2s;       // a link that was only tried is gone after this
constexpr Duration kHold = 3s;        // for a withdrawal to reach all who came through us
constexpr std::uint8_t kWaits = 5;    // times kHold for a nearer neighbour to claim a tree: it may know nothing of this
constexpr PathDelay kHop = 10;        // what a hop costs besides its distance: 1 ms
constexpr Duration kUnit = 100us;     // of PathDelay
constexpr Duration kUnmeasured = 1s;  // a round trip not known yet

std::uint32_t first_bits(const Point& point) noexcept {
  return static_cast<std::uint32_t>(leading(point) >> 32);
}

// The leading 32 bits of the distance between an id and the point of a tree.
std::uint32_t rank_of(const Point& id, std::size_t tree) {
  const auto number = static_cast<std::uint8_t>(tree);
  const Sha256 point = sha256({bytes_of("np2p/tree/v1"), ByteView(&number, 1)});
  return first_bits(id) ^ first_bits(point);
}

// A change of parent costs messages: only for what shows.
constexpr bool clearly_shorter(PathDelay path, PathDelay than) noexcept {
  return path + 3 + than / 64 < than;
}

// And so does telling everybody.
constexpr bool differs(PathDelay path, PathDelay told) noexcept {
  return path > told ? path - told > 5 + told / 16 : told - path > 5 + told / 32;
}

}  // namespace

Paths::Paths(const SwarmParams& params, Host& host, Links& links) : params_(params), host_(host), links_(links) {}

std::uint32_t Paths::own_rank(std::size_t tree) const noexcept {
  return ranks_[tree];
}

// Over that link, if it stands.
std::optional<PathDelay> Paths::over(LinkId link, PathDelay delay) const noexcept {
  const Peer* peer = links_.find(link);
  if (peer == nullptr || delay == kFar) return std::nullopt;
  const Duration rtt = peer->rtt == Duration{} ? kUnmeasured : peer->rtt;
  const std::int64_t whole = delay + kHop + rtt / 2 / kUnit;
  if (whole >= kFar) return std::nullopt;
  return static_cast<PathDelay>(whole);
}

void Paths::begin() {
  if (!routes_.empty()) return;
  const std::size_t trees = std::min<std::size_t>(params_.trees, kSharedTree);
  routes_.resize(trees);
  for (std::size_t tree = 0; tree < trees; ++tree) ranks_.push_back(rank_of(host_.node_key.id().data, tree));
  settle_at_ = host_.clock.mono() + kHold;
}

std::vector<Paths::Neighbour>::iterator Paths::place_of(LinkId link) noexcept {
  return std::lower_bound(neighbours_.begin(), neighbours_.end(), link,
                          [](const Neighbour& one, LinkId sought) { return one.link < sought; });
}

void Paths::settle(MonoTime now) {
  for (std::size_t tree = 0; tree < routes_.size(); ++tree) {
    Route& route = routes_[tree];
    if (route.rank == kNoRank) {
      hold(route, now);
    } else if (own_rank(tree) < route.rank / kMuchNearer) {
      claim(tree);
    }
  }
}

void Paths::hold(Route& route, MonoTime until) {
  route.held = until;
  if (!held_from_ || until < *held_from_) held_from_ = until;
}

void Paths::link_up(LinkId link) {
  due_known_ = false;
  if (const auto known = place_of(link); known != neighbours_.end() && known->link == link) return;
  begin();
  make_room_for_one(neighbours_);
  neighbours_.insert(place_of(link), {link, false, std::vector<PathDelay>(routes_.size(), kFar)});
}

void Paths::open(Neighbour& neighbour) {
  neighbour.open = true;
  PathVector message;
  for (std::size_t tree = 0; tree < routes_.size(); ++tree) {
    const Route& route = routes_[tree];
    // What is about to be told goes to everybody.
    if (route.told != kFar) message.entries.push_back({static_cast<std::uint8_t>(tree), route.told_rank, route.told});
  }
  if (!message.entries.empty()) links_.send(neighbour.link, message, Priority::control, Traffic::control);
}

void Paths::link_down(LinkId link) {
  due_known_ = false;
  if (std::erase_if(neighbours_, [&](const Neighbour& one) { return one.link == link; }) == 0) return;
  for (std::size_t tree = 0; tree < routes_.size(); ++tree) {
    if (routes_[tree].parent == link) reselect(tree);
  }
}

void Paths::leave() {
  due_known_ = false;
  for (std::size_t tree = 0; tree < routes_.size(); ++tree) {
    if (routes_[tree].parent) changes_.push_back({static_cast<std::uint8_t>(tree), routes_[tree].parent, {}});
  }
  routes_.clear();
  ranks_.clear();
  neighbours_.clear();
  tell_at_.reset();
  settle_at_.reset();
  held_from_.reset();
}

void Paths::on(Peer& from, const PathVector& message) {
  due_known_ = false;
  const auto neighbour = place_of(from.link);
  if (neighbour == neighbours_.end() || neighbour->link != from.link) return;
  if (!neighbour->open) open(*neighbour);
  Trees asked = 0;
  for (const PathEntry& entry : message.entries) {
    if (entry.tree < routes_.size()) asked |= hear(*neighbour, entry);
  }
  if (asked != 0) tell(from.link, asked);  // in one message, however often it was asked
}

Trees Paths::hear(Neighbour& from, const PathEntry& entry) {
  const std::size_t tree = entry.tree;
  Route& route = routes_[tree];
  if (entry.rank > route.rank) {  // a root that will yield as soon as it hears of ours
    from.delays[tree] = kFar;
    if (route.parent == from.link) reselect(tree);
    // Who knows no root may have overheard us as long as it knew a better one, which is gone.
    return entry.rank == kNoRank && routes_[tree].told != kFar ? Trees{1} << tree : 0;
  }
  if (entry.rank < route.rank) {
    if (entry.delay == kFar) return 0;
    for (Neighbour& one : neighbours_) one.delays[tree] = kFar;
    from.delays[tree] = entry.delay;
    route.rank = entry.rank;
    route.feasible = kFar;
    route.held.reset();
    const auto delay = over(from.link, entry.delay);
    delay ? take(tree, from.link, *delay) : take_back(tree);
    return 0;
  }
  from.delays[tree] = entry.delay;
  const auto delay = entry.delay < route.feasible ? over(from.link, entry.delay) : std::nullopt;
  if (route.parent == from.link) {
    delay ? take(tree, from.link, *delay) : reselect(tree);
    return 0;
  }
  const bool root = route.delay == 0;
  if (delay && !root && (route.delay == kFar || clearly_shorter(*delay, route.delay))) take(tree, from.link, *delay);
  return 0;
}

void Paths::take(std::size_t tree, LinkId parent, PathDelay delay) {
  Route& route = routes_[tree];
  if (route.parent != parent) changes_.push_back({static_cast<std::uint8_t>(tree), route.parent, parent});
  route.parent = parent;
  route.delay = delay;
  route.held.reset();
  route.waited = 0;
  if (worth_telling(route)) tell_within(pause_for(route));
}

Duration Paths::pause_for(const Route& route) noexcept {
  if (route.told == kFar) return kTellLoss;
  if (route.told < route.delay || route.rank != route.told_rank) return kTellFarther;
  return (route.told - route.delay) * 4 >= route.told ? kTellNearer : kTellDetail;
}

void Paths::claim(std::size_t tree) {
  Route& route = routes_[tree];
  if (route.rank != own_rank(tree)) {
    for (Neighbour& one : neighbours_) one.delays[tree] = kFar;
  }
  route.rank = own_rank(tree);
  route.feasible = 0;
  take(tree, {}, 0);
}

// The nearest of those who are surely not behind us.
void Paths::reselect(std::size_t tree) {
  Route& route = routes_[tree];
  LinkId best;
  PathDelay least = kFar;
  for (const Neighbour& one : neighbours_) {
    if (one.delays[tree] >= route.feasible) continue;
    const auto delay = over(one.link, one.delays[tree]);
    if (!delay || *delay >= least) continue;
    best = one.link;
    least = *delay;
  }
  if (best) return take(tree, best, least);
  take_back(tree);
}

void Paths::take_back(std::size_t tree) {
  Route& route = routes_[tree];
  if (!route.held) hold(route, host_.clock.mono() + kHold);
  if (route.parent) changes_.push_back({static_cast<std::uint8_t>(tree), route.parent, {}});
  route.parent = {};
  route.delay = kFar;
  if (worth_telling(route)) tell_within(kTellLoss);
}

bool Paths::worth_telling(const Route& route) noexcept {
  if (route.delay != kFar && route.rank != route.told_rank) return true;
  if ((route.delay == kFar) != (route.told == kFar)) return true;
  if (route.delay == kFar) return false;
  return differs(route.delay, route.told);
}

void Paths::tell_within(Duration pause) {
  const MonoTime at = host_.clock.mono() + pause;
  if (!tell_at_ || at < *tell_at_) tell_at_ = at;
}

std::optional<MonoTime> Paths::next_due() const noexcept {
  if (!due_known_) due_ = find_due();
  due_known_ = true;
  return due_;
}

std::optional<MonoTime> Paths::find_due() const noexcept {
  std::optional<MonoTime> first = tell_at_;
  for (const Neighbour& one : neighbours_) {
    const Peer* peer = one.open ? nullptr : links_.find(one.link);
    if (peer != nullptr && (!first || peer->ready_at + kTried < *first)) first = peer->ready_at + kTried;
  }
  for (const auto& at : {held_from_, settle_at_}) {
    if (at && (!first || *at < *first)) first = at;
  }
  return first;
}

void Paths::tell(LinkId link, Trees trees) {
  PathVector message;
  for (std::size_t tree = 0; tree < routes_.size(); ++tree) {
    if ((trees >> tree & 1u) == 0) continue;
    message.entries.push_back({static_cast<std::uint8_t>(tree), routes_[tree].told_rank, routes_[tree].told});
  }
  links_.send(link, message, Priority::control, Traffic::control);
}

void Paths::due(MonoTime now) {
  due_known_ = false;
  PathVector questions;
  for (Neighbour& one : neighbours_) {
    const Peer* peer = one.open ? nullptr : links_.find(one.link);
    if (peer != nullptr && peer->ready_at + kTried <= now) open(one);
  }
  if (settle_at_ && *settle_at_ <= now) {
    settle_at_.reset();
    settle(now);
  }
  held_from_.reset();
  for (std::size_t tree = 0; tree < routes_.size(); ++tree) {
    Route& route = routes_[tree];
    if (!route.held) continue;
    if (*route.held > now) {
      hold(route, *route.held);
      continue;
    }
    route.held.reset();
    route.feasible = kFar;
    reselect(tree);  // anybody
    if (route.parent) continue;
    route.held.reset();
    // Nobody knows a root any more. The nearest that is left takes its place; who has a nearer neighbour waits for it.
    const bool nearest = std::none_of(links_.ready().begin(), links_.ready().end(), [&](const Peer& peer) {
      const std::uint32_t rank = own_rank(tree) ^ first_bits(host_.node_key.id().data) ^ first_bits(peer.id.data);
      return peer.reachable() && links_.stands(peer) && rank < own_rank(tree);
    });
    if (nearest || ++route.waited > kWaits) {
      claim(tree);
    } else {
      route.rank = kNoRank;
      hold(route, now + kHold);
      questions.entries.push_back({static_cast<std::uint8_t>(tree), kNoRank, kFar});
    }
  }
  say(questions);
  if (!tell_at_ || *tell_at_ > now) return;
  tell_at_.reset();
  PathVector message;
  for (std::size_t tree = 0; tree < routes_.size(); ++tree) {
    Route& route = routes_[tree];
    if (!worth_telling(route)) continue;
    route.told = route.delay;
    if (route.rank != kNoRank) route.told_rank = route.rank;
    route.feasible = std::min(route.feasible, route.delay);
    message.entries.push_back({static_cast<std::uint8_t>(tree), route.told_rank, route.told});
  }
  say(message);
}

void Paths::say(const PathVector& message) {
  if (message.entries.empty()) return;
  const Frame whole = encode(message);
  for (const Neighbour& one : neighbours_) {
    if (one.open) links_.send(one.link, whole, Priority::control, Traffic::control);
  }
}

std::uint8_t Paths::nearest() const noexcept {
  std::uint8_t best = kSharedTree;
  PathDelay least = kFar;
  for (std::size_t tree = 0; tree < routes_.size(); ++tree) {
    if (routes_[tree].delay >= least) continue;
    least = routes_[tree].delay;
    best = static_cast<std::uint8_t>(tree);
  }
  return best;
}

LinkId Paths::parent(std::uint8_t tree) const noexcept {
  return tree < routes_.size() ? routes_[tree].parent : LinkId{};
}

std::size_t Paths::routes() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(routes_.begin(), routes_.end(), [](const Route& route) { return route.delay != kFar; }));
}

std::uint32_t Paths::root(std::uint8_t tree) const noexcept {
  return delay(tree) == kFar ? kNoRank : routes_[tree].rank;
}

PathDelay Paths::delay(std::uint8_t tree) const noexcept {
  return tree < routes_.size() ? routes_[tree].delay : kFar;
}

std::optional<Paths::Change> Paths::next() {
  if (taken_ == changes_.size()) {
    clear_out(changes_);
    taken_ = 0;
    return std::nullopt;
  }
  return changes_[taken_++];
}

std::size_t Paths::bytes() const noexcept {
  return heap_bytes(routes_) + heap_bytes(ranks_) + heap_bytes(changes_) +
         heap_bytes(neighbours_, [](const Neighbour& one) { return heap_bytes(one.delays); });
}

}  // namespace np2p::swarm
