// How links come up: SYN through the boxes, the answer, TLS and Hello, all as steps of their own, each with its delay
// and its bytes. Three SYNs (at 0, 1 and 3 s) are given 7 s.
#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "simnet/fabric.h"

namespace np2p::sim {

namespace {

constexpr std::uint32_t kFirstIp = 0x2000'0001u;    // 32.0.0.1 and on: public hosts and boxes,
constexpr std::uint32_t kNetworks = 4096;           // strewn over so many /16, as if each had a provider of its own
constexpr std::uint32_t kLanIp = 0xC0A8'0002u;      // 192.168.0.2 and on: hosts in a box
constexpr std::uint32_t kCarrierIp = 0x6440'0002u;  // 100.64.0.2 and on: boxes in a box
constexpr std::uint32_t kMaxInsides = 0xFFF0;
constexpr SimTime kEstablishing = 10 * kSecond;  // for all of TLS and Hello
constexpr std::uint8_t kSyns = 3;
constexpr std::uint8_t kGiveUp = 0xFF;  // tag of the dial timer that ends everything

// Steps after SYN and SYN-ACK. On a plain link the third packet of TCP is all there is; it is a step of its own, too,
// where the one who gets the SYN-ACK is the server of TLS.
enum Step : std::uint8_t { client_hello, server_flight, client_done, server_hello, third_packet };

std::uint64_t step_payload(std::uint8_t step, bool encrypted) noexcept {
  switch (step) {
    case client_hello:
      return kClientHello;
    case server_flight:
      return kServerFlight;
    case client_done:
      return encrypted ? kClientFlight + kHello : 0;
    case third_packet:
      return 0;
    default:
      return kHello;
  }
}

constexpr std::uint32_t public_ip(std::size_t number) noexcept {
  return kFirstIp + (static_cast<std::uint32_t>(number % kNetworks) << 16) +
         static_cast<std::uint32_t>(number / kNetworks);
}

// The other way round; for an address that nobody was given, a number that nobody has.
constexpr std::size_t number_of(std::uint32_t ip) noexcept {
  const std::uint32_t offset = ip - kFirstIp;
  if (ip < kFirstIp || offset >> 16 >= kNetworks) return SIZE_MAX;
  return std::size_t{offset & 0xFFFFu} * kNetworks + (offset >> 16);
}

}  // namespace

// Those who are to lie in a few networks get the last ones, where hardly anybody else is. Addresses that are passed
// over stay free.
std::uint32_t Fabric::allocate_ip(std::uint32_t entity, std::uint32_t netgroups) {
  while (netgroups != 0 && owners_.size() % kNetworks + netgroups < kNetworks) owners_.push_back(kNone);
  owners_.push_back(entity);
  return public_ip(owners_.size() - 1);
}

BoxIndex Fabric::add_box(const NatSpec& spec, BoxIndex outer) {
  const auto index = static_cast<BoxIndex>(boxes_.size());
  boxes_.push_back({NatBox(spec, options_.seed, index), 0, outer, 0, {}});
  BoxData& box = boxes_.back();
  if (outer == kNone) {
    box.ip = allocate_ip(index | kBoxBit);
  } else {
    auto& insides = boxes_[outer].insides;
    NP2P_ASSERT(insides.size() < kMaxInsides);
    box.inner = static_cast<std::uint16_t>(insides.size());
    box.ip = kCarrierIp + box.inner;
    insides.push_back(index | kBoxBit);
  }
  return index;
}

NodeIndex Fabric::inhabitant_of(BoxIndex box) const {
  for (const std::uint32_t inside : boxes_[box].insides) {
    if ((inside & kBoxBit) == 0) return inside;
    const NodeIndex host = inhabitant_of(inside & ~kBoxBit);
    if (host != kNone) return host;
  }
  return kNone;
}

BoxIndex Fabric::outermost_box(NodeIndex host) const {
  BoxIndex box = hosts_[host].box;
  while (box != kNone && boxes_[box].outer != kNone) box = boxes_[box].outer;
  return box;
}

Endpoint Fabric::public_endpoint_of(NodeIndex host) const {
  const BoxIndex box = outermost_box(host);
  return {box == kNone ? places_[host].ip : boxes_[box].ip, hosts_[host].listen_port};
}

// The session of a link in the innermost box, then the same conversation in the boxes around it.
void Fabric::change_sessions(NodeIndex host, std::uint16_t session, SessionChange change) {
  BoxIndex index = hosts_[host].box;
  std::optional<std::uint16_t> at = session;
  while (index != kNone && at) {
    BoxData& box = boxes_[index];
    const Endpoint remote = box.nat.remote(*at);
    const std::uint16_t port = box.nat.outer_port(*at);
    if (change == SessionChange::pin) box.nat.pin(*at);
    if (change == SessionChange::release) box.nat.release(*at, now());
    if (change == SessionChange::forget) box.nat.forget(*at);
    index = box.outer;
    if (index != kNone) at = boxes_[index].nat.find(box.inner, port, remote, now());
  }
}

Dial* Fabric::dial_of(HostData& host, std::uint16_t slot) noexcept {
  if (!host.cold) return nullptr;
  for (Dial& dial : host.cold->dials) {
    if (dial.slot == slot) return &dial;
  }
  return nullptr;
}

LinkId Fabric::dial(NodeIndex from, const Address& to) {
  HostData& host = hosts_[from];
  std::uint16_t port = host.listen_port;
  if (!host.is(HostData::kDialFromListenPort)) {
    port = host.next_port;
    host.next_port = static_cast<std::uint16_t>(host.next_port == 0xFFFF ? 0x8000 : host.next_port + 1);
  }
  return dial_from(from, port, to);
}

LinkId Fabric::dial_from(NodeIndex from, std::uint16_t port, const Address& to) {
  Dial dial;
  dial.local_port = port;
  dial.remote = {to.is_v4() ? to.v4_host_order() : 0, to.port};
  const LinkId link = start_dial(from, dial);
  const auto slot = static_cast<std::uint16_t>(link.value & 0xFFFF);
  hosts_[from].links[slot].set(LinkEnd::kOutbound);
  record(from, Io::out_dial, link.value, static_cast<std::uint64_t>(dial.remote.ip) << 16 | dial.remote.port);
  send_syn(from, slot);
  return link;
}

LinkId Fabric::start_dial(NodeIndex from, Dial dial) {
  flush_of(from);
  HostData& host = hosts_[from];
  const std::uint16_t slot = take_slot(host);
  LinkEnd& end = host.links[slot];
  end.set_state(EndState::dialing);
  dial.slot = slot;
  dial.started = now();
  cold(host).dials.push_back(dial);
  return id_of(end, slot);
}

void Fabric::send_syn(NodeIndex from, std::uint16_t slot) {
  HostData& host = hosts_[from];
  LinkEnd& end = host.links[slot];
  Dial& dial = *dial_of(host, slot);
  const SimTime wait = kSecond << dial.tries;
  ++dial.tries;
  dial.refused = false;
  push(from, now() + wait, from, kDialTimer, dial.tries, slot, end.generation);
  host.account(Traffic::control).count_out(kSynBytes);
  if (!host.is(HostData::kCable)) return;
  if (options_.loss_ppm != 0 && random(host) % 1'000'000 < options_.loss_ppm) return;
  Syn syn{from, slot, end.generation, {places_[from].ip, dial.local_port}, dial.remote, kNone, kNone, false};
  if (!route_syn(syn, end.session)) return;
  if (syn.nat) end.set(LinkEnd::kNat);
  // It arrives at a host, or at a box: then at the box's first host, whose partition the box belongs to.
  const NodeIndex place = syn.at_box != kNone ? inhabitant_of(syn.at_box) : syn.host;
  if (place == kNone) return;
  const SimTime delay = latency(from, place) + stochastic_delay(host, 0, 0);
  push(from, now() + delay, place, kSyn, 0, 0, reinterpret_cast<std::uint64_t>(new Syn(syn)));
}

// Outwards through the boxes of the sender. False: dropped on the way.
bool Fabric::route_syn(Syn& syn, std::uint16_t& session) {
  const HostData& host = hosts_[syn.from];
  std::uint16_t inner = host.inner;
  bool innermost = true;
  for (BoxIndex index = host.box; index != kNone; index = boxes_[index].outer) {
    BoxData& box = boxes_[index];
    // An address of this box's own inside: the packet stays there.
    const std::uint32_t lan = syn.target.ip - kLanIp;
    const std::uint32_t carrier = syn.target.ip - kCarrierIp;
    if (lan < kMaxInsides && index == host.box) {
      if (lan >= box.insides.size() || (box.insides[lan] & kBoxBit) != 0) return false;
      syn.host = box.insides[lan];
      return true;
    }
    if (carrier < kMaxInsides && carrier < box.insides.size() && (box.insides[carrier] & kBoxBit) != 0) {
      syn.at_box = box.insides[carrier] & ~kBoxBit;
      return true;
    }
    const auto mapped = box.nat.outbound(inner, syn.source.port, syn.target, now());
    if (!mapped) return false;
    if (innermost) session = mapped->session;
    innermost = false;
    syn.nat = true;
    syn.source = {box.ip, mapped->outer_port};
    if (syn.target.ip == box.ip) {
      syn.at_box = index;
      return box.nat.spec().hairpin;
    }
    inner = box.inner;
  }
  const std::size_t number = number_of(syn.target.ip);
  if (number >= owners_.size() || owners_[number] == kNone) return false;
  if ((owners_[number] & kBoxBit) != 0) {
    syn.at_box = owners_[number] & ~kBoxBit;
  } else {
    syn.host = owners_[number];
  }
  return true;
}

// Inwards through the boxes of the receiver. False: filtered.
bool Fabric::enter_boxes(Syn& syn, std::uint16_t& session) {
  BoxIndex index = syn.at_box;
  while (index != kNone) {
    BoxData& box = boxes_[index];
    const auto in = box.nat.inbound(syn.source, syn.target.port, now());
    if (!in) {
      syn.at_box = index;
      return false;
    }
    syn.nat = true;
    const std::uint32_t inside = box.insides[in->inner];
    syn.target.port = in->inner_port;
    session = in->session;
    if ((inside & kBoxBit) == 0) {
      syn.host = inside;
      return true;
    }
    index = inside & ~kBoxBit;
  }
  return syn.host != kNone;
}

void Fabric::on_syn(const SimEvent& event) {
  const std::unique_ptr<Syn> syn(reinterpret_cast<Syn*>(event.payload));
  std::uint16_t session = LinkEnd::kNoSession;
  if (syn->at_box != kNone && !enter_boxes(*syn, session)) {
    if (boxes_[syn->at_box].nat.spec().refuses) refuse(*syn, event.to);
    return;
  }
  const NodeIndex host = syn->host;
  if (host == syn->from || blocked(syn->from, host)) return;
  const HostData& target = hosts_[host];
  if (const Dial* dial = crossing(target, *syn)) return cross(*syn, host, dial->slot);
  if (!target.is(HostData::kProcess) || !listens(target, syn->target.port)) return refuse(*syn, host);
  accept(*syn, host, session);
}

void Fabric::refuse(const Syn& syn, NodeIndex host) {
  if (blocked(host, syn.from)) return;
  push(host, now() + latency(host, syn.from), syn.from, kRefused, 0, syn.slot, syn.generation);
}

void Fabric::accept(const Syn& syn, NodeIndex index, std::uint16_t session) {
  HostData& host = hosts_[index];
  host.account(Traffic::control).count_in(kSynBytes);
  std::uint16_t slot = 0;
  // A SYN that was sent again finds its half-open link; the answer to the first one was lost, or is on its way.
  while (slot < host.slots) {
    const LinkEnd& end = host.links[slot];
    if (end.state() != EndState::free && end.peer() == syn.from && end.peer_slot == syn.slot &&
        end.peer_generation == syn.generation) {
      break;
    }
    ++slot;
  }
  if (slot == host.slots) {
    slot = take_slot(host);
    LinkEnd& end = host.links[slot];
    end.set_state(EndState::accepting);
    end.set_peer(syn.from);
    end.peer_slot = syn.slot;
    end.peer_generation = syn.generation;
    if (syn.nat) end.set(LinkEnd::kNat);
    if (session != LinkEnd::kNoSession) {
      end.session = session;
      change_sessions(index, session, SessionChange::pin);
    }
    Dial half;
    half.slot = slot;
    half.local_port = syn.target.port;
    half.remote = syn.source;
    half.started = now();
    if (const Dial* punch = punch_from(host, syn)) {
      half.expected = punch->expected;
      end.set(LinkEnd::kPunched);
      if (has_smaller_id(index, punch->expected)) end.set(LinkEnd::kOutbound);
    }
    cold(host).dials.push_back(half);
    push(index, now() + kEstablishing, index, kDialTimer, kGiveUp, slot, end.generation);
  }
  if (host.links[slot].state() == EndState::accepting) answer_syn(index, slot);
}

void Fabric::answer_syn(NodeIndex index, std::uint16_t slot) {
  HostData& host = hosts_[index];
  const LinkEnd& end = host.links[slot];
  host.account(Traffic::control).count_out(kSynBytes);
  if (blocked(index, end.peer())) return;
  if (options_.loss_ppm != 0 && random(host) % 1'000'000 < options_.loss_ppm) return;
  const SimTime delay = latency(index, end.peer()) + stochastic_delay(host, 0, 0);
  const std::uint64_t ours = static_cast<std::uint64_t>(slot) << 16 | end.generation;
  push(index, now() + delay, end.peer(), kSynAck, end.has(LinkEnd::kNat) ? 1 : 0, end.peer_slot,
       static_cast<std::uint64_t>(end.peer_generation) << 32 | ours);
}

// The connection of TCP is there: who it is must be proven in time.
void Fabric::wait_for_proof(NodeIndex index, std::uint16_t slot) {
  LinkEnd& end = hosts_[index].links[slot];
  if (end.session != LinkEnd::kNoSession) change_sessions(index, end.session, SessionChange::pin);
  end.set_state(EndState::handshaking);
  push(index, now() + kEstablishing, index, kDialTimer, kGiveUp, slot, end.generation);
}

void Fabric::on_syn_ack(const SimEvent& event) {
  HostData& host = hosts_[event.to];
  LinkEnd* end = find(host, event.slot, static_cast<std::uint16_t>(event.payload >> 32));
  if (end == nullptr) return;
  if (end->state() == EndState::dialing) {
    end->set_peer(source_of(event));
    end->peer_slot = static_cast<std::uint16_t>(event.payload >> 16);
    end->peer_generation = static_cast<std::uint16_t>(event.payload);
    if (event.tag != 0) end->set(LinkEnd::kNat);
    wait_for_proof(event.to, event.slot);
  } else if (end->state() != EndState::handshaking || !end->has(LinkEnd::kPunched)) {
    return;  // else SYNs crossed, and so do their answers
  }
  host.account(Traffic::control).count_in(kSynBytes);
  if (!host.profile->encrypted) {
    send_handshake(event.to, *end, client_done);
    come_up(event.to, event.slot);
  } else if (end->has(LinkEnd::kOutbound)) {
    begin_tls(event.to, event.slot);
  } else {
    send_handshake(event.to, *end, third_packet);
  }
}

void Fabric::begin_tls(NodeIndex index, std::uint16_t slot) {
  Dial& dial = *dial_of(hosts_[index], slot);
  if (std::exchange(dial.said_hello, true)) return;
  send_handshake(index, hosts_[index].links[slot], client_hello);
}

void Fabric::send_handshake(NodeIndex from, LinkEnd& end, std::uint8_t step) {
  const WireCost wire = stream_cost(step_payload(step, hosts_[from].profile->encrypted));
  hosts_[from].account(Traffic::control).count_out(wire.bytes);
  if (blocked(from, end.peer())) return;
  const SimTime one_way = latency(from, end.peer());
  const SimTime arrival = now() + one_way + stochastic_delay(hosts_[from], wire.segments, one_way);
  end.in_order = std::max(arrival, end.in_order + 1);
  push(from, end.in_order, end.peer(), kHandshake, step, end.peer_slot, end.peer_generation);
}

void Fabric::on_handshake(const SimEvent& event) {
  HostData& host = hosts_[event.to];
  LinkEnd* end = find(host, event.slot, static_cast<std::uint16_t>(event.payload));
  if (end == nullptr) {
    tell_stale(event, static_cast<std::uint16_t>(event.payload));
    return;
  }
  const std::uint64_t payload = step_payload(event.tag, host.profile->encrypted);
  host.account(Traffic::control).count_in(stream_cost(payload).bytes);
  switch (event.tag) {
    case client_hello:
      return send_handshake(event.to, *end, server_flight);
    case server_flight:
      return send_handshake(event.to, *end, client_done);
    case third_packet:
      if (end->state() != EndState::up && end->has(LinkEnd::kOutbound)) begin_tls(event.to, event.slot);
      return;
    case client_done:
      if (end->state() == EndState::up || end->has(LinkEnd::kOutbound)) return;
      if (!same_network(event.to, end->peer())) {
        push(event.to, now() + latency(event.to, end->peer()), end->peer(), kRefused, 0, end->peer_slot,
             end->peer_generation);
        return take_down(event.to, event.slot, CloseReason::refused);
      }
      if (host.profile->encrypted) send_handshake(event.to, *end, server_hello);
      return come_up(event.to, event.slot);
    case server_hello:
      if (end->state() != EndState::up && end->has(LinkEnd::kOutbound)) come_up(event.to, event.slot);
      return;
    default:
      NP2P_ASSERT(false);
  }
}

// What a Hello is refused for. A process that has just ended says nothing; its reset is on the way.
bool Fabric::same_network(NodeIndex a, NodeIndex b) const {
  const Inhabitant* one = hosts_[a].inhabitant;
  const Inhabitant* other = hosts_[b].inhabitant;
  return one == nullptr || other == nullptr || one->network_id() == other->network_id();
}

void Fabric::on_refused(const SimEvent& event) {
  const LinkEnd* end = find(hosts_[event.to], event.slot, static_cast<std::uint16_t>(event.payload));
  if (end == nullptr || (end->state() != EndState::dialing && end->state() != EndState::handshaking)) return;
  if (end->state() == EndState::dialing && end->has(LinkEnd::kPunched)) {
    dial_of(hosts_[event.to], event.slot)->refused = true;
    return;
  }
  take_down(event.to, event.slot, CloseReason::refused);
}

void Fabric::on_dial_timer(const SimEvent& event) {
  const LinkEnd* end = find(hosts_[event.to], event.slot, static_cast<std::uint16_t>(event.payload));
  if (end == nullptr || end->state() == EndState::up) return;
  if (event.tag == kGiveUp) return take_down(event.to, event.slot, CloseReason::timed_out);
  if (end->state() != EndState::dialing) return;
  if (event.tag < kSyns) return send_syn(event.to, event.slot);
  take_down(event.to, event.slot, CloseReason::timed_out);
}

void Fabric::come_up(NodeIndex index, std::uint16_t slot) {
  HostData& host = hosts_[index];
  LinkEnd& end = host.links[slot];
  end.set_state(EndState::up);
  end.last = tick(now());
  LinkInfo info;
  info.link = id_of(end, slot);
  // A peer whose process has just ended leaves no name; its reset is on the way.
  if (const Inhabitant* peer = hosts_[end.peer()].inhabitant; peer != nullptr) info.peer = peer->node_id();
  info.proven = host.profile->encrypted;
  info.outbound = end.has(LinkEnd::kOutbound);
  const Dial dial = *dial_of(host, slot);
  if (dial.punch && info.peer != dial.expected) {  // a mapping of somebody else
    send_end(index, end, CloseReason::reset);
    return take_down(index, slot, CloseReason::protocol_error);
  }
  if (end.has(LinkEnd::kPunched)) info.path = Path::punched;
  const Endpoint remote = dial.remote;
  info.remote = Address::v4(remote.ip, remote.port);
  std::erase_if(host.cold->dials, [slot](const Dial& d) { return d.slot == slot; });
  if (host.cold->empty()) host.cold.reset();
  guard_fragile(index, slot);
  const NodeIndex peer = end.peer();
  if (blocked(index, peer) || blocked(peer, index)) {
    begin_trouble(index, slot, Fate::cut, blocked(index, peer));
  }
  record(index, Io::in_link_up, info.link.value,
         combine64(static_cast<std::uint64_t>(remote.ip) << 16 | remote.port, hash_bytes(info.peer.view())));
  host.inhabitant->link_up(info);
  if (info.path == Path::punched && !dial.punch) end_punches(index, dial.local_port, info.peer);
}

}  // namespace np2p::sim
