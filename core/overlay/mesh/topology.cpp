#include "core/overlay/mesh/topology.h"

#include <algorithm>

#include "core/base/heap_bytes.h"

namespace np2p::mesh {

Topology::Topology(Name own, std::uint64_t uid, std::uint16_t short_id, const Limits& limits) : limits_(limits) {
  const Slot slot = insert(own);
  NP2P_ASSERT(slot == kOwn);
  PeerRecord& record = slots_[kOwn];
  record.uid = uid;
  record.short_id = short_id;
  record.has_short_id = true;
  encode_summary(record, {});
}

Slot Topology::find(Name name) const noexcept {
  const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                   [](const auto& entry, Name n) { return entry.first < n; });
  return at != by_name_.end() && at->first == name ? at->second : kNoSlot;
}

Slot Topology::insert(Name name) {
  if (by_name_.size() >= limits_.mesh_peers || by_name_.size() >= kNoSlot) return kNoSlot;
  Slot slot = static_cast<Slot>(slots_.size());
  if (free_.empty()) {
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  PeerRecord& record = slots_[slot];
  record.name = name;
  record.used = true;
  encode_summary(record, {});
  append_connections(record.connections, {});
  const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                   [](const auto& entry, Name n) { return entry.first < n; });
  by_name_.insert(at, {name, slot});
  return slot;
}

Slot Topology::add(const Features& features) {
  const Slot known = find(features.name);
  if (known != kNoSlot) return known;
  const Slot slot = insert(features.name);
  if (slot == kNoSlot) return kNoSlot;
  PeerRecord& record = slots_[slot];
  record.uid = features.uid;
  record.short_id = features.short_id;
  record.has_short_id = features.has_short_id;
  encode_summary(record, features.nick_name);
  return slot;
}

bool Topology::newer(const PeerSummary& heard, const PeerRecord& known) noexcept {
  if (known.fresh) return true;
  if (heard.version != known.version) return heard.version > known.version;
  if (heard.uid != known.uid) return heard.uid > known.uid;
  return heard.has_short_id && !known.has_short_id;
}

Result<Topology::Update> Topology::apply(ByteView payload) {
  parsed_.clear();
  TopologyReader reader(payload, limits_);
  for (Parsed parsed; reader.next(parsed.peer, parsed.connections);) {
    const Slot slot = find(parsed.peer.name);
    // What we know already is not looked at again, and never handed on: only its frame has to hold together.
    if (slot != kNoSlot && slot != kOwn && !newer(parsed.peer, slots_[slot])) continue;
    if (slot == kNoSlot || !says_the_same(slot, parsed.connections)) {
      ConnectionReader in(parsed.connections, limits_);
      Connection connection;
      while (in.next(connection)) {
      }
      if (!in.ok()) return error(ErrorCode::malformed, "connections of a peer do not parse");
    }
    parsed_.push_back(parsed);
  }
  if (!reader.ok()) return error(ErrorCode::malformed, "topology does not parse");

  Update update;
  for (const Parsed& parsed : parsed_) {
    Slot slot = find(parsed.peer.name);
    if (slot == kOwn) {
      PeerRecord& own = slots_[kOwn];
      const bool stranger = parsed.peer.uid != own.uid || parsed.peer.version > own.version;
      if (!stranger || parsed.peer.version < own.version) continue;
      own.version = parsed.peer.version + 1;
      encode_summary(own, {});
      update.own_changed = true;
      continue;
    }
    if (slot == kNoSlot) {
      slot = insert(parsed.peer.name);
      if (slot == kNoSlot) {
        update.overflow = true;
        continue;
      }
      slots_[slot].fresh = true;
    }
    if (newer(parsed.peer, slots_[slot])) take(slot, parsed.peer, parsed.connections, update);
  }
  if (!update.improved.empty())
    for (PeerRecord& record : slots_) record.fresh = false;
  return update;
}

