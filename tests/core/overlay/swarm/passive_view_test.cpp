#include "core/overlay/swarm/passive_view.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace np2p::swarm {
namespace {

PeerRef ref(std::uint8_t n) {
  PeerRef made;
  made.id.data[0] = n;
  made.address = Address::v4(0x0B000000u + n, 20'000);
  made.at.x = n;
  return made;
}
const auto anybody = [](const PeerRef&) { return true; };

struct PassiveViews : ::testing::Test {
  Rng rng{1, "test"};
  PassiveView view{8};
  MonoTime now{1'000'000'000};
  std::set<std::uint8_t> members() {
    std::set<std::uint8_t> all;
    for (const PeerRef& one : view.sample(100, rng)) EXPECT_TRUE(all.insert(one.id.data[0]).second);
    return all;
  }
};

TEST_F(PassiveViews, NeverGrowsBeyondItsSize) {
  for (std::uint8_t n = 1; n < 200; ++n) {
    view.add(ref(n), rng);
    EXPECT_EQ(view.size(), std::min<std::size_t>(n, 8));
    EXPECT_TRUE(members().contains(n));  // the newest always has a place
  }
  EXPECT_EQ(members().size(), 8u);
  PassiveView none(0);
  none.add(ref(1), rng);
  EXPECT_EQ(none.size(), 0u);
}

// Whoever has many addresses in few networks pushes out himself.
TEST_F(PassiveViews, AFullOneIsSharedFairlyAmongNetgroups) {
  PassiveView large(16);
  const auto in_group = [](std::uint8_t group, std::uint8_t n) {
    PeerRef made = ref(n);
    made.id.data[1] = group;
    made.address = Address::v4(0x0B00'0001u + (std::uint32_t{group} << 16) + n, 20'000);
    return made;
  };
  for (std::uint8_t n = 0; n < 30; ++n)
    large.add(in_group(3, static_cast<std::uint8_t>(200 + n)), rng);  // who came first, too
  for (std::uint8_t group = 0; group < 16; ++group) large.add(in_group(group, 0), rng);
  for (std::uint8_t n = 1; n < 250; ++n) {
    large.add(in_group(3, n), rng);
    large.add(in_group(4, n), rng);
  }
  std::map<std::uint8_t, int> count;
  for (const PeerRef& one : large.sample(100, rng)) ++count[one.id.data[1]];
  EXPECT_EQ(count.size(), 16u) << "each has kept its one";
}

TEST_F(PassiveViews, EachNetgroupHasTheSameChance) {
  PassiveView large(64);
  for (std::uint8_t n = 1; n <= 60; ++n) large.add(ref(n), rng);
  PeerRef alone = ref(61);
  alone.address = Address::v4(0x0C00'0001u, 20'000);
  large.add(alone, rng);
  int hits = 0;
  for (int i = 0; i < 1000; ++i) hits += large.pick_by_group(now, rng, anybody)->id == alone.id ? 1 : 0;
  EXPECT_NEAR(hits, 500, 80);
  const auto of_the_crowd = [&](const PeerRef& one) { return one.id != alone.id; };
  EXPECT_NE(large.pick_by_group(now, rng, of_the_crowd), nullptr);
  EXPECT_EQ(large.pick_by_group(now, rng, [](const PeerRef&) { return false; }), nullptr);
}

TEST_F(PassiveViews, TheSameNodeIsThereOnceWithItsNewestAddress) {
  view.add(ref(1), rng);
  PeerRef moved = ref(1);
  moved.address.port = 7;
  view.add(moved, rng);
  ASSERT_EQ(view.size(), 1u);
  EXPECT_EQ(view.sample(1, rng).at(0), moved);
  view.remove(ref(2).id);
  EXPECT_EQ(view.size(), 1u);
  view.remove(ref(1).id);
  EXPECT_EQ(view.size(), 0u);
  EXPECT_EQ(view.pick(now, rng, anybody), nullptr);
}

TEST_F(PassiveViews, WhoRefusedIsLeftAloneForAWhile) {
  view.add(ref(1), rng);
  view.add(ref(2), rng);
  view.leave_alone(ref(1).id, now, now + 60s);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(view.pick(now, rng, anybody)->id, ref(2).id);
  view.leave_alone(ref(2).id, now, now + 30s);
  EXPECT_EQ(view.pick(now, rng, anybody), nullptr);
  EXPECT_EQ(view.pick(now + 30s, rng, anybody)->id, ref(2).id);
  view.add(ref(1), rng);  // heard of again: that does not make it willing
  EXPECT_EQ(view.pick(now + 59s, rng, anybody)->id, ref(2).id);
  EXPECT_NE(view.pick(now + 60s, rng, [](const PeerRef& one) { return one.id == ref(1).id; }), nullptr);
}

TEST_F(PassiveViews, PicksAndSamplesAreFair) {
  for (std::uint8_t n = 1; n <= 8; ++n) view.add(ref(n), rng);
  std::map<std::uint8_t, int> picked;
  std::map<std::uint8_t, int> sampled;
  for (int i = 0; i < 8000; ++i) {
    ++picked[view.pick(now, rng, anybody)->id.data[0]];
    const auto sample = view.sample(3, rng);
    ASSERT_EQ(sample.size(), 3u);
    for (const PeerRef& one : sample) ++sampled[one.id.data[0]];
  }
  for (std::uint8_t n = 1; n <= 8; ++n) {
    EXPECT_NEAR(picked[n], 1000, 150) << int{n};
    EXPECT_NEAR(sampled[n], 3000, 250) << int{n};
  }
}

TEST_F(PassiveViews, TheBestIsTheCheapestBelowTheLimit) {
  for (std::uint8_t n = 5; n <= 8; ++n) view.add(ref(n), rng);
  const auto cost = [](const PeerRef& one) { return one.at.x * 1ms; };
  EXPECT_EQ(view.best(now, 1s, cost)->id, ref(5).id);
  EXPECT_EQ(view.best(now, 5ms, cost), nullptr);
  view.leave_alone(ref(5).id, now, now + 1s);
  EXPECT_EQ(view.best(now, 1s, cost)->id, ref(6).id);
}

}  // namespace
}  // namespace np2p::swarm
