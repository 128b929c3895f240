// The public face of the simulator: one deterministic world of nostrp2p nodes. The same options, the same calls at the
// same simulated times give the same digest, whatever the machine and the compiler.
//
// Calls happen at barriers: between two run_until(), never inside one. A node that was added does nothing until
// start(). Time does not pass in any call but run_until(); what a call causes happens at now(), in the order of calls.
// Wrong arguments throw std::invalid_argument with a sentence that names them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/api/api.h"
#include "core/base/config.h"
#include "core/crypto/signer.h"
#include "core/event/event.h"
#include "simnet/adversary/adversary.h"
#include "simnet/base.h"
#include "simnet/nat_spec.h"
#include "simnet/traffic.h"

namespace np2p::sim {

struct WorldOptions {
  std::uint64_t seed = 1;
  bool memo = true;  // remember verified signatures; off: the same trace, more slowly
  WallTime wall_start{1'700'000'000LL * kSecond};
  std::uint32_t loss_ppm = 0;      // lost segments per million; a loss is a retransmission delay
  Duration base_delay = 10ms;      // one-way delay between any two hosts, before their distance; at least 1 ms
  Duration jitter = 1ms;           // upper bound of a uniform delay per packet
  std::int32_t plane_us = 60'000;  // hosts without a position are strewn over a square of this side (microseconds)
  Duration disk_latency = 2ms;     // from a commit to durable
  std::string trace_path;          // JSON lines of every input and output; empty: none
};

struct NodeOptions {
  Config config;  // owner is filled in by the world (the simulated user's key), listen and seed too if they are unset
  std::vector<NatSpec> nat;        // boxes of its own, innermost first; at most two in all
  std::optional<BoxIndex> behind;  // a shared box (add_nat_box), outside of all of `nat`
  std::optional<Position> position;
  std::uint64_t up_bits_per_s = 20'000'000;  // access link; 0: unlimited
  std::uint64_t down_bits_per_s = 100'000'000;
  bool listens = true;                 // on config.listen, or on port 20000 of its own address
  bool dial_from_listen_port = false;  // outgoing links leave from the listen port (as hole punchers do)
  Behaviour behaviour = Behaviour::honest;
  std::uint32_t netgroups = 0;  // its public address is in one of the first so many /16; 0: in any of them
};

enum class HostState : std::uint8_t { added, running, crashed, powered_off, stopped };

struct PublishHandle {
  EventId id;
  RequestId request;
};

struct DeliveryRow {
  NodeIndex node = 0;
  std::int64_t latency_ns = 0;         // from the call of publish() to the first acceptance
  std::uint32_t hops = 0;              // of the path on which it arrived first
  std::int64_t direct_latency_ns = 0;  // the network's own one-way delay from the author
};

struct OverlayEdge {
  NodeIndex from = 0;  // who dialled
  NodeIndex to = 0;
};

struct MemoryRow {
  std::uint64_t simnet = 0;   // the simulator's own: host, links, NAT, accounting
  std::uint64_t store = 0;    // the node's store, shared events not counted
  std::uint64_t overlay = 0;  // the node's own state; 0 if it does not run
  std::uint64_t feed = 0;     // likewise, with its api
};

class World {
 public:
  explicit World(WorldOptions options = {});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // --- building
  BoxIndex add_nat_box(const NatSpec& spec, std::optional<BoxIndex> behind = std::nullopt);  // a shared box
  NodeIndex add_node(NodeOptions options);
  [[nodiscard]] std::size_t node_count() const noexcept;
  // Where the node listens, as it knows itself (private behind a NAT). Stays the same until come_online(true).
  [[nodiscard]] Address address_of(NodeIndex node) const;
  // The address as the outside sees it: the outermost NAT's with the listen port.
  [[nodiscard]] Address public_address_of(NodeIndex node) const;
  [[nodiscard]] NodeId node_id(NodeIndex node) const;  // of its node key
  [[nodiscard]] bool is_behind_nat(NodeIndex node) const;
  [[nodiscard]] Position position_of(NodeIndex node) const;
  // May be changed until start() or between crash() and restart().
  Config& config_of(NodeIndex node);

