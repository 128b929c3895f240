// How many servers there are, as each of them counts it.
#include "core/overlay/swarm/census.h"

#include <gtest/gtest.h>

#include "core/overlay/swarm/swarm.h"
#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

using test::RawPeer;
using test::World;

std::size_t counted(World& world, std::size_t node) {
  return world[node].swarm->network_size();
}

TEST(Census, WhoIsAloneCountsOne) {
  World world;
  world.add();
  world[0].boot();
  world.run_for(5min);
  EXPECT_EQ(counted(world, 0), 1u);
}

TEST(Census, AmongFewEverybodyCountsAll) {
  World world;
  world.add_many(6, 3);  // two of them behind NAT
  world.boot_all();
  world.run_for(30min);
  for (std::size_t i = 0; i < world.size(); ++i) EXPECT_EQ(counted(world, i), 6u) << i;
}

TEST(Census, AmongManyMostAreRightWithinAQuarter) {
  World world;
  world.add_many(90, 2);
  world.boot_all();
  world.run_for(60min);
  std::size_t good = 0;
  for (std::size_t i = 0; i < world.size(); ++i) {
    const std::size_t found = counted(world, i);
    EXPECT_GT(found, 90u / 2) << i;
    EXPECT_LT(found, 90u * 2) << i;
    good += found > 90 * 3 / 4 && found < 90 * 5 / 4 ? 1u : 0u;
  }
  EXPECT_GE(good, 80u);
}

// A node that knows nothing itself, and what it makes of what the servers that it dialled say.
struct CensusOfOthers : ::testing::Test {
  World world;
  void SetUp() override {
    world.add(true);
    world[0].boot();
  }
};

TEST_F(CensusOfOthers, WhoComesUninvitedIsNotBelieved) {
  for (std::uint64_t i = 0; i < 4; ++i) {
    RawPeer liar(world, 0, 1 + i);
    liar.join();
    liar.say(Probe{77, {}, 1'000'000});
  }
  EXPECT_EQ(counted(world, 0), 0u);
}

TEST(CensusOfLiars, AFewDoNotMoveIt) {
  World world;
  world.add_many(40);
  world.boot_all();
  world.run_for(40min);
  Swarm& swarm = *world[7].swarm;
  const std::size_t before = counted(world, 7);
  // Two of the servers that this one has dialled say something else from now on.
  std::size_t liars = 0;
  for (const auto& [link, end] : std::map(world[7].links)) {
    const auto peers = swarm.peers();
    const auto at = std::find_if(peers.begin(), peers.end(), [&](const auto& peer) { return peer.link == link; });
    if (at == peers.end() || !at->outbound || liars == 2) continue;
    world.input(7, [&](Swarm& s) { s.frame(link, encode(Probe{77, {}, liars == 0 ? 1u : 4'000'000'000u})); });
    ++liars;
  }
  ASSERT_EQ(liars, 2u);
  EXPECT_NEAR(static_cast<double>(counted(world, 7)), static_cast<double>(before), 5.0);
}

}  // namespace
}  // namespace np2p::swarm
