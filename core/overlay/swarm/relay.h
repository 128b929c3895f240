// What we carry for others: tunnels, each a slot, within limits of slots, bytes and rate for each neighbour, for all
// neighbours at one address, and in all. A neighbour behind NAT is a client, whose tunnels begin or end with itself;
// from a reachable one come those of its clients, and only the limit for all of them holds.
#pragma once

#include <vector>

#include "core/base/token_bucket.h"
#include "core/overlay/swarm/links.h"

namespace np2p::swarm {

class Relay {
 public:
  explicit Relay(const Config& config);

  // May this record go on? It is charged if so.
  Status admit(const Peer& from, const Carry& record, MonoTime now);
  // So many bytes of copies for others, whom a Spread or the members of a cell are; `from`: who handed us the Spread,
  // or whose cell it is.
  Status admit_copies(const NodeId& from, std::size_t bytes, MonoTime now);
  void ended(const CarryEnd& end);
  [[nodiscard]] std::size_t slots() const noexcept { return slots_.size(); }

 private:
  struct Slot {
    NodeId a;  // both ends, the smaller id first
    NodeId b;
    std::uint64_t tunnel = 0;
    NodeId client;    // whom it is counted for: who sent its first record to us
    Address address;  // and where that is, without a port
    MonoTime used;
  };
  struct Client {
    NodeId id;
    TokenBucket bytes;
    MonoTime used;
  };
  Status open(const Peer& from, const Carry& record, MonoTime now);
  TokenBucket& bucket_of(const NodeId& client, MonoTime now);

  const Config& config_;
  TokenBucket total_;
  std::vector<Slot> slots_;
  std::vector<Client> clients_;
};

}  // namespace np2p::swarm
