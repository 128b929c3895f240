// Whole nodes whose users bind them: through the API into the directory, over a restart, against an impostor; and two
// networks that do not mix.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/event/bind.h"
#include "simnet/world.h"

namespace np2p::sim {
namespace {

struct Bound : ::testing::Test {
  static constexpr NodeIndex kOwner = 1;
  static constexpr NodeIndex kImpostor = 5;
  World world;

  void build(FeedMode mode, bool impostor = true) {
    for (NodeIndex i = 0; i < 10; ++i) {
      NodeOptions node;
      node.config.overlay = OverlayKind::hyparview;
      node.config.replies = Replies::tagged;  // nobody else needs them
      node.config.mode = mode;
      if (i % 3 == 2) node.nat = {port_restricted()};
      if (i > 0) node.config.bootstrap = {world.address_of(0)};
      world.add_node(node);
    }
    if (impostor) world.config_of(kImpostor).owner = world.user(kOwner).public_key();
    for (const NodeIndex i : {0u, 5u, 2u, 3u, 4u, 1u, 6u, 7u, 8u, 9u}) {
      world.start(i);
      world.run_for(500ms);
    }
    world.run_for(4min);
  }
  Status bind(NodeIndex at, const std::optional<NodeId>& node, std::uint64_t epoch, NodeIndex user = kOwner) {
    const std::int64_t now = unix_seconds(world.wall());
    const Event event = world.user(user).sign(kind::bind, now, bind_tags(node, epoch, now + kBindLife / 1s), "");
    const auto handle = world.publish(at, event);
    world.run_for(10s);
    return world.outcome(handle.request).value_or(error(ErrorCode::unavailable, "no answer"));
  }
  // A mention of the owner by each of the others; who has it in the end.
  std::vector<EventId> mentions() {
    std::vector<EventId> ids;
    for (NodeIndex from = 0; from < 10; ++from) {
      if (from == kOwner || from == kImpostor) continue;
      Tags tags;
      tags.add({"p", world.user(kOwner).public_key().hex()});
      const std::string text = "mention at " + std::to_string(world.now());
      const Event event = world.user(from).sign(kind::post, unix_seconds(world.wall()), std::move(tags), text);
      world.publish(from, event);
      ids.push_back(event.id);
    }
    world.run_for(10min);
    return ids;
  }
  std::size_t held(NodeIndex node, const std::vector<EventId>& ids) {
    ClientQuery query;
    query.filter.ids = ids;
    return world.query(node, query).events.size();
  }
  Identity::State state(NodeIndex node) { return world.status(node).identity.state; }
};

struct BoundInMode : Bound, ::testing::WithParamInterface<FeedMode> {};

TEST_P(BoundInMode, TheOwnerGetsEveryMentionAndTheImpostorNone) {
  build(GetParam());
  EXPECT_EQ(state(kOwner), Identity::State::claimed);
  const auto before = mentions();
  EXPECT_GT(held(kImpostor, before), 0u) << "its claim is the older one";
  ASSERT_TRUE(bind(kOwner, world.node_id(kOwner), 1).ok());
  EXPECT_EQ(state(kOwner), Identity::State::bound);
  world.run_for(2h + 30min);
  EXPECT_EQ(state(kImpostor), Identity::State::elsewhere);
  const auto after = mentions();
  EXPECT_EQ(held(kOwner, after), after.size());
  EXPECT_EQ(held(kImpostor, after), 0u);
}
INSTANTIATE_TEST_SUITE_P(Modes, BoundInMode, ::testing::Values(FeedMode::broadcast, FeedMode::multicast));

TEST_F(Bound, ItSurvivesARestart) {
  build(FeedMode::broadcast);
  ASSERT_TRUE(bind(kOwner, world.node_id(kOwner), 3).ok());
  world.crash(kOwner);
  world.run_for(1min);
  world.restart(kOwner);
  world.run_for(1min);
  EXPECT_EQ(state(kOwner), Identity::State::bound);
  EXPECT_EQ(world.status(kOwner).identity.epoch, 3u);
  world.run_for(2h + 30min);
  const auto ids = mentions();
  EXPECT_EQ(held(kOwner, ids), ids.size());
  EXPECT_EQ(held(kImpostor, ids), 0u);
}

TEST_F(Bound, FollowersRegisterWhereTheUserHasMoved) {
  build(FeedMode::multicast);
  ASSERT_TRUE(bind(kOwner, world.node_id(kOwner), 1).ok());
  for (const NodeIndex follower : {2u, 3u, 4u}) {
    Tags tags;
    tags.add({"p", world.user(kOwner).public_key().hex()});
    world.publish(follower, world.user(follower).sign(kind::follow_list, unix_seconds(world.wall()), tags, ""));
  }
  world.run_for(1min);
  EXPECT_EQ(world.status(kOwner).followers, 3u);
  EXPECT_EQ(world.status(kImpostor).followers, 0u);

  ASSERT_TRUE(bind(kImpostor, world.node_id(kImpostor), 2).ok());  // the same user's second server
  world.run_for(8h);
  EXPECT_EQ(world.status(kImpostor).followers, 3u);
  const Event post = world.user(kOwner).sign(kind::post, unix_seconds(world.wall()), {}, "I have moved");
  world.publish(kImpostor, post);
  world.run_for(1min);
  for (const NodeIndex follower : {2u, 3u, 4u}) EXPECT_EQ(held(follower, {post.id}), 1u) << follower;
  EXPECT_EQ(held(6, {post.id}), 0u);
  world.run_for(24h);
  EXPECT_EQ(world.status(kOwner).followers, 0u);  // nobody renews the leases there
  EXPECT_EQ(world.status(kImpostor).followers, 3u);
}

TEST_F(Bound, WhoMovesPublishesAtTheNewServerAndTheOldOneFindsOut) {
  build(FeedMode::multicast);
  ASSERT_TRUE(bind(kOwner, world.node_id(kOwner), 1).ok());
  ASSERT_TRUE(bind(kImpostor, world.node_id(kImpostor), 2).ok());  // the same user's second server
  world.run_for(3h);
  EXPECT_EQ(state(kImpostor), Identity::State::bound);
  EXPECT_EQ(state(kOwner), Identity::State::elsewhere);
  const auto ids = mentions();
  EXPECT_EQ(held(kImpostor, ids), ids.size());
  EXPECT_EQ(held(kOwner, ids), 0u);
}

TEST_F(Bound, TheApiRefusesWhatTheNetworkWouldNotFollow) {
  build(FeedMode::broadcast, false);
  ASSERT_TRUE(bind(kOwner, world.node_id(kOwner), 5).ok());
  EXPECT_EQ(bind(kOwner, world.node_id(kOwner), 4).error().code, ErrorCode::bad_field);
  EXPECT_EQ(bind(kOwner, world.node_id(2), 5).error().code, ErrorCode::bad_field);
  EXPECT_EQ(bind(kOwner, world.node_id(2), 0).error().code, ErrorCode::bad_field);
  EXPECT_EQ(bind(kOwner, world.node_id(2), 6, 2).error().code, ErrorCode::forbidden);
  EXPECT_EQ(state(kOwner), Identity::State::bound);
  EXPECT_TRUE(bind(kOwner, world.node_id(kOwner), 5).ok());  // renewed
  EXPECT_TRUE(bind(kOwner, std::nullopt, 6).ok());
  EXPECT_EQ(state(kOwner), Identity::State::revoked);
}

TEST_F(Bound, TwoNetworksDoNotMix) {
  for (NodeIndex i = 0; i < 12; ++i) {
    NodeOptions node;
    node.config.overlay = OverlayKind::hyparview;
    node.config.network_id = i % 2 == 0 ? "one" : "two";
    if (i > 0) node.config.bootstrap = {world.address_of(0)};
    if (i > 1) node.config.bootstrap.push_back(world.address_of(1));
    world.add_node(node);
    world.start(i);
    world.run_for(500ms);
  }
  world.run_for(3min);
  const auto edges = world.overlay_edges();
  EXPECT_GE(edges.size(), 12u);
  for (const OverlayEdge& edge : edges) EXPECT_EQ(edge.from % 2, edge.to % 2) << edge.from << " to " << edge.to;
  for (const NodeIndex author : {2u, 3u}) {
    const Event event = world.user(author).sign(kind::post, unix_seconds(world.wall()), {}, "hello");
    world.publish(author, event);
    world.run_for(20s);
    EXPECT_EQ(world.deliveries(event.id).size(), 5u);
  }
}

}  // namespace
}  // namespace np2p::sim
