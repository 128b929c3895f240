#include "simnet/scheduler.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "core/base/rng.h"

namespace np2p::sim {
namespace {

struct Later {
  bool operator()(const SimEvent& a, const SimEvent& b) const { return before(a, b); }
};

// Pushes random follow-up events; the naive set and the scheduler must agree on every single one.
struct Oracle {
  Scheduler scheduler;
  std::set<SimEvent, Later> naive;
  Rng rng{7, "scheduler test"};
  std::uint64_t sequence = 0;
  std::uint64_t left = 200'000;
  bool agreed = true;

  SimTime draw_delay() {
    switch (rng.below(10)) {
      case 0:
        return 0;  // same time: the key decides
      case 1:
        return static_cast<SimTime>(rng.below(1000));
      case 2:
        return static_cast<SimTime>(rng.below(30) * 1000) * kSecond / 10;  // up to fifty minutes
      case 3:
        return static_cast<SimTime>(rng.below(100)) * 3600 * kSecond;  // hours, on the same instants
      default:
        return static_cast<SimTime>(rng.below(100 * kMillisecond));
    }
  }
  void push(SimTime at) {
    const auto source = static_cast<std::uint32_t>(rng.below(50));
    const SimEvent event{at, make_key(source, sequence++), source, 0, 0, 0, sequence};
    naive.insert(event);
    scheduler.push(event);
  }
  void handle(const SimEvent& event) {
    const SimEvent& expected = *naive.begin();
    agreed = agreed && expected.at == event.at && expected.key == event.key && expected.payload == event.payload;
    naive.erase(naive.begin());
    const std::uint64_t children = left == 0 ? 0 : rng.below(3);
    for (std::uint64_t i = 0; i < children && left > 0; ++i, --left) push(event.at + draw_delay());
  }
  void prefetch(const SimEvent&) {}
  void prefetch_near(const SimEvent&) {}
};

TEST(Scheduler, AgreesWithANaiveSetOnRandomEvents) {
  Oracle oracle;
  for (int i = 0; i < 2000; ++i) oracle.push(oracle.draw_delay());
  SimTime until = 0;
  while (oracle.scheduler.pending() > 0) {
    // Uneven steps and small budgets; outside pushes between them.
    until += static_cast<SimTime>(oracle.rng.below(40)) * kSecond;
    while (!oracle.scheduler.run_until(until, 250, oracle)) {
    }
    ASSERT_TRUE(oracle.agreed);
    ASSERT_EQ(oracle.scheduler.now(), until);
    ASSERT_TRUE(oracle.naive.empty() || oracle.naive.begin()->at > until);
    if (oracle.left > 0) {
      oracle.push(until);
      oracle.push(until + oracle.draw_delay());
      --oracle.left;
    }
  }
  EXPECT_TRUE(oracle.naive.empty());
  EXPECT_GT(oracle.scheduler.handled(), 20'000u);
}

struct Recorder {
  std::vector<SimTime> times;
  void handle(const SimEvent& event) { times.push_back(event.at); }
  void prefetch(const SimEvent&) {}
  void prefetch_near(const SimEvent&) {}
};

TEST(Scheduler, HourLongTimersAndEmptyStretchesAreCheapAndExact) {
  Scheduler scheduler;
  Recorder recorder;
  const SimTime day = 86'400 * kSecond;
  for (std::uint64_t i = 0; i < 365; ++i) {
    scheduler.push({static_cast<SimTime>(365 - i) * day, make_key(1, i), 0, 0, 0, 0, 0});
  }
  EXPECT_TRUE(scheduler.run_until(400 * day, UINT64_MAX, recorder));
  ASSERT_EQ(recorder.times.size(), 365u);
  for (std::size_t i = 0; i < 365; ++i) EXPECT_EQ(recorder.times[i], static_cast<SimTime>(i + 1) * day);
  EXPECT_EQ(scheduler.now(), 400 * day);
}

TEST(Scheduler, ABurstInsideOneBucketKeepsTheOrder) {
  Scheduler scheduler;
  Recorder recorder;
  Rng rng(3);
  for (std::uint64_t i = 0; i < 50'000; ++i) {
    scheduler.push({static_cast<SimTime>(rng.below(3 * kMillisecond)), make_key(1, i), 0, 0, 0, 0, 0});
  }
  scheduler.run_until(kSecond, UINT64_MAX, recorder);
  ASSERT_EQ(recorder.times.size(), 50'000u);
  EXPECT_TRUE(std::is_sorted(recorder.times.begin(), recorder.times.end()));
}

TEST(Scheduler, EqualTimesGoBySourceThenItsOwnSequenceNeverByInsertion) {
  struct Keys {
    std::vector<std::uint64_t> seen;
    void handle(const SimEvent& event) { seen.push_back(event.key); }
    void prefetch(const SimEvent&) {}
    void prefetch_near(const SimEvent&) {}
  } keys;
  Scheduler scheduler;
  for (const auto& [source, sequence] : {std::pair{9u, 1u}, {2u, 7u}, {2u, 3u}, {5u, 0u}}) {
    scheduler.push({kSecond, make_key(source, sequence), 0, 0, 0, 0, 0});
  }
  scheduler.run_until(kSecond, UINT64_MAX, keys);
  EXPECT_EQ(keys.seen, (std::vector<std::uint64_t>{make_key(2, 3), make_key(2, 7), make_key(5, 0), make_key(9, 1)}));
}

}  // namespace
}  // namespace np2p::sim
