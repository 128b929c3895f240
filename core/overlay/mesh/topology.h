// What one node knows of the mesh: every peer heard of and, for each, the connections that it says it has. Each peer
// is the only author of its own record and raises its version with every change; the highest version wins.
//
// Peers live in slots, 16-bit indices that stay valid until the peer is collected; ours is slot kOwn. A record keeps
// its encoded form too, so that handing it on is a copy of bytes. After collect() every edge points to a used slot:
// what is kept is exactly what can be reached, and that is closed under edges.
#pragma once

#include <optional>
#include <unordered_map>
#include <utility>

#include "core/base/address.h"
#include "core/wire/mesh_messages.h"

namespace np2p::mesh {

using Slot = std::uint16_t;
inline constexpr Slot kOwn = 0;
inline constexpr Slot kNoSlot = 0xffff;

using AddressId = std::uint32_t;
inline constexpr AddressId kNoAddress = 0xffff'ffff;

struct Edge {
  Slot to = 0;
  bool outbound = false;
  bool established = false;
  AddressId address = kNoAddress;  // where `to` was dialled; without port if it dialled
};

struct PeerRecord {
  Name name = 0;
  std::uint64_t uid = 0;  // 0: heard of only as somebody's neighbour
  std::uint64_t version = 0;
  std::uint16_t short_id = 0;
  bool has_short_id = false;
  bool used = false;
  bool fresh = false;  // made by the update being applied
  ByteVec summary;     // encoded
  ByteVec connections;
  std::vector<Edge> edges;
  std::vector<std::uint64_t> neighbours;  // the slots in `edges` as a bit set: routes ask little else
};

class Topology {
 public:
  Topology(Name own, std::uint64_t uid, std::uint16_t short_id, const Limits& limits);

  [[nodiscard]] Slot find(Name name) const noexcept;  // kNoSlot if unknown
  [[nodiscard]] const PeerRecord& at(Slot slot) const noexcept { return slots_[slot]; }
  [[nodiscard]] std::size_t slots() const noexcept { return slots_.size(); }
  [[nodiscard]] std::size_t size() const noexcept { return by_name_.size(); }
  [[nodiscard]] const std::vector<std::pair<Name, Slot>>& by_name() const noexcept { return by_name_; }
  // By AddressId. Most of the many connections of a peer name the same few.
  [[nodiscard]] const std::vector<Address>& addresses() const noexcept { return addresses_; }

  // A neighbour that introduced itself, if it is unknown. kNoSlot: no room.
  Slot add(const Features& features);

  struct Update {
    std::vector<Name> improved;  // new to us, or newer than what we had: worth handing on
    bool edges_changed = false;  // routes have to be computed again
    bool own_changed = false;    // our version had to jump over what others remember of an earlier start of ours
    bool overflow = false;       // something did not fit into Limits::mesh_peers
    bool short_id_lost = false;  // a peer with a smaller name has our short id
  };
  // All or nothing: an error leaves the topology as it was.
  Result<Update> apply(ByteView payload);

  // Our connections; each call is a new version.
  void set_own(std::span<const Connection> connections);
  // Takes a free short id if another peer has ours and the right to it. False: kept.
  template <class Draw>
  bool renew_short_id(Draw draw);
  [[nodiscard]] bool owns_short_id() const noexcept;

  // Forgets every peer that `reached` (by slot) does not mark; their number.
  std::size_t collect(const std::vector<Slot>& next_hop);

  [[nodiscard]] std::vector<Name> names() const;
  // As gossip: one frame, or several where one would be over Limits::frame_bytes.
  [[nodiscard]] std::vector<Frame> encode(std::span<const Name> names) const;
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Parsed {
    PeerSummary peer;
    ByteView connections;
  };
  static bool newer(const PeerSummary& heard, const PeerRecord& known) noexcept;
  Slot insert(Name name);
  void take(Slot slot, const PeerSummary& peer, ByteView connections, Update& update);
  [[nodiscard]] bool says_the_same(Slot slot, ByteView connections) const noexcept;
  void encode_summary(PeerRecord& record, std::string_view nick_name);
  void set_edges(Slot slot, Update* update);
  void set_own_short_id(std::uint16_t short_id);
  AddressId intern(const Connection& connection);
  void compact_addresses();

  const Limits& limits_;
  std::vector<PeerRecord> slots_;
  std::vector<Slot> free_;
  std::vector<std::pair<Name, Slot>> by_name_;  // ascending
  std::vector<Address> addresses_;
  std::unordered_map<Address, AddressId> address_ids_;  // never iterated
  std::size_t live_addresses_ = 0;                      // when last compacted
  std::vector<Parsed> parsed_;                          // scratch of apply()
  std::vector<Connection> list_;                        // scratch of take()
  ByteVec old_connections_;                             // scratch of set_edges()
};

template <class Draw>
bool Topology::renew_short_id(Draw draw) {
  if (owns_short_id()) return false;
  constexpr std::size_t kShortIds = 4096;
  std::vector<bool> taken(kShortIds);
  std::size_t free_count = kShortIds;
  for (const auto& [name, slot] : by_name_) {
    const PeerRecord& record = slots_[slot];
    if (!record.has_short_id || taken[record.short_id]) continue;
    taken[record.short_id] = true;
    --free_count;
  }
  if (free_count == 0) return false;
  std::uint64_t skip = draw(free_count);
  std::uint16_t choice = 0;
  while (taken[choice] || skip-- > 0) ++choice;
  set_own_short_id(choice);
  return true;
}

}  // namespace np2p::mesh
