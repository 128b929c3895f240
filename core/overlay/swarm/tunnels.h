// Links that other nodes carry. Ours: the host makes their records and reads them, here they go into messages to the
// other end and out of them, over its relay or greedily towards that. And those of others, on their way (relay.h).
// Whoever opens one is known before (ladder.h): a record of an unknown tunnel is only answered with its end.
//
// The first relay lets through what one client may send (Limits::relay_client_*) and ends a tunnel that sends more. So
// the records of all tunnels that leave over one neighbour keep to that, with something to spare; those beyond wait,
// and the host is told to hold the tunnel.
#pragma once

#include <optional>
#include <vector>

#include "core/overlay/swarm/relay.h"
#include "core/overlay/swarm/router.h"

namespace np2p::swarm {

class Tunnels {
 public:
  Tunnels(const Config& config, Host& host, Links& links, Router& router);

  // `number`: the same at both ends. 0: over a limit.
  LinkId open(const NodeId& peer, const NodeId& via, std::uint64_t number, bool outbound, Use use);

  void carry(LinkId link, const Frame& record, Traffic traffic);  // from the host
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept { return due_; }
  void due(MonoTime now);
  void on(Peer& from, const Carry& message);
  void on(Peer& from, const CarryEnd& message);
  void closed(LinkId link);  // by whomever: the other end is told
  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
  [[nodiscard]] Relay& relay() noexcept { return relay_; }
  [[nodiscard]] std::size_t carried_for_others() const noexcept { return relay_.slots(); }

 private:
  struct Waiting {
    Frame record;
    Traffic traffic = Traffic::control;
  };
  struct End {
    LinkId link;
    NodeId peer;
    NodeId via;
    std::uint64_t number = 0;
    std::vector<Waiting> waiting;
    std::size_t waiting_bytes = 0;
  };
  struct Pace {  // towards one neighbour
    NodeId neighbour;
    TokenBucket bytes;
    MonoTime used;
    bool empty = false;  // somebody waits, and whoever comes later waits behind
  };
  enum class Passed : std::uint8_t { yes, later, nowhere };
  Passed pass(const End& end, const Waiting& what);
  Pace& pace_of(const NodeId& neighbour);
  [[nodiscard]] End* find(LinkId link) noexcept;
  [[nodiscard]] End* find(const NodeId& peer, std::uint64_t number) noexcept;
  void stop(Peer& from, const Carry& message);  // goes no further: says so to where it came from

  const Config& config_;
  Host& host_;
  Links& links_;
  Router& router_;
  Relay relay_;
  std::vector<End> ends_;
  std::vector<Pace> paces_;
  std::optional<MonoTime> due_;
};

}  // namespace np2p::swarm
