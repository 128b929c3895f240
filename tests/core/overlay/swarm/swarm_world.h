// A small world of swarm overlays, each with a real key, and with nobody's feed above: what is delivered is remembered
// and, the first time, handed on. Links have the delay of the way between two machines; a machine may be behind a NAT
// that lets nobody in. The test can speak for the far end of a link itself (RawPeer). Deterministic.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "core/crypto/node_key.h"
#include "core/crypto/signer.h"
#include "core/overlay/swarm/swarm.h"
#include "tests/core/fake_ports.h"

namespace np2p::swarm::test {

inline SecretKey secret_of(std::uint64_t seed, std::uint64_t index) {
  SecretKey secret;
  Rng rng(seed, "secret", index);
  for (auto& byte : secret.data) byte = static_cast<std::uint8_t>(rng.next());
  return secret;
}

inline std::unique_ptr<SecpNodeKey> key_of(std::uint64_t index) {
  return std::move(SecpNodeKey::from_secret(secret_of(1, index))).value();
}

inline PubKey user_of(std::uint64_t index) {
  const auto key = SecpNodeKey::from_secret(secret_of(2, index));
  return PubKey{key.value()->id().data};
}

// Of machine i: public, each in a netgroup of its own.
inline Address home(std::size_t i) {
  return Address::v4(0x0B000001u + (static_cast<std::uint32_t>(i) << 16), 20'000);
}

class World;

class Machine final : public np2p::test::FakePorts {
 public:
  Machine(World& world, std::size_t index, Config config, bool nat);
  void boot();
  void crash();  // peers notice by a reset

  MonoTime mono() const noexcept override;
  WallTime wall() const noexcept override;
  LinkId dial(const Address& to) override;
  // A punch and a tunnel are only noted, and ports are opened if the test wants that: simnet has the real thing.
  std::uint16_t open_port() override { return has_ports ? ++ports_opened : std::uint16_t{0}; }
  void close_port(std::uint16_t) override { ++ports_closed; }
  LinkId punch(std::uint16_t, const Address& to, const NodeId& peer, MonoTime) override {
    punches.emplace_back(to, peer);
    return last_punch = LinkId{++last_link};
  }
  LinkId tunnel(const NodeId& peer, bool) override {
    tunnels.push_back(peer);
    return LinkId{++last_link};
  }
  void carried(LinkId link, Frame record) override { records.emplace_back(link, std::move(record)); }
  void send(LinkId link, Frame frame, Priority priority, Traffic traffic) override;
  void close(LinkId link, CloseReason reason) override;
  void arm(Timer timer, MonoTime at) override;
  void cancel(Timer timer) override { ++turns_[static_cast<std::size_t>(timer)]; }
  const NodeId& id() const noexcept override { return key->id(); }
  Signature sign(std::string_view tag, ByteView message) override { return key->sign(tag, message); }
  PairMac pair_mac(const NodeId& peer, ByteView message) override { return key->pair_mac(peer, message); }
  void frame_was(Traffic traffic) override { ++said[static_cast<std::size_t>(traffic)]; }

  [[nodiscard]] bool runs() const noexcept { return swarm != nullptr; }
  [[nodiscard]] Address seen_as() const { return nat ? Address::v4(home(index).v4_host_order() + 1, 0) : home(index); }
  [[nodiscard]] std::vector<std::string> inbox_texts() const {
    std::vector<std::string> all;
    for (const Delivery& delivery : inbox) all.emplace_back(text_of(delivery.payload.view()));
    std::sort(all.begin(), all.end());
    return all;
  }
  [[nodiscard]] int refusals() const {
    int sum = 0;
    for (const auto& [what, count] : rejections) sum += count;
    return sum;
  }

  struct End {
    std::size_t peer = 0;  // machine; kRaw: the test
    LinkId peer_link;
    bool open = true;
  };
  static constexpr std::size_t kRaw = SIZE_MAX;

  World& world;
  std::size_t index;
  bool nat;
  Config config;
  std::unique_ptr<SecpNodeKey> key;
  std::unique_ptr<Swarm> swarm;
  std::map<LinkId, End> links;
  std::map<LinkId, std::vector<Frame>> to_raw;
  std::vector<Delivery> inbox;  // every delivery, repeated ones too
  std::uint64_t said[static_cast<std::size_t>(Traffic::count_)] = {};
  std::uint64_t gossip_out = 0;  // Gossip messages sent
  std::uint64_t frames_out = 0;
  Priority last_priority = Priority::control;  // of what was sent
  std::size_t boots = 0;
  bool judges_bad = false;       // nothing that arrives is good
  std::set<std::string> forgot;  // it was here, and is not kept
  bool has_ports = false;
  std::uint16_t ports_opened = 0;
  std::uint16_t ports_closed = 0;
  std::vector<std::pair<Address, NodeId>> punches;
  LinkId last_punch;
  std::vector<NodeId> tunnels;
  std::vector<std::pair<LinkId, Frame>> records;

 private:
  friend class World;
  std::set<std::string> known_;
  std::uint64_t turns_[static_cast<std::size_t>(Timer::count_)] = {};
  Host host_;
};

class World {
 public:
  explicit World(Duration nearest = 5ms) : nearest_(nearest) {}

  // The first is everybody's door unless the config names others.
  Machine& add(bool nat = false, Config config = {}) {
    const std::size_t i = machines.size();
    config.owner = user_of(i);
    config.overlay = OverlayKind::hyparview;
    if (config.listen.port == 0) config.listen = nat ? Address::v4(0x0A000001u, 20'000) : home(i);
    if (config.bootstrap.empty() && i > 0) config.bootstrap = {home(0)};
    if (config.seed == 0) config.seed = mix64(i + 77);
    machines.push_back(std::make_unique<Machine>(*this, i, std::move(config), nat));
    return *machines.back();
  }
  // Every `nat_every`-th of n (0: none) is behind a NAT.
  void add_many(std::size_t n, std::size_t nat_every = 0) {
    for (std::size_t i = 0; i < n; ++i) add(nat_every != 0 && i % nat_every == nat_every - 1);
  }
  // One a quarter of a second.
  void boot_all() {
    for (auto& machine : machines) {
      machine->boot();
      run_for(250ms);
    }
  }
  void run_for(Duration duration) {
    const MonoTime end = now + duration;
    while (!events_.empty() && events_.begin()->first.first <= end) {
      auto event = events_.extract(events_.begin());
      now = event.key().first;
      event.mapped()();
    }
    now = end;
  }
  void empty() {  // nothing of what was made before happens any more
    events_.clear();
    machines.clear();
  }
  void at(MonoTime time, std::function<void()> what) { events_.emplace(std::pair(time, ++made_), std::move(what)); }
  Machine& operator[](std::size_t i) { return *machines[i]; }
  [[nodiscard]] std::size_t size() const noexcept { return machines.size(); }

  // The overlay of a machine handles one input; deliveries go the way that core/node sends them.
  template <class Input>
  void input(std::size_t node, Input&& handle) {
    Machine& machine = *machines[node];
    if (!machine.runs()) return;
    handle(*machine.swarm);
    while (auto delivery = machine.swarm->next()) {
      const std::string text(text_of(delivery->payload.view()));
      const bool fresh = machine.known_.insert(text).second;
      if (keeps_history && !machine.judges_bad && delivery->cast == Delivery::Cast::broadcast) {
        machine.swarm->remember(past_of(text));
      }
      if (fresh && !machine.judges_bad && delivery->cast == Delivery::Cast::broadcast) {
        machine.swarm->forward(*delivery, delivery->payload);
      }
      machine.inbox.push_back(std::move(*delivery));
    }
    while (const auto recall = machine.swarm->next_recall()) {
      Frame payload;
      for (const std::string& text : machine.known_) {
        if (machine.forgot.count(text) == 0 && past_of(text) == recall->what) payload = Frame(bytes_of(text));
      }
      machine.swarm->recalled(*recall, payload);
    }
  }
  // When it was said, and what it is called among the overlays.
  [[nodiscard]] Past past_of(const std::string& text) const {
    const auto at = said_at.find(text);
    return {at == said_at.end() ? 0 : at->second, hash_bytes(bytes_of(text))};
  }
  void broadcast(std::size_t from, std::string_view text) {
    machines[from]->known_.insert(std::string(text));
    said_at.emplace(text, static_cast<std::uint32_t>(unix_seconds(machines[from]->wall())));
    if (keeps_history) input(from, [&](Swarm& s) { s.remember(past_of(std::string(text))); });
    input(from, [&](Swarm& s) { s.broadcast(Channel::packets, Frame(bytes_of(text))); });
  }
  bool unicast(std::size_t from, const PubKey& to, std::string_view text) {
    bool sent = false;
    input(from, [&](Swarm& s) { sent = s.unicast(to, Channel::packets, Frame(bytes_of(text)), Priority::post); });
    return sent;
  }

  [[nodiscard]] Duration delay(std::size_t a, std::size_t b) const {
    const auto place = [](std::size_t i) {
      const std::uint64_t h = mix64(i + 1);
      return std::pair<std::int64_t, std::int64_t>(h % 40'000, (h >> 32) % 40'000);  // microseconds
    };
    const auto [ax, ay] = place(a);
    const auto [bx, by] = place(b);
    return nearest_ + std::max(std::abs(ax - bx), std::abs(ay - by)) * 1us;
  }
  // Who answers at that address: nobody behind a NAT.
  [[nodiscard]] std::size_t listener(const Address& address) const {
    for (std::size_t i = 0; i < machines.size(); ++i) {
      if (machines[i]->runs() && !machines[i]->nat && home(i) == address) return i;
    }
    return machines.size();
  }
  // The far end's link of a link between machines, if both are open.
  [[nodiscard]] std::optional<std::pair<std::size_t, LinkId>> far(std::size_t node, LinkId link) const {
    const auto end = machines[node]->links.find(link);
    if (end == machines[node]->links.end() || !end->second.open || end->second.peer == Machine::kRaw) return {};
    return std::pair(end->second.peer, end->second.peer_link);
  }
  [[nodiscard]] std::uint64_t gossip_sent() const {
    std::uint64_t sum = 0;
    for (const auto& machine : machines) sum += machine->gossip_out;
    return sum;
  }

  MonoTime now{1'000'000'000};
  std::vector<std::unique_ptr<Machine>> machines;
  std::function<bool(std::size_t from, std::size_t to, const Frame& frame)> loses;  // on the way, unnoticed
  bool keeps_history = false;  // what was broadcast is remembered, and told to those who missed it
  std::map<std::string, std::uint32_t, std::less<>> said_at;

 private:
  Duration nearest_;
  std::map<std::pair<MonoTime, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t made_ = 0;
};

inline Machine::Machine(World& w, std::size_t i, Config c, bool behind_nat)
    : FakePorts(c.limits), world(w), index(i), nat(behind_nat), config(std::move(c)), key(key_of(i)), host_(host()) {}

inline void Machine::boot() {
  ++boots;
  swarm = std::make_unique<Swarm>(config, host_);
  if (world.keeps_history) {
    for (const std::string& text : known_) swarm->remember(world.past_of(text));
  }
  world.input(index, [](Swarm& s) { s.start(); });
}

inline void Machine::crash() {
  swarm.reset();
  ++boots;
  for (auto& [link, end] : links) close(link, CloseReason::reset);
  for (auto& turn : turns_) ++turn;
}

inline MonoTime Machine::mono() const noexcept {
  return world.now;
}

inline WallTime Machine::wall() const noexcept {
  return {1'700'000'000'000'000'000 + world.now.ns};
}

// One round trip for TCP, one for the keys; the acceptor is told after the second.
inline LinkId Machine::dial(const Address& to) {
  const LinkId link{++last_link};
  dialled.push_back(to);
  const std::size_t other = world.listener(to);
  if (other == world.machines.size()) {
    world.at(world.now + 40ms, [this, link, boot = boots] {
      if (boot == boots) world.input(index, [&](Swarm& s) { s.link_down(link, CloseReason::refused); });
    });
    return link;
  }
  const Duration way = world.delay(index, other);
  world.at(world.now + 3 * way, [this, link, to, other, way, boot = boots] {
    Machine& acceptor = world[other];
    if (boot != boots || !acceptor.runs()) {
      if (boot == boots) world.input(index, [&](Swarm& s) { s.link_down(link, CloseReason::reset); });
      return;
    }
    const LinkId far{++acceptor.last_link};
    acceptor.links[far] = {index, link, true};
    links[link] = {other, far, true};
    LinkInfo info{.link = far, .peer = id(), .proven = true, .outbound = false, .remote = seen_as()};
    info.remote.port = static_cast<std::uint16_t>(30'000 + link.value % 30'000);
    world.at(world.now + way, [this, link, to, other, boot] {
      if (boot != boots || !links[link].open) return;
      const LinkInfo up{.link = link, .peer = world[other].id(), .proven = true, .outbound = true, .remote = to};
      world.input(index, [&](Swarm& s) { s.link_up(up); });
    });
    world.input(other, [&](Swarm& s) { s.link_up(info); });
  });
  return link;
}

inline void Machine::send(LinkId link, Frame frame, Priority priority, Traffic) {
  const auto end = links.find(link);
  if (end == links.end() || !end->second.open) return;
  ++frames_out;
  last_priority = priority;
  if (!frame.empty() && frame.view()[0] == 13) ++gossip_out;
  if (end->second.peer == kRaw) {
    to_raw[link].push_back(std::move(frame));
    return;
  }
  if (world.loses && world.loses(index, end->second.peer, frame)) return;
  world.at(world.now + world.delay(index, end->second.peer), [this, to = end->second, frame = std::move(frame)] {
    Machine& peer = world[to.peer];
    const auto far = peer.links.find(to.peer_link);
    if (far == peer.links.end() || !far->second.open) return;
    world.input(to.peer, [&](Swarm& s) { s.frame(to.peer_link, frame); });
  });
}

inline void Machine::close(LinkId link, CloseReason reason) {
  const auto end = links.find(link);
  if (end == links.end() || !end->second.open) return;
  end->second.open = false;
  closed.emplace_back(link, reason);
  if (end->second.peer == kRaw) return;
  const CloseReason told = reason == CloseReason::reset ? reason : CloseReason::peer_closed;
  world.at(world.now + world.delay(index, end->second.peer), [this, to = end->second, told] {
    Machine& peer = world[to.peer];
    const auto far = peer.links.find(to.peer_link);
    if (far == peer.links.end() || !far->second.open) return;
    far->second.open = false;
    world.input(to.peer, [&](Swarm& s) { s.link_down(to.peer_link, told); });
  });
}

inline void Machine::arm(Timer timer, MonoTime at) {
  const auto i = static_cast<std::size_t>(timer);
  const std::uint64_t turn = ++turns_[i];
  world.at(std::max(at, world.now), [this, timer, i, turn] {
    if (turns_[i] == turn) world.input(index, [&](Swarm& s) { s.timer(timer); });
  });
}

// The far end of a link into a machine, for which the test speaks. It proves a key of its own and, unless told
// otherwise, can be dialled (nobody answers there).
class RawPeer {
 public:
  RawPeer(World& world, std::size_t node, std::uint64_t number, bool reachable = true,
          std::optional<Address> at = std::nullopt)
      : world_(world),
        node_(node),
        number_(number),
        key_(key_of(1000 + number)),
        reachable_(reachable),
        address_(at.value_or(home(200 + number))) {
    link_ = LinkId{++machine().last_link};
    machine().links[link_] = {Machine::kRaw, {}, true};
    LinkInfo info{.link = link_, .peer = id(), .proven = true, .outbound = false, .remote = address()};
    info.remote.port = 40'000;
    world_.input(node_, [&](Swarm& s) { s.link_up(info); });
  }
  [[nodiscard]] Address address() const { return address_; }
  [[nodiscard]] const NodeId& id() const { return key_->id(); }
  [[nodiscard]] PubKey user() const { return user_of(1000 + number_); }
  [[nodiscard]] PeerRef ref() const { return {id(), address(), {}}; }
  [[nodiscard]] SecpNodeKey& key() const { return *key_; }
  [[nodiscard]] LinkId link() const { return link_; }
  [[nodiscard]] bool is_open() const { return world_[node_].links.at(link_).open; }
  [[nodiscard]] Machine& machine() const { return world_[node_]; }

  void say(const Message& message) { say(encode(message)); }
  void say(const Frame& frame) {
    if (is_open()) world_.input(node_, [&](Swarm& s) { s.frame(link_, frame); });
  }
  void hello() {
    Hello hello;
    hello.boot = 1;
    hello.salt = 5;
    hello.owner = user();
    if (reachable_) hello.listens = address();
    say(hello);
  }
  // Introduces itself and becomes a neighbour.
  void join() {
    hello();
    say(Neighbor{Urgency::high});
  }
  void hang_up() {
    if (!is_open()) return;
    machine().links[link_].open = false;
    world_.input(node_, [&](Swarm& s) { s.link_down(link_, CloseReason::peer_closed); });
  }
  // What came since the last call.
  std::vector<Message> heard() {
    std::vector<Message> messages;
    for (const Frame& frame : std::exchange(machine().to_raw[link_], {})) {
      auto message = decode(frame.view(), machine().config.limits);
      if (message.ok()) messages.push_back(std::move(*message));
      if (const Hello* hello = std::get_if<Hello>(&messages.back()); hello != nullptr && hello->salt != 0) {
        salt = mix64(hello->salt ^ 5);
      }
    }
    return messages;
  }
  template <class T>
  std::vector<T> heard_of() {
    std::vector<T> chosen;
    for (Message& message : heard()) {
      if (T* one = std::get_if<T>(&message)) chosen.push_back(std::move(*one));
    }
    return chosen;
  }
  std::uint64_t salt = 0;  // of short ids on this link, known once the Hello was heard

 private:
  World& world_;
  std::size_t node_;
  std::uint64_t number_;
  std::unique_ptr<SecpNodeKey> key_;
  LinkId link_;
  bool reachable_;
  Address address_;
};

}  // namespace np2p::swarm::test
