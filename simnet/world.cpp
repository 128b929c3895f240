#include "simnet/world.h"

#include <map>
#include <stdexcept>
#include <unordered_map>

#include "core/base/rng.h"
#include "core/overlay/swarm/contact.h"
#include "simnet/host.h"
#include "simnet/memo_verifier.h"
#include "simnet/trace_file.h"

namespace np2p::sim {

namespace {

constexpr Duration kLastSecond = 1s;  // of a disk that lies
constexpr std::uint16_t kListenPort = 20'000;
constexpr std::uint64_t kSlice = 4096;  // events between two calls of the progress callback

// A published event and how it travelled.
struct Tracked {
  NodeIndex author = kNone;
  SimTime at = 0;
  std::vector<DeliveryRow> rows;
  std::vector<std::uint8_t> hops;  // by node, plus one; 0: not accepted yet
};

[[noreturn]] void wrong(const std::string& sentence) {
  throw std::invalid_argument(sentence);
}

}  // namespace

struct World::Impl final : HostEvents {
  WorldOptions options;
  HostSettings settings;
  Fabric fabric;
  MemoVerifier verifier;
  std::unique_ptr<TraceFile> trace;
  std::vector<BoxIndex> box_outer;
  struct Machine {
    std::unique_ptr<SimHost> host;
    Signer user;
    HostState state = HostState::added;
    bool online = true;
  };
  std::vector<Machine> machines;
  std::vector<std::optional<Status>> outcomes;  // by request - 1
  std::vector<Tracked> tracked;  // all of them: 32 bytes per delivery are what a complete ground truth costs
  std::unordered_map<EventId, std::size_t> numbers;  // places in `tracked`

  explicit Impl(const WorldOptions& o)
      : options(o),
        settings{o.seed, o.wall_start, o.disk_latency},
        fabric({o.seed, o.loss_ppm, o.base_delay.count(), o.jitter.count()}),
        verifier(o.memo) {
    if (!o.trace_path.empty()) {
      trace = std::make_unique<TraceFile>(o.trace_path);
      fabric.set_sink(trace.get());
    }
  }

  Machine& machine(NodeIndex node) {
    if (node >= machines.size()) wrong("node: there is no node " + std::to_string(node));
    return machines[node];
  }
  Machine& running(NodeIndex node) {
    Machine& m = machine(node);
    if (m.state != HostState::running) wrong("node: node " + std::to_string(node) + " does not run");
    return m;
  }
  BoxIndex add_box(const NatSpec& spec, BoxIndex outer) {
    if (outer != kNone && outer >= box_outer.size()) wrong("behind: there is no such box");
    if (outer != kNone && box_outer[outer] != kNone) wrong("behind: more than two boxes on the way");
    const BoxIndex box = fabric.add_box(spec, outer);
    box_outer.push_back(outer);
    return box;
  }

  [[nodiscard]] Address public_address_of(NodeIndex node) const {
    const Endpoint at = fabric.public_endpoint_of(node);
    return Address::v4(at.ip, at.port);
  }

  void published(RequestId request, const Status& outcome) override { outcomes[request.value - 1] = outcome; }

  void accepted(NodeIndex node, const EventId& id) override {
    const auto number = numbers.find(id);
    if (number == numbers.end()) return;
    Tracked& event = tracked[number->second];
    if (node == event.author) return;  // of most events nobody else asks for there is no list of nodes
    if (event.hops.size() < machines.size()) event.hops.resize(machines.size());
    if (event.hops[node] != 0) return;
    // One more than whom it came from; a pure relay keeps no copy, then the frame's own count is used.
    const Fabric::Handling& handling = fabric.handling();
    std::uint32_t hops = handling.hops;
    if (handling.sender == event.author) {
      hops = 1;
    } else if (handling.sender != kNone && event.hops[handling.sender] != 0) {
      hops = event.hops[handling.sender];
    }
    hops = std::max<std::uint32_t>(hops, 1);
    event.hops[node] = static_cast<std::uint8_t>(std::min<std::uint32_t>(hops + 1, 255));
    event.rows.push_back({node, fabric.now() - event.at, hops, fabric.latency(event.author, node)});
  }

  std::map<swarm::Key, PubKey> users;  // made when an adversary first asks
  std::optional<PubKey> user_of(const swarm::Key& key) override {
    if (users.size() != machines.size()) {
      for (const Machine& m : machines) {
        const PubKey user = m.user.public_key();
        users.emplace(swarm::directory_key(user), user);
      }
    }
    const auto found = users.find(key);
    return found == users.end() ? std::nullopt : std::optional(found->second);
  }

