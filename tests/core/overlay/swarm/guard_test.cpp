// Two parts that both work and know nothing of each other, except that somebody has an address of the other one.
#include "core/overlay/swarm/guard.h"

#include <gtest/gtest.h>

#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

using test::World;

constexpr std::size_t kIsland = 12;

std::uint64_t merged(World& world) {
  std::uint64_t sum = 0;
  for (const auto& machine : world.machines) sum += machine->swarm->status().merged;
  return sum;
}

std::uint64_t lookups(World& world) {
  std::uint64_t sum = 0;
  for (const auto& machine : world.machines) sum += machine->swarm->status().guarded;
  return sum;
}

// Machines 0 to 11 and 12 to 23, a third of them behind NAT; the only one who knows the way is number 4, whose book
// has an address that answered nobody when it came.
void make_islands(World& world, Duration guard_every, std::uint64_t seed) {
  for (std::size_t i = 0; i < 2 * kIsland; ++i) {
    Config config;
    config.swarm.guard_every = guard_every;
    config.seed = mix64(100 * seed + i);
    config.bootstrap = {test::home(i < kIsland ? 0 : kIsland)};
    world.add(i % 3 == 2, config);
  }
  world[4].store.set_value(Table::addresses, test::home(kIsland + 6).text(), "");
  for (const std::size_t first : {std::size_t{0}, kIsland}) {
    for (std::size_t i = first; i < first + kIsland; ++i) {
      world[i].boot();
      world.run_for(250ms);
    }
  }
  world.run_for(2min);  // the first looks are after two minutes and a half
}

std::size_t receivers(World& world, std::size_t author, std::string_view text) {
  world.broadcast(author, text);
  world.run_for(10s);
  std::size_t count = 0;
  for (const auto& machine : world.machines) {
    const auto texts = machine->inbox_texts();
    count += std::find(texts.begin(), texts.end(), text) != texts.end() ? 1u : 0u;
  }
  return count;
}

class Islands : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Islands, BecomeOneNetwork) {
  World world;
  make_islands(world, 5min, GetParam());
  EXPECT_EQ(receivers(world, 1, "east alone"), kIsland - 1);
  EXPECT_EQ(receivers(world, kIsland + 1, "west alone"), kIsland - 1);
  EXPECT_EQ(merged(world), 0u);
  world.run_for(10min);
  EXPECT_GE(merged(world), 1u);
  EXPECT_EQ(receivers(world, 2, "from the east, behind a NAT"), 2 * kIsland - 1);
  EXPECT_EQ(receivers(world, kIsland + 3, "from the west"), 2 * kIsland - 1);
  // More than the one link that was found holds them together.
  std::size_t bridges = 0;
  for (std::size_t i = 0; i < kIsland; ++i) {
    for (const LinkId link : world[i].swarm->membership().active_links()) {
      if (const auto far = world.far(i, link)) bridges += far->first >= kIsland ? 1u : 0u;
    }
  }
  EXPECT_GE(bridges, 4u);
  const std::uint64_t found = merged(world);
  world.run_for(1h);
  EXPECT_EQ(merged(world), found) << "there is nothing more to be found";
}

INSTANTIATE_TEST_SUITE_P(Seeds, Islands, ::testing::Range(std::uint64_t{1}, std::uint64_t{9}));

TEST(Guard, WithoutItTheyStayApart) {
  World world;
  make_islands(world, 0s, 1);
  world.run_for(1h);
  EXPECT_EQ(lookups(world), 0u);
  EXPECT_EQ(receivers(world, 1, "east alone"), kIsland - 1);
  EXPECT_EQ(receivers(world, kIsland + 1, "west alone"), kIsland - 1);
}

TEST(Guard, FindsNothingInOneNetworkAndFewOfManyLook) {
  World world;
  world.add_many(60);
  world.boot_all();
  world.run_for(2h);
  EXPECT_EQ(merged(world), 0u);
  EXPECT_GT(lookups(world), 60u);
  EXPECT_LT(lookups(world), 60u * 24 / 2);
}

// Addresses at which nobody answers are no reason to stop looking.
TEST(Guard, GoesOnAskingWhereNobodyAnswers) {
  World world;
  world.add_many(3);
  world[1].store.set_value(Table::addresses, test::home(99).text(), "");
  world.boot_all();
  world.run_for(1h);
  EXPECT_GE(world[1].swarm->status().guarded, 6u);
  EXPECT_EQ(merged(world), 0u);
}

}  // namespace
}  // namespace np2p::swarm
