// The smallest world in which overlays can be tested: a queue of events ordered by (time, order of making), links with
// one fixed delay, nodes that can or cannot be dialled. Everything is deterministic; digest() covers all outputs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/overlay/overlay.h"

namespace np2p::fake {

// Ports that an overlay must not touch.
struct NoStore final : Store {
  PutOutcome put(const EventPtr&) override { return never<PutOutcome>(); }
  EventPtr get(const EventId&) override { return never<EventPtr>(); }
  bool contains(const EventId&) override { return never<bool>(); }
  std::vector<EventPtr> query(const Filter&, Order) override { return never<std::vector<EventPtr>>(); }
  bool erase(const EventId&) override { return never<bool>(); }
  std::size_t count(const Filter&) override { return never<std::size_t>(); }
  std::vector<Stamp> stamps(const Filter&, std::size_t) override { return never<std::vector<Stamp>>(); }
  std::size_t expire(std::int64_t) override { return never<std::size_t>(); }
  void set_standing(const PubKey&, Standing) override { never<int>(); }
  Standing standing(const PubKey&) override { return never<Standing>(); }
  bool is_addressed(const Event&) override { return never<bool>(); }
  bool is_trusted(const PubKey&) override { return never<bool>(); }
  bool set_value(Table, std::string_view, std::string_view) override { return never<bool>(); }
  void erase_value(Table, std::string_view) override { never<int>(); }
  std::string value(Table, std::string_view) override { return never<std::string>(); }
  void each_value(Table, const std::function<void(std::string_view, std::string_view)>&) override { never<int>(); }
  Ticket flush() override { return never<Ticket>(); }
  Ticket durable() const noexcept override { return {}; }
  StoreStats stats() override { return {}; }
  template <class T>
  static T never() {
    NP2P_ASSERT(!"an overlay used the store");
    return T{};
  }
};
struct NoVerifier final : Verifier {
  bool verify(const EventId&, const PubKey&, const Signature&) override { return false; }
};
struct NoKey final : NodeKey {
  const NodeId& id() const noexcept override { return id_; }
  Signature sign(std::string_view, ByteView) override { return {}; }
  PairMac pair_mac(const NodeId&, ByteView) override { return {}; }
  NodeId id_;
};
struct NoEntropy final : Entropy {
  void fill(std::span<std::uint8_t>) override { NP2P_ASSERT(!"an overlay used entropy"); }
};
struct NoClients final : Clients {
  void published(RequestId, const Status&) override {}
};

class World;

inline constexpr std::size_t kPuppet = SIZE_MAX;  // the far end of a link that the test itself speaks for

struct NodeOptions {
  Address listen;
  bool dialable = true;
  Address seen_as;  // host part others see; its port is replaced. Default: that of `listen`
  std::vector<Address> bootstrap;
  bool dial_loopback = true;
  bool dial_private = false;
  Limits limits;
};

class Machine final : public Clock, public Network, public Timers, public Observer {
 public:
  Machine(World& world, std::size_t index, NodeOptions options, const PubKey& owner);
  void boot();       // a new overlay
  void power_off();  // without a word; its links break a moment later

  MonoTime mono() const noexcept override;
  WallTime wall() const noexcept override;
  LinkId dial(const Address& to) override;
  // The overlay under test here dials only.
  std::uint16_t open_port() override { return 0; }
  void close_port(std::uint16_t) override {}
  LinkId dial_from(std::uint16_t, const Address&) override { return {}; }
  LinkId punch(std::uint16_t, const Address&, const NodeId&, MonoTime) override { return {}; }
  LinkId tunnel(const NodeId&, bool) override { return {}; }
  void carried(LinkId, Frame) override {}
  void hold(LinkId, bool) override {}
  void send(LinkId link, Frame frame, Priority priority, Traffic traffic) override;
  void close(LinkId link, CloseReason reason) override;
  std::size_t queued_bytes(LinkId) const noexcept override { return queued; }
  void arm(Timer timer, MonoTime at) override;
  void cancel(Timer timer) override;
  void rejected(std::string_view what, const Error& why, LinkId) override {
    ++rejections[std::string(what) + " " + std::string(name(why.code))];
  }
  void frame_was(Traffic traffic) override { ++said[static_cast<std::size_t>(traffic)]; }

  struct End {
    std::size_t peer = 0;  // machine
    LinkId peer_link;
    bool open = true;
  };

  // A link whose far end is the test: it dialled us from `remote`.
  LinkId puppet(const Address& remote);
  void from_puppet(LinkId link, const Frame& frame);
  std::vector<Frame> to_puppet(LinkId link);  // since the last call
  [[nodiscard]] bool is_open(LinkId link) const { return links.at(link).open; }

