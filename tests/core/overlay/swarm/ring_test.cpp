#include "core/overlay/swarm/ring.h"

#include <gtest/gtest.h>

#include "core/base/rng.h"

namespace np2p::swarm {
namespace {

Point random_point(Rng& rng) {
  Point point;
  for (auto& byte : point) byte = static_cast<std::uint8_t>(rng.next());
  return point;
}

Point distance(const Point& a, const Point& b) {
  Point d{};
  for (std::size_t i = 0; i < d.size(); ++i) d[i] = a[i] ^ b[i];
  return d;  // big-endian: compares as bytes do
}

TEST(Ring, NearerComparesXorDistances) {
  Rng rng(1, "ring");
  for (int i = 0; i < 2000; ++i) {
    Point a = random_point(rng);
    Point b = i % 3 == 0 ? a : random_point(rng);
    const Point target = random_point(rng);
    if (i % 3 == 0) b[static_cast<std::size_t>(rng.below(32))] ^= static_cast<std::uint8_t>(rng.below(256));
    EXPECT_EQ(nearer(a, b, target), distance(a, target) < distance(b, target));
    EXPECT_FALSE(nearer(a, a, target));
    if (a != target) {
      EXPECT_TRUE(nearer(target, a, target));
    }
  }
}

TEST(Ring, DigitsAreHalfBytes) {
  Point p{};
  p[0] = 0xA7;
  p[31] = 0x0F;
  EXPECT_EQ(digit(p, 0), 0xAu);
  EXPECT_EQ(digit(p, 1), 0x7u);
  EXPECT_EQ(digit(p, 62), 0x0u);
  EXPECT_EQ(digit(p, 63), 0xFu);
}

TEST(Ring, CommonDigitsCountTheEqualOnesInFront) {
  Rng rng(2, "digits");
  const Point a = random_point(rng);
  EXPECT_EQ(common_digits(a, a), 64u);
  for (std::size_t row = 0; row < 64; ++row) {
    Point b = a;
    b[row / 2] = static_cast<std::uint8_t>(b[row / 2] ^ (row % 2 == 0 ? 0x10 : 0x01));
    EXPECT_EQ(common_digits(a, b), row);
    EXPECT_EQ(common_digits(b, a), row);
    EXPECT_NE(digit(a, row), digit(b, row));
  }
}

// What greedy routing rests on: whoever shares more digits with the target is nearer to it.
TEST(Ring, MoreCommonDigitsAreNearer) {
  Rng rng(3, "greedy");
  for (int i = 0; i < 1000; ++i) {
    const Point target = random_point(rng);
    Point a = random_point(rng);
    Point b = random_point(rng);
    a[0] = target[0];
    if (common_digits(a, target) == common_digits(b, target)) continue;
    EXPECT_EQ(nearer(a, b, target), common_digits(a, target) > common_digits(b, target));
  }
}

}  // namespace
}  // namespace np2p::swarm
