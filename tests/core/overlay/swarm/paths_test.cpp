// Trees of shortest paths: one root each, no loops, also while nodes die, and liars swallow nothing for good.
#include "core/overlay/swarm/paths.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

using test::Machine;
using test::RawPeer;
using test::World;

struct PathTrees : ::testing::Test {
  World world;
  void grow(std::size_t n, std::size_t nat_every) {
    world.add_many(n, nat_every);
    world.boot_all();
    world.run_for(3min);
  }
  [[nodiscard]] std::vector<std::size_t> reachable() {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < world.size(); ++i) {
      if (world[i].runs() && world[i].swarm->reachable()) all.push_back(i);
    }
    return all;
  }
  // The root that a node's parents lead to; nothing if they lead nowhere or round in a circle.
  [[nodiscard]] std::optional<std::size_t> root_of(std::size_t node, std::uint8_t tree) {
    for (std::size_t steps = 0; steps <= world.size(); ++steps) {
      const Paths& paths = world[node].swarm->paths();
      if (paths.delay(tree) == kFar) return std::nullopt;
      if (!paths.parent(tree)) return node;
      const auto up = world.far(node, paths.parent(tree));
      if (!up || !world[up->first].runs()) return std::nullopt;
      node = up->first;
    }
    return std::nullopt;
  }
  void expect_one_root_each() {
    const auto nodes = reachable();
    std::set<std::size_t> roots;
    for (std::uint8_t tree = 0; tree < SwarmParams{}.trees; ++tree) {
      const auto root = root_of(nodes.front(), tree);
      ASSERT_TRUE(root) << "tree " << int{tree};
      EXPECT_EQ(world[*root].swarm->paths().delay(tree), 0);
      for (const std::size_t node : nodes)
        EXPECT_EQ(root_of(node, tree), root) << "tree " << int{tree} << " at " << node;
      roots.insert(*root);
    }
    EXPECT_GT(roots.size(), 3u);  // they are spread
  }
};

TEST_F(PathTrees, LeadEveryReachableNodeToTheOneRootOfEachTree) {
  grow(40, 3);
  EXPECT_GE(reachable().size(), 25u);
  expect_one_root_each();
  for (std::size_t i = 2; i < world.size(); i += 3) {
    EXPECT_EQ(world[i].swarm->paths().nearest(), kSharedTree) << "a node behind NAT takes no part: " << i;
  }
}

TEST_F(PathTrees, AreShortPaths) {
  grow(40, 0);
  // No neighbour offers a path that is shorter by more than what is worth a change.
  for (const std::size_t node : reachable()) {
    for (std::uint8_t tree = 0; tree < SwarmParams{}.trees; ++tree) {
      const PathDelay own = world[node].swarm->paths().delay(tree);
      for (const auto& [link, end] : world[node].links) {
        const auto far = world.far(node, link);
        if (!far || !world[far->first].swarm->reachable()) continue;
        const auto way = static_cast<std::int64_t>(world.delay(node, far->first) / 100us);
        EXPECT_LE(own, world[far->first].swarm->paths().delay(tree) * 17 / 16 + way * 9 / 8 + 60)
            << node << " over " << far->first << " in tree " << int{tree};
      }
    }
  }
}

TEST_F(PathTrees, HaveOneRootEachAgainAfterManyDied) {
  grow(60, 4);
  for (std::size_t i = 0; i < world.size(); i += 2) world[i].crash();  // roots among them
  world.run_for(30s);
  expect_one_root_each();
}

// An older version, or one that keeps silent: others need their trees all the same, and are not asked for ever.
TEST_F(PathTrees, ANearerNodeThatSaysNothingIsNotWaitedForForEver) {
  world.add();
  world.boot_all();
  std::vector<std::unique_ptr<RawPeer>> silent;
  for (std::uint64_t n = 1; n <= 6; ++n) {
    silent.push_back(std::make_unique<RawPeer>(world, 0, n));
    silent.back()->join();
  }
  world.run_for(1min);
  for (std::uint8_t tree = 0; tree < SwarmParams{}.trees; ++tree) {
    EXPECT_EQ(world[0].swarm->paths().delay(tree), 0) << int{tree};
  }
  for (const auto& one : silent) one->heard();
  world.run_for(10min);
  for (const auto& one : silent) EXPECT_TRUE(one->heard_of<PathVector>().empty());
}

TEST_F(PathTrees, ALiarWhoAttractsTheTreesSwallowsNothingForGood) {
  grow(24, 3);
  RawPeer liar(world, 0, 1);
  liar.join();
  world.run_for(5s);
  PathVector lie;
  for (std::uint8_t tree = 0; tree < SwarmParams{}.trees; ++tree) lie.entries.push_back({tree, 0, 0});
  liar.say(lie);
  world.run_for(5s);
  // It is everybody's root now, and hands nothing on.
  for (const std::size_t node : reachable()) EXPECT_NE(world[node].swarm->paths().delay(0), 0) << node;
  for (const std::size_t author : {1u, 2u, 9u, 17u}) {
    const std::string text = "past the liar " + std::to_string(author);
    world.broadcast(author, text);
    world.run_for(20s);
    for (std::size_t i = 0; i < world.size(); ++i) {
      const auto texts = world[i].inbox_texts();
      EXPECT_EQ(std::count(texts.begin(), texts.end(), text), i == author ? 0 : 1) << text << " at " << i;
    }
  }
  liar.hang_up();
  world.run_for(20s);
  expect_one_root_each();
}

TEST_F(PathTrees, AVectorOfNonsenseChangesNothing) {
  grow(12, 0);
  RawPeer peer(world, 0, 1);
  peer.join();
  world.run_for(5s);
  PathVector nonsense;
  for (int i = 0; i < 4000; ++i) nonsense.entries.push_back({static_cast<std::uint8_t>(32 + i % 224), 0, 0});
  for (int i = 0; i < 50; ++i) peer.say(nonsense);
  peer.say(PathVector{{{3, 0, kFar}}});  // a root that nobody can reach
  world.run_for(5s);
  expect_one_root_each();
  EXPECT_TRUE(peer.is_open());
}

}  // namespace
}  // namespace np2p::swarm
