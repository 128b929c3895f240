// Golden outputs come from tests/model/rng.py. The statistics are over fixed seeds, so they never fail by chance.
#include "core/base/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace np2p {
namespace {

std::vector<std::uint64_t> first_four(Rng rng) {
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < 4; ++i) numbers.push_back(rng.next());
  return numbers;
}

using Numbers = std::vector<std::uint64_t>;

TEST(Rng, GoldenOutputs) {
  EXPECT_EQ(first_four(Rng(0)),
            (Numbers{0x219906d3f8a5f8be, 0x8b31c7f6d7fac4c7, 0xc8c306f3475c9785, 0x26b2dca2d8a675e5}));
  EXPECT_EQ(first_four(Rng(1, "mesh", 7)),
            (Numbers{0x3bf311fdbe9d98bc, 0x43820c184099d6a1, 0x2a5a2575b26deb42, 0xa8bde5e927a3d3df}));
  EXPECT_EQ(first_four(Rng(UINT64_MAX, "workload", 99999)),
            (Numbers{0x4b7277df1e796be6, 0x991dcd66e1aa26cb, 0x8368771ddf378b8a, 0x8c07f8393e7d00c0}));
}

TEST(Rng, GoldenBelow) {
  Rng rng(42, "below");
  Numbers numbers;
  for (int i = 0; i < 8; ++i) numbers.push_back(rng.below(1000));
  EXPECT_EQ(numbers, (Numbers{962, 334, 933, 236, 540, 876, 371, 550}));
}

TEST(Rng, StreamsDiffer) {
  const auto numbers = first_four(Rng(5, "a", 1));
  EXPECT_NE(numbers, first_four(Rng(5, "a", 2)));
  EXPECT_NE(numbers, first_four(Rng(5, "b", 1)));
  EXPECT_NE(numbers, first_four(Rng(6, "a", 1)));
  EXPECT_EQ(numbers, first_four(Rng(5, "a", 1)));
}

TEST(Rng, BelowIsUniformAndInRange) {
  Rng rng(1);
  constexpr std::uint64_t kBuckets = 10;
  constexpr int kDraws = 100'000;
  std::vector<int> counts(kBuckets);
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t n = rng.below(kBuckets);
    ASSERT_LT(n, kBuckets);
    ++counts[n];
  }
  double chi_square = 0;
  for (const int count : counts) chi_square += std::pow(count - kDraws / 10.0, 2) / (kDraws / 10.0);
  EXPECT_LT(chi_square, 27.9);  // 9 degrees of freedom: one seed in a thousand is beyond
  EXPECT_EQ(rng.below(0), 0u);
  EXPECT_EQ(rng.below(1), 0u);
}

TEST(Rng, EveryBitIsOnHalfTheTime) {
  Rng rng(2);
  constexpr int kDraws = 20'000;
  std::vector<int> ones(64);
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t n = rng.next();
    for (unsigned bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>(n >> bit & 1);
  }
  for (const int count : ones) EXPECT_NEAR(count, kDraws / 2, 4 * 71);  // four standard deviations
}

TEST(Rng, ChanceMatchesItsProbability) {
  Rng rng(3);
  int hits = 0;
  for (int i = 0; i < 100'000; ++i) hits += rng.chance(3, 10) ? 1 : 0;
  EXPECT_NEAR(hits, 30'000, 600);
  EXPECT_FALSE(rng.chance(0, 10));
  EXPECT_TRUE(rng.chance(10, 10));
}

TEST(Rng, BetweenIncludesBothEnds) {
  Rng rng(4);
  bool low = false;
  bool high = false;
  for (int i = 0; i < 1000; ++i) {
    const Duration d = rng.between(10ns, 13ns);
    ASSERT_GE(d, 10ns);
    ASSERT_LE(d, 13ns);
    low |= d == 10ns;
    high |= d == 13ns;
  }
  EXPECT_TRUE(low && high);
  EXPECT_EQ(rng.between(5s, 5s), 5s);
  EXPECT_EQ(rng.between(5s, 1s), 5s);
}

TEST(Rng, ExponentialHasItsMeanAndTail) {
  Rng rng(5);
  constexpr int kDraws = 100'000;
  double sum = 0;
  int beyond_mean = 0;
  int beyond_three = 0;
  for (int i = 0; i < kDraws; ++i) {
    const Duration d = rng.exponential(1s);
    ASSERT_GE(d, 0s);
    ASSERT_LE(d, 12s);
    sum += static_cast<double>(d.count());
    beyond_mean += d > 1s ? 1 : 0;
    beyond_three += d > 3s ? 1 : 0;
  }
  EXPECT_NEAR(sum / kDraws / 1e9, 1.0, 0.013);
  EXPECT_NEAR(beyond_mean, kDraws * std::exp(-1), 600);
  EXPECT_NEAR(beyond_three, kDraws * std::exp(-3), 280);
}

TEST(Rng, ExponentialFollowsTheLogarithm) {
  // exponential() takes one draw u and is -mean ln u: a second generator in the same state tells u.
  Rng rng(6);
  Rng twin(6);
  for (int i = 0; i < 1000; ++i) {
    const double u = static_cast<double>(twin.next() | 1) / 18446744073709551616.0;
    const double expected = std::min(12.0, -std::log(u)) * 1e9;
    EXPECT_NEAR(static_cast<double>(rng.exponential(1s).count()), expected, 1e9 * 3e-7 + expected * 1e-6);
  }
}

TEST(Rng, ShufflePermutesFairly) {
  Rng rng(7);
  std::vector<int> at_front(5);
  for (int round = 0; round < 10'000; ++round) {
    std::vector<int> items(5);
    std::iota(items.begin(), items.end(), 0);
    rng.shuffle(items);
    ++at_front[static_cast<std::size_t>(items[0])];
    std::sort(items.begin(), items.end());
    ASSERT_EQ(items, (std::vector<int>{0, 1, 2, 3, 4}));
  }
  for (const int count : at_front) EXPECT_NEAR(count, 2000, 160);
  std::vector<int> none;
  rng.shuffle(none);
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace np2p
