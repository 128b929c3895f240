// The network of the world: carries frames between inhabitants of hosts over links, through access queues and NAT
// boxes. One event per message where nothing is congested; idle links cost no events at all, their keepalive is
// accounted by arithmetic. Loss is a retransmission delay; a path that dies becomes link_down when a real host would
// notice. Everything random comes from the sending host's own stream.
//
// Faults (cuts, power, cables, NAT rebinding) happen at barriers: between two runs of the scheduler, never inside one.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "simnet/fabric_state.h"
#include "simnet/geometry.h"
#include "simnet/scheduler.h"
#include "simnet/slab.h"
#include "simnet/trace.h"
#include "simnet/traffic.h"
#include "simnet/wire_cost.h"

namespace np2p::sim {

struct FabricOptions {
  std::uint64_t seed = 1;
  std::uint32_t loss_ppm = 0;
  SimTime base_delay = 10 * kMillisecond;
  SimTime jitter = kMillisecond;
  std::size_t queued_bytes = Limits{}.queued_bytes;  // unsent on one link, then it is closed as a slow reader
};

struct HostOptions {
  Position position;
  BoxIndex box = kNone;
  std::uint64_t up_bits_per_s = 0;  // 0: unlimited
  std::uint64_t down_bits_per_s = 0;
  std::uint16_t listen_port = 0;  // 0: does not listen
  bool dial_from_listen_port = false;
  const LinkProfile* profile = &kMeshLinks;
  std::uint32_t netgroups = 0;  // a public address out of the first so many /16; 0: of all
};

class Fabric {
 public:
  explicit Fabric(const FabricOptions& options);
  ~Fabric();
  Fabric(const Fabric&) = delete;
  Fabric& operator=(const Fabric&) = delete;

  // --- building
  BoxIndex add_box(const NatSpec& spec, BoxIndex outer = kNone);
  NodeIndex add_host(const HostOptions& options);
  [[nodiscard]] std::size_t host_count() const noexcept { return hosts_.size(); }

  // --- processes and machines (barriers)
  void boot(NodeIndex host, Inhabitant& inhabitant);  // a process begins; the machine is powered on if it was not
  void end_process(NodeIndex host);  // peers get a reset, or an orderly end if links were closed before
  void power_off(NodeIndex host);    // silent
  void unplug(NodeIndex host);
  void plug(NodeIndex host, bool new_address);
  void rebind(BoxIndex box);
  void cut(const std::vector<NodeIndex>& from, const std::vector<NodeIndex>& to);
  void heal();
  [[nodiscard]] bool can_cut() const noexcept { return cut_bits_ < 64; }
  void set_loss(std::uint32_t ppm) noexcept { options_.loss_ppm = ppm; }

  // --- what an inhabitant may do
  LinkId dial(NodeIndex host, const Address& to);
  std::uint16_t open_port(NodeIndex host);
  void close_port(NodeIndex host, std::uint16_t port);
  LinkId dial_from(NodeIndex host, std::uint16_t port, const Address& to);
  LinkId punch(NodeIndex host, std::uint16_t port, const Address& to, const NodeId& peer, SimTime at);
  void send(NodeIndex host, LinkId link, Frame frame, Traffic traffic);
  void close(NodeIndex host, LinkId link, CloseReason reason);
  [[nodiscard]] std::size_t queued_bytes(NodeIndex host, LinkId link) noexcept;
  // Inhabitant::own_event(tag, payload) at that time, if the process still lives then.
  void own_event_at(NodeIndex host, SimTime at, std::uint8_t tag, std::uint64_t payload);
  // The frame being handled was this, and not what its sender said.
  void frame_was(Traffic traffic) noexcept {
    // Its sender's accounts will be corrected.
    if (traffic != handling_.was && handling_.sender != kNone) fetch(&hosts_[handling_.sender], 192);
    handling_.was = traffic;
  }
  // Every input and output that is not a link's: timers, store, clients.
  void record(NodeIndex host, Io io, std::uint64_t what, std::uint64_t hash) {
    HostData& h = hosts_[host];
    h.digest = fold(h.digest, now(), io, what, hash);
    if (sink_ != nullptr) sink_->entry(now(), host, io, what, hash);
  }

