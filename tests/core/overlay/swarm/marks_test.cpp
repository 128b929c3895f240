// Marks of what was broadcast against a plain set, and the digests of spans of them.
#include "core/overlay/swarm/marks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/base/rng.h"

namespace np2p::swarm {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;
constexpr auto kAt = static_cast<std::uint32_t>(kNow);

TEST(Marks, HoldTheSameAsAPlainSet) {
  Rng rng(1, "marks");
  Marks marks(200, 24h);
  std::set<Past> oracle;
  std::uint32_t floor = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::int64_t now = kNow + i * 60;
    const auto oldest = static_cast<std::uint32_t>(now - 24 * 3600 - 600);
    const auto back = static_cast<std::uint32_t>(rng.below(30 * 3600));
    const Past past{static_cast<std::uint32_t>(now) - back, rng.below(50)};
    const bool fits = past.at >= floor && past.at >= oldest && oracle.count(past) == 0;
    EXPECT_EQ(marks.insert(past, now), fits) << i;
    if (!fits) continue;
    oracle.insert(past);
    while (oracle.begin()->at < oldest) oracle.erase(oracle.begin());
    for (; oracle.size() > 200; oracle.erase(oracle.begin())) floor = std::max(floor, oracle.begin()->at + 1);
    ASSERT_EQ(marks.size(), oracle.size());
    const Span span{oldest + static_cast<std::uint32_t>(rng.below(3600)), static_cast<std::uint32_t>(now)};
    const auto parts = static_cast<std::uint32_t>(rng.next());
    const std::uint32_t each = (span.until - span.since + 31) / 32;
    std::vector<std::uint64_t> expected;
    for (auto one = oracle.rbegin(); one != oracle.rend(); ++one) {
      const bool inside = one->at >= span.since && one->at < span.until;
      if (inside && (parts >> (one->at - span.since) / each & 1u) != 0) expected.push_back(one->mark);
    }
    EXPECT_EQ(marks.in_parts(span, parts), expected) << i;
    EXPECT_EQ(marks.find(past.mark).has_value(), true);
    EXPECT_FALSE(marks.contains(past.mark + 50));
  }
  EXPECT_GT(floor, 0u);
}

// Whatever the order of coming, and whatever else lies outside of the span.
TEST(Marks, DigestsTellWhatIsKnownOfASpanAndNothingElse) {
  Rng rng(2, "marks");
  std::vector<Past> all;
  for (int i = 0; i < 100; ++i) all.push_back({kAt - static_cast<std::uint32_t>(rng.below(80'000)), rng.next()});
  Marks one(1000, 24h);
  Marks other(1000, 24h);
  for (std::size_t i = 0; i < all.size(); ++i) {
    one.insert(all[i], kNow);
    other.insert(all[all.size() - 1 - i], kNow);
  }
  other.insert({kAt + 5, 1}, kNow);
  const Span span{kAt - 82'000, kAt};
  EXPECT_EQ(one.digest(span), other.digest(span));
  EXPECT_NE(one.digest({span.since, span.until + 10}), other.digest({span.since, span.until + 10}));
  EXPECT_EQ(one.digests(span, 7), other.digests(span, 7));
  EXPECT_NE(one.digests(span, 7), one.digests(span, 8));
  other.insert({kAt - 40'000, 99}, kNow);
  EXPECT_NE(one.digest(span), other.digest(span));
  const auto a = one.digests(span, 7);
  const auto b = other.digests(span, 7);
  ASSERT_EQ(a.size(), kHistoryParts);
  ASSERT_EQ(b.size(), kHistoryParts);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i] == b[i], i != 42'000u / (82'000u / 32u + 1u)) << i;
}

TEST(Marks, ShortSpansHaveFewerParts) {
  Marks marks(10, 24h);
  EXPECT_EQ(Marks::parts_of({100, 101}), 1u);
  EXPECT_EQ(Marks::parts_of({100, 131}), 31u);
  EXPECT_EQ(Marks::parts_of({100, 133}), 17u);  // of two seconds
  EXPECT_EQ(Marks::parts_of({0, UINT32_MAX}), 32u);
  for (const std::uint32_t length : {1u, 31u, 32u, 33u, 1000u, 86'399u, 86'400u}) {
    EXPECT_EQ(marks.digests({500, 500 + length}, 1).size(), Marks::parts_of({500, 500 + length})) << length;
  }
}

TEST(Marks, TheNewestStayAndWhatIsMissingBeforeThemIsKnown) {
  Marks marks(3, 24h);
  EXPECT_EQ(marks.complete_since(kNow), (kNow - 24 * 3600 + 59) / 60 * 60);
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_TRUE(marks.insert({kAt - 5000 + i * 1000, i}, kNow));
  EXPECT_EQ(marks.size(), 3u);
  EXPECT_EQ(marks.complete_since(kNow), (kNow - 4000 + 1 + 59) / 60 * 60);
  EXPECT_FALSE(marks.insert({kAt - 4000, 77}, kNow));
  EXPECT_TRUE(marks.insert({kAt - 2500, 77}, kNow));
  EXPECT_EQ(marks.in_parts({kAt - 10'000, kAt + 1}, ~0u), (std::vector<std::uint64_t>{4, 3, 77}));
  EXPECT_LE(marks.bytes(), 100u);
}

TEST(Marks, WhatIsTooOldIsForgotten) {
  Marks marks(100, 1h);
  EXPECT_TRUE(marks.insert({kAt - 3500, 1}, kNow));
  EXPECT_FALSE(marks.insert({kAt - 3600 - 601, 2}, kNow));
  EXPECT_TRUE(marks.insert({kAt + 2000, 3}, kNow + 2000));
  EXPECT_FALSE(marks.contains(1));
  EXPECT_EQ(marks.size(), 1u);
}

}  // namespace
}  // namespace np2p::swarm
