#include "core/base/place_index.h"

#include <gtest/gtest.h>

#include <set>

#include "core/base/rng.h"

namespace np2p {
namespace {

TEST(PlaceIndex, AnEmptyOneHoldsNothing) {
  const PlaceIndex index;
  EXPECT_EQ(index.find(7, [](std::uint32_t) { return true; }), PlaceIndex::kNone);
  EXPECT_EQ(index.bytes(), 0u);
}

// Few different hashes, so that many places stand in each other's way.
TEST(PlaceIndex, FindsWhatANaiveTableFinds) {
  Rng rng(1, "places");
  std::vector<std::uint64_t> hashes(400);
  for (auto& hash : hashes) hash = rng.below(90);
  const auto hash_of = [&](std::uint32_t place) { return hashes[place]; };
  PlaceIndex index;
  std::set<std::uint32_t> naive;
  std::size_t most = 0;
  for (int i = 0; i < 30'000; ++i) {
    // Grows for a while, then shrinks.
    const auto place = static_cast<std::uint32_t>(rng.below(hashes.size()));
    const bool adds = rng.below(10) < (i / 5000 % 2 == 0 ? 7u : 3u);
    if (adds && naive.insert(place).second) index.add(place, hash_of);
    if (!adds && naive.erase(place) != 0) index.remove(place, hash_of);
    most = std::max(most, naive.size());
    const std::uint64_t hash = rng.below(90);
    std::multiset<std::uint32_t> found;
    index.each(hash, [&](std::uint32_t at) {
      if (hashes[at] == hash) found.insert(at);
    });
    std::multiset<std::uint32_t> expected;
    for (const std::uint32_t one : naive) {
      if (hashes[one] == hash) expected.insert(one);
    }
    ASSERT_EQ(found, expected);
    const bool there = index.find(hashes[place], [&](std::uint32_t at) { return at == place; }) == place;
    ASSERT_EQ(there, naive.count(place) != 0);
  }
  EXPECT_GT(most, 250u);
}

TEST(PlaceIndex, GivesBackWhatItNeedsNoMore) {
  const auto hash_of = [](std::uint32_t place) { return std::uint64_t{place}; };
  PlaceIndex index;
  for (std::uint32_t place = 0; place < 10'000; ++place) index.add(place, hash_of);
  const std::size_t full = index.bytes();
  EXPECT_LE(full, 10'000u * 12);
  for (std::uint32_t place = 0; place < 9'990; ++place) index.remove(place, hash_of);
  EXPECT_LT(index.bytes(), full / 50);
  for (std::uint32_t place = 9'990; place < 10'000; ++place) {
    EXPECT_EQ(index.find(place, [&](std::uint32_t at) { return at == place; }), place);
  }
}

}  // namespace
}  // namespace np2p
