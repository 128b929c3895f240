// Life and death of paths, and what idle links cost. A link on a working path needs no events; what breaks a path
// (a cut, a machine without power, a new address, a forgotten mapping) marks both ends, and each of them is given up
// when a real host would: at the keepalive's deadline, or when data has gone unacknowledged for too long.
#include <algorithm>

#include "core/base/assert.h"
#include "simnet/fabric.h"

namespace np2p::sim {

namespace {

constexpr SimTime kMinPatience = 5 * kSecond;
constexpr SimTime kMaxPatience = 30 * kSecond;
constexpr SimTime kMinRetransmit = 200 * kMillisecond;
constexpr std::uint8_t kLost = 0x80;  // in the tag of an end: the packet itself gets lost

}  // namespace

bool Fabric::is_on(NodeIndex host) const noexcept {
  return hosts_[host].is(HostData::kPowered) && hosts_[host].is(HostData::kCable);
}

bool Fabric::blocked(NodeIndex from, NodeIndex to) const noexcept {
  if (!is_on(from) || !is_on(to)) return true;
  return !cuts_.empty() && (cuts_[from].from & cuts_[to].to) != 0;
}

// How long data may stay unacknowledged.
SimTime Fabric::patience(NodeIndex a, NodeIndex b) const noexcept {
  return std::clamp(6 * round_trip(a, b), kMinPatience, kMaxPatience);
}

std::uint32_t Fabric::ping_interval(const HostData& host, const LinkEnd& end) const noexcept {
  const Duration after = end.has(LinkEnd::kNat) ? host.profile->ping_after_nat : host.profile->ping_after;
  return static_cast<std::uint32_t>(after.count() / kTick);
}

void Fabric::count_pings(Account& control, const LinkProfile& profile, std::uint64_t pings) noexcept {
  // In each interval either side sends one message (a ping, a pong, a heartbeat) and acknowledges one.
  const WireCost wire = frame_cost(profile.ping_bytes, profile);
  control.in_bytes += pings * (wire.bytes + wire.acks);
  control.out_bytes += pings * (wire.bytes + wire.acks);
  control.in_messages += static_cast<std::uint32_t>(pings);
  control.out_messages += static_cast<std::uint32_t>(pings);
}

// Books the keepalive of the time since `last`, which becomes the time of the last beat or ping.
void Fabric::settle(NodeIndex index, LinkEnd& end) {
  HostData& host = hosts_[index];
  const std::uint32_t interval = ping_interval(host, end);
  const std::uint32_t idle = tick(now()) - end.last;
  if (idle >= interval && !end.has(LinkEnd::kTroubled)) {
    count_pings(host.account(Traffic::control), *host.profile, idle / interval);
    end.last += idle / interval * interval;
  }
}

// Something was sent or received: silence begins anew. Heartbeats keep their phase, whatever else is sent.
void Fabric::touch(NodeIndex index, LinkEnd& end) {
  settle(index, end);
  end.last = tick(now());
}

TrafficCounts Fabric::traffic_of(NodeIndex index) const {
  const HostData& host = hosts_[index];
  auto accounts = host.accounts;
  for (std::uint16_t i = 0; i < host.slots; ++i) {
    const LinkEnd& end = host.links[i];
    if (end.state() != EndState::up || end.has(LinkEnd::kTroubled)) continue;
    const std::uint64_t pings = (tick(now()) - end.last) / ping_interval(host, end);
    count_pings(accounts[static_cast<std::size_t>(Traffic::control)], *host.profile, pings);
  }
  TrafficCounts counts;
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
    const Account& account = accounts[kind];
    counts.in.bytes[kind] = account.in_bytes;
    counts.in.messages[kind] = account.in_messages;
    counts.out.bytes[kind] = account.out_bytes;
    counts.out.messages[kind] = account.out_messages;
  }
  return counts;
}

// When this end sends its next keepalive, if nothing else is sent.
SimTime Fabric::next_ping(const HostData& host, const LinkEnd& end) const noexcept {
  const std::uint32_t interval = ping_interval(host, end);
  const std::uint32_t idle = tick(now()) - end.last;
  const std::uint64_t at = end.last + static_cast<std::uint64_t>(idle / interval + 1) * interval;
  return static_cast<SimTime>(at) * kTick;
}

