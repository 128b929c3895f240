// How many bytes of state a node of a standing network has, by part, once its network has settled and 100 posts have
// passed through it; `heap` is what the allocator gave out for all of it together, per node. Also what it took to get
// there: CPU until everybody has joined, and per post to everybody.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <array>
#include <vector>

#include "bench/standing_network.h"

namespace np2p {
namespace {

using bench::Spent;
using bench::StandingNetwork;

std::size_t allocated() {
  const struct mallinfo2 now = mallinfo2();
  return now.uordblks + now.hblkhd;
}

// Mean bytes per node of those that are behind NAT, or of the others.
void report_parts(benchmark::State& state, const StandingNetwork& network, bool nated, const std::string& name) {
  std::array<double, 4> sums{};
  double count = 0;
  const auto rows = network.world.memory();
  for (sim::NodeIndex i = 0; i < rows.size(); ++i) {
    if (network.world.is_behind_nat(i) != nated) continue;
    const std::uint64_t parts[] = {rows[i].overlay, rows[i].feed, rows[i].store, rows[i].simnet};
    for (std::size_t part = 0; part < sums.size(); ++part) sums[part] += static_cast<double>(parts[part]);
    ++count;
  }
  const char* const names[] = {"overlay", "feed", "store", "simnet"};
  double total = 0;
  for (std::size_t part = 0; part < sums.size(); ++part) {
    state.counters[name + '_' + names[part]] = sums[part] / count;
    total += sums[part] / count;
  }
  state.counters[name + "_total"] = total;
}

void state_per_node(benchmark::State& state) {
  const std::size_t before = allocated();
  StandingNetwork network(state.range(0));
  const auto nodes = static_cast<double>(network.world.node_count());
  const double at_rest = static_cast<double>(allocated() - before) / nodes;
  constexpr int kPosts = 100;
  double cpu_s = 0;
  for (auto _ : state) {
    for (int i = 0; i < kPosts; ++i) {
      const auto post = network.post_of(network.somebody());
      const Spent silent = network.spend(1s);
      cpu_s += network.spend(1s, [&] { network.world.publish(post.author, post.event); }).beyond(silent).cpu_s;
    }
    state.SetIterationTime(cpu_s);
  }
  state.counters["heap_at_rest"] = at_rest;
  state.counters["heap"] = static_cast<double>(allocated() - before) / nodes;
  report_parts(state, network, true, "nated");
  report_parts(state, network, false, "reachable");
  state.counters["bootstrap_cpu_s"] = network.bootstrap_s;
  state.counters["cpu_s_per_post"] = cpu_s / kPosts;
}
BENCHMARK(state_per_node)->Arg(bench::standing_nodes())->Iterations(1)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace np2p
