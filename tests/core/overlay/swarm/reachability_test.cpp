#include "core/overlay/swarm/reachability.h"

#include <gtest/gtest.h>

#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

struct Reach : ::testing::Test {
  test::World world;
  void grow(std::size_t n, std::size_t nat_every = 0) {
    world.add_many(n, nat_every);
    world.boot_all();
    world.run_for(1min);
  }
};

TEST_F(Reach, IsProvenByADialBackAndOnlySo) {
  grow(8, 4);
  for (std::size_t i = 0; i < world.size(); ++i) EXPECT_EQ(world[i].swarm->reachable(), !world[i].nat) << i;
  EXPECT_EQ(world[0].swarm->nat_class(), "public");
  EXPECT_NE(world[3].swarm->nat_class(), "public");
}

TEST_F(Reach, IsTakenBackWhenNobodyGetsInAnyMore) {
  grow(8);
  ASSERT_TRUE(world[5].swarm->reachable());
  world[5].nat = true;  // somebody closed the door; what stands, stands
  world.run_for(4h);
  EXPECT_FALSE(world[5].swarm->reachable());
  EXPECT_NE(world[5].swarm->nat_class(), "public");
  EXPECT_GE(world[5].swarm->membership().active_size(), 5u);
  for (const auto& machine : world.machines) {
    EXPECT_EQ(machine->swarm->reachable(), machine->index != 5) << machine->index;
  }
  world[5].nat = false;
  world.run_for(4h);
  EXPECT_TRUE(world[5].swarm->reachable()) << "found out again";
}

}  // namespace
}  // namespace np2p::swarm