  // --- time
  [[nodiscard]] SimTime now() const noexcept { return now_; }
  [[nodiscard]] std::uint64_t events() const noexcept { return scheduler_.handled(); }
  bool run_until(SimTime until, std::uint64_t budget);
  void handle(const SimEvent& event);
  // Well before an event its host and its frame are fetched; shortly before, what the host points at.
  void prefetch(const SimEvent& event) const noexcept {
    fetch(&hosts_[event.to], 128);
    fetch(&places_[event.to], sizeof(Place));
    if (event.kind == kFrame) fetch(reinterpret_cast<const char*>(event.payload & kPointerMask), 256);
  }
  void prefetch_near(const SimEvent& event) const noexcept {
    const HostData& host = hosts_[event.to];
    fetch(host.links + event.slot, sizeof(LinkEnd));
    fetch(host.inhabitant, 192);
  }

  // For the scheduler: sends that wait to be finished cause no event before this time.
  [[nodiscard]] SimTime horizon() const noexcept {
    return waiting_ == 0 ? kNever : outgoing_[first_ % kOutgoing].at + std::min(options_.base_delay, kWorthNoting);
  }
  bool flush();  // finishes them; false if there were none

  // --- looking
  struct Handling {  // the frame being handled, while it is
    NodeIndex sender = kNone;
    std::uint8_t hops = 0;
    Traffic was = Traffic::control;
  };
  [[nodiscard]] const Handling& handling() const noexcept { return handling_; }
  [[nodiscard]] std::uint64_t digest() const noexcept;
  [[nodiscard]] std::uint64_t digest_of(NodeIndex host) const { return hosts_[host].digest; }
  [[nodiscard]] SimTime latency(NodeIndex a, NodeIndex b) const noexcept {
    return options_.base_delay + distance_delay(places_[a].position, places_[b].position);
  }
  [[nodiscard]] Endpoint endpoint_of(NodeIndex host) const { return {places_[host].ip, hosts_[host].listen_port}; }
  [[nodiscard]] Endpoint public_endpoint_of(NodeIndex host) const;
  [[nodiscard]] BoxIndex outermost_box(NodeIndex host) const;
  [[nodiscard]] NatBox& box(BoxIndex index) { return boxes_[index].nat; }
  [[nodiscard]] bool is_on(NodeIndex host) const noexcept;  // machine powered and cable in
  [[nodiscard]] Position position(NodeIndex host) const { return places_[host].position; }
  [[nodiscard]] TrafficCounts traffic_of(NodeIndex host) const;  // idle keepalive up to now() included
  [[nodiscard]] std::vector<NodeIndex> peers_of(NodeIndex host, bool outbound_only) const;  // of established links
  [[nodiscard]] std::size_t bytes_of(NodeIndex host) const;  // the simulator's own memory for it
  void set_sink(TraceSink* sink) noexcept { sink_ = sink; }

 private:
  enum Kind : std::uint8_t {
    kFrame,        // arrives at the access link
    kQueuedFrame,  // has passed the queue of the downlink
    kOwn,
    kSyn,
    kSynAck,
    kRefused,
    kHandshake,
    kDialTimer,
    kEnd,      // orderly end or reset by the peer's process
    kStale,    // what we sent belongs to no link there
    kCheck,    // a link's deadline
    kDrained,  // an uplink queue
    kFragileIdle,
    kPathLost,  // told by the far end of the path: its NAT forgot us
    kChoked,    // too much waits on a link of ours
  };
  static constexpr SimTime kTick = 10 * kMillisecond;
  static constexpr SimTime kWorthNoting = 5 * kMillisecond;  // uplink queues shorter than this are not booked
  static constexpr std::uint64_t kPointerMask = 0xFFFF'FFFF'FFFFull;