  std::vector<swarm::PeerRef> eclipsers;
  const std::vector<swarm::PeerRef>& eclipsing() const override { return eclipsers; }

  void track(const EventId& id, NodeIndex author) {
    numbers[id] = tracked.size();
    tracked.push_back({author, fabric.now(), {}, {}});
  }
};

World::World(WorldOptions options) {
  if (options.base_delay < 1ms) wrong("base_delay: at least one millisecond");
  if (options.jitter < 0ns) wrong("jitter: negative");
  if (options.disk_latency < 0ns) wrong("disk_latency: negative");
  if (options.plane_us < 0) wrong("plane_us: negative");
  if (options.loss_ppm >= 1'000'000) wrong("loss_ppm: everything would be lost");
  impl_ = std::make_unique<Impl>(options);
}

World::~World() = default;

BoxIndex World::add_nat_box(const NatSpec& spec, std::optional<BoxIndex> behind) {
  return impl_->add_box(spec, behind.value_or(kNone));
}

NodeIndex World::add_node(NodeOptions options) {
  if (options.nat.size() > 2) wrong("nat: more than two boxes on the way");
  const auto node = static_cast<NodeIndex>(impl_->machines.size());
  HostOptions host;
  host.box = options.behind.value_or(kNone);
  if (host.box != kNone && host.box >= impl_->box_outer.size()) wrong("behind: there is no such box");
  for (auto spec = options.nat.rbegin(); spec != options.nat.rend(); ++spec) host.box = impl_->add_box(*spec, host.box);
  if (options.position) {
    host.position = *options.position;
  } else {
    Rng rng(impl_->options.seed, "position", node);
    host.position.x = static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(impl_->options.plane_us) + 1));
    host.position.y = static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(impl_->options.plane_us) + 1));
  }
  host.up_bits_per_s = options.up_bits_per_s;
  host.down_bits_per_s = options.down_bits_per_s;
  host.dial_from_listen_port = options.dial_from_listen_port;
  host.netgroups = options.netgroups;
  host.profile = &link_profile(options.config.overlay);
  if (options.listens) host.listen_port = options.config.listen.port != 0 ? options.config.listen.port : kListenPort;
  impl_->fabric.add_host(host);

  Signer user = Signer::from_seed(impl_->options.seed, node);
  Config& config = options.config;
  config.owner = user.public_key();
  const Endpoint own = impl_->fabric.endpoint_of(node);
  config.listen = Address::v4(own.ip, own.port);
  if (config.seed == 0) config.seed = Rng(impl_->options.seed, "node seed", node).next();
  auto sim_host =
      std::make_unique<SimHost>(impl_->fabric, node, std::move(config), impl_->settings, impl_->verifier, *impl_);
  const Address seen_at = impl_->public_address_of(node);
  if (options.behaviour == Behaviour::lying_disk) sim_host->lose_last(kLastSecond);
  if (options.behaviour != Behaviour::honest) sim_host->behave(options.behaviour, seen_at);
  if (options.behaviour == Behaviour::eclipsing) impl_->eclipsers.push_back({sim_host->own_id(), seen_at, {}});
  impl_->machines.push_back({std::move(sim_host), std::move(user), HostState::added, true});
  return node;
}

std::size_t World::node_count() const noexcept {
  return impl_->machines.size();
}

Address World::address_of(NodeIndex node) const {
  impl_->machine(node);
  const Endpoint at = impl_->fabric.endpoint_of(node);
  return Address::v4(at.ip, at.port);
}

NodeId World::node_id(NodeIndex node) const {
  return impl_->machine(node).host->own_id();
}

Address World::public_address_of(NodeIndex node) const {
  impl_->machine(node);
  return impl_->public_address_of(node);
}

bool World::is_behind_nat(NodeIndex node) const {
  impl_->machine(node);
  return impl_->fabric.outermost_box(node) != kNone;
}

Position World::position_of(NodeIndex node) const {
  impl_->machine(node);
  return impl_->fabric.position(node);
}

Config& World::config_of(NodeIndex node) {
  return impl_->machine(node).host->config();
}

void World::start(NodeIndex node) {
  auto& machine = impl_->machine(node);
  if (machine.state != HostState::added) wrong("node: node " + std::to_string(node) + " was started before");
  machine.state = HostState::running;
  machine.host->start();
}

