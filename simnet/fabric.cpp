#include "simnet/fabric.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/base/rng.h"

namespace np2p::sim {

namespace {

constexpr std::uint16_t kFirstEphemeralPort = 32'768;
constexpr SimTime kMinRetransmit = 200 * kMillisecond;
constexpr std::size_t kHighWater = 64 * 1024;  // a queue above this is told when it drains
constexpr std::uint8_t kMaxHops = 63;

constexpr std::uint8_t tag_of(Traffic traffic, unsigned hops) noexcept {
  return static_cast<std::uint8_t>(static_cast<unsigned>(traffic) | std::min<unsigned>(hops, kMaxHops) << 2);
}

std::uint32_t cost_per_kib(std::uint64_t bits_per_s) noexcept {
  if (bits_per_s == 0) return 0;
  const std::uint64_t ns = 8ull * 1024 * 1'000'000'000 / bits_per_s;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(ns, 1, UINT32_MAX));
}

}  // namespace

Fabric::Fabric(const FabricOptions& options) : options_(options) {
  senders_.fill(kNone);
}

Fabric::~Fabric() {
  scheduler_.drain([this](const SimEvent& event) { discard(event); });
}

void Fabric::discard(const SimEvent& event) noexcept {
  if (event.kind == kFrame || event.kind == kQueuedFrame) {
    const Frame frame = Frame::attach(static_cast<std::uintptr_t>(event.payload & kPointerMask));
  } else if (event.kind == kSyn) {
    delete reinterpret_cast<Syn*>(event.payload);
  }
}

NodeIndex Fabric::add_host(const HostOptions& options) {
  const auto index = static_cast<NodeIndex>(hosts_.size());
  NP2P_ASSERT(index < (1u << 24));
  HostData host;
  host.up_cost = cost_per_kib(options.up_bits_per_s);
  host.listen_port = options.listen_port;
  host.next_port = kFirstEphemeralPort;
  host.profile = options.profile;
  host.random = Rng(options_.seed, "host", index).next();
  host.box = options.box;
  if (options.dial_from_listen_port) host.flags |= HostData::kDialFromListenPort;
  std::uint32_t ip = 0;
  if (options.box == kNone) {
    ip = allocate_ip(index, options.netgroups);
  } else {
    auto& insides = boxes_[options.box].insides;
    NP2P_ASSERT(insides.size() < 0xFFF0);
    host.inner = static_cast<std::uint16_t>(insides.size());
    ip = 0xC0A8'0002u + host.inner;  // 192.168.0.2 and on, in every box
    insides.push_back(index);
  }
  hosts_.push_back(std::move(host));
  places_.push_back({options.position, cost_per_kib(options.down_bits_per_s), ip});
  if (!cuts_.empty()) cuts_.resize(hosts_.size());
  return index;
}

std::uint16_t Fabric::take_slot(HostData& host) {
  for (std::uint16_t i = 0; i < host.slots; ++i) {
    if (host.links[i].state() == EndState::free) return i;
  }
  NP2P_ASSERT(host.slots < 0xFF00);
  const std::uint16_t slot = host.slots;
  const auto grown = static_cast<std::uint16_t>(slot + 4 + slot / 32 * 4);
  LinkEnd* links = link_pool_.take(grown);
  std::copy(host.links, host.links + slot, links);
  std::fill(links + slot, links + grown, LinkEnd{});
  link_pool_.give(host.links, slot);
  host.links = links;
  host.slots = grown;
  return slot;
}

void Fabric::free_slot(NodeIndex index, std::uint16_t slot) {
  HostData& host = hosts_[index];
  LinkEnd& end = host.links[slot];
  if (end.state() == EndState::up && !end.has(LinkEnd::kTroubled)) settle(index, end);
  if (end.session != LinkEnd::kNoSession) change_sessions(index, end.session, SessionChange::release);
  if (host.cold) {
    Cold& c = *host.cold;
    std::erase_if(c.dials, [slot](const Dial& d) { return d.slot == slot; });
    std::erase_if(c.troubles, [slot](const Trouble& t) { return t.slot == slot; });
    std::erase_if(c.queues, [slot](const Congestion& q) { return q.slot == slot; });
    std::erase_if(c.fragiles, [slot](const Fragile& f) { return f.slot == slot; });
    if (c.empty()) host.cold.reset();
  }
  auto generation = static_cast<std::uint16_t>(end.generation + 1);
  if (generation == 0) generation = 1;
  end = LinkEnd{};
  end.generation = generation;
}

// Jitter, and what lost segments cost: the first loss a retransmission timeout, each further one twice the last. All
// segments of a message wait for the unluckiest.
SimTime Fabric::stochastic_delay(HostData& host, std::uint64_t segments, SimTime one_way) {
  const std::uint64_t draw = random(host);
  const SimTime jitter = static_cast<SimTime>((draw >> 32) * static_cast<std::uint64_t>(options_.jitter) >> 32);
  if (options_.loss_ppm == 0) return jitter;
  const std::uint64_t threshold = (static_cast<std::uint64_t>(options_.loss_ppm) << 32) / 1'000'000;
  const SimTime timeout = std::max(kMinRetransmit, 4 * one_way);
  SimTime worst = 0;
  std::uint64_t lot = draw & 0xFFFF'FFFFu;
  for (std::uint64_t i = 0; i < segments; ++i) {
    SimTime delay = 0;
    SimTime step = timeout;
    // Bounded, so that loss alone never outlasts the patience with unacknowledged data.
    for (int lost = 0; lost < 4 && lot < threshold; ++lost) {
      delay += step;
      step *= 2;
      lot = random(host) >> 32;
    }
    worst = std::max(worst, delay);
    if (i + 1 < segments) lot = random(host) >> 32;
  }
  return jitter + worst;
}

void Fabric::send(NodeIndex from, LinkId link, Frame frame, Traffic traffic) {
  const auto slot = static_cast<std::uint16_t>(link.value & 0xFFFF);
  if (slot < hosts_[from].slots) fetch(&hosts_[from].links[slot], sizeof(LinkEnd));
  record(from, Io::out_send, link.value, frame.hash());
  if (waiting_ == kOutgoing) finish_oldest();
  const std::uint32_t at = first_ + waiting_++;
  outgoing_[at % kOutgoing] = {now(), link, std::move(frame), from, tag_of(traffic, handling_.hops + 1u)};
  senders_[at % kOutgoing] = from;
  if (!running_) {
    flush();
  } else if (waiting_ > kHalfway) {
    const Outgoing& halfway = outgoing_[(at - kHalfway) % kOutgoing];
    const LinkEnd* end = find(hosts_[halfway.from], halfway.link);
    if (end != nullptr) fetch(&places_[end->peer()], sizeof(Place));
  }
}

void Fabric::finish_oldest() {
  Outgoing& out = outgoing_[first_ % kOutgoing];
  senders_[first_ % kOutgoing] = kNone;
  ++first_;
  --waiting_;
  Frame frame = std::move(out.frame);
  LinkEnd* end = find(hosts_[out.from], out.link);
  if (end == nullptr || end->state() != EndState::up) return;
  const SimTime present = std::exchange(now_, out.at);
  const auto slot = static_cast<std::uint16_t>(out.link.value & 0xFFFF);
  if (!end->has(LinkEnd::kTroubled) || !send_into_trouble(out.from, slot, *end, frame, out.tag)) {
    transmit(out.from, *end, std::move(frame), out.tag, 0);
  }
  now_ = present;
}

bool Fabric::flush() {
  if (waiting_ == 0) return false;
  while (waiting_ > 0) finish_oldest();
  return true;
}

bool Fabric::run_until(SimTime until, std::uint64_t budget) {
  running_ = true;
  const bool there = scheduler_.run_until(until, budget, *this);
  running_ = false;
  now_ = scheduler_.now();
  return there;
}

void Fabric::transmit(NodeIndex from, LinkEnd& end, Frame frame, std::uint8_t tag, SimTime extra) {
  HostData& host = hosts_[from];
  const Place& peer = places_[end.peer()];
  const WireCost wire = frame_cost(frame.size(), *host.profile);
  if (!host.profile->heartbeat_always) touch(from, end);
  if (end.has(LinkEnd::kFragile)) touch_fragile(host, static_cast<std::uint16_t>(&end - host.links));
  const SimTime depart = std::max(now(), host.up_busy) + cost(wire.bytes, host.up_cost);
  host.up_busy = depart;
  const SimTime one_way = options_.base_delay + distance_delay(places_[from].position, peer.position);
  const SimTime arrival =
      depart + one_way + cost(wire.bytes, peer.down_cost) + extra + stochastic_delay(host, wire.segments, one_way);
  end.in_order = std::max(arrival, end.in_order + 1);
  host.account(static_cast<Traffic>(tag & 3)).count_out(wire.bytes);
  host.account(Traffic::control).in_bytes += wire.acks;
  if (depart - now() > kWorthNoting) {
    note_queue(from, static_cast<std::uint16_t>(&end - host.links), wire.bytes, depart);
  }
  const std::uint64_t handle = frame.detach();
  NP2P_ASSERT((handle & ~kPointerMask) == 0);
  push(from, end.in_order, end.peer(), kFrame, tag, end.peer_slot,
       handle | static_cast<std::uint64_t>(end.peer_generation) << 48);
}

void Fabric::note_queue(NodeIndex from, std::uint16_t slot, std::uint64_t bytes, SimTime depart) {
  HostData& host = hosts_[from];
  auto& queues = cold(host).queues;
  auto queue = std::find_if(queues.begin(), queues.end(), [slot](const Congestion& q) { return q.slot == slot; });
  if (queue == queues.end()) queue = queues.insert(queues.end(), Congestion{.slot = slot});
  if (queue->until <= now()) queue->bytes = 0;
  queue->bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(UINT32_MAX, queue->bytes + bytes));
  queue->until = depart;
  const LinkId link = id_of(host.links[slot], slot);
  const std::size_t waiting = backlog(from, link);
  if (!queue->choked && waiting > options_.queued_bytes) {
    queue->choked = true;
    push(from, now(), from, kChoked, 0, slot, host.links[slot].generation);
  }
  if (!queue->wants_writable && waiting > kHighWater) {
    queue->wants_writable = true;
    push(from, depart, from, kDrained, 0, slot, host.links[slot].generation);
  }
}

