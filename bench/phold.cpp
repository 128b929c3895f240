// The event core alone: PHOLD ("hold") with N nodes and N pending events. Each event schedules one more, 10 ms plus an
// exponential delay of mean 90 ms later, at a random node; each node folds time and payload of each of its events into
// a trace digest, as the hosts of a world do.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "core/base/hash.h"
#include "simnet/scheduler.h"

namespace {

using np2p::sim::make_key;
using np2p::sim::SimEvent;
using np2p::sim::SimTime;

struct alignas(64) PholdNode {
  std::uint64_t rng = 0;
  std::uint64_t count = 0;
  std::uint64_t hash = 0;
  std::uint64_t sequence = 0;
  std::uint64_t digest = 0;
};

class Phold {
 public:
  explicit Phold(std::uint32_t nodes) : nodes_(nodes) {
    for (int i = 0; i < 1024; ++i)
      delays_[i] = static_cast<SimTime>(std::floor(-std::log(1.0 - (i + 0.5) / 1024) * 90e6));
    for (std::uint32_t i = 0; i < nodes; ++i) nodes_[i].rng = 0x1234567ull + i;
    for (std::uint32_t i = 0; i < nodes; ++i) schedule(i, 0, 0, true);
  }
  void run(std::uint64_t events) { scheduler_.run_until(INT64_MAX >> 1, events, *this); }
  void handle(const SimEvent& event) {
    PholdNode& node = nodes_[event.to];
    ++node.count;
    node.hash = (node.hash ^ static_cast<std::uint64_t>(event.at)) * 0x9E3779B97F4A7C15ull;
    node.digest = np2p::combine64(node.digest ^ event.payload, static_cast<std::uint64_t>(event.at));
    schedule(event.to, event.at, event.payload + 1);
  }
  void prefetch(const SimEvent& event) { __builtin_prefetch(&nodes_[event.to], 1); }
  void prefetch_near(const SimEvent&) {}
  [[nodiscard]] std::uint64_t checksum() const {
    std::uint64_t hash = 0;
    std::uint64_t count = 0;
    for (const auto& node : nodes_) {
      hash += node.hash;
      count += node.count;
    }
    return hash ^ count;
  }

 private:
  void schedule(std::uint32_t from, SimTime now, std::uint64_t payload, bool to_itself = false) {
    PholdNode& node = nodes_[from];
    node.rng += 0x9E3779B97F4A7C15ull;
    const std::uint64_t x = np2p::mix64(node.rng);
    const SimTime delay = 10'000'000 + delays_[x & 1023] + static_cast<SimTime>((x >> 10) & 0xffff);
    const auto to = to_itself ? from : static_cast<std::uint32_t>(((x >> 32) * nodes_.size()) >> 32);
    scheduler_.push({now + delay, make_key(from, node.sequence++), to, 0, 0, 0, payload});
  }
  std::vector<PholdNode> nodes_;
  SimTime delays_[1024];
  np2p::sim::Scheduler scheduler_;
};

void phold(benchmark::State& state) {
  const auto nodes = static_cast<std::uint32_t>(state.range(0));
  constexpr std::uint64_t kEvents = 1'000'000;
  {
    Phold check(1000);  // the model is the one everybody else measures: its checksum says so
    check.run(kEvents);
    if (check.checksum() != 0xecab3bac9cd61d99ull) state.SkipWithError("checksum of the PHOLD model differs");
  }
  Phold model(nodes);
  model.run(2 * kEvents);  // until memory and the width of the buckets have settled
  for (auto _ : state) model.run(kEvents);
  state.SetItemsProcessed(static_cast<std::int64_t>(kEvents * static_cast<std::uint64_t>(state.iterations())));
}
BENCHMARK(phold)->Arg(1000)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