void World::crash(NodeIndex node) {
  auto& machine = impl_->running(node);
  machine.state = HostState::crashed;
  machine.host->kill(false);
}

void World::power_off(NodeIndex node) {
  auto& machine = impl_->running(node);
  machine.state = HostState::powered_off;
  machine.host->kill(true);
}

void World::stop(NodeIndex node) {
  auto& machine = impl_->running(node);
  machine.state = HostState::stopped;
  machine.host->stop();
}

void World::restart(NodeIndex node, bool lose_disk) {
  auto& machine = impl_->machine(node);
  if (machine.state == HostState::running || machine.state == HostState::added) {
    wrong("node: node " + std::to_string(node) + " has not ended");
  }
  if (lose_disk) machine.host->wipe_disk();
  machine.state = HostState::running;
  machine.host->start();
}

void World::go_offline(NodeIndex node) {
  auto& machine = impl_->machine(node);
  if (!machine.online) wrong("node: node " + std::to_string(node) + " is offline");
  machine.online = false;
  impl_->fabric.unplug(node);
}

void World::come_online(NodeIndex node, bool new_address) {
  auto& machine = impl_->machine(node);
  if (machine.online) wrong("node: node " + std::to_string(node) + " is online");
  machine.online = true;
  impl_->fabric.plug(node, new_address);
}

void World::rebind_nat(NodeIndex node) {
  impl_->machine(node);
  const BoxIndex box = impl_->fabric.outermost_box(node);
  if (box == kNone) wrong("node: node " + std::to_string(node) + " is behind no NAT");
  impl_->fabric.rebind(box);
}

HostState World::state_of(NodeIndex node) const {
  return impl_->machine(node).state;
}

bool World::is_online(NodeIndex node) const {
  const auto& machine = impl_->machine(node);
  return machine.online && machine.state == HostState::running;
}

void World::partition(const std::vector<std::vector<NodeIndex>>& groups) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    std::vector<NodeIndex> others;
    for (std::size_t j = 0; j < groups.size(); ++j) {
      if (j != i) others.insert(others.end(), groups[j].begin(), groups[j].end());
    }
    cut_one_way(groups[i], others);
  }
}

void World::cut_one_way(const std::vector<NodeIndex>& from, const std::vector<NodeIndex>& to) {
  for (const NodeIndex node : from) impl_->machine(node);
  for (const NodeIndex node : to) impl_->machine(node);
  if (!impl_->fabric.can_cut()) wrong("groups: more than 64 cuts at once");
  impl_->fabric.cut(from, to);
}

void World::heal() {
  impl_->fabric.heal();
}

void World::set_loss(std::uint32_t ppm) {
  if (ppm >= 1'000'000) wrong("ppm: everything would be lost");
  impl_->fabric.set_loss(ppm);
}

SimTime World::now() const noexcept {
  return impl_->fabric.now();
}

WallTime World::wall() const noexcept {
  return {impl_->options.wall_start.ns + now()};
}

bool World::run_until(SimTime until, const std::function<bool(SimTime, std::uint64_t)>& progress) {
  if (until < now()) wrong("until: lies in the past");
  while (!impl_->fabric.run_until(until, kSlice)) {
    if (progress && !progress(now(), events())) return false;
  }
  return true;
}

bool World::run_for(Duration duration, const std::function<bool(SimTime, std::uint64_t)>& progress) {
  return run_until(now() + duration.count(), progress);
}

const Signer& World::user(NodeIndex node) const {
  return impl_->machine(node).user;
}

PublishHandle World::publish(NodeIndex node, const Event& event) {
  auto& machine = impl_->running(node);
  impl_->outcomes.emplace_back();
  const RequestId request{impl_->outcomes.size()};
  impl_->track(event.id, node);
  machine.host->publish(request, event);
  return {event.id, request};
}

std::optional<Status> World::outcome(RequestId request) const {
  if (request.value == 0 || request.value > impl_->outcomes.size()) wrong("request: no such request");
  return impl_->outcomes[request.value - 1];
}

QueryAnswer World::query(NodeIndex node, const ClientQuery& query) {
  auto& machine = impl_->machine(node);
  if (machine.state != HostState::running) {
    QueryAnswer answer;
    answer.status = error(ErrorCode::unavailable, "the server does not run");
    return answer;
  }
  return machine.host->query(query);
}

