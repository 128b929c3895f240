#include "core/overlay/swarm/coordinates.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace np2p::swarm {
namespace {

struct Place {
  std::int64_t x = 0;  // microseconds of one-way delay
  std::int64_t y = 0;
};

std::int64_t root(std::int64_t square) {
  std::int64_t r = 0;
  while ((r + 1) * (r + 1) <= square) ++r;
  return r;
}

Duration rtt(const Place& a, const Place& b) {
  const std::int64_t dx = a.x - b.x;
  const std::int64_t dy = a.y - b.y;
  return (20'000 + 2 * root(dx * dx + dy * dy)) * 1us;  // 10 ms of access each way
}

// In percent, over all pairs.
std::int64_t median_error(const std::vector<Place>& places, const std::vector<Coordinates>& at) {
  std::vector<std::int64_t> errors;
  for (std::size_t i = 0; i < places.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const Duration real = rtt(places[i], places[j]);
      errors.push_back(std::abs((predicted_rtt(at[i], at[j]) - real) * 100 / real));
    }
  }
  std::sort(errors.begin(), errors.end());
  return errors[errors.size() / 2];
}

TEST(Coordinates, PredictRoundTripsOfFiftyHostsOnAPlane) {
  Rng rng(4, "plane");
  std::vector<Place> places(50);
  for (Place& place : places) {
    place.x = static_cast<std::int64_t>(rng.below(60'000));
    place.y = static_cast<std::int64_t>(rng.below(60'000));
  }
  std::vector<Coordinates> at(places.size());
  const std::int64_t before = median_error(places, at);
  for (int round = 0; round < 60; ++round) {
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto j = static_cast<std::size_t>(rng.below(places.size()));
      if (j != i) at[i] = moved(at[i], at[j], rtt(places[i], places[j]), rng);
    }
  }
  const std::int64_t after = median_error(places, at);
  EXPECT_LT(after, 40);
  EXPECT_LT(after, before);
  std::size_t sure = 0;  // of itself
  for (const Coordinates& one : at) sure += one.error < 0x8000 ? 1u : 0u;
  EXPECT_GT(sure, places.size() * 9 / 10);
}

TEST(Coordinates, PredictionIsSymmetricAndSameEverywhere) {
  const Coordinates a{300, -400, 50, 1};
  const Coordinates b{0, 0, 25, 2};
  EXPECT_EQ(predicted_rtt(a, b), predicted_rtt(b, a));
  EXPECT_EQ(predicted_rtt(a, b), (500 + 75) * 10us);
  EXPECT_EQ(predicted_rtt(b, b), 500us);  // twice the height
}

TEST(Coordinates, WhoKnowsNothingIsNotFollowed) {
  Rng rng(1, "trust");
  const Coordinates sure{1000, 1000, 100, 700};
  const Coordinates lost{-20'000, 9000, 0, 0xFFFF};
  const Coordinates next = moved(sure, lost, 30ms, rng);
  EXPECT_LT(std::abs(next.x - sure.x), 60);
  EXPECT_LT(std::abs(next.y - sure.y), 60);
  const Coordinates back = moved(lost, sure, 30ms, rng);
  EXPECT_GT(std::abs(back.x - lost.x), 1000);
}

// Whatever a peer claims and whatever is measured, a position stays a position.
TEST(Coordinates, LiesAndExtremesStayWithinThePlane) {
  Rng rng(2, "liars");
  Coordinates own;
  for (int i = 0; i < 5000; ++i) {
    Coordinates liar;
    liar.x = static_cast<std::int16_t>(rng.next());
    liar.y = static_cast<std::int16_t>(rng.next());
    liar.height = static_cast<std::uint16_t>(rng.next());
    liar.error = static_cast<std::uint16_t>(rng.next());
    const Duration measured{static_cast<std::int64_t>(rng.below(20'000'000'000))};
    own = moved(own, liar, measured, rng);
    EXPECT_LE(std::abs(own.x), 32'000);
    EXPECT_LE(std::abs(own.y), 32'000);
    EXPECT_GT(own.error, 0);
    EXPECT_GE(predicted_rtt(own, liar), 0ns);
  }
}

}  // namespace
}  // namespace np2p::swarm