Trouble* Fabric::trouble_of(HostData& host, std::uint16_t slot) noexcept {
  if (!host.cold) return nullptr;
  for (Trouble& trouble : host.cold->troubles) {
    if (trouble.slot == slot) return &trouble;
  }
  return nullptr;
}

void Fabric::set_deadline(NodeIndex index, std::uint16_t slot, Trouble& trouble, SimTime at) {
  if (at >= trouble.deadline) return;
  trouble.deadline = at;
  push(index, at, index, kCheck, 0, slot, hosts_[index].links[slot].generation);
}

void Fabric::begin_trouble(NodeIndex index, std::uint16_t slot, Fate fate, bool out_blocked) {
  HostData& host = hosts_[index];
  LinkEnd& end = host.links[slot];
  if (!end.has(LinkEnd::kTroubled)) {
    settle(index, end);
    end.set(LinkEnd::kTroubled);
    cold(host).troubles.push_back({slot, fate, out_blocked, kNever, kNever, {}});
  }
  Trouble& trouble = *trouble_of(host, slot);
  if (fate != Fate::cut) {
    trouble.fate = fate;
    trouble.parked.clear();
  }
  trouble.out_blocked = out_blocked;
  const NodeIndex peer = end.peer();
  const SimTime bound = patience(index, peer);
  const SimTime one_way = latency(index, peer);
  if (trouble.unacknowledged == kNever && end.in_order + one_way > now()) {
    trouble.unacknowledged = std::min(now(), end.in_order - one_way);
  }
  SimTime deadline = next_ping(host, end);
  if (fate == Fate::unmapped) {
    deadline += 2 * one_way;
  } else {
    deadline += host.profile->ping_is_answered ? std::min<SimTime>(bound, host.profile->pong_timeout.count()) : bound;
    if (trouble.unacknowledged != kNever) deadline = std::min(deadline, trouble.unacknowledged + bound);
  }
  set_deadline(index, slot, trouble, std::max(deadline, now()));
}

// True if the frame goes no further.
bool Fabric::send_into_trouble(NodeIndex from, std::uint16_t slot, LinkEnd& end, Frame& frame, std::uint8_t tag) {
  HostData& host = hosts_[from];
  Trouble& trouble = *trouble_of(host, slot);
  const NodeIndex peer = end.peer();
  if (trouble.unacknowledged == kNever) {
    trouble.unacknowledged = now();
    const SimTime wait = trouble.fate == Fate::unmapped ? round_trip(from, peer) : patience(from, peer);
    set_deadline(from, slot, trouble, now() + wait);
  }
  if (trouble.fate == Fate::cut && !trouble.out_blocked) return false;
  if (trouble.fate == Fate::gone && !blocked(from, peer)) return false;  // answered with a reset
  host.account(static_cast<Traffic>(tag & 3)).count_out(frame_cost(frame.size(), *host.profile).bytes);
  if (trouble.fate != Fate::cut) return true;
  const std::uint64_t before = trouble.parked_bytes;
  trouble.parked_bytes += frame.size();
  trouble.parked.emplace_back(std::move(frame), tag);
  if (before <= options_.queued_bytes && trouble.parked_bytes > options_.queued_bytes) {
    push(from, now(), from, kChoked, 0, slot, end.generation);
  }
  return true;
}

// The path works again: what was parked goes out at the next retransmission.
void Fabric::end_trouble(NodeIndex index, std::uint16_t slot) {
  HostData& host = hosts_[index];
  Trouble trouble = std::move(*trouble_of(host, slot));
  std::erase_if(host.cold->troubles, [slot](const Trouble& t) { return t.slot == slot; });
  if (host.cold->empty()) host.cold.reset();
  LinkEnd& end = host.links[slot];
  end.clear(LinkEnd::kTroubled);
  end.last = tick(now());
  if (trouble.parked.empty()) return;
  SimTime step = std::max(kMinRetransmit, 2 * round_trip(index, end.peer()));
  SimTime retry = trouble.unacknowledged + step;
  while (retry < now()) {
    step *= 2;
    retry += step;
  }
  const SimTime wait = retry - now();
  for (auto& [frame, tag] : trouble.parked) transmit(index, end, std::move(frame), tag, wait);
}