// A peer that tried a connection in vain has a new version and the connections of before.
bool Topology::says_the_same(Slot slot, ByteView connections) const noexcept {
  return text_of(connection_list(slots_[slot].connections)) == text_of(connections);
}

void Topology::take(Slot slot, const PeerSummary& peer, ByteView connections, Update& update) {
  PeerRecord& record = slots_[slot];
  record.uid = peer.uid;
  record.version = peer.version;
  record.short_id = peer.short_id;
  record.has_short_id = peer.has_short_id;
  encode_summary(record, peer.nick_name);
  if (record.fresh) update.edges_changed = true;  // a new peer, even if it has no connections
  if (!says_the_same(slot, connections)) {
    list_.clear();
    ConnectionReader in(connections, limits_);
    list_.reserve(in.left());
    for (Connection connection; in.next(connection);) list_.push_back(connection);
    std::swap(record.connections, old_connections_);
    record.connections.clear();
    append_connections(record.connections, list_);
    set_edges(slot, &update);
    update.edges_changed = true;
  }
  update.improved.push_back(peer.name);
  const PeerRecord& own = slots_[kOwn];
  if (peer.has_short_id && peer.short_id == own.short_id && peer.name < own.name) update.short_id_lost = true;
}

// Reads the edges from the record's own encoded connections; those before are in old_connections_. Most lists are in
// the order of names and differ in one connection from what they were, so a merge finds most edges ready. New names get
// slots, which may move `slots_`.
void Topology::set_edges(Slot slot, Update* update) {
  const std::vector<Edge> before = std::move(slots_[slot].edges);
  ConnectionReader old(connection_list(old_connections_), limits_);
  const bool mergeable = old.left() == before.size();
  Connection was;
  std::size_t place = 0;
  bool left = mergeable && old.next(was);

  std::vector<Edge> edges;
  ConnectionReader in(connection_list(slots_[slot].connections), limits_);
  edges.reserve(in.left());
  for (Connection connection; in.next(connection);) {
    while (left && was.name < connection.name) {
      ++place;
      left = old.next(was);
    }
    if (left && was == connection) {
      edges.push_back(before[place]);
      continue;
    }
    Slot to = find(connection.name);
    if (to == kNoSlot) {
      to = insert(connection.name);
      if (to == kNoSlot) {
        if (update != nullptr) update->overflow = true;
        continue;
      }
      slots_[to].fresh = update != nullptr;
    }
    edges.push_back({.to = to,
                     .outbound = connection.outbound,
                     .established = connection.established,
                     .address = intern(connection)});
  }
  NP2P_ASSERT(in.ok());
  std::vector<std::uint64_t>& neighbours = slots_[slot].neighbours;
  neighbours.assign((slots_.size() + 63) / 64, 0);
  for (const Edge& edge : edges) neighbours[edge.to / 64] |= 1ull << (edge.to % 64);
  slots_[slot].edges = std::move(edges);
}

AddressId Topology::intern(const Connection& connection) {
  auto address = Address::parse(connection.address);
  if (!address.ok()) return kNoAddress;
  if (!connection.outbound) address->port = 0;  // whatever port it dialled from, nobody listens there
  const auto found = address_ids_.find(*address);
  if (found != address_ids_.end()) return found->second;
  if (addresses_.size() >= limits_.mesh_targets) return kNoAddress;
  const auto id = static_cast<AddressId>(addresses_.size());
  address_ids_.emplace(*address, id);
  addresses_.push_back(*address);
  return id;
}

