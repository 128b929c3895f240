// A standing network of whole nodes in the simulator, 80 % of them behind NAT, and what a stretch of its time costs:
// CPU and messages. What one step costs is the difference between a stretch with so many of them and a silent one.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "bench/cpu_time.h"
#include "core/base/rng.h"
#include "core/event/kinds.h"
#include "simnet/world.h"

namespace np2p::bench {

// How many nodes: 1,000, or what NP2P_BENCH_NODES says (./dev bench --nodes).
inline std::int64_t standing_nodes() {
  const char* said = std::getenv("NP2P_BENCH_NODES");
  return said == nullptr ? 1000 : std::max<std::int64_t>(50, std::atoll(said));
}

struct Spent {
  double cpu_s = 0;
  std::uint64_t messages = 0;
  std::uint64_t events = 0;
  Spent& operator+=(const Spent& more) noexcept {
    cpu_s += more.cpu_s;
    messages += more.messages;
    events += more.events;
    return *this;
  }
  // Without what another stretch of the same length took.
  [[nodiscard]] Spent beyond(const Spent& silent) const noexcept {
    return {std::max(cpu_s - silent.cpu_s, 1e-9), messages - std::min(messages, silent.messages),
            events - std::min(events, silent.events)};
  }
};

class StandingNetwork {
 public:
  static constexpr std::size_t kDoors = 16;  // public, there first; everybody else is told three of them
  static constexpr Duration kSettling = 300s;

  explicit StandingNetwork(std::int64_t nodes, std::int64_t nated_percent = 80, Duration shuffle_every = 3min)
      : world(options()),
        nated_percent_(static_cast<std::uint64_t>(nated_percent)),
        shuffle_every_(shuffle_every),
        rng_(7, "standing network") {
    const double began = cpu_seconds();
    const Duration pause = std::max<Duration>(30s, 10ms * nodes) / nodes;
    for (std::int64_t i = 0; i < nodes; ++i) {
      add();
      world.run_for(pause);
    }
    world.run_for(kSettling);
    bootstrap_s = cpu_seconds() - began;
  }

  void add() {
    sim::NodeOptions node;
    const bool is_door = world.node_count() < kDoors;
    if (!is_door && rng_.below(100) < nated_percent_) {
      const sim::NatSpec kinds[] = {sim::full_cone(), sim::restricted(), sim::port_restricted(), sim::symmetric()};
      node.nat = {kinds[rng_.below(std::size(kinds))]};
    }
    node.config.overlay = OverlayKind::hyparview;
    node.config.swarm.shuffle_every = shuffle_every_;
    std::vector<sim::NodeIndex> doors;
    for (sim::NodeIndex i = 0; i < std::min(world.node_count(), kDoors); ++i) doors.push_back(i);
    rng_.shuffle(doors);
    for (std::size_t i = 0; i < std::min<std::size_t>(doors.size(), 3); ++i) {
      node.config.bootstrap.push_back(world.address_of(doors[i]));
    }
    world.start(world.add_node(std::move(node)));
  }

  [[nodiscard]] sim::NodeIndex somebody() { return static_cast<sim::NodeIndex>(rng_.below(world.node_count())); }

  // Lets time pass and says what that took. `step` comes first.
  template <class Step>
  Spent spend(Duration stretch, Step step) {
    const std::uint64_t messages = messages_sent();
    const std::uint64_t events = world.events();
    const double began = cpu_seconds();
    const sim::SimTime end = world.now() + stretch.count();
    step();
    world.run_until(end);
    const double cpu_s = cpu_seconds() - began;
    return {cpu_s, messages_sent() - messages, world.events() - events};
  }
  Spent spend(Duration stretch) {
    return spend(stretch, [] {});
  }

  // A post of somebody, signed now, published when that is asked for.
  struct Post {
    sim::NodeIndex author;
    Event event;
  };
  Post post_of(sim::NodeIndex author, Tags tags = {}) {
    std::string text = "post " + std::to_string(++posts_) + ' ';
    text.resize(200, 'x');
    return {author, world.user(author).sign(kind::post, unix_seconds(world.wall()), std::move(tags), std::move(text))};
  }

  [[nodiscard]] std::uint64_t messages_sent() const {
    std::uint64_t sum = 0;
    for (const sim::TrafficRow& row : world.traffic()) sum += row.counts.out.total_messages();
    return sum;
  }

  sim::World world;
  double bootstrap_s = 0;  // of CPU: everybody joins and settles

 private:
  static sim::WorldOptions options() {
    sim::WorldOptions o;
    o.seed = 7;
    return o;
  }
  std::uint64_t nated_percent_;
  Duration shuffle_every_;
  Rng rng_;
  std::size_t posts_ = 0;
};

}  // namespace np2p::bench