void Fabric::refresh_paths() {
  for (NodeIndex index = 0; index < hosts_.size(); ++index) {
    HostData& host = hosts_[index];
    for (std::uint16_t slot = 0; slot < host.slots; ++slot) {
      LinkEnd& end = host.links[slot];
      if (end.state() != EndState::up) continue;
      const bool out = blocked(index, end.peer());
      const bool in = blocked(end.peer(), index);
      const Trouble* trouble = end.has(LinkEnd::kTroubled) ? trouble_of(host, slot) : nullptr;
      if (trouble != nullptr && trouble->fate != Fate::cut) continue;
      if (trouble != nullptr && ((!out && !in) || trouble->out_blocked != out)) {
        end_trouble(index, slot);
        trouble = nullptr;
      }
      if (trouble == nullptr && (out || in)) begin_trouble(index, slot, Fate::cut, out);
    }
  }
}

void Fabric::on_check(const SimEvent& event) {
  HostData& host = hosts_[event.to];
  LinkEnd* end = find(host, event.slot, static_cast<std::uint16_t>(event.payload));
  if (end == nullptr || !end->has(LinkEnd::kTroubled)) return;
  const Trouble& trouble = *trouble_of(host, event.slot);
  if (now() < trouble.deadline) return;
  const Fate fate = trouble.fate;
  const bool answered = fate == Fate::unmapped ||
                        (fate == Fate::gone && !blocked(event.to, end->peer()) && !blocked(end->peer(), event.to));
  if (fate == Fate::cut) send_end(event.to, *end, CloseReason::reset);
  take_down(event.to, event.slot, answered ? CloseReason::reset : CloseReason::timed_out);
}

void Fabric::send_end(NodeIndex from, LinkEnd& end, CloseReason reason) {
  const SimTime one_way = latency(from, end.peer());
  const bool lost = blocked(from, end.peer());
  end.in_order = std::max(std::max(now(), hosts_[from].up_busy) + one_way, end.in_order + 1);
  const auto tag = static_cast<std::uint8_t>(static_cast<unsigned>(reason) | (lost ? kLost : 0u));
  push(from, end.in_order, end.peer(), kEnd, tag, end.peer_slot, end.peer_generation);
}

void Fabric::on_end(const SimEvent& event) {
  HostData& host = hosts_[event.to];
  LinkEnd* end = find(host, event.slot, static_cast<std::uint16_t>(event.payload));
  if (end == nullptr) return;
  if (end->state() == EndState::up) {
    if ((event.tag & kLost) != 0) return begin_trouble(event.to, event.slot, Fate::gone, true);
    if (end->has(LinkEnd::kTroubled)) {
      const Fate fate = trouble_of(host, event.slot)->fate;
      if (fate == Fate::renumbered || fate == Fate::unmapped) return;
    }
  }
  take_down(event.to, event.slot, static_cast<CloseReason>(event.tag & ~kLost));
}

// Something arrived for a link that this machine does not know (any more): its TCP answers with a reset.
void Fabric::tell_stale(const SimEvent& event, std::uint16_t generation) {
  const NodeIndex sender = source_of(event);
  if (blocked(event.to, sender)) return;
  push(event.to, now() + latency(event.to, sender), sender, kStale, 0, event.slot, generation);
}

void Fabric::on_stale(const SimEvent& event) {
  const HostData& host = hosts_[event.to];
  const NodeIndex teller = source_of(event);
  for (std::uint16_t slot = 0; slot < host.slots; ++slot) {
    const LinkEnd& end = host.links[slot];
    if (end.state() == EndState::free || end.state() == EndState::dialing || end.peer() != teller) continue;
    if (end.peer_slot != event.slot || end.peer_generation != event.payload) continue;
    return take_down(event.to, slot, CloseReason::reset);
  }
}

