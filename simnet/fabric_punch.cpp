// Ports opened beside the listen port, and the simultaneous open of TCP: both sides dial each other's mapping from such
// a port, so that each one's SYN opens its own NAT for the other's. Whether they meet is a question of what the boxes
// on the way do with these SYNs, and of nothing else. A SYN that meets a dial of its own four addresses and ports is
// answered by that socket; one that comes to an open port from elsewhere (another port of the same NAT, where that maps
// by destination) is accepted there. Of both sides the smaller NodeId begins TLS.
#include <algorithm>

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "simnet/fabric.h"

namespace np2p::sim {

std::uint16_t Fabric::open_port(NodeIndex index) {
  HostData& host = hosts_[index];
  auto& ports = cold(host).ports;
  while (std::find(ports.begin(), ports.end(), host.next_port) != ports.end() || host.next_port == host.listen_port) {
    host.next_port = static_cast<std::uint16_t>(host.next_port == 0xFFFF ? 0x8000 : host.next_port + 1);
  }
  const std::uint16_t port = host.next_port;
  host.next_port = static_cast<std::uint16_t>(host.next_port == 0xFFFF ? 0x8000 : host.next_port + 1);
  ports.push_back(port);
  record(index, Io::out_open_port, port, 0);
  return port;
}

void Fabric::close_port(NodeIndex index, std::uint16_t port) {
  HostData& host = hosts_[index];
  record(index, Io::out_close_port, port, 0);
  if (!host.cold) return;
  std::erase(host.cold->ports, port);
  if (host.cold->empty()) host.cold.reset();
}

bool Fabric::listens(const HostData& host, std::uint16_t port) noexcept {
  if (port == 0) return false;
  if (port == host.listen_port) return true;
  if (!host.cold) return false;
  const auto& ports = host.cold->ports;
  return std::find(ports.begin(), ports.end(), port) != ports.end();
}

LinkId Fabric::punch(NodeIndex from, std::uint16_t port, const Address& to, const NodeId& peer, SimTime at) {
  Dial dial;
  dial.local_port = port;
  dial.remote = {to.is_v4() ? to.v4_host_order() : 0, to.port};
  dial.punch = true;
  dial.expected = peer;
  const LinkId link = start_dial(from, dial);
  const auto slot = static_cast<std::uint16_t>(link.value & 0xFFFF);
  LinkEnd& end = hosts_[from].links[slot];
  end.set(LinkEnd::kPunched);
  if (has_smaller_id(from, peer)) end.set(LinkEnd::kOutbound);
  record(from, Io::out_punch, link.value,
         combine64(static_cast<std::uint64_t>(dial.remote.ip) << 16 | dial.remote.port,
                   combine64(static_cast<std::uint64_t>(at), hash_bytes(peer.view()))));
  push(from, std::max(at, now()), from, kDialTimer, 0, slot, end.generation);
  return link;
}

bool Fabric::has_smaller_id(NodeIndex host, const NodeId& than) const noexcept {
  const Inhabitant* who = hosts_[host].inhabitant;
  return who != nullptr && who->node_id() < than;
}

// The socket that dials exactly where this SYN comes from.
const Dial* Fabric::crossing(const HostData& host, const Syn& syn) const noexcept {
  if (!host.cold) return nullptr;
  for (const Dial& dial : host.cold->dials) {
    if (!dial.punch || dial.tries == 0 || dial.refused) continue;
    if (dial.local_port != syn.target.port || dial.remote != syn.source) continue;
    const LinkEnd& end = host.links[dial.slot];
    const bool again = end.peer() == syn.from && end.peer_slot == syn.slot && end.peer_generation == syn.generation;
    if (end.state() == EndState::dialing || again) return &dial;
  }
  return nullptr;
}

void Fabric::cross(const Syn& syn, NodeIndex index, std::uint16_t slot) {
  HostData& host = hosts_[index];
  host.account(Traffic::control).count_in(kSynBytes);
  LinkEnd& end = host.links[slot];
  if (end.state() == EndState::dialing) {
    end.set_peer(syn.from);
    end.peer_slot = syn.slot;
    end.peer_generation = syn.generation;
    if (syn.nat) end.set(LinkEnd::kNat);
    wait_for_proof(index, slot);
  }
  answer_syn(index, slot);
}

// A punch of ours from the port that the SYN comes to, towards the machine or NAT that it comes from.
const Dial* Fabric::punch_from(const HostData& host, const Syn& syn) const noexcept {
  if (!host.cold) return nullptr;
  for (const Dial& dial : host.cold->dials) {
    if (dial.punch && dial.local_port == syn.target.port && dial.remote.ip == syn.source.ip) return &dial;
  }
  return nullptr;
}

// What came to the open port was faster than our own dial.
void Fabric::end_punches(NodeIndex index, std::uint16_t local_port, const NodeId& peer) {
  std::vector<LinkId> vain;
  const HostData& host = hosts_[index];
  if (!host.cold) return;
  for (const Dial& dial : host.cold->dials) {
    if (dial.punch && dial.local_port == local_port && dial.expected == peer) {
      vain.push_back(id_of(host.links[dial.slot], dial.slot));
    }
  }
  for (const LinkId link : vain) {
    LinkEnd* end = find(hosts_[index], link);
    if (end == nullptr || end->state() == EndState::up) continue;
    if (end->state() != EndState::dialing) send_end(index, *end, CloseReason::reset);
    take_down(index, static_cast<std::uint16_t>(link.value & 0xFFFF), CloseReason::duplicate_link);
  }
}

}  // namespace np2p::sim