std::size_t Fabric::queued_bytes(NodeIndex index, LinkId link) noexcept {
  flush_of(index);
  return backlog(index, link);
}

std::size_t Fabric::backlog(NodeIndex index, LinkId link) const noexcept {
  const HostData& host = hosts_[index];
  if (!host.cold || host.up_cost == 0) return 0;
  const auto slot = static_cast<std::uint16_t>(link.value & 0xFFFF);
  for (const Congestion& queue : host.cold->queues) {
    if (queue.slot != slot || queue.until <= now()) continue;
    const auto backlog = static_cast<std::uint64_t>(queue.until - now()) * 1024 / host.up_cost;
    return static_cast<std::size_t>(std::min<std::uint64_t>(queue.bytes, backlog));
  }
  return 0;
}

void Fabric::on_drained(const SimEvent& event) {
  HostData& host = hosts_[event.to];
  const LinkEnd* end = find(host, event.slot, static_cast<std::uint16_t>(event.payload));
  if (end == nullptr || !host.cold) return;
  auto& queues = host.cold->queues;
  const auto queue =
      std::find_if(queues.begin(), queues.end(), [&](const Congestion& q) { return q.slot == event.slot; });
  if (queue == queues.end()) return;
  const LinkId link = id_of(*end, event.slot);
  if (backlog(event.to, link) > kHighWater) {
    push(event.to, queue->until, event.to, kDrained, 0, event.slot, event.payload);
    return;
  }
  queues.erase(queue);
  record(event.to, Io::in_writable, link.value, 0);
  host.inhabitant->writable(link);
}

