#include "core/overlay/swarm/plumtree.h"

#include <algorithm>
#include <utility>

#include "core/base/vectors.h"
#include "core/event/sha256.h"
#include "core/overlay/swarm/coordinates.h"

namespace np2p::swarm {
namespace {

constexpr Duration kFlush = 500ms;      // an announcement waits for company at most this long
constexpr Duration kClearly = 1ms;      // by so much a leaf's new neighbour must be nearer to become its parent
constexpr std::size_t kBatch = 32;      // and goes at once with this many
constexpr Duration kPatience = 500ms;   // for the eager copy, once announced, besides the round trip
constexpr Duration kAnswer = 1s;        // for a payload that was asked for, likewise
constexpr std::size_t kPlaces = 4;      // announcers remembered of one payload
constexpr std::ptrdiff_t kUnasked = 4;  // payloads that are missing on the word of one who was not asked to announce
constexpr Duration kKeepPayload = 60s;
constexpr Duration kKeepId = 10min;
constexpr Duration kSettling = 10s;  // the first neighbour may go again before it gave what it announced
constexpr std::size_t kCatchUpIds = 256;
constexpr std::size_t kArrived = 16;  // deliveries not judged yet; they are judged one by one

PayloadId id_of(std::uint8_t channel, const Frame& payload) {
  const Sha256 hash = sha256({ByteView(&channel, 1), payload.view()});
  PayloadId id;
  std::copy_n(hash.begin(), PayloadId::size, id.data.begin());
  return id;
}

constexpr Trees kShared = Trees{1} << kSharedTree;

constexpr Trees mask_of(std::uint8_t tree) noexcept {
  return Trees{1} << (tree & 63u);
}

}  // namespace

Plumtree::Plumtree(const Config& config, Host& host, Links& links, const Paths& paths)
    : config_(config),
      host_(host),
      links_(links),
      paths_(paths),
      rng_(config.seed, "swarm/plumtree"),
      recent_(config.limits.recent_payloads, config.limits.recent_payload_bytes) {}

Plumtree::Neighbour* Plumtree::find(LinkId link) noexcept {
  for (Neighbour& one : neighbours_) {
    if (one.link == link) return &one;
  }
  return nullptr;
}

bool Plumtree::is_neighbour(LinkId link) const noexcept {
  return std::any_of(neighbours_.begin(), neighbours_.end(), [&](const Neighbour& one) { return one.link == link; });
}

std::size_t Plumtree::eager_links(std::uint8_t tree) const noexcept {
  std::size_t count = 0;
  for (const Neighbour& one : neighbours_) count += (one.eager & mask_of(tree)) != 0 ? 1u : 0u;
  return count;
}

// --- neighbours

void Plumtree::neighbour_up(LinkId link) {
  if (find(link) == nullptr) {
    Neighbour fresh;
    fresh.link = link;
    if (config_.swarm.eager_links) fresh.eager = kShared;
    make_room_for_one(neighbours_);
    neighbours_.push_back(fresh);
    if (neighbours_.size() == 1) {
      catch_up(link);
      catching_up_ = std::max(catching_up_, host_.clock.mono() + kSettling);
    }
    // Everybody has the same chance, whether he came early or late: else all listen to the first ones.
    const Peer* peer = links_.find(link);
    const bool chosen = rng_.below(neighbours_.size()) < watched_at_most();
    if (chosen && peer != nullptr && peer->reachable()) watch_instead(neighbours_.back());
  }
  if (is_leaf()) hang_below(link);
  graft_somebody();
  watch_somebody(kCatchUp);
}

void Plumtree::neighbour_down(LinkId link) {
  const Neighbour* gone = find(link);
  if (gone == nullptr) return;
  const bool was_parent = gone->eager != 0;
  std::erase_if(neighbours_, [&](const Neighbour& one) { return one.link == link; });
  std::erase_if(announcing_, [&](const Announcing& one) { return one.link == link; });
  std::erase_if(rerouted_, [&](const Rerouted& one) { return one.link == link; });
  if (neighbours_.empty()) alone_since_ = host_.clock.mono();
  forget_announcer(link);
  graft_somebody();
  watch_somebody(kCatchUp);
  if (is_leaf() && was_parent) repeat_own();
}

// What it had announced others have announced as well, or they do when asked for the last minute: who took its place
// among the announcers may have been asked for less.
void Plumtree::forget_announcer(LinkId link) {
  const MonoTime now = host_.clock.mono();
  bool lost = false;
  for (Missing& one : missing_) {
    const bool here = std::erase(one.places, link) != 0;
    const bool asked = one.asked == link;
    if (asked) one.at = now;
    lost = lost || ((here || asked) && one.places.empty());
  }
  if (!lost) return;
  catching_up_ = std::max(catching_up_, now + kCatchUp);
  for (const Neighbour& one : neighbours_) {
    if (one.watched) links_.send(one.link, Watch{true, kCatchUp / 1s}, Priority::control, Traffic::control);
  }
}

// Paths name our parents from now on; those whose leaf we were need not push to us, unless in the shared tree.
void Plumtree::became_reachable() {
  for (Neighbour& one : neighbours_) {
    if ((one.eager & ~kShared) == 0) continue;
    one.eager &= kShared;
    links_.send(one.link, Prune{~kShared}, Priority::control, Traffic::control);
  }
}

void Plumtree::rerouted(const Paths::Change& change) {
  const Trees tree = mask_of(change.tree);
  if (Neighbour* before = find(change.before)) {
    before->eager &= ~tree;
    Rerouted& told = rerouted(before->link);
    told.prune |= tree;
    told.graft &= ~tree;
  }
  if (Neighbour* after = find(change.after)) {
    after->eager |= tree;
    Rerouted& told = rerouted(after->link);
    told.graft |= tree;
    told.prune &= ~tree;
  }
}

Plumtree::Rerouted& Plumtree::rerouted(LinkId link) {
  for (Rerouted& one : rerouted_) {
    if (one.link == link) return one;
  }
  return rerouted_.emplace_back(Rerouted{link, 0, 0});
}

void Plumtree::flush_routes() {
  for (const Rerouted& one : rerouted_) {
    if (one.prune != 0) links_.send(one.link, Prune{one.prune}, Priority::control, Traffic::control);
    if (one.graft != 0) links_.send(one.link, Graft{one.graft, {}}, Priority::control, Traffic::control);
  }
  clear_out(rerouted_);
}

Trees Plumtree::own_trees() const noexcept {
  return is_leaf() ? ~Trees{0} : kShared;
}

// A leaf has one parent in all trees: the nearest neighbour.
void Plumtree::hang_below(LinkId link) {
  const Peer* peer = links_.find(link);
  Neighbour* chosen = find(link);
  if (peer == nullptr || !peer->reachable() || peer->rtt == Duration{} || chosen->silent) return;
  for (Neighbour& one : neighbours_) {
    const Peer* parent = links_.find(one.link);
    if (one.eager == 0 || one.link == link || parent == nullptr || peer->rtt + kClearly >= parent->rtt) continue;
    chosen->eager |= one.eager;
    chosen->told = true;
    links_.send(link, Graft{one.eager, {}}, Priority::control, Traffic::control);
    links_.send(one.link, Prune{one.eager}, Priority::control, Traffic::control);
    one.eager = 0;
  }
}

// What we said last may have died with the parent, and nobody else had it from us. Who has it already drops it.
void Plumtree::repeat_own() {
  for (const Neighbour& one : neighbours_) {
    if (one.eager == 0) continue;
    recent_.each([&](const RecentPayloads::Entry& entry) {
      if (entry.is_own() && !entry.whole.empty()) links_.send(one.link, entry.whole, Priority::post, Traffic::payload);
      return host_.clock.mono() - entry.at() < kKeepPayload;
    });
    return;
  }
}

// The first neighbour hears what we had to say while there was none.
void Plumtree::catch_up(LinkId link) {
  recent_.each([&](const RecentPayloads::Entry& entry) {
    if (entry.at() < alone_since_) return false;
    if (entry.is_own() && !entry.whole.empty()) links_.send(link, entry.whole, Priority::post, Traffic::payload);
    return true;
  });
}

void Plumtree::graft_somebody() {
  Trees without = own_trees();
  for (const Neighbour& one : neighbours_) without &= ~one.eager;
  if (without == 0) return;
  // The nearest; one that can be dialled and whose link stands, if there is such a one.
  Neighbour* chosen = nullptr;
  Duration least = Duration::max();
  for (Neighbour& one : neighbours_) {
    const Peer* peer = links_.find(one.link);
    if (peer == nullptr) continue;
    Duration rtt = peer->rtt != Duration{} ? peer->rtt : predicted_rtt(links_.coordinates(), peer->at);
    if (!links_.stands(*peer)) rtt += 1h;
    if (one.silent) rtt += 2h;
    if (rtt >= least) continue;
    chosen = &one;
    least = rtt;
  }
  if (chosen == nullptr) return;
  chosen->eager |= without;
  chosen->told = true;  // it has had no time yet to show that it pushes
  links_.send(chosen->link, Graft{without, {}}, Priority::control, Traffic::control);
}

// --- payloads

// A leaf knows no paths: its parent chooses. Who has just come may know a tree in which nobody is eager yet.
std::uint8_t Plumtree::best_tree() const noexcept {
  const std::uint8_t tree = paths_.nearest();
  return eager_links(tree) > 0 ? tree : kSharedTree;
}

void Plumtree::broadcast(Channel channel, const Frame& payload) {
  Gossip message;
  message.tree = best_tree();
  message.channel = static_cast<std::uint8_t>(channel);
  message.source = config_.owner;
  message.payload = payload;
  const PayloadId id = id_of(message.channel, payload);
  if (recent_.find(id) != nullptr) return;
  push(encode(message), message.tree, id, {});
  if (config_.swarm.trees > 0) await_echo(RecentPayloads::head(id));
}

void Plumtree::forward(const Delivery& delivery, const Frame& payload) {
  const auto channel = static_cast<std::uint8_t>(delivery.channel);
  const auto found =
      std::find_if(arrived_.begin(), arrived_.end(), [&](const Arrived& one) { return one.from == delivery.link; });
  if (found == arrived_.end()) return;
  const Arrived arrived = std::move(*found);
  arrived_.erase(found);
  // What was good of it may be less than what came; under its own id then.
  const bool as_it_came = payload == delivery.payload;
  const PayloadId id = as_it_came ? arrived.id : id_of(channel, payload);
  if (recent_.find(id) != nullptr) return;
  Gossip message;
  message.tree = arrived.tree;
  const Peer* from = links_.find(arrived.from);
  if (message.tree == kSharedTree && from != nullptr && !from->reachable()) message.tree = best_tree();
  message.channel = channel;
  message.source = delivery.source;
  message.payload = payload;
  const bool same = as_it_came && message.tree == arrived.tree;
  push(same ? arrived.whole : encode(message), message.tree, id, arrived.from);
}

void Plumtree::push(const Frame& whole, std::uint8_t along, const PayloadId& id, LinkId from) {
  const MonoTime now = host_.clock.mono();
  const std::uint64_t head = RecentPayloads::head(id);
  recent_.add({id, now, whole, from, along});
  if (!forget_at_) forget_at_ = now + kKeepPayload;
  std::erase_if(missing_, [&](const Missing& one) { return one.head == head; });
  if (is_leaf() && from) return;
  const Trees tree = mask_of(along);
  struct Copy {
    bool leaf;
    Duration rtt;
    LinkId to;
    bool watches;
  };
  std::vector<Copy> copies;
  for (const Neighbour& one : neighbours_) {
    if (one.link == from || ((one.eager & tree) == 0 && !one.watches)) continue;
    const Peer* peer = links_.find(one.link);
    if (peer == nullptr) continue;
    if ((one.eager & tree) != 0) {
      copies.push_back({!peer->reachable(), peer->rtt, one.link, one.watches});
    } else {
      announce(one.link, head, along);
    }
  }
  // Each copy waits for those before it on our line: those first who hand it on, the nearest of them first, to whom
  // the wait is most of the way.
  std::stable_sort(copies.begin(), copies.end(),
                   [](const Copy& a, const Copy& b) { return a.leaf != b.leaf ? b.leaf : a.rtt < b.rtt; });
  for (const Copy& copy : copies) {
    links_.send(copy.to, whole, Priority::post, Traffic::payload);
    if (copy.watches) flush(copy.to);
  }
}

void Plumtree::on(Peer& from, const Gossip& message, const Frame& whole) {
  Neighbour* neighbour = find(from.link);
  if (neighbour == nullptr || message.tree > kSharedTree) {
    host_.observer.rejected("gossip", error(ErrorCode::forbidden, "not from a neighbour, or no such tree"), from.link);
    return;
  }
  const PayloadId id = id_of(message.channel, message.payload);
  neighbour->told = true;
  if (recent_.find(id) != nullptr) return repeated(from, *neighbour, message.tree);
  watch_another();
  count_payload();
  neighbour->told = true;
  neighbour->silent = false;
  if (message.tree == kSharedTree && !is_leaf()) neighbour->eager |= kShared;
  std::erase_if(arrived_, [&](const Arrived& one) { return one.from == from.link; });  // judged and found bad
  if (arrived_.size() >= kArrived) arrived_.erase(arrived_.begin());
  arrived_.push_back({id, from.link, message.tree, whole});
  Delivery delivery;
  delivery.channel = static_cast<Channel>(message.channel);
  delivery.cast = Delivery::Cast::broadcast;
  delivery.source = message.source;
  delivery.payload = message.payload;
  delivery.link = from.link;
  deliveries_.push_back(std::move(delivery));
}

// In the shared tree the link is one too many. In the others paths.h says which are right, and a copy that was pulled
// meanwhile changes nothing; but who pushes although we do not push to him has missed that we parted.
void Plumtree::repeated(Peer& from, Neighbour& neighbour, std::uint8_t tree) {
  host_.observer.frame_was(Traffic::duplicate);
  const Trees mask = mask_of(tree);
  if (tree != kSharedTree && (neighbour.eager & mask) != 0) return;
  neighbour.eager &= ~mask;
  links_.send(from.link, Prune{mask}, Priority::control, Traffic::control);
  graft_somebody();
}

// --- announcements

void Plumtree::announce(LinkId link, std::uint64_t head, std::uint8_t tree) {
  const Peer* peer = links_.find(link);
  if (peer == nullptr) return;
  auto place =
      std::find_if(announcing_.begin(), announcing_.end(), [&](const Announcing& one) { return one.link == link; });
  if (place == announcing_.end()) place = announcing_.insert(place, {link, {}});
  place->waiting.push_back({head ^ peer->salt, tree});
  if (place->waiting.size() >= kBatch) return flush(*place);
  if (!flush_at_) flush_at_ = host_.clock.mono() + kFlush;
}

void Plumtree::flush(LinkId link) {
  for (Announcing& one : announcing_) {
    if (one.link == link) return flush(one);
  }
}

void Plumtree::flush(Announcing& announcing) {
  if (announcing.waiting.empty()) return;
  IHave message;
  message.ids.swap(announcing.waiting);
  links_.send(announcing.link, message, Priority::control, Traffic::control);
}

void Plumtree::on(Peer& from, const Watch& message) {
  Neighbour* neighbour = find(from.link);
  if (neighbour == nullptr) return;
  neighbour->watches = message.on;
  std::erase_if(announcing_, [&](const Announcing& one) { return one.link == from.link; });
  if (!message.on) return;
  const MonoTime since = host_.clock.mono() - std::min<Duration>(message.recent * 1s, kCatchUp);
  Announcing answer{from.link, {}};
  std::size_t count = 0;
  recent_.each([&](const RecentPayloads::Entry& entry) {
    if (entry.at() < since || entry.whole.empty() || ++count > kCatchUpIds) return false;
    if (!entry.came_over(from.link)) {
      answer.waiting.push_back({RecentPayloads::head(entry.id) ^ from.salt, entry.tree});
    }
    return true;
  });
  flush(answer);
}

void Plumtree::on(Peer& from, const IHave& message) {
  Neighbour* neighbour = find(from.link);
  if (neighbour == nullptr) return;
  if (neighbour->watched) neighbour->told = true;
  // Of others a little is heard, too: an author whom nobody seems to have heard tells all.
  auto unasked = neighbour->watched ? 0 : std::count_if(missing_.begin(), missing_.end(), [&](const Missing& one) {
    return one.asked == from.link || std::find(one.places.begin(), one.places.end(), from.link) != one.places.end();
  });
  for (const Announced& announced : message.ids) {
    if (!neighbour->watched && ++unasked > kUnasked) return;
    const std::uint64_t head = announced.id ^ from.salt;
    if (recent_.find(head) != nullptr) {
      echoed(head);
    } else if (announced.tree <= kSharedTree) {
      miss(from, head, announced.tree);
    }
  }
}

void Plumtree::miss(Peer& from, std::uint64_t head, std::uint8_t tree) {
  const auto known =
      std::find_if(missing_.begin(), missing_.end(), [&](const Missing& one) { return one.head == head; });
  if (known != missing_.end()) {
    const bool there = std::find(known->places.begin(), known->places.end(), from.link) != known->places.end();
    if (!there && known->places.size() < kPlaces) known->places.push_back(from.link);
    return;
  }
  if (missing_.size() >= config_.limits.missing_payloads) return;
  Missing fresh;
  fresh.head = head;
  fresh.tree = tree;
  fresh.at = host_.clock.mono() + kPatience + from.rtt;
  fresh.places.push_back(from.link);
  missing_.push_back(std::move(fresh));
}

void Plumtree::ask(Missing& missing, MonoTime now) {
  while (!missing.places.empty()) {
    const LinkId link = missing.places.front();
    missing.places.erase(missing.places.begin());
    Neighbour* neighbour = find(link);
    const Peer* peer = links_.find(link);
    if (neighbour == nullptr || peer == nullptr) continue;
    // In the shared tree who has it becomes a parent. Elsewhere our parent is reminded that it is one.
    Trees trees = 0;
    if (missing.tree == kSharedTree && !is_leaf()) {
      neighbour->eager |= kShared;
      trees = kShared;
    } else if (Neighbour* parent = find(paths_.parent(missing.tree))) {
      parent->eager |= mask_of(missing.tree);
      links_.send(parent->link, Graft{mask_of(missing.tree), {}}, Priority::control, Traffic::control);
    }
    links_.send(link, Graft{trees, {missing.head ^ peer->salt}}, Priority::control, Traffic::control);
    missing.asked = link;
    missing.at = now + kAnswer + peer->rtt;
    return;
  }
  missing.head = 0;  // nobody is left to be asked
}

void Plumtree::on(Peer& from, const Graft& message) {
  const bool any_link = config_.swarm.trees > 0;  // else those of HyParView only
  if (any_link && find(from.link) == nullptr && from.reachable() && !is_leaf()) neighbour_up(from.link);
  Neighbour* neighbour = find(from.link);
  if (neighbour == nullptr) {
    links_.send(from.link, Prune{message.trees}, Priority::control, Traffic::control);
    return;
  }
  neighbour->eager |= message.trees;
  const MonoTime now = host_.clock.mono();
  std::vector<ShortId> sent;  // each once, however often it is named
  for (const ShortId id : message.ids) {
    const RecentPayloads::Entry* entry = recent_.find(id ^ from.salt);
    if (entry == nullptr || entry->whole.empty() || sent.size() >= kCatchUpIds) continue;
    if (std::find(sent.begin(), sent.end(), id) != sent.end()) continue;
    const Limits& limits = config_.limits;
    if (!neighbour->pulls.may(now, limits.pulled_bytes_per_second, limits.pulled_bytes_burst)) {
      host_.observer.rejected("graft", error(ErrorCode::rate_limited, "pulls too much"), from.link);
      break;
    }
    neighbour->pulls.spend(now, entry->whole.size(), limits.pulled_bytes_per_second);
    sent.push_back(id);
    links_.send(from.link, entry->whole, Priority::post, Traffic::payload);
  }
}

void Plumtree::on(Peer& from, const Prune& message) {
  Neighbour* neighbour = find(from.link);
  if (neighbour == nullptr) return;
  neighbour->eager &= ~message.trees;
  graft_somebody();
}

// --- time

std::optional<MonoTime> Plumtree::next_due() const noexcept {
  std::optional<MonoTime> first = flush_at_;
  const auto consider = [&](MonoTime at) { first = first ? std::min(*first, at) : at; };
  if (forget_at_) consider(*forget_at_);
  if (judge_at_) consider(*judge_at_);
  if (!unheard_.empty()) consider(unheard_.front().at);
  for (const Missing& one : missing_) consider(one.at);
  return first;
}

void Plumtree::due(MonoTime now) {
  if (flush_at_ && *flush_at_ <= now) {
    flush_at_.reset();
    for (Announcing& one : announcing_) flush(one);
    clear_out(announcing_);
  }
  for (Missing& one : missing_) {
    if (one.at <= now) ask(one, now);
  }
  std::erase_if(missing_, [](const Missing& one) { return one.head == 0; });
  if (judge_at_ && *judge_at_ <= now) judge(now);
  if (!unheard_.empty() && unheard_.front().at <= now) repeat_unheard(now);
  if (forget_at_ && *forget_at_ <= now) {
    recent_.forget(now - kKeepPayload, now - kKeepId);
    forget_at_.reset();
    if (recent_.size() > 0) forget_at_ = now + kKeepPayload;
  }
}

std::optional<Delivery> Plumtree::next() {
  if (taken_ == deliveries_.size()) {
    clear_out(deliveries_);
    if (arrived_.empty()) clear_out(arrived_);
    taken_ = 0;
    return std::nullopt;
  }
  return std::move(deliveries_[taken_++]);
}

std::size_t Plumtree::bytes() const noexcept {
  return recent_.bytes() + heap_bytes(unheard_) + heap_bytes(neighbours_) + heap_bytes(rerouted_) +
         heap_bytes(announcing_, [](const Announcing& one) { return heap_bytes(one.waiting); }) +
         heap_bytes(missing_, [](const Missing& one) { return heap_bytes(one.places); }) + heap_bytes(arrived_) +
         heap_bytes(deliveries_);
}

}  // namespace np2p::swarm