LinkEnd* Fabric::other_end(const LinkEnd& end) noexcept {
  LinkEnd* other = find(hosts_[end.peer()], end.peer_slot, end.peer_generation);
  return other != nullptr && other->state() == EndState::up ? other : nullptr;
}

void Fabric::boot(NodeIndex index, Inhabitant& inhabitant) {
  HostData& host = hosts_[index];
  NP2P_ASSERT(!host.is(HostData::kProcess));
  host.flags |= HostData::kPowered | HostData::kProcess;
  host.inhabitant = &inhabitant;
}

void Fabric::end_process(NodeIndex index) {
  HostData& host = hosts_[index];
  for (std::uint16_t slot = 0; slot < host.slots; ++slot) {
    LinkEnd& end = host.links[slot];
    if (end.state() == EndState::free) continue;
    if (end.state() != EndState::dialing) send_end(index, end, CloseReason::reset);
    free_slot(index, slot);
  }
  host.flags &= static_cast<std::uint8_t>(~HostData::kProcess);
  host.inhabitant = nullptr;
  host.cold.reset();  // opened ports
  ++host.boot;
}

void Fabric::power_off(NodeIndex index) {
  HostData& host = hosts_[index];
  host.flags &= static_cast<std::uint8_t>(~(HostData::kProcess | HostData::kPowered));
  for (std::uint16_t slot = 0; slot < host.slots; ++slot) {
    const LinkEnd& end = host.links[slot];
    if (end.state() == EndState::free) continue;
    const bool up = end.state() == EndState::up;
    if (up && other_end(end) != nullptr) begin_trouble(end.peer(), end.peer_slot, Fate::gone, true);
    free_slot(index, slot);
  }
  host.inhabitant = nullptr;
  host.cold.reset();  // opened ports
  ++host.boot;
  host.up_busy = host.down_busy = now();
}

void Fabric::unplug(NodeIndex index) {
  hosts_[index].flags &= static_cast<std::uint8_t>(~HostData::kCable);
  refresh_paths();
}

void Fabric::plug(NodeIndex index, bool new_address) {
  hosts_[index].flags |= HostData::kCable;
  if (new_address) renumber(index);
  refresh_paths();
}

// A new address, and all links of the old one are dead for ever.
void Fabric::renumber(NodeIndex index) {
  HostData& host = hosts_[index];
  const BoxIndex outermost = outermost_box(index);
  if (outermost != kNone) {
    lose_mappings(index, outermost);
    // A home of its own moves with its box; in a shared one only this host's conversations are lost.
    if (boxes_[outermost].insides.size() == 1) rebind(outermost);
    return;
  }
  for (std::uint16_t slot = 0; slot < host.slots; ++slot) {
    const LinkEnd& end = host.links[slot];
    if (end.state() != EndState::up) continue;
    if (other_end(end) != nullptr) begin_trouble(end.peer(), end.peer_slot, Fate::renumbered, true);
    begin_trouble(index, slot, Fate::renumbered, true);
  }
  for (auto& owner : owners_) {
    if (owner == index) owner = kNone;
  }
  places_[index].ip = allocate_ip(index);
}

bool Fabric::is_inside(NodeIndex host, BoxIndex box) const noexcept {
  for (BoxIndex at = hosts_[host].box; at != kNone; at = boxes_[at].outer) {
    if (at == box) return true;
  }
  return false;
}

void Fabric::lose_mappings(NodeIndex index, BoxIndex box) {
  HostData& host = hosts_[index];
  for (std::uint16_t slot = 0; slot < host.slots; ++slot) {
    LinkEnd& end = host.links[slot];
    if (end.state() != EndState::up) continue;
    if (is_inside(end.peer(), box) && end.session == LinkEnd::kNoSession) continue;  // stays inside, no mapping
    if (end.session != LinkEnd::kNoSession) {
      change_sessions(index, end.session, SessionChange::forget);
      end.session = LinkEnd::kNoSession;
    }
    if (other_end(end) != nullptr) begin_trouble(end.peer(), end.peer_slot, Fate::renumbered, true);
    begin_trouble(index, slot, Fate::unmapped, true);
  }
}

