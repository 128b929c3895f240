// What was broadcast is remembered for those who were away, across restarts: that and nothing else.
#include <gtest/gtest.h>

#include "simnet/world.h"

namespace np2p {
namespace {

struct BroadcastsOfEarlier : ::testing::Test {
  std::unique_ptr<sim::World> world;
  static constexpr sim::NodeIndex kNodes = 6;
  static constexpr sim::NodeIndex kAway = 5;

  void SetUp() override {
    sim::WorldOptions options;
    options.seed = 3;
    world = std::make_unique<sim::World>(options);
    for (sim::NodeIndex i = 0; i < kNodes; ++i) {
      sim::NodeOptions node;
      node.config.overlay = OverlayKind::hyparview;
      node.config.replies = Replies::tagged;
      if (i > 0) node.config.bootstrap.push_back(world->address_of(0));
      world->add_node(node);
      world->start(i);
    }
    world->run_for(2min);
  }
  EventId publish(sim::NodeIndex node, std::uint16_t kind, std::string content, Tags tags = {}) {
    return world->publish(node, world->user(node).sign(kind, unix_seconds(world->wall()), std::move(tags), content)).id;
  }
  bool has(sim::NodeIndex node, const EventId& id) {
    Filter filter;
    filter.ids = std::vector<EventId>{id};
    return !world->query(node, {filter}).events.empty();
  }
};

TEST_F(BroadcastsOfEarlier, ReachWhoWasAwayAndWhatNamesOthersDoesNot) {
  world->crash(kAway);
  Tags to_one;
  to_one.add({"p", world->user(1).public_key().hex()});
  const auto post = publish(2, kind::post, "to everybody");
  const auto profile = publish(3, kind::profile, "{\"name\":\"c\"}");
  const auto mention = publish(2, kind::post, "to you", to_one);
  const auto reaction = publish(3, kind::reaction, "+", to_one);
  world->run_for(10min);
  ASSERT_TRUE(has(1, mention));
  world->restart(kAway);
  world->run_for(1min);
  EXPECT_TRUE(has(kAway, post));
  EXPECT_TRUE(has(kAway, profile));
  EXPECT_FALSE(has(kAway, mention));
  EXPECT_FALSE(has(kAway, reaction));
}

TEST_F(BroadcastsOfEarlier, AreRememberedByServersThatStartedAgain) {
  const auto post = publish(2, kind::post, "before the outage");
  world->run_for(5min);
  for (sim::NodeIndex i = 0; i < kNodes; ++i) world->crash(i);
  world->run_for(1min);
  for (sim::NodeIndex i = 0; i < kNodes; ++i) world->restart(i, i == kAway);
  world->run_for(3min);
  EXPECT_TRUE(has(kAway, post));
}

TEST_F(BroadcastsOfEarlier, AreForgottenAfterADay) {
  const auto post = publish(2, kind::post, "yesterday");
  world->run_for(25h);
  world->crash(kAway);
  world->restart(kAway, true);
  world->run_for(3min);
  EXPECT_FALSE(has(kAway, post));
}

}  // namespace
}  // namespace np2p
