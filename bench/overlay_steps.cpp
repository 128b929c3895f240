// What a step of the scalable overlay costs in a standing network, all nodes that take part in it together: one node
// joins, one shuffles, one looks up who serves a public key, a post goes one hop. CPU time of the simulator and of the
// nodes in it; `messages` are those sent per step. Each number of iterations is fixed, so the same worlds are measured.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "bench/standing_network.h"

namespace np2p {
namespace {

using bench::Spent;
using bench::StandingNetwork;

// One for all steps that leave it as it was; what a join adds stays.
StandingNetwork& standing(std::int64_t nodes) {
  static std::unique_ptr<StandingNetwork> network;
  if (!network) network = std::make_unique<StandingNetwork>(nodes);
  return *network;
}

void report(benchmark::State& state, const Spent& spent, std::uint64_t steps) {
  const auto per_step = [&](std::uint64_t count) {
    return static_cast<double>(count) / static_cast<double>(std::max<std::uint64_t>(1, steps));
  };
  state.SetItemsProcessed(static_cast<std::int64_t>(steps));
  state.counters["us"] = 1e6 * spent.cpu_s / static_cast<double>(std::max<std::uint64_t>(1, steps));
  state.counters["messages"] = per_step(spent.messages);
  state.counters["events"] = per_step(spent.events);
}

// A post to everybody: the payload comes in over a link, is decoded, goes through the gate (the signature is
// remembered), into the store, and on to whom the tree says. 20 posts a second for 5 s, authors at random.
void broadcast_hop(benchmark::State& state) {
  StandingNetwork& network = standing(state.range(0));
  constexpr int kPosts = 100;
  Spent all;
  std::uint64_t hops = 0;
  for (auto _ : state) {
    std::vector<StandingNetwork::Post> posts;
    for (int i = 0; i < kPosts; ++i) posts.push_back(network.post_of(network.somebody()));
    const Spent silent = network.spend(10s);
    const Spent busy = network.spend(10s, [&] {
      for (const auto& post : posts) {
        network.world.publish(post.author, post.event);
        network.world.run_for(50ms);
      }
    });
    const Spent more = busy.beyond(silent);
    state.SetIterationTime(more.cpu_s);
    all += more;
    std::uint64_t reached = 0;
    for (const auto& post : posts) reached += network.world.deliveries(post.event.id).size();
    if (reached < kPosts * (network.world.node_count() - 1)) state.SkipWithError("a post did not reach everybody");
    hops += reached;
  }
  report(state, all, hops);
}

// Mentions between strangers: the first has to find out who serves the user, the second knows. The difference is the
// lookup. The reader, for whom the first is an unproved claim of its author, looks up as well: two per pair.
void lookup(benchmark::State& state) {
  StandingNetwork& network = standing(state.range(0));
  constexpr int kPairs = 100;
  Spent all;
  for (auto _ : state) {
    std::vector<std::pair<sim::NodeIndex, sim::NodeIndex>> pairs;
    while (pairs.size() < kPairs) {
      const sim::NodeIndex author = network.somebody();
      const sim::NodeIndex reader = network.somebody();
      if (author != reader) pairs.emplace_back(author, reader);
    }
    const auto mention_all = [&] {
      std::vector<StandingNetwork::Post> mentions;
      for (const auto& [author, reader] : pairs) {
        Tags tags;
        tags.add({"p", network.world.user(reader).public_key().hex()});
        mentions.push_back(network.post_of(author, std::move(tags)));
      }
      const Spent spent = network.spend(20s, [&] {
        for (const auto& mention : mentions) {
          network.world.publish(mention.author, mention.event);
          network.world.run_for(50ms);
        }
      });
      std::size_t arrived = 0;
      for (const auto& mention : mentions) arrived += network.world.deliveries(mention.event.id).size();
      if (arrived < kPairs * 95 / 100) state.SkipWithError("mentions did not arrive");
      return spent;
    };
    const Spent first = mention_all();
    const Spent lookups = first.beyond(mention_all());
    state.SetIterationTime(lookups.cpu_s);
    all += lookups;
  }
  report(state, all, 2 * kPairs * static_cast<std::uint64_t>(state.iterations()));
}

// Newcomers, four in a second: dials, Joins, their walks, dial-backs, the test of their NAT, fingers, and where they
// are into the directory. A minute later they are like everybody else.
void join(benchmark::State& state) {
  StandingNetwork& network = standing(state.range(0));
  constexpr int kNewcomers = 20;
  Spent all;
  for (auto _ : state) {
    const Spent silent = network.spend(60s);
    const std::size_t before = network.world.node_count();
    const Spent busy = network.spend(60s, [&] {
      for (int i = 0; i < kNewcomers; ++i) {
        network.add();
        network.world.run_for(250ms);
      }
    });
    for (std::size_t i = before; i < network.world.node_count(); ++i) {
      const OverlayStatus status = network.world.status(static_cast<sim::NodeIndex>(i)).overlay;
      if (status.active == 0 || !status.published) state.SkipWithError("a newcomer did not join");
    }
    const Spent joins = busy.beyond(silent);
    state.SetIterationTime(joins.cpu_s);
    all += joins;
  }
  report(state, all, kNewcomers * static_cast<std::uint64_t>(state.iterations()));
}

// Two networks grown alike, in one of which everybody shuffles each second and not every three minutes.
void shuffle(benchmark::State& state) {
  const auto nodes = state.range(0);
  StandingNetwork seldom(nodes, 80);
  StandingNetwork often(nodes, 80, 1s);
  constexpr std::int64_t kSeconds = 20;
  Spent all;
  for (auto _ : state) {
    const Spent silent = seldom.spend(std::chrono::seconds{kSeconds});
    const Spent shuffles = often.spend(std::chrono::seconds{kSeconds}).beyond(silent);
    state.SetIterationTime(shuffles.cpu_s);
    all += shuffles;
  }
  report(state, all, static_cast<std::uint64_t>(kSeconds * nodes * state.iterations()));
}

// Everything together, nothing subtracted: posts to everybody, mentions, and what the network says by itself. Items are
// messages over links, each handled by a whole node.
void message(benchmark::State& state) {
  StandingNetwork& network = standing(state.range(0));
  Spent all;
  for (auto _ : state) {
    std::vector<StandingNetwork::Post> posts;
    for (int i = 0; i < 100; ++i) {
      Tags tags;
      if (i % 2 == 1) tags.add({"p", network.world.user(network.somebody()).public_key().hex()});
      posts.push_back(network.post_of(network.somebody(), std::move(tags)));
    }
    const Spent spent = network.spend(10s, [&] {
      for (const auto& post : posts) {
        network.world.publish(post.author, post.event);
        network.world.run_for(100ms);
      }
    });
    state.SetIterationTime(spent.cpu_s);
    all += spent;
  }
  report(state, all, all.messages);
}

void in_a_standing_network(benchmark::internal::Benchmark* one) {
  one->Arg(bench::standing_nodes())->Iterations(3)->UseManualTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK(broadcast_hop)->Apply(in_a_standing_network);
BENCHMARK(message)->Apply(in_a_standing_network);
BENCHMARK(lookup)->Apply(in_a_standing_network);
BENCHMARK(join)->Apply(in_a_standing_network);
BENCHMARK(shuffle)->Apply(in_a_standing_network);

}  // namespace
}  // namespace np2p