void Fabric::rebind(BoxIndex index) {
  for (NodeIndex host = 0; host < hosts_.size(); ++host) {
    if (is_inside(host, index)) lose_mappings(host, index);
  }
  BoxData& box = boxes_[index];
  box.nat.forget_everything();
  if (box.outer != kNone) return;
  for (auto& owner : owners_) {
    if (owner == (index | kBoxBit)) owner = kNone;
  }
  box.ip = allocate_ip(index | kBoxBit);
}

void Fabric::cut(const std::vector<NodeIndex>& from, const std::vector<NodeIndex>& to) {
  NP2P_ASSERT(cut_bits_ < 64);
  cuts_.resize(hosts_.size());
  const std::uint64_t bit = std::uint64_t{1} << cut_bits_++;
  for (const NodeIndex host : from) cuts_[host].from |= bit;
  for (const NodeIndex host : to) cuts_[host].to |= bit;
  refresh_paths();
}

void Fabric::heal() {
  cuts_.clear();
  cut_bits_ = 0;
  refresh_paths();
}

// A link whose NAT forgets sooner than keepalive comes has to be looked after: the only links with events of their own.
void Fabric::guard_fragile(NodeIndex index, std::uint16_t slot) {
  HostData& host = hosts_[index];
  LinkEnd& end = host.links[slot];
  SimTime timeout = kNever;
  for (BoxIndex at = host.box; at != kNone && !is_inside(end.peer(), at); at = boxes_[at].outer) {
    timeout = std::min<SimTime>(timeout, boxes_[at].nat.spec().mapping_timeout.count());
  }
  if (timeout > static_cast<SimTime>(ping_interval(host, end)) * kTick) return;
  end.set(LinkEnd::kFragile);
  cold(host).fragiles.push_back({slot, now(), timeout});
  push(index, now() + timeout, index, kFragileIdle, 0, slot, end.generation);
}

void Fabric::touch_fragile(HostData& host, std::uint16_t slot) noexcept {
  for (Fragile& fragile : host.cold->fragiles) {
    if (fragile.slot == slot) fragile.last_activity = now();
  }
}

void Fabric::on_fragile_idle(const SimEvent& event) {
  HostData& host = hosts_[event.to];
  LinkEnd* end = find(host, event.slot, static_cast<std::uint16_t>(event.payload));
  if (end == nullptr || !end->has(LinkEnd::kFragile) || end->has(LinkEnd::kTroubled)) return;
  for (const Fragile& fragile : host.cold->fragiles) {
    if (fragile.slot != event.slot) continue;
    const SimTime due = fragile.last_activity + fragile.timeout;
    if (due > now()) {
      push(event.to, due, event.to, kFragileIdle, 0, event.slot, event.payload);
      return;
    }
  }
  if (end->session != LinkEnd::kNoSession) {
    change_sessions(event.to, end->session, SessionChange::forget);
    end->session = LinkEnd::kNoSession;
  }
  push(event.to, now() + latency(event.to, end->peer()), end->peer(), kPathLost, 0, end->peer_slot,
       end->peer_generation);
  begin_trouble(event.to, event.slot, Fate::unmapped, true);
}

// As a real server does to a reader that is too slow: the link is given up, the peer's TCP gets a reset.
void Fabric::on_choked(const SimEvent& event) {
  LinkEnd* end = find(hosts_[event.to], event.slot, static_cast<std::uint16_t>(event.payload));
  if (end == nullptr || end->state() != EndState::up) return;
  send_end(event.to, *end, CloseReason::reset);
  take_down(event.to, event.slot, CloseReason::timed_out);
}

void Fabric::on_path_lost(const SimEvent& event) {
  const LinkEnd* end = find(hosts_[event.to], event.slot, static_cast<std::uint16_t>(event.payload));
  if (end != nullptr && end->state() == EndState::up) begin_trouble(event.to, event.slot, Fate::renumbered, true);
}

}  // namespace np2p::sim