  World& world;
  std::size_t index;
  NodeOptions options;
  Config config;
  std::unique_ptr<Overlay> overlay;
  std::vector<Delivery> inbox;
  std::set<std::uint64_t> known;  // payloads seen, as a feed remembers them
  std::map<std::string, int> rejections;
  std::map<LinkId, End> links;
  std::vector<Address> dialled;
  std::vector<CloseReason> closed;
  std::map<LinkId, std::vector<Frame>> puppet_inbox;
  std::uint64_t said[static_cast<std::size_t>(Traffic::count_)] = {};
  std::uint64_t frames_out = 0;
  std::uint64_t payload_out = 0;  // bytes of frames
  std::uint64_t wire_out = 0;     // with prefix, segments and acknowledgements for what came in
  std::size_t queued = 0;         // what queued_bytes() says
  std::size_t boots = 0;
  std::uint64_t next_link = 1;
  std::uint64_t timer_turn[static_cast<std::size_t>(Timer::count_)] = {};

 private:
  NoStore store_;
  NoVerifier verifier_;
  NoKey key_;
  NoEntropy entropy_;
  NoClients clients_;
  Host host_;
};

class World {
 public:
  static constexpr Duration kDelay = 10ms;

  Machine& add(NodeOptions options) {
    PubKey owner;
    const std::uint64_t bits = mix64(machines.size() + 1);
    for (std::size_t i = 0; i < PubKey::size; ++i) owner.data[i] = static_cast<std::uint8_t>(bits >> (i % 8) * 8);
    owner.data[31] = static_cast<std::uint8_t>(machines.size());
    machines.push_back(std::make_unique<Machine>(*this, machines.size(), std::move(options), owner));
    return *machines.back();
  }
  // n nodes that listen on 127.0.1.x:20000; all know the first.
  void add_many(std::size_t n, const Limits& limits = {}) {
    for (std::size_t i = 0; i < n; ++i) {
      NodeOptions options;
      options.listen = Address::v4(0x7f000101u + static_cast<std::uint32_t>(machines.size()), 20000);
      if (!machines.empty()) options.bootstrap = {machines.front()->options.listen};
      options.limits = limits;
      add(std::move(options));
    }
  }
  void boot_all() {
    for (auto& machine : machines) machine->boot();
  }
  void run_for(Duration duration) {
    const MonoTime end = now + duration;
    while (!events_.empty() && events_.begin()->first.first <= end) {
      auto event = events_.extract(events_.begin());
      now = event.key().first;
      ++handled;
      event.mapped()();
    }
    now = end;
  }
  void at(MonoTime time, std::function<void()> what) { events_.emplace(std::pair(time, ++made_), std::move(what)); }
  void note(std::uint64_t node, std::uint64_t value) {
    digest = combine64(combine64(combine64(digest, static_cast<std::uint64_t>(now.ns)), node), value);
  }
  // The overlay of a machine handles one input; deliveries are taken out as core/node does.
  template <class Input>
  void input(std::size_t node, Input&& handle) {
    Machine& machine = *machines[node];
    if (!machine.overlay) return;
    handle(*machine.overlay);
    while (auto delivery = machine.overlay->next()) {
      const bool fresh = machine.known.insert(delivery->payload.hash()).second;
      if (!fresh) machine.frame_was(Traffic::duplicate);
      if (fresh && delivery->cast == Delivery::Cast::broadcast) machine.overlay->forward(*delivery, delivery->payload);
      machine.inbox.push_back(std::move(*delivery));
    }
  }
  Machine& operator[](std::size_t i) { return *machines[i]; }
  std::size_t listener(const Address& address) const {
    for (std::size_t i = 0; i < machines.size(); ++i)
      if (machines[i]->overlay && machines[i]->options.dialable && machines[i]->options.listen == address) return i;
    return machines.size();
  }
  // Connections that both ends say they have.
  std::size_t degree(std::size_t node) {
    std::size_t count = 0;
    for (const auto& peer : machines[node]->overlay->peers()) count += peer.established ? 1 : 0;
    return count;
  }
  bool complete() {
    for (auto& machine : machines)
      if (machine->overlay && machine->overlay->reachable_count() + 1 != machines.size()) return false;
    return true;
  }

  MonoTime now;
  std::uint64_t digest = 0;
  std::uint64_t handled = 0;
  std::vector<std::unique_ptr<Machine>> machines;