  [[nodiscard]] static std::uint32_t tick(SimTime t) noexcept { return static_cast<std::uint32_t>(t / kTick); }
  [[nodiscard]] static LinkId id_of(const LinkEnd& end, std::uint16_t slot) noexcept {
    return LinkId{static_cast<std::uint64_t>(end.generation) << 16 | slot};
  }
  [[nodiscard]] static LinkEnd* find(HostData& host, std::uint16_t slot, std::uint16_t generation) noexcept {
    if (slot >= host.slots) return nullptr;
    LinkEnd& end = host.links[slot];
    return end.generation == generation && end.state() != EndState::free ? &end : nullptr;
  }
  [[nodiscard]] static LinkEnd* find(HostData& host, LinkId link) noexcept {
    return find(host, static_cast<std::uint16_t>(link.value & 0xFFFF), static_cast<std::uint16_t>(link.value >> 16));
  }
  [[nodiscard]] static Cold& cold(HostData& host) {
    if (!host.cold) host.cold = std::make_unique<Cold>();
    return *host.cold;
  }
  [[nodiscard]] static SimTime cost(std::uint64_t bytes, std::uint32_t per_kib) noexcept {
    return static_cast<SimTime>(bytes * per_kib >> 10);
  }
  [[nodiscard]] static std::uint64_t random(HostData& host) noexcept {
    host.random += 0x9E3779B97F4A7C15ull;
    return mix64(host.random);
  }
  void push(NodeIndex source, SimTime at, NodeIndex to, Kind kind, std::uint8_t tag, std::uint16_t slot,
            std::uint64_t payload) {
    scheduler_.push({at, make_key(source, hosts_[source].sequence++), to, kind, tag, slot, payload});
  }

  // A send needs its link, and then the place of who is there: both are far away in a large world. So they are fetched,
  // and the send is finished, as of the time when it was made, after a few more. Whoever could tell the difference
  // flushes first: another event or call of the same host, and everything that is not a frame.
  struct Outgoing {
    SimTime at = 0;
    LinkId link;
    Frame frame;
    NodeIndex from = kNone;
    std::uint8_t tag = 0;
  };
  static constexpr std::uint32_t kOutgoing = 8;
  static constexpr std::uint32_t kHalfway = 4;
  void flush_of(NodeIndex host) {
    bool waits = false;
    for (const NodeIndex sender : senders_) waits |= sender == host;
    if (waits) flush();
  }
  void finish_oldest();

  // fabric.cpp: frames
  std::uint16_t take_slot(HostData& host);
  void free_slot(NodeIndex host, std::uint16_t slot);
  void transmit(NodeIndex from, LinkEnd& end, Frame frame, std::uint8_t tag, SimTime extra);
  [[nodiscard]] SimTime stochastic_delay(HostData& host, std::uint64_t segments, SimTime one_way);
  void note_queue(NodeIndex from, std::uint16_t slot, std::uint64_t bytes, SimTime depart);
  [[nodiscard]] std::size_t backlog(NodeIndex host, LinkId link) const noexcept;
  void on_frame(const SimEvent& event);
  void on_queued_frame(const SimEvent& event);
  void deliver(const SimEvent& event, LinkEnd& end, Frame frame);
  void on_drained(const SimEvent& event);
  void on_own(const SimEvent& event);
  void take_down(NodeIndex host, std::uint16_t slot, CloseReason reason);
  void discard(const SimEvent& event) noexcept;

  // fabric_dial.cpp: establishing
  LinkId start_dial(NodeIndex from, Dial dial);
  void answer_syn(NodeIndex host, std::uint16_t slot);
  void wait_for_proof(NodeIndex host, std::uint16_t slot);
  void send_syn(NodeIndex from, std::uint16_t slot);
  bool route_syn(Syn& syn, std::uint16_t& session);
  [[nodiscard]] NodeIndex inhabitant_of(BoxIndex box) const;  // the first host inside, where the box's events happen
  void on_syn(const SimEvent& event);
  bool enter_boxes(Syn& syn, std::uint16_t& session);
  void accept(const Syn& syn, NodeIndex host, std::uint16_t session);
  void refuse(const Syn& syn, NodeIndex host);
  void on_syn_ack(const SimEvent& event);
  void on_refused(const SimEvent& event);
  void on_handshake(const SimEvent& event);
  void send_handshake(NodeIndex from, LinkEnd& end, std::uint8_t step);
  [[nodiscard]] bool same_network(NodeIndex a, NodeIndex b) const;
  void on_dial_timer(const SimEvent& event);
  void come_up(NodeIndex host, std::uint16_t slot);
  Dial* dial_of(HostData& host, std::uint16_t slot) noexcept;
  // fabric_punch.cpp: what comes to ports that dials leave from
  [[nodiscard]] static bool listens(const HostData& host, std::uint16_t port) noexcept;
  [[nodiscard]] const Dial* crossing(const HostData& host, const Syn& syn) const noexcept;
  void cross(const Syn& syn, NodeIndex host, std::uint16_t slot);
  [[nodiscard]] const Dial* punch_from(const HostData& host, const Syn& syn) const noexcept;
  [[nodiscard]] bool has_smaller_id(NodeIndex host, const NodeId& than) const noexcept;
  void begin_tls(NodeIndex host, std::uint16_t slot);
  void end_punches(NodeIndex host, std::uint16_t local_port, const NodeId& peer);
  [[nodiscard]] std::uint32_t allocate_ip(std::uint32_t entity, std::uint32_t netgroups = 0);
  enum class SessionChange : std::uint8_t { pin, release, forget };
  void change_sessions(NodeIndex host, std::uint16_t session, SessionChange change);

