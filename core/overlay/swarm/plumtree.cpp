#include "core/overlay/swarm/plumtree.h"

#include <algorithm>

#include "core/event/sha256.h"
#include "core/overlay/swarm/coordinates.h"

namespace np2p::swarm {
namespace {

constexpr Duration kFlush = 500ms;     // an announcement waits for company at most this long
constexpr std::size_t kBatch = 32;     // and goes at once with this many
constexpr std::size_t kWatched = 3;    // neighbours who announce to us
constexpr Duration kPatience = 300ms;  // for the eager copy, once announced, besides the round trip
constexpr Duration kAnswer = 1s;       // for a payload that was asked for, likewise
constexpr std::size_t kPlaces = 4;     // announcers remembered of one payload
constexpr Duration kKeepPayload = 60s;
constexpr Duration kKeepId = 10min;
constexpr Duration kCatchUp = 60s;  // we want to hear of what is younger than this
constexpr unsigned kRotate = 24;    // payloads between changes of whom we listen to
constexpr Duration kRotationCatchUp = 2s;
constexpr std::size_t kCatchUpIds = 256;
constexpr std::size_t kArrived = 16;  // deliveries not judged yet; they are judged one by one

PathDelay longer(PathDelay path, Duration rtt) noexcept {
  const std::int64_t ms = path + rtt.count() / 2'000'000;
  return static_cast<PathDelay>(std::min<std::int64_t>(ms, 0xFFFF));
}

PayloadId id_of(std::uint8_t channel, const Frame& payload) {
  const Sha256 hash = sha256({ByteView(&channel, 1), payload.view()});
  PayloadId id;
  std::copy_n(hash.begin(), PayloadId::size, id.data.begin());
  return id;
}

constexpr Cells mask_of(std::uint8_t cell) noexcept {
  return Cells{1} << (cell & 63u);
}

}  // namespace

Plumtree::Plumtree(const Config& config, Host& host, Links& links)
    : config_(config),
      host_(host),
      links_(links),
      rng_(config.seed, "swarm/plumtree"),
      recent_(config.limits.recent_payloads, config.limits.recent_payload_bytes) {}

Plumtree::Neighbour* Plumtree::find(LinkId link) noexcept {
  for (Neighbour& one : neighbours_) {
    if (one.link == link) return &one;
  }
  return nullptr;
}

std::size_t Plumtree::eager_links(std::uint8_t cell) const noexcept {
  std::size_t count = 0;
  for (const Neighbour& one : neighbours_) count += (one.eager & mask_of(cell)) != 0 ? 1u : 0u;
  return count;
}

// --- neighbours

void Plumtree::neighbour_up(LinkId link) {
  if (find(link) != nullptr) return;
  Neighbour fresh;
  fresh.link = link;
  neighbours_.push_back(std::move(fresh));
  if (neighbours_.size() == 1) catch_up(link);
  graft_somebody();
  watch_somebody();
}

void Plumtree::neighbour_down(LinkId link) {
  const auto gone =
      std::find_if(neighbours_.begin(), neighbours_.end(), [&](const Neighbour& one) { return one.link == link; });
  if (gone == neighbours_.end()) return;
  for (LinkId& parent : parents_) {
    if (parent == link) parent = {};
  }
  neighbours_.erase(gone);
  if (neighbours_.empty()) alone_since_ = host_.clock.mono();
  graft_somebody();
  watch_somebody();
}

// The first neighbour hears what we had to say while there was none.
void Plumtree::catch_up(LinkId link) {
  recent_.each([&](const RecentPayloads::Entry& entry) {
    if (entry.at < alone_since_) return false;
    if (!entry.from && !entry.whole.empty()) links_.send(link, entry.whole, Priority::post, Traffic::payload);
    return true;
  });
}

void Plumtree::graft_somebody() {
  Cells without = ~Cells{0};
  for (const Neighbour& one : neighbours_) without &= ~one.eager;
  if (without == 0 || neighbours_.empty()) return;
  // The nearest, and not one who was ours a moment ago and may itself hang below us.
  Neighbour* chosen = nullptr;
  Duration least = Duration::max();
  for (Neighbour& one : neighbours_) {
    const Peer* peer = links_.find(one.link);
    if (peer == nullptr) continue;
    const Duration rtt = predicted_rtt(links_.coordinates(), peer->at);
    if (rtt >= least) continue;
    chosen = &one;
    least = rtt;
  }
  if (chosen == nullptr) return;
  chosen->eager |= without;
  links_.send(chosen->link, Graft{without, {}}, Priority::control, Traffic::control);
}

// Others may have shorter paths: while payloads flow, each neighbour is listened to for a while.
void Plumtree::watch_another() {
  if (++since_rotation_ < kRotate) return;
  since_rotation_ = 0;
  Neighbour* leaves = nullptr;
  Neighbour* comes = nullptr;
  std::uint64_t watched = 0;
  std::uint64_t others = 0;
  for (Neighbour& one : neighbours_) {
    std::uint64_t& count = one.watched ? watched : others;
    ++count;
    if (rng_.below(count) == 0) (one.watched ? leaves : comes) = &one;
  }
  if (leaves == nullptr || comes == nullptr) return;
  leaves->watched = false;
  comes->watched = true;
  links_.send(leaves->link, Watch{false, 0}, Priority::control, Traffic::control);
  links_.send(comes->link, Watch{true, kRotationCatchUp / 1s}, Priority::control, Traffic::control);
}

void Plumtree::watch_somebody() {
  std::size_t watched = 0;
  for (const Neighbour& one : neighbours_) watched += one.watched ? 1u : 0u;
  for (Neighbour& one : neighbours_) {
    if (watched >= kWatched) return;
    if (one.watched) continue;
    one.watched = true;
    ++watched;
    links_.send(one.link, Watch{true, kCatchUp / 1s}, Priority::control, Traffic::control);
  }
}

// What is learnt in one cell goes for those, too, from which nothing has come yet: they share one tree until then.
Cells Plumtree::with_cold(std::uint8_t cell) const noexcept {
  return mask_of(cell) | ~warm_;
}

// --- payloads

void Plumtree::broadcast(Channel channel, const Frame& payload) {
  Gossip message;
  message.cell = region(links_.coordinates());
  message.channel = static_cast<std::uint8_t>(channel);
  message.source = config_.owner;
  message.payload = payload;
  const PayloadId id = id_of(message.channel, payload);
  if (recent_.find(id) != nullptr) return;
  warm_ |= mask_of(message.cell);
  push(message, id, {});
}

void Plumtree::forward(const Delivery& delivery, const Frame& payload) {
  const auto channel = static_cast<std::uint8_t>(delivery.channel);
  const auto found =
      std::find_if(arrived_.begin(), arrived_.end(), [&](const Arrived& one) { return one.from == delivery.link; });
  if (found == arrived_.end()) return;
  const Arrived arrived = *found;
  arrived_.erase(found);
  // What was good of it may be less than what came; under its own id then.
  const PayloadId id = payload == delivery.payload ? arrived.id : id_of(channel, payload);
  if (recent_.find(id) != nullptr) return;
  Gossip message;
  message.cell = arrived.cell;
  message.hops = static_cast<std::uint8_t>(std::min(arrived.hops + 1, 255));
  message.channel = channel;
  message.delay = arrived.delay;
  message.source = delivery.source;
  message.payload = payload;
  push(message, id, arrived.from);
}

void Plumtree::push(const Gossip& message, const PayloadId& id, LinkId from) {
  const MonoTime now = host_.clock.mono();
  const std::uint64_t head = RecentPayloads::head(id);
  RecentPayloads::Entry entry{id, now, encode(message), from, message.cell, message.delay};
  const Frame whole = entry.whole;
  recent_.add(std::move(entry));
  if (!forget_at_) forget_at_ = now + kKeepPayload;
  std::erase_if(missing_, [&](const Missing& one) { return one.head == head; });
  const std::uint64_t cell = mask_of(message.cell);
  for (Neighbour& one : neighbours_) {
    if (one.link == from) continue;
    if ((one.eager & cell) != 0) {
      links_.send(one.link, whole, Priority::post, Traffic::payload);
      if (!one.announced.empty()) flush(one);
    } else if (one.watches) {
      announce(one, head, message.cell, message.delay);
    }
  }
}

void Plumtree::on(Peer& from, const Gossip& message) {
  Neighbour* neighbour = find(from.link);
  if (neighbour == nullptr || message.cell >= kCells) {
    host_.observer.rejected("gossip", error(ErrorCode::forbidden, "not from a neighbour, or no such cell"), from.link);
    return;
  }
  const PayloadId id = id_of(message.channel, message.payload);
  if (recent_.find(id) != nullptr) {
    host_.observer.frame_was(Traffic::duplicate);
    const Cells cells = with_cold(message.cell);
    neighbour->eager &= ~cells;
    links_.send(from.link, Prune{cells}, Priority::control, Traffic::control);
    return;
  }
  watch_another();
  warm_ |= mask_of(message.cell);
  neighbour->eager |= mask_of(message.cell);
  parents_[message.cell] = from.link;
  std::erase_if(arrived_, [&](const Arrived& one) { return one.from == from.link; });  // judged and found bad
  if (arrived_.size() >= kArrived) arrived_.erase(arrived_.begin());
  arrived_.push_back({id, from.link, message.cell, message.hops, longer(message.delay, from.rtt)});
  Delivery delivery;
  delivery.channel = static_cast<Channel>(message.channel);
  delivery.cast = Delivery::Cast::broadcast;
  delivery.source = message.source;
  delivery.payload = message.payload;
  delivery.link = from.link;
  deliveries_.push_back(std::move(delivery));
}

// --- announcements

void Plumtree::announce(Neighbour& neighbour, std::uint64_t head, std::uint8_t cell, PathDelay delay) {
  const Peer* peer = links_.find(neighbour.link);
  if (peer == nullptr) return;
  neighbour.announced.push_back({head ^ peer->salt, cell, delay});
  if (neighbour.announced.size() >= kBatch) return flush(neighbour);
  if (!flush_at_) flush_at_ = host_.clock.mono() + kFlush;
}

void Plumtree::flush(Neighbour& neighbour) {
  if (neighbour.announced.empty()) return;
  IHave message;
  message.ids.swap(neighbour.announced);
  links_.send(neighbour.link, message, Priority::control, Traffic::control);
}

void Plumtree::on(Peer& from, const Watch& message) {
  Neighbour* neighbour = find(from.link);
  if (neighbour == nullptr) return;
  neighbour->watches = message.on;
  neighbour->announced.clear();
  if (!message.on) return;
  const MonoTime since = host_.clock.mono() - std::min<Duration>(message.recent * 1s, kCatchUp);
  std::size_t count = 0;
  recent_.each([&](const RecentPayloads::Entry& entry) {
    if (entry.at < since || entry.whole.empty() || ++count > kCatchUpIds) return false;
    if (entry.from != from.link) {
      neighbour->announced.push_back({RecentPayloads::head(entry.id) ^ from.salt, entry.cell, entry.delay});
    }
    return true;
  });
  flush(*neighbour);
}

void Plumtree::on(Peer& from, const IHave& message) {
  Neighbour* neighbour = find(from.link);
  if (neighbour == nullptr || !neighbour->watched) return;
  for (const Announced& announced : message.ids) {
    if (announced.cell >= kCells) continue;
    if (RecentPayloads::Entry* entry = recent_.find(announced.id ^ from.salt)) {
      compare(from, *neighbour, *entry, announced);
    } else {
      miss(from, announced.id ^ from.salt, announced.cell);
    }
  }
}

// The announcer's path with this link behind it is clearly shorter than the one the payload came by: it becomes the
// parent. No loop comes of that: a path through ourselves would be longer than ours.
void Plumtree::compare(Peer& from, Neighbour& neighbour, RecentPayloads::Entry& entry, const Announced& announced) {
  if (!entry.from || entry.from == from.link || (neighbour.eager & mask_of(entry.cell)) != 0) return;
  const PathDelay path = longer(announced.delay, from.rtt);
  if (path + 5 + entry.delay / 8 >= entry.delay) return;
  Neighbour* parent = find(entry.from);
  if (parent == nullptr || parents_[entry.cell] != entry.from) return;
  const Cells cells = with_cold(entry.cell);
  parent->eager &= ~cells;
  links_.send(parent->link, Prune{cells}, Priority::control, Traffic::control);
  neighbour.eager |= cells;
  links_.send(from.link, Graft{cells, {}}, Priority::control, Traffic::control);
  parents_[entry.cell] = from.link;
}

void Plumtree::miss(Peer& from, std::uint64_t head, std::uint8_t cell) {
  const auto known =
      std::find_if(missing_.begin(), missing_.end(), [&](const Missing& one) { return one.head == head; });
  if (known != missing_.end()) {
    const bool there = std::find(known->places.begin(), known->places.end(), from.link) != known->places.end();
    if (!there && known->places.size() < kPlaces) known->places.push_back(from.link);
    return;
  }
  if (missing_.size() >= config_.limits.missing_payloads) return;
  missing_.push_back({head, cell, false, host_.clock.mono() + kPatience + from.rtt, {from.link}});
}

void Plumtree::ask(Missing& missing, MonoTime now) {
  while (!missing.places.empty()) {
    const LinkId link = missing.places.front();
    missing.places.erase(missing.places.begin());
    Neighbour* neighbour = find(link);
    const Peer* peer = links_.find(link);
    if (neighbour == nullptr || peer == nullptr) continue;
    const Cells cells = with_cold(missing.cell);
    neighbour->eager |= cells;
    links_.send(link, Graft{cells, {missing.head ^ peer->salt}}, Priority::control, Traffic::control);
    missing.asked = true;
    missing.at = now + kAnswer + peer->rtt;
    return;
  }
  missing.head = 0;  // nobody is left to be asked
}

void Plumtree::on(Peer& from, const Graft& message) {
  Neighbour* neighbour = find(from.link);
  if (neighbour == nullptr) return;
  neighbour->eager |= message.cells;
  std::vector<ShortId> sent;  // each once, however often it is named
  for (const ShortId id : message.ids) {
    const RecentPayloads::Entry* entry = recent_.find(id ^ from.salt);
    if (entry == nullptr || entry->whole.empty() || sent.size() >= kCatchUpIds) continue;
    if (std::find(sent.begin(), sent.end(), id) != sent.end()) continue;
    sent.push_back(id);
    links_.send(from.link, entry->whole, Priority::post, Traffic::payload);
  }
}

void Plumtree::on(Peer& from, const Prune& message) {
  Neighbour* neighbour = find(from.link);
  if (neighbour != nullptr) neighbour->eager &= ~message.cells;
}

// --- time

std::optional<MonoTime> Plumtree::next_due() const noexcept {
  std::optional<MonoTime> first = flush_at_;
  const auto consider = [&](MonoTime at) { first = first ? std::min(*first, at) : at; };
  if (forget_at_) consider(*forget_at_);
  for (const Missing& one : missing_) consider(one.at);
  return first;
}

void Plumtree::due(MonoTime now) {
  if (flush_at_ && *flush_at_ <= now) {
    flush_at_.reset();
    for (Neighbour& one : neighbours_) flush(one);
  }
  for (Missing& one : missing_) {
    if (one.at <= now) ask(one, now);
  }
  std::erase_if(missing_, [](const Missing& one) { return one.head == 0; });
  if (forget_at_ && *forget_at_ <= now) {
    recent_.forget(now - kKeepPayload, now - kKeepId);
    forget_at_.reset();
    if (recent_.size() > 0) forget_at_ = now + kKeepPayload;
  }
}

std::optional<Delivery> Plumtree::next() {
  if (taken_ == deliveries_.size()) {
    deliveries_.clear();
    taken_ = 0;
    return std::nullopt;
  }
  return std::move(deliveries_[taken_++]);
}

std::size_t Plumtree::bytes() const noexcept {
  return recent_.bytes() + heap_bytes(neighbours_, [](const Neighbour& one) { return heap_bytes(one.announced); }) +
         heap_bytes(missing_, [](const Missing& one) { return heap_bytes(one.places); }) + heap_bytes(arrived_) +
         heap_bytes(deliveries_);
}

}  // namespace np2p::swarm