  // --- life and death of a node
  void start(NodeIndex node);
  void crash(NodeIndex node);                            // the process ends; peers get a reset. Not durable: lost
  void power_off(NodeIndex node);                        // silent; peers find out by timeout. Not durable: lost
  void restart(NodeIndex node, bool lose_disk = false);  // after crash or power_off
  void stop(NodeIndex node);                             // orderly end of the process; restart() starts it again
  void go_offline(NodeIndex node);                       // the network cable is out, the process lives
  void come_online(NodeIndex node, bool new_address = false);
  void rebind_nat(NodeIndex node);  // its outermost box forgets its mappings and gets a new address
  [[nodiscard]] HostState state_of(NodeIndex node) const;
  [[nodiscard]] bool is_online(NodeIndex node) const;  // running and its cable is in

  // --- faults
  // Hosts of different groups cannot talk; hosts in no group talk to everybody. Cuts add up until heal().
  void partition(const std::vector<std::vector<NodeIndex>>& groups);
  void cut_one_way(const std::vector<NodeIndex>& from, const std::vector<NodeIndex>& to);
  void heal();
  void set_loss(std::uint32_t ppm);

  // --- time
  [[nodiscard]] SimTime now() const noexcept;
  [[nodiscard]] WallTime wall() const noexcept;
  // Runs every event up to and including `until`; returns true when it got there, false if asked to stop before. The
  // callback is called between slices of work (about every 50 ms of real time) with now() and events(); it returns
  // false to stop, and the world then stands at a well-defined now() from which it can go on.
  bool run_until(SimTime until, const std::function<bool(SimTime, std::uint64_t)>& progress = {});
  bool run_for(Duration duration, const std::function<bool(SimTime, std::uint64_t)>& progress = {});

  // --- clients
  [[nodiscard]] const Signer& user(NodeIndex node) const;  // the simulated user of that node's server
  // Hands a signed event to the node, as its client would, and records its deliveries. The outcome comes when it is
  // durable: outcome() is nothing until then.
  PublishHandle publish(NodeIndex node, const Event& event);
  [[nodiscard]] std::optional<Status> outcome(RequestId request) const;
  QueryAnswer query(NodeIndex node, const ClientQuery& query);  // errors unavailable if the node does not run
  // A client that stays connected to a node that runs, as over a WebSocket: its messages go in at once, and what it is
  // told waits until it is taken. Not `trusted`: as if it came from elsewhere. Nothing: the node takes no more clients.
  std::optional<SessionId> open_session(NodeIndex node, bool trusted);
  void session_text(NodeIndex node, SessionId session, std::string_view text);
  std::vector<std::string> take_told(NodeIndex node, SessionId session);
  void close_session(NodeIndex node, SessionId session);
  [[nodiscard]] bool has_session(NodeIndex node, SessionId session) const;
  // The owner of a node that runs wants nothing of another user any more, or again. False: there are too many bans.
  bool ban(NodeIndex node, NodeIndex user, bool undo);
  [[nodiscard]] NodeStatus status(NodeIndex node) const;  // empty if it does not run
  // Whom that node believes to serve the user of another one; nothing: it has not found out, or does not run.
  [[nodiscard]] std::optional<NodeId> server_of(NodeIndex asked, NodeIndex user) const;
  struct Rejection {
    std::string what;  // "packet", "event", "topology", ...
    ErrorCode code = ErrorCode::malformed;
    std::uint64_t count = 0;
  };
  [[nodiscard]] std::vector<Rejection> rejections(NodeIndex node) const;  // input it refused since it was added

  // --- measuring
  [[nodiscard]] std::uint64_t seed() const noexcept;
  [[nodiscard]] std::uint64_t digest() const noexcept;
  // Is the whole trace in its file? (Yes, without one.)
  [[nodiscard]] bool flush_trace();
  [[nodiscard]] std::uint64_t digest_of(NodeIndex node) const;
  [[nodiscard]] std::uint64_t events() const noexcept;  // handled so far
  [[nodiscard]] std::vector<DeliveryRow> deliveries(
      const EventId& id) const;                                  // author left out; none is ever forgotten
  [[nodiscard]] std::vector<TrafficRow> traffic() const;         // row i is node i
  [[nodiscard]] std::vector<OverlayEdge> overlay_edges() const;  // established links, each once
  // From a node to each member of its active view, as the node itself sees it.
  [[nodiscard]] std::vector<OverlayEdge> active_edges() const;
  [[nodiscard]] std::vector<MemoryRow> memory() const;                            // row i is node i
  [[nodiscard]] std::int64_t direct_latency(NodeIndex from, NodeIndex to) const;  // ns, without jitter and queues

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace np2p::sim
