#include "core/feed/follow_filter.h"

#include <gtest/gtest.h>

#include "core/base/rng.h"

namespace np2p {
namespace {

std::vector<PubKey> users(std::size_t count, std::uint64_t seed) {
  Rng rng(seed, "users");
  std::vector<PubKey> made(count);
  for (PubKey& one : made) {
    for (std::uint8_t& byte : one.data) byte = static_cast<std::uint8_t>(rng.below(256));
  }
  return made;
}

TEST(FollowFilter, WhoIsFollowedIsInItAndHardlyAnybodyElse) {
  const Limits limits;
  for (const std::size_t count : {0, 1, 100, 10'000}) {
    const auto followed = users(count, 1);
    const ByteVec filter = make_filter(followed, 7, limits);
    EXPECT_LE(filter.size(), limits.follow_filter_bytes);
    EXPECT_LE(filter.size(), 16 + count * 10 / 8);
    for (const PubKey& one : followed) ASSERT_TRUE(may_contain(filter, one));
    std::size_t wrong = 0;
    for (const PubKey& one : users(10'000, 2)) wrong += may_contain(filter, one) ? 1u : 0u;
    EXPECT_LE(wrong, count == 10'000 ? 1000u : 150u) << count;
  }
}

TEST(FollowFilter, WithAnotherSaltOthersAreInItByMistake) {
  const auto followed = users(100, 1);
  const auto others = users(10'000, 2);
  const ByteVec first = make_filter(followed, 1, {});
  const ByteVec second = make_filter(followed, 2, {});
  std::size_t both = 0;
  for (const PubKey& one : others) both += may_contain(first, one) && may_contain(second, one) ? 1u : 0u;
  EXPECT_LE(both, 10u);
}

TEST(FollowFilter, AnEmptyOneLetsEverybodyIn) {
  EXPECT_TRUE(may_contain({}, users(1, 1)[0]));
  EXPECT_FALSE(may_contain(make_filter({}, 1, {}), users(1, 1)[0])) << "who follows nobody wants nobody's mail";
}

}  // namespace
}  // namespace np2p
