// When a server with `auto` goes over from everybody to followers only, and when it does not.
#include "core/feed/mode_policy.h"

#include <gtest/gtest.h>

namespace np2p {
namespace {

constexpr auto kBroadcast = FeedMode::broadcast;
constexpr auto kMulticast = FeedMode::multicast;

NodeId node(unsigned n) {
  NodeId id;
  id.data[0] = static_cast<std::uint8_t>(n);
  id.data[1] = static_cast<std::uint8_t>(n >> 8);
  return id;
}

class ModePolicyTest : public ::testing::Test {
 protected:
  // So many hours, in each of which it sees that load in per cent of its own budget.
  int see(std::uint64_t percent, int hours, std::uint64_t followers = 0) {
    int switches = 0;
    for (int i = 0; i < hours; ++i) {
      now = now + 1h;
      // A day has 86,400 s: so many servers whose users post 100 times 864 bytes a day.
      const std::uint64_t servers = percent * policy.budget() / 100;
      switches += policy.review({servers, 86'400, followers}, now) ? 1 : 0;
    }
    return switches;
  }
  ModeParams params;
  ModePolicy policy{params, node(1)};
  WallTime now{1'750'000'000LL * 1'000'000'000LL};
};

TEST_F(ModePolicyTest, GoesOverWhenTheLoadPassesTheBudget) {
  EXPECT_EQ(see(90, 30), 0);
  EXPECT_EQ(policy.current(), kBroadcast);
  EXPECT_EQ(policy.why(), ModePolicy::Why::below);
  EXPECT_EQ(see(110, 24), 1);
  EXPECT_EQ(policy.current(), kMulticast);
  EXPECT_EQ(policy.why(), ModePolicy::Why::above);
  EXPECT_NEAR(static_cast<double>(policy.load()), 1.1 * static_cast<double>(policy.budget()), 2.0);
}

TEST_F(ModePolicyTest, DecidesNothingBeforeItHasSeenThreeHours) {
  EXPECT_EQ(see(1000, 2), 0);
  EXPECT_EQ(policy.why(), ModePolicy::Why::unknown);
  EXPECT_FALSE(policy.review({0, 86'400, 0}, now));  // a review that knows nothing is none
  EXPECT_FALSE(policy.has_seen_enough());
  EXPECT_EQ(see(1000, 1), 1);
}

TEST_F(ModePolicyTest, InBetweenNothingChanges) {
  EXPECT_EQ(see(90, 48), 0);
  EXPECT_EQ(policy.current(), kBroadcast);
  EXPECT_EQ(see(120, 48), 1);
  EXPECT_EQ(see(90, 48), 0);
  EXPECT_EQ(policy.current(), kMulticast);
  EXPECT_EQ(see(79, 48), 1);
  EXPECT_EQ(policy.current(), kBroadcast);
}

TEST_F(ModePolicyTest, WhatIsWrongForAFewHoursChangesNothing) {
  EXPECT_EQ(see(50, 24), 0);
  EXPECT_EQ(see(100'000, 12), 0);
  EXPECT_EQ(see(50, 12), 0);
  EXPECT_EQ(policy.current(), kBroadcast);
  EXPECT_EQ(see(100'000, 13), 1);  // more than half a day
}

TEST_F(ModePolicyTest, NobodySwitchesTwiceWithinADay) {
  const WallTime begin = now;
  int switches = 0;
  WallTime last{};
  for (int i = 0; i < 24 * 40; ++i) {
    const bool high = i / 20 % 2 == 0;
    if (see(high ? 300 : 10, 1) == 0) continue;
    EXPECT_GE(now - last, 24h);
    last = now;
    ++switches;
  }
  EXPECT_GE(switches, 10);  // it would do so more often
  EXPECT_LE(switches, (now - begin) / 24h + 1);
}

TEST_F(ModePolicyTest, ARestartDoesNotResetTheDay) {
  EXPECT_EQ(see(200, 12), 1);
  const WallTime switched = policy.switched_at();
  policy = ModePolicy(params, node(1));
  policy.restore(kMulticast, switched);
  EXPECT_EQ(policy.current(), kMulticast);
  now = switched;
  EXPECT_EQ(see(10, 23), 0);
  EXPECT_TRUE(policy.wants_to_switch());
  EXPECT_EQ(policy.may_switch_at(), switched + 24h);
  EXPECT_EQ(see(10, 1), 1);
}

TEST_F(ModePolicyTest, AClockThatIsSetBackKeepsNobodyForMoreThanADay) {
  policy.restore(kMulticast, now + 1000 * 24h);
  EXPECT_EQ(see(10, 24), 0);
  EXPECT_EQ(see(10, 1), 1);
}

TEST_F(ModePolicyTest, WhomAQuarterFollowsBroadcasts) {
  const std::uint64_t servers = 3 * policy.budget();
  EXPECT_EQ(see(300, 12, servers / 4 - 1), 1);
  EXPECT_EQ(policy.current(), kMulticast);
  EXPECT_EQ(see(300, 24, servers / 4 + 1), 1);
  EXPECT_EQ(policy.current(), kBroadcast);
  EXPECT_EQ(policy.why(), ModePolicy::Why::popular);
  EXPECT_EQ(see(300, 48, servers * 21 / 100), 0);  // a fifth is enough to go on
  EXPECT_EQ(see(300, 48, servers * 19 / 100), 1);
  EXPECT_EQ(policy.current(), kMulticast);
}

TEST(ModePolicies, HaveBudgetsOfTheirOwn) {
  ModeParams params;
  params.budget_bytes_per_s = 1000;
  std::uint64_t sum = 0;
  std::uint64_t low = 0;
  for (unsigned i = 0; i < 1000; ++i) {
    const std::uint64_t budget = ModePolicy(params, node(i)).budget();
    EXPECT_GE(budget, 750u);
    EXPECT_LT(budget, 1250u);
    EXPECT_EQ(budget, ModePolicy(params, node(i)).budget());
    sum += budget;
    low += budget < 875 ? 1u : 0u;
  }
  EXPECT_NEAR(static_cast<double>(sum) / 1000, 1000, 15);
  EXPECT_NEAR(static_cast<double>(low), 250, 50);
}

}  // namespace
}  // namespace np2p