// Forgets the addresses that no edge names, once they may be as many as the others.
void Topology::compact_addresses() {
  constexpr std::size_t kSlack = 1024;
  if (addresses_.size() < 2 * live_addresses_ + kSlack && addresses_.size() < limits_.mesh_targets) return;
  const std::vector<Address> old = std::move(addresses_);
  std::vector<AddressId> renamed(old.size(), kNoAddress);
  addresses_.clear();
  address_ids_.clear();
  for (PeerRecord& record : slots_) {
    for (Edge& edge : record.edges) {
      if (edge.address == kNoAddress) continue;
      AddressId& id = renamed[edge.address];
      if (id == kNoAddress) {
        id = static_cast<AddressId>(addresses_.size());
        addresses_.push_back(old[edge.address]);
        address_ids_.emplace(old[edge.address], id);
      }
      edge.address = id;
    }
  }
  live_addresses_ = addresses_.size();
}

void Topology::encode_summary(PeerRecord& record, std::string_view nick_name) {
  record.summary.clear();
  append_summary(record.summary, {.name = record.name,
                                  .nick_name = nick_name,
                                  .uid = record.uid,
                                  .version = record.version,
                                  .short_id = record.short_id,
                                  .has_short_id = record.has_short_id});
}

void Topology::set_own(std::span<const Connection> connections) {
  PeerRecord& own = slots_[kOwn];
  ++own.version;
  encode_summary(own, {});
  std::swap(own.connections, old_connections_);
  own.connections.clear();
  append_connections(own.connections, connections);
  set_edges(kOwn, nullptr);
}

bool Topology::owns_short_id() const noexcept {
  const PeerRecord& own = slots_[kOwn];
  for (const auto& [name, slot] : by_name_) {
    if (name >= own.name) break;
    if (slots_[slot].has_short_id && slots_[slot].short_id == own.short_id) return false;
  }
  return true;
}

void Topology::set_own_short_id(std::uint16_t short_id) {
  PeerRecord& own = slots_[kOwn];
  own.short_id = short_id;
  ++own.version;
  encode_summary(own, {});
}

std::size_t Topology::collect(const std::vector<Slot>& next_hop) {
  std::size_t removed = 0;
  for (Slot slot = 0; slot < slots_.size(); ++slot) {
    PeerRecord& record = slots_[slot];
    if (!record.used || slot == kOwn || (slot < next_hop.size() && next_hop[slot] != kNoSlot)) continue;
    record = PeerRecord{};
    free_.push_back(slot);
    ++removed;
  }
  if (removed > 0) std::erase_if(by_name_, [this](const auto& entry) { return !slots_[entry.second].used; });
  compact_addresses();
  return removed;
}

std::vector<Name> Topology::names() const {
  std::vector<Name> names;
  names.reserve(by_name_.size());
  for (const auto& [name, slot] : by_name_) names.push_back(name);
  return names;
}

std::vector<Frame> Topology::encode(std::span<const Name> names) const {
  constexpr std::size_t kEnvelope = 512;  // definitions, channel, source
  std::vector<Frame> frames;
  TopologyWriter writer;
  for (const Name name : names) {
    const Slot slot = find(name);
    if (slot == kNoSlot) continue;
    const PeerRecord& record = slots_[slot];
    const std::size_t size = record.summary.size() + record.connections.size();
    if (size + kEnvelope > limits_.frame_bytes) continue;  // cannot have come in a frame, either
    if (writer.size() + size + kEnvelope > limits_.frame_bytes) {
      frames.push_back(writer.finish(Tag::gossip, slots_[kOwn].name));
      writer = {};
    }
    writer.add(record.summary, record.connections);
  }
  if (writer.size() > 0) frames.push_back(writer.finish(Tag::gossip, slots_[kOwn].name));
  return frames;
}

std::size_t Topology::bytes() const noexcept {
  const auto of_record = [](const PeerRecord& record) {
    return heap_bytes(record.summary) + heap_bytes(record.connections) + heap_bytes(record.edges) +
           heap_bytes(record.neighbours);
  };
  return heap_bytes(slots_, of_record) + heap_bytes(free_) + heap_bytes(by_name_) + heap_bytes(addresses_) +
         heap_bytes(address_ids_) + heap_bytes(parsed_) + heap_bytes(list_) + heap_bytes(old_connections_);
}

}  // namespace np2p::mesh