std::optional<SessionId> World::open_session(NodeIndex node, bool trusted) {
  auto& machine = impl_->running(node);
  ClientOrigin origin;
  origin.peer = trusted ? Address::v4(0x7F000001, 1024) : Address::v4(0xC6336401, 1024);
  origin.trusted = trusted;
  origin.url = "ws://node-" + std::to_string(node) + ".sim";
  return machine.host->open_session(origin);
}

bool World::ban(NodeIndex node, NodeIndex user_index, bool undo) {
  const PubKey author = user(user_index).public_key();
  return impl_->running(node).host->ban(author, undo);
}

void World::session_text(NodeIndex node, SessionId session, std::string_view text) {
  auto& machine = impl_->machine(node);
  if (!machine.host->has_session(session)) wrong("session: it has ended");
  machine.host->session_text(session, text);
}

std::vector<std::string> World::take_told(NodeIndex node, SessionId session) {
  return impl_->machine(node).host->take_told(session);
}

void World::close_session(NodeIndex node, SessionId session) {
  auto& machine = impl_->machine(node);
  if (machine.host->has_session(session)) machine.host->close_session(session);
}

bool World::has_session(NodeIndex node, SessionId session) const {
  return impl_->machine(node).host->has_session(session);
}

NodeStatus World::status(NodeIndex node) const {
  const auto& machine = impl_->machine(node);
  return machine.state == HostState::running ? machine.host->status() : NodeStatus{};
}

std::optional<NodeId> World::server_of(NodeIndex asked, NodeIndex user) const {
  const PubKey key = impl_->machine(user).user.public_key();
  return impl_->machine(asked).host->server_of(key);
}

std::vector<World::Rejection> World::rejections(NodeIndex node) const {
  std::vector<Rejection> list;
  for (const auto& [what, count] : impl_->machine(node).host->rejections()) {
    list.push_back({what.first, what.second, count});
  }
  return list;
}

std::uint64_t World::seed() const noexcept {
  return impl_->options.seed;
}

bool World::flush_trace() {
  return impl_->trace == nullptr || impl_->trace->flush();
}

std::uint64_t World::digest() const noexcept {
  return impl_->fabric.digest();
}

std::uint64_t World::digest_of(NodeIndex node) const {
  impl_->machine(node);
  return impl_->fabric.digest_of(node);
}

std::uint64_t World::events() const noexcept {
  return impl_->fabric.events();
}

std::vector<DeliveryRow> World::deliveries(const EventId& id) const {
  const auto number = impl_->numbers.find(id);
  if (number == impl_->numbers.end()) return {};
  return impl_->tracked[number->second].rows;
}

std::vector<TrafficRow> World::traffic() const {
  std::vector<TrafficRow> rows;
  rows.reserve(node_count());
  for (NodeIndex node = 0; node < node_count(); ++node) rows.push_back({node, impl_->fabric.traffic_of(node)});
  return rows;
}

std::vector<OverlayEdge> World::overlay_edges() const {
  std::vector<OverlayEdge> edges;
  for (NodeIndex node = 0; node < node_count(); ++node) {
    for (const NodeIndex peer : impl_->fabric.peers_of(node, true)) edges.push_back({node, peer});
  }
  return edges;
}

std::vector<OverlayEdge> World::active_edges() const {
  std::map<NodeId, NodeIndex> places;
  for (NodeIndex node = 0; node < node_count(); ++node) places.emplace(impl_->machines[node].host->own_id(), node);
  std::vector<OverlayEdge> edges;
  for (NodeIndex node = 0; node < node_count(); ++node) {
    for (const NodeId& id : impl_->machines[node].host->active_view()) {
      const auto member = places.find(id);
      if (member != places.end()) edges.push_back({node, member->second});
    }
  }
  return edges;
}

std::vector<MemoryRow> World::memory() const {
  std::vector<MemoryRow> rows;
  rows.reserve(node_count());
  for (NodeIndex node = 0; node < node_count(); ++node) {
    const SimHost& host = *impl_->machines[node].host;
    const NodeMemory memory = host.memory();
    rows.push_back({impl_->fabric.bytes_of(node), host.store_bytes(), memory.overlay, memory.feed});
  }
  return rows;
}

std::int64_t World::direct_latency(NodeIndex from, NodeIndex to) const {
  impl_->machine(from);
  impl_->machine(to);
  return impl_->fabric.latency(from, to);
}

}  // namespace np2p::sim