  // fabric_paths.cpp: life and death of paths
  [[nodiscard]] bool blocked(NodeIndex from, NodeIndex to) const noexcept;
  [[nodiscard]] SimTime round_trip(NodeIndex a, NodeIndex b) const noexcept { return 2 * latency(a, b); }
  [[nodiscard]] SimTime patience(NodeIndex a, NodeIndex b) const noexcept;
  [[nodiscard]] SimTime next_ping(const HostData& host, const LinkEnd& end) const noexcept;
  Trouble* trouble_of(HostData& host, std::uint16_t slot) noexcept;
  void begin_trouble(NodeIndex host, std::uint16_t slot, Fate fate, bool out_blocked);
  void set_deadline(NodeIndex host, std::uint16_t slot, Trouble& trouble, SimTime at);
  bool send_into_trouble(NodeIndex from, std::uint16_t slot, LinkEnd& end, Frame& frame, std::uint8_t tag);
  void end_trouble(NodeIndex host, std::uint16_t slot);
  void refresh_paths();
  void on_check(const SimEvent& event);
  void on_end(const SimEvent& event);
  void on_stale(const SimEvent& event);
  void tell_stale(const SimEvent& event, std::uint16_t generation);
  void send_end(NodeIndex from, LinkEnd& end, CloseReason reason);
  void guard_fragile(NodeIndex host, std::uint16_t slot);
  void touch_fragile(HostData& host, std::uint16_t slot) noexcept;
  void on_fragile_idle(const SimEvent& event);
  void on_path_lost(const SimEvent& event);
  void on_choked(const SimEvent& event);
  void lose_mappings(NodeIndex host, BoxIndex box);
  [[nodiscard]] bool is_inside(NodeIndex host, BoxIndex box) const noexcept;
  [[nodiscard]] LinkEnd* other_end(const LinkEnd& end) noexcept;
  void renumber(NodeIndex host);

  // keepalive by arithmetic (fabric_paths.cpp)
  [[nodiscard]] std::uint32_t ping_interval(const HostData& host, const LinkEnd& end) const noexcept;  // ticks
  void settle(NodeIndex host, LinkEnd& end);
  void touch(NodeIndex host, LinkEnd& end);
  static void count_pings(Account& control, const LinkProfile& profile, std::uint64_t pings) noexcept;

  FabricOptions options_;
  Scheduler scheduler_;
  SimTime now_ = 0;
  bool running_ = false;
  std::uint32_t first_ = 0;  // of the sends that wait
  std::uint32_t waiting_ = 0;
  std::array<Outgoing, kOutgoing> outgoing_;
  std::array<NodeIndex, kOutgoing> senders_;  // theirs, kNone where none waits
  SlabVector<HostData> hosts_;
  SlabVector<Place> places_;
  ArrayPool<LinkEnd> link_pool_;
  std::vector<CutMask> cuts_;  // empty: no cuts
  unsigned cut_bits_ = 0;
  std::vector<BoxData> boxes_;
  std::vector<std::uint32_t> owners_;  // of public addresses, in the order of their giving
  Handling handling_;
  TraceSink* sink_ = nullptr;
};

}  // namespace np2p::sim