// Whoever is not busy gets a frame at once: the sender has already counted the time it takes on our downlink. If the
// downlink is busy, the frame waits for its turn.
void Fabric::on_frame(const SimEvent& event) {
  HostData& host = hosts_[event.to];
  Frame frame = Frame::attach(static_cast<std::uintptr_t>(event.payload & kPointerMask));
  LinkEnd* end = find(host, event.slot, static_cast<std::uint16_t>(event.payload >> 48));
  if (end == nullptr || end->state() != EndState::up) {
    tell_stale(event, static_cast<std::uint16_t>(event.payload >> 48));
    return;
  }
  if (const std::uint32_t down_cost = places_[event.to].down_cost; down_cost != 0) {
    const SimTime duration = cost(frame_cost(frame.size(), *host.profile).bytes, down_cost);
    if (host.down_busy > event.at - duration) {
      host.down_busy += duration;
      push(event.to, host.down_busy, event.to, kQueuedFrame, event.tag, event.slot, event.payload);
      static_cast<void>(frame.detach());
      return;
    }
    host.down_busy = event.at;
  }
  deliver(event, *end, std::move(frame));
}

void Fabric::on_queued_frame(const SimEvent& event) {
  HostData& host = hosts_[event.to];
  Frame frame = Frame::attach(static_cast<std::uintptr_t>(event.payload & kPointerMask));
  LinkEnd* end = find(host, event.slot, static_cast<std::uint16_t>(event.payload >> 48));
  if (end == nullptr || end->state() != EndState::up) return;
  deliver(event, *end, std::move(frame));
}

void Fabric::deliver(const SimEvent& event, LinkEnd& end, Frame frame) {
  HostData& host = hosts_[event.to];
  if (end.has(LinkEnd::kTroubled) && trouble_of(host, event.slot)->fate != Fate::cut) return;  // nobody gets it there
  const WireCost wire = frame_cost(frame.size(), *host.profile);
  if (host.up_cost != 0) host.up_busy = std::max(now(), host.up_busy) + cost(wire.acks, host.up_cost);
  if (!host.profile->heartbeat_always) touch(event.to, end);
  if (end.has(LinkEnd::kFragile)) touch_fragile(host, event.slot);
  const auto said = static_cast<Traffic>(event.tag & 3);
  const NodeIndex sender = end.peer();
  host.account(Traffic::control).out_bytes += wire.acks;
  const LinkId link = id_of(end, event.slot);
  record(event.to, Io::in_frame, link.value, frame.hash());
  handling_ = {sender, static_cast<std::uint8_t>(event.tag >> 2), said};
  host.inhabitant->frame(link, frame);
  const Traffic was = handling_.was;
  handling_ = {};
  host.account(was).count_in(wire.bytes);
  // The receiver knows better what it was: book it so on both sides. But who is only asked to pass something on relays
  // it, not who asks.
  if (was != said && was != Traffic::relay) {
    HostData& from = hosts_[sender];
    from.account(said).out_bytes -= wire.bytes;
    --from.account(said).out_messages;
    from.account(was).count_out(wire.bytes);
  }
}

