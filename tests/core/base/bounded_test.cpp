#include "core/base/bounded.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "core/base/rng.h"

namespace np2p {
namespace {

TEST(BoundedSet, ForgetsTheOldestInsertion) {
  BoundedSet<int> set(2);
  EXPECT_TRUE(set.insert(1));
  EXPECT_TRUE(set.insert(2));
  EXPECT_FALSE(set.insert(1));  // known; does not make it younger
  EXPECT_TRUE(set.insert(3));
  EXPECT_FALSE(set.contains(1));
  EXPECT_TRUE(set.contains(2));
  EXPECT_TRUE(set.contains(3));
  EXPECT_EQ(set.size(), 2u);
  EXPECT_TRUE(set.insert(1));
}

TEST(BoundedSet, BehavesLikeALongMemoryCutOff) {
  Rng rng(1, "bounded");
  BoundedSet<std::uint64_t> set(50);
  std::deque<std::uint64_t> naive;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t key = rng.below(120);
    const bool known = std::find(naive.begin(), naive.end(), key) != naive.end();
    ASSERT_EQ(set.contains(key), known);
    ASSERT_EQ(set.insert(key), !known);
    if (!known) naive.push_back(key);
    if (naive.size() > 50) naive.pop_front();
    ASSERT_EQ(set.size(), naive.size());
  }
}

}  // namespace
}  // namespace np2p