 private:
  std::map<std::pair<MonoTime, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t made_ = 0;
};

inline Machine::Machine(World& w, std::size_t i, NodeOptions o, const PubKey& owner)
    : world(w), index(i), options(std::move(o)), host_{*this, *this,    *this,    store_, verifier_,
                                                       key_,  entropy_, clients_, *this} {
  config.owner = owner;
  config.listen = options.listen;
  config.bootstrap = options.bootstrap;
  config.dial_loopback = options.dial_loopback;
  config.dial_private = options.dial_private;
  config.limits = options.limits;
  config.seed = mix64(index + 77);
  if (options.seen_as == Address{}) options.seen_as = options.listen;
}

inline void Machine::boot() {
  ++boots;
  overlay = std::make_unique<Overlay>(config, host_);
  world.input(index, [](Overlay& o) { o.start(); });
}

inline void Machine::power_off() {
  overlay.reset();
  for (auto& [link, end] : links) close(link, CloseReason::reset);
  links.clear();
  for (auto& turn : timer_turn) ++turn;
}

inline MonoTime Machine::mono() const noexcept {
  return world.now;
}

inline WallTime Machine::wall() const noexcept {
  return {1'700'000'000'000'000'000 + world.now.ns};
}

inline LinkId Machine::dial(const Address& to) {
  const LinkId link{next_link++};
  dialled.push_back(to);
  world.note(index, hash_bytes(to.ip, to.port));
  world.at(world.now + World::kDelay, [this, link, to, boot = boots] {
    const std::size_t other = world.listener(to);
    if (other == world.machines.size()) {
      world.at(world.now + World::kDelay, [this, link, boot] {
        if (boot == boots) world.input(index, [&](Overlay& o) { o.link_down(link, CloseReason::refused); });
      });
      return;
    }
    Machine& acceptor = world[other];
    const LinkId far{acceptor.next_link++};
    acceptor.links[far] = {index, link, true};
    LinkInfo info{.link = far, .peer = {}, .outbound = false, .remote = options.seen_as};
    info.remote.port = static_cast<std::uint16_t>(30000 + link.value);
    world.at(world.now + World::kDelay, [this, link, to, other, far, boot] {  // before anything that is sent to it
      if (boot != boots || !overlay) return;
      links[link] = {other, far, true};
      const LinkInfo up{.link = link, .peer = {}, .outbound = true, .remote = to};
      world.input(index, [&](Overlay& o) { o.link_up(up); });
    });
    world.input(other, [&](Overlay& o) { o.link_up(info); });
  });
  return link;
}

inline void Machine::send(LinkId link, Frame frame, Priority, Traffic traffic) {
  const auto end = links.find(link);
  if (end == links.end() || !end->second.open) return;
  const std::size_t bytes = frame.size() + 4;
  const std::size_t segments = (bytes + 1459) / 1460;
  ++frames_out;
  payload_out += frame.size();
  wire_out += bytes + 52 * segments;
  world.note(index, combine64(frame.hash(), link.value * 8 + static_cast<std::uint64_t>(traffic)));
  if (end->second.peer == kPuppet) {
    puppet_inbox[link].push_back(std::move(frame));
    return;
  }
  world.at(world.now + World::kDelay, [this, to = end->second, frame = std::move(frame), segments] {
    Machine& peer = world[to.peer];
    const auto far = peer.links.find(to.peer_link);
    if (far == peer.links.end() || !far->second.open) return;
    peer.wire_out += 52 * ((segments + 1) / 2);
    world.input(to.peer, [&](Overlay& o) { o.frame(to.peer_link, frame); });
  });
}

inline void Machine::close(LinkId link, CloseReason reason) {
  const auto end = links.find(link);
  if (end == links.end() || !end->second.open) return;
  end->second.open = false;
  closed.push_back(reason);
  if (end->second.peer == kPuppet) return;
  world.at(world.now + World::kDelay, [this, to = end->second] {
    Machine& peer = world[to.peer];
    const auto far = peer.links.find(to.peer_link);
    if (far == peer.links.end() || !far->second.open) return;
    far->second.open = false;
    world.input(to.peer, [&](Overlay& o) { o.link_down(to.peer_link, CloseReason::peer_closed); });
  });
}

inline LinkId Machine::puppet(const Address& remote) {
  const LinkId link{next_link++};
  links[link] = {kPuppet, {}, true};
  const LinkInfo info{.link = link, .peer = {}, .outbound = false, .remote = remote};
  world.input(index, [&](Overlay& o) { o.link_up(info); });
  return link;
}

inline void Machine::from_puppet(LinkId link, const Frame& frame) {
  if (is_open(link)) world.input(index, [&](Overlay& o) { o.frame(link, frame); });
}

inline std::vector<Frame> Machine::to_puppet(LinkId link) {
  return std::exchange(puppet_inbox[link], {});
}

inline void Machine::arm(Timer timer, MonoTime at) {
  const auto i = static_cast<std::size_t>(timer);
  const std::uint64_t turn = ++timer_turn[i];
  world.at(std::max(at, world.now), [this, timer, i, turn] {
    if (timer_turn[i] == turn) world.input(index, [&](Overlay& o) { o.timer(timer); });
  });
}

inline void Machine::cancel(Timer timer) {
  ++timer_turn[static_cast<std::size_t>(timer)];
}

}  // namespace np2p::fake