void Fabric::close(NodeIndex from, LinkId link, CloseReason reason) {
  flush_of(from);
  record(from, Io::out_close, link.value, static_cast<std::uint64_t>(reason));
  HostData& host = hosts_[from];
  LinkEnd* end = find(host, link);
  if (end == nullptr) return;
  if (end->state() != EndState::dialing) send_end(from, *end, CloseReason::peer_closed);
  free_slot(from, static_cast<std::uint16_t>(link.value & 0xFFFF));
}

void Fabric::take_down(NodeIndex index, std::uint16_t slot, CloseReason reason) {
  HostData& host = hosts_[index];
  const LinkEnd& end = host.links[slot];
  const LinkId link = id_of(end, slot);
  const bool known = end.state() != EndState::accepting;  // whoever never came up never goes down
  free_slot(index, slot);
  if (!known || host.inhabitant == nullptr) return;
  record(index, Io::in_link_down, link.value, static_cast<std::uint64_t>(reason));
  host.inhabitant->link_down(link, reason);
}

void Fabric::own_event_at(NodeIndex host, SimTime at, std::uint8_t tag, std::uint64_t payload) {
  flush_of(host);
  push(host, std::max(at, now()), host, kOwn, tag, hosts_[host].boot, payload);
}

void Fabric::on_own(const SimEvent& event) {
  HostData& host = hosts_[event.to];
  if (host.inhabitant != nullptr && host.boot == event.slot) host.inhabitant->own_event(event.tag, event.payload);
}

void Fabric::handle(const SimEvent& event) {
  now_ = event.at;
  if (event.kind == kFrame || event.kind == kQueuedFrame || event.kind == kOwn) {
    flush_of(event.to);
  } else {
    flush();
  }
  switch (static_cast<Kind>(event.kind)) {
    case kFrame:
      return on_frame(event);
    case kQueuedFrame:
      return on_queued_frame(event);
    case kOwn:
      return on_own(event);
    case kSyn:
      return on_syn(event);
    case kSynAck:
      return on_syn_ack(event);
    case kRefused:
      return on_refused(event);
    case kHandshake:
      return on_handshake(event);
    case kDialTimer:
      return on_dial_timer(event);
    case kEnd:
      return on_end(event);
    case kStale:
      return on_stale(event);
    case kCheck:
      return on_check(event);
    case kDrained:
      return on_drained(event);
    case kFragileIdle:
      return on_fragile_idle(event);
    case kPathLost:
      return on_path_lost(event);
    case kChoked:
      return on_choked(event);
  }
}

std::uint64_t Fabric::digest() const noexcept {
  std::uint64_t digest = 0;
  for (const HostData& host : hosts_) digest = combine64(digest, host.digest);
  return digest;
}

std::vector<NodeIndex> Fabric::peers_of(NodeIndex index, bool outbound_only) const {
  const HostData& host = hosts_[index];
  std::vector<NodeIndex> peers;
  for (std::uint16_t i = 0; i < host.slots; ++i) {
    const LinkEnd& end = host.links[i];
    if (end.state() != EndState::up || (outbound_only && !end.has(LinkEnd::kOutbound))) continue;
    peers.push_back(end.peer());
  }
  return peers;
}

std::size_t Fabric::bytes_of(NodeIndex index) const {
  const HostData& host = hosts_[index];
  std::size_t sum = sizeof(HostData) + sizeof(Place) + host.slots * sizeof(LinkEnd);
  if (host.cold) {
    sum += sizeof(Cold) + host.cold->dials.capacity() * sizeof(Dial) + host.cold->troubles.capacity() * sizeof(Trouble);
  }
  if (!cuts_.empty()) sum += sizeof(CutMask);
  // A box counts for the hosts inside it in equal shares.
  for (BoxIndex box = host.box; box != kNone; box = boxes_[box].outer) {
    const BoxData& b = boxes_[box];
    sum += (sizeof(BoxData) - sizeof(NatBox) + b.nat.bytes()) / std::max<std::size_t>(1, b.insides.size());
  }
  return sum;
}

}  // namespace np2p::sim
