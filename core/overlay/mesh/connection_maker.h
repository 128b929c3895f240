// Decides whom to dial and when, as weaveworks/mesh does: the bootstrap addresses for ever, and every address over
// which somebody else is connected to a peer that we are not connected to. Of an inbound connection only the host is of
// use, the port is the dialler's own; as the original it guesses that this peer listens where we do. The pause after a
// failure grows from 2 s by half each time up to 6 min, jittered by 50 %; a connection that lasted a minute beyond its
// last due time is dialled again at once.
//
// Addresses heard of are claims of strangers: ours, multicast, unspecified and (unless the configuration says so)
// loopback and private ones are never dialled. Addresses from the command line are.
#pragma once

#include <map>
#include <optional>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/base/rng.h"
#include "core/host/host.h"
#include "core/overlay/mesh/topology.h"

namespace np2p::mesh {

class ConnectionMaker {
 public:
  ConnectionMaker(const Config& config, Host& host, Rng& rng);

  struct Neighbour {
    Slot slot = kNoSlot;
    Address remote;
  };
  // Dials what is due; the time of the next attempt, if there is one. `full`: no room for another connection.
  std::optional<MonoTime> run(const Topology& topology, const std::vector<Neighbour>& neighbours, bool full);

  [[nodiscard]] bool knows(LinkId link) const { return dials_.count(link) != 0; }
  // Was this link dialled because of the command line? Only then a peer that nobody told us of is welcome there.
  [[nodiscard]] bool is_direct(LinkId link) const;
  [[nodiscard]] Address address(LinkId link) const;
  // The end of a link, or of an attempt. `never`: it is ourselves, or has our name.
  void ended(LinkId link, bool never);
  void connected(LinkId link);
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(targets_) + heap_bytes(dials_); }

  [[nodiscard]] bool may_dial(const Address& address) const noexcept;  // an address heard of

 private:
  enum class State : std::uint8_t { waiting, attempting, connected };
  struct Target {
    State state = State::waiting;
    bool never = false;
    bool valid = false;
    MonoTime try_after;
    Duration interval{};
  };
  void add(const Address& address, bool bounded, const std::vector<Address>& connected);
  void hear(const Topology& topology, const std::vector<Neighbour>& neighbours, const std::vector<Address>& connected);
  void try_later(Target& target);
  [[nodiscard]] bool is_ours(const Address& address) const noexcept;

  const Config& config_;
  Host& host_;
  Rng& rng_;
  bool all_loopback_ = false;
  std::map<Address, Target> targets_;
  std::map<LinkId, Address> dials_;  // attempts and outbound connections
};

}  // namespace np2p::mesh
