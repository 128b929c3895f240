#include "core/base/token_bucket.h"

#include <gtest/gtest.h>

#include "core/base/rng.h"

namespace np2p {
namespace {

constexpr MonoTime at(Duration since_start) {
  return MonoTime{since_start.count()};
}

TEST(TokenBucket, StartsFullAndSpends) {
  TokenBucket bucket(10, 3);
  EXPECT_TRUE(bucket.take(at(0s)));
  EXPECT_TRUE(bucket.take(at(0s), 2));
  EXPECT_FALSE(bucket.take(at(0s)));
}

TEST(TokenBucket, ARefusalSpendsNothing) {
  TokenBucket bucket(10, 3);
  EXPECT_FALSE(bucket.take(at(0s), 4));
  EXPECT_TRUE(bucket.take(at(0s), 3));
}

TEST(TokenBucket, RefillsAtItsRateUpToTheBurst) {
  TokenBucket bucket(10, 3);
  EXPECT_TRUE(bucket.take(at(0s), 3));
  EXPECT_FALSE(bucket.take(at(99ms)));
  EXPECT_TRUE(bucket.take(at(100ms)));
  EXPECT_FALSE(bucket.take(at(100ms)));
  EXPECT_TRUE(bucket.take(at(1h), 3));
  EXPECT_FALSE(bucket.take(at(1h)));
}

TEST(TokenBucket, SaysHowLongToWait) {
  TokenBucket bucket(3, 4);
  EXPECT_EQ(bucket.wait(at(0s), 4), Duration{});
  EXPECT_TRUE(bucket.take(at(0s), 3));
  EXPECT_EQ(bucket.wait(at(0s)), Duration{});
  const Duration wait = bucket.wait(at(1ms), 2);
  EXPECT_FALSE(bucket.take(at(1ms) + wait - Duration{1}, 2));
  EXPECT_TRUE(bucket.take(at(1ms) + wait, 2));
  TokenBucket dry(0, 1);
  EXPECT_TRUE(dry.take(at(0s)));
  EXPECT_EQ(dry.wait(at(0s)), Duration::max());
}

TEST(TokenBucket, SmallStepsLoseNothing) {
  TokenBucket bucket(3, 2);  // a token each third of a second: no whole number of nanoseconds
  int taken = 0;
  for (std::int64_t ms = 0; ms <= 10'000; ++ms) taken += bucket.take(at(Duration{ms * 1'000'000})) ? 1 : 0;
  EXPECT_EQ(taken, 32);  // the burst, and three a second for ten seconds
}

TEST(TokenBucket, NeverGivesMoreThanBurstPlusRate) {
  Rng rng(1, "bucket");
  for (std::uint64_t round = 0; round < 50; ++round) {
    const auto rate = static_cast<std::uint32_t>(rng.below(1000));
    const auto burst = static_cast<std::uint32_t>(1 + rng.below(100));
    TokenBucket bucket(rate, burst);
    Duration now{};
    std::int64_t taken = 0;
    for (int i = 0; i < 2000; ++i) {
      now += rng.between(0ns, 5ms);
      taken += bucket.take(at(now)) ? 1 : 0;
      ASSERT_LE(taken, burst + static_cast<std::int64_t>(rate) * now.count() / 1'000'000'000);
    }
  }
}

TEST(TokenBucket, ZeroRateIsItsBurstForEver) {
  TokenBucket bucket(0, 2);
  EXPECT_TRUE(bucket.take(at(0s), 2));
  EXPECT_FALSE(bucket.take(at(100'000h)));
}

TEST(TokenBucket, AYearOfSilenceDoesNotOverflow) {
  TokenBucket bucket(UINT32_MAX, UINT32_MAX);
  EXPECT_TRUE(bucket.take(at(0s), UINT32_MAX));
  EXPECT_TRUE(bucket.take(at(24h * 365), UINT32_MAX));
  EXPECT_FALSE(bucket.take(at(24h * 365)));
}

}  // namespace
}  // namespace np2p
