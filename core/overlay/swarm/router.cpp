#include "core/overlay/swarm/router.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/wire/cell_messages.h"

namespace np2p::swarm {
namespace {

constexpr std::size_t kFirstHops = 5;
constexpr std::int64_t kTick = 50'000'000;  // ns: 20 messages a second keep up with the clock, more run ahead of it
constexpr std::uint64_t kAhead = 20;        // ticks that one counter for all receivers may run ahead
constexpr std::uint64_t kTimed = std::uint64_t{1} << 63;  // set in counters that are times; older nodes only count
constexpr std::uint64_t kMostTicks = INT64_MAX / kTick;

// When a message was sent, or a little later; nothing is known of those whose counters are mere counts.
std::optional<std::int64_t> sent_at(std::uint64_t boot, std::uint64_t counter) noexcept {
  if ((counter & kTimed) == 0) return std::nullopt;
  const std::uint64_t ticks = std::min(counter & ~kTimed, kMostTicks);
  const std::uint64_t at = std::min<std::uint64_t>(boot, INT64_MAX) + ticks * kTick;
  return static_cast<std::int64_t>(std::min<std::uint64_t>(at, INT64_MAX));
}

}  // namespace

Router::Router(const Config& config, Host& host, Links& links, const Fingers& fingers, std::uint64_t boot)
    : config_(config),
      host_(host),
      links_(links),
      fingers_(fingers),
      boot_(boot),
      salt_(Rng(config.seed, "swarm/router").next()),
      own_vias_{host.node_key.id()} {}

// A receiver only compares what comes from us to itself. One counter for all of them would run ahead of the clock on a
// server that sends a hundred messages a second for minutes, and who has not heard of us lately refuses the future.
std::uint64_t Router::next_counter(const NodeId& to) {
  const std::int64_t since_boot = host_.clock.wall().ns - static_cast<std::int64_t>(boot_);
  const auto now = static_cast<std::uint64_t>(std::max<std::int64_t>(since_boot / kTick, 0));
  if (!counts_ && ticks_ <= now + kAhead) {
    ticks_ = std::max(ticks_ + 1, now);
    return ticks_ | kTimed;
  }
  if (!counts_) {
    counts_ = std::make_unique<std::array<std::uint64_t, kCounts>>();
    counts_->fill(ticks_);
  }
  std::uint64_t& count = (*counts_)[combine64(to.hash(), salt_) % kCounts];
  count = std::max(count + 1, now);
  return count | kTimed;
}

// Over the whole message as the sender made it, and the network's name.
PairMac Router::mac_of(Routed message, const NodeId& peer) {
  message.hops = 0;
  message.mac = {};
  const Frame bytes = encode(message);
  ByteVec covered(bytes_of(config_.network_id).begin(), bytes_of(config_.network_id).end());
  covered.insert(covered.end(), bytes.view().begin(), bytes.view().end());
  return host_.node_key.pair_mac(peer, covered);
}

bool Router::send(const NodeId& via, const NodeId& to, Channel channel, const Frame& payload, Priority priority,
                  Traffic traffic, unsigned turn) {
  const LinkId link = first_hop(via, to, turn);
  if (!link) return false;
  if (const Peer* peer = links_.find(link); peer != nullptr && peer->id == to) {
    links_.send(link, Direct{static_cast<std::uint8_t>(channel), payload}, priority, traffic);
    return true;
  }
  Routed message;
  message.via = via;
  message.to = to;
  message.from = host_.node_key.id();
  message.from_via = own_vias_[turn % own_vias_.size()];
  message.boot = boot_;
  message.counter = next_counter(to);
  message.channel = static_cast<std::uint8_t>(channel);
  message.source = config_.owner;
  message.payload = payload;
  message.mac = mac_of(message, to);
  links_.send(link, message, priority, traffic);
  return true;
}

// Whoever swallows messages on the shortest way is not on all others.
LinkId Router::first_hop(const NodeId& via, const NodeId& to, unsigned turn, const NodeId& avoid) {
  const LinkId shortest = hop(via, to, {}, avoid);
  if (turn == 0 || !shortest || links_.find(to) != nullptr || links_.find(via) != nullptr) return shortest;
  std::vector<LinkId> hops = fingers_.nearest(via.data, kFirstHops);
  std::erase_if(hops, [this](LinkId link) { return links_.find(link)->path == Path::tunnel; });
  return hops.empty() ? shortest : hops[turn % hops.size()];
}

void Router::on(Peer& from, const Routed& message) {
  if (message.to == host_.node_key.id()) {
    // All zero is what comes of an id that is no key: everybody knows that one.
    if (message.mac == PairMac{} || mac_of(message, message.from) != message.mac) {
      host_.observer.rejected("routed", error(ErrorCode::bad_signature, "not from whom it says"), from.link);
    } else if (!is_new(message, from.link)) {
      host_.observer.frame_was(Traffic::duplicate);
    } else {
      Arrival arrival{message.from, message.from_via, {}};
      arrival.delivery.channel = static_cast<Channel>(message.channel);
      arrival.delivery.cast = Delivery::Cast::unicast;
      arrival.delivery.source = message.source;
      arrival.delivery.payload = message.payload;
      arrival.delivery.link = from.link;
      arrivals_.push_back(std::move(arrival));
    }
    return;
  }
  const auto channel = static_cast<Channel>(message.channel);
  const bool carried = carries_events(channel) ||
                       (channel == static_cast<Channel>(kCellChannel) && is_cell_copy(message.payload.view()));
  if (carried) host_.observer.frame_was(Traffic::relay);
  const LinkId onward = message.hops < config_.limits.hops ? hop(message.via, message.to, from.link) : LinkId{};
  if (!onward) {
    links_.send(from.link, Undelivered{message.from_via, message.from, message.to, 0}, Priority::control,
                Traffic::control);
    return;
  }
  Routed on_its_way = message;
  ++on_its_way.hops;
  // What is not a packet of events acknowledges some, or makes a link: small, and waited for.
  links_.send(onward, on_its_way, carries_events(channel) ? Priority::post : Priority::control,
              carried ? Traffic::relay : Traffic::control);
}

void Router::on(Peer& from, const Undelivered& message) {
  if (message.to == host_.node_key.id()) {
    lost_.push_back(message.lost);
    return;
  }
  const LinkId onward = message.hops < config_.limits.hops ? hop(message.via, message.to, from.link) : LinkId{};
  if (!onward) return;
  Undelivered on_its_way = message;
  ++on_its_way.hops;
  links_.send(onward, on_its_way, Priority::control, Traffic::control);
}

void Router::on(Peer& from, const Direct& message) {
  Arrival arrival{from.id, from.id, {}};
  arrival.delivery.channel = static_cast<Channel>(message.channel);
  arrival.delivery.cast = Delivery::Cast::unicast;
  arrival.delivery.source = from.owner;
  arrival.delivery.payload = message.payload;
  arrival.delivery.link = from.link;
  if (!from.reachable()) arrival.via = host_.node_key.id();
  arrivals_.push_back(std::move(arrival));
}

// A window of 64 counters, three seconds at least, per source and boot (as RFC 4303 has it for IPsec).
bool Router::is_new(const Routed& message, LinkId link) {
  auto window =
      std::find_if(windows_.begin(), windows_.end(), [&](const Window& one) { return one.node == message.from; });
  if (window == windows_.end()) return opens_window(message, link);
  std::rotate(window, window + 1, windows_.end());
  window = windows_.end() - 1;
  if (message.boot < window->boot) return false;
  if (message.boot > window->boot) *window = {message.from, message.boot, 0, 0};
  if (message.counter > window->highest) {
    const std::uint64_t step = message.counter - window->highest;
    window->seen = step < 64 ? window->seen << step : 0;
    window->seen |= 1;
    window->highest = message.counter;
    return true;
  }
  const std::uint64_t behind = window->highest - message.counter;
  if (behind >= 64 || (window->seen >> behind & 1u) != 0) return false;
  window->seen |= std::uint64_t{1} << behind;
  return true;
}

bool Router::opens_window(const Routed& message, LinkId link) {
  if (const auto sent = sent_at(message.boot, message.counter)) {
    if (*sent > (host_.clock.wall() + config_.limits.future_tolerance).ns) {
      host_.observer.rejected("routed", error(ErrorCode::bad_time, "sent in the future"), link);
      return false;
    }
    if (forgotten_ && *sent <= forgotten_until(message.from)) return false;
  }
  if (windows_.size() >= config_.limits.replay_windows) forget_one();
  windows_.push_back({message.from, message.boot, message.counter, 1});
  return true;
}

// The one whose last message was sent first: of the others more may be on the way. Nobody can make us forget beyond
// now.
void Router::forget_one() {
  const auto last_sent = [](const Window& one) { return sent_at(one.boot, one.highest).value_or(0); };
  const auto oldest = std::min_element(windows_.begin(), windows_.end(),
                                       [&](const Window& a, const Window& b) { return last_sent(a) < last_sent(b); });
  if (oldest == windows_.end()) return;
  std::int64_t& until = forgotten_until(oldest->node);
  until = std::max(until, std::min(last_sent(*oldest), host_.clock.wall().ns));
  windows_.erase(oldest);
}

std::int64_t& Router::forgotten_until(const NodeId& node) {
  if (!forgotten_) forgotten_ = std::make_unique<std::array<std::int64_t, kForgotten>>();
  return (*forgotten_)[combine64(node.hash(), salt_) % kForgotten];
}

std::optional<Arrival> Router::next() {
  if (arrivals_.empty()) return std::nullopt;
  Arrival arrival = std::move(arrivals_.front());
  arrivals_.erase(arrivals_.begin());
  return arrival;
}

std::optional<NodeId> Router::next_lost() {
  if (lost_.empty()) return std::nullopt;
  const NodeId lost = lost_.back();
  lost_.pop_back();
  return lost;
}

}  // namespace np2p::swarm
