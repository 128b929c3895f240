// How each kind travels, in small simulated worlds: who gets what in which mode, and who never does.
#include <gtest/gtest.h>

#include <algorithm>

#include "simnet/world.h"

namespace np2p {
namespace {

class Dissemination : public ::testing::Test {
 protected:
  // A world of `count` public servers on the mesh; the first is everybody's bootstrap server.
  void make(std::size_t count, FeedMode mode, Replies replies = Replies::everybody) {
    sim::WorldOptions options;
    options.seed = 11;
    world = std::make_unique<sim::World>(options);
    for (std::size_t i = 0; i < count; ++i) {
      sim::NodeOptions node;
      node.config.mode = mode;
      node.config.replies = replies;
      if (i > 0) node.config.bootstrap.push_back(world->address_of(0));
      world->add_node(node);
      world->start(static_cast<sim::NodeIndex>(i));
    }
    world->run_for(60s);
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(status(i).reachable, count - 1) << "node " << i;
  }
  NodeStatus status(std::size_t node) const { return world->status(static_cast<sim::NodeIndex>(node)); }
  const PubKey& key(std::size_t node) const { return world->user(static_cast<sim::NodeIndex>(node)).public_key(); }
  EventId publish(std::size_t node, std::uint16_t kind, std::string content, Tags tags = {}) {
    const auto index = static_cast<sim::NodeIndex>(node);
    const Event event = world->user(index).sign(kind, unix_seconds(world->wall()), std::move(tags), std::move(content));
    const auto handle = world->publish(index, event);
    return handle.id;
  }
  bool has(std::size_t node, const EventId& id) {
    Filter filter;
    filter.ids = std::vector<EventId>{id};
    return !world->query(static_cast<sim::NodeIndex>(node), {filter}).events.empty();
  }
  std::vector<std::size_t> holders(const EventId& id) {
    std::vector<std::size_t> nodes;
    for (std::size_t i = 0; i < world->node_count(); ++i) {
      const auto index = static_cast<sim::NodeIndex>(i);
      if (world->state_of(index) == sim::HostState::running && has(i, id)) nodes.push_back(i);
    }
    return nodes;
  }
  Tags naming(std::initializer_list<std::size_t> nodes) {
    Tags tags;
    for (const std::size_t n : nodes) tags.add({"p", key(n).hex()});
    return tags;
  }
  static Tags about(const EventId& id) {
    Tags tags;
    const std::string hex = id.hex();
    tags.add({"e", hex});
    return tags;
  }
  // Who was handed it, whether they kept it or not.
  std::vector<std::size_t> reached(const EventId& id) {
    std::vector<std::size_t> nodes;
    for (const auto& delivery : world->deliveries(id)) nodes.push_back(delivery.node);
    std::sort(nodes.begin(), nodes.end());
    return nodes;
  }
  void follow(std::size_t follower, std::initializer_list<std::size_t> followees) {
    publish(follower, kind::follow_list, "", naming(followees));
  }
  using Nodes = std::vector<std::size_t>;
  std::unique_ptr<sim::World> world;
};

TEST_F(Dissemination, BroadcastReachesEverybody) {
  make(6, FeedMode::broadcast);
  const auto post = publish(1, kind::post, "to all");
  const auto repost = publish(2, kind::repost, "");
  const auto profile = publish(3, kind::profile, "{\"name\":\"c\"}");
  world->run_for(5s);
  const Nodes all{0, 1, 2, 3, 4, 5};
  EXPECT_EQ(holders(post), all);
  EXPECT_EQ(holders(repost), all);
  EXPECT_EQ(holders(profile), all);
}

TEST_F(Dissemination, ReplyMentionAndReactionGoToThoseTheyName) {
  make(6, FeedMode::broadcast, Replies::tagged);
  const auto reply = publish(1, kind::post, "to two", naming({2, 3}));
  const auto reaction = publish(4, kind::reaction, "+", naming({5}));
  world->run_for(5s);
  EXPECT_EQ(holders(reply), (Nodes{1, 2, 3}));
  EXPECT_EQ(holders(reaction), (Nodes{4, 5}));
  // Acknowledged: nothing waits in an outbox.
  EXPECT_EQ(status(1).outbox, 0u);
  EXPECT_EQ(status(4).outbox, 0u);
}

TEST_F(Dissemination, AReplyGoesToThoseItNamesAndToEverybody) {
  make(5, FeedMode::broadcast);
  const auto reply = publish(1, kind::post, "to two and all", naming({2, 3}));
  world->run_for(5s);
  EXPECT_EQ(holders(reply).size(), 5u);
  EXPECT_EQ(status(1).outbox, 0u);
}

TEST_F(Dissemination, AReplyGoesToThoseItNamesAndToFollowers) {
  make(5, FeedMode::multicast);
  follow(4, {1});
  world->run_for(5s);
  const auto reply = publish(1, kind::post, "to two and four", naming({2}));
  world->run_for(5s);
  EXPECT_EQ(holders(reply), (Nodes{1, 2, 4}));
  EXPECT_EQ(status(1).outbox, 0u);
}

TEST_F(Dissemination, WhoIsQuotedGetsTheQuoteThoughTheyDoNotFollow) {
  make(5, FeedMode::multicast);
  follow(1, {2});
  follow(4, {1});
  world->run_for(5s);
  const auto post = publish(2, kind::post, "quote me");
  world->run_for(5s);
  Tags tags;
  const std::string hex = post.hex();
  tags.add({"q", hex});
  const auto quote = publish(1, kind::post, "so true", tags);
  const auto repost = publish(1, kind::repost, "", about(post));
  world->run_for(5s);
  EXPECT_EQ(holders(quote), (Nodes{1, 2, 4}));
  EXPECT_EQ(holders(repost), (Nodes{1, 2, 4}));
  EXPECT_EQ(status(1).outbox, 0u);
}

TEST_F(Dissemination, AReactionGoesToTheAuthorAndTheFollowersWhoHoldTheTarget) {
  for (const FeedMode mode : {FeedMode::broadcast, FeedMode::multicast}) {
    make(6, mode);
    follow(2, {1});
    follow(3, {1});
    world->run_for(5s);
    const auto post = publish(1, kind::post, "react to me");
    world->run_for(5s);
    const auto reaction = publish(2, kind::reaction, "+", about(post));  // the author is known from the store
    const auto own = publish(1, kind::reaction, "!", about(post));
    world->run_for(10s);
    EXPECT_EQ(holders(reaction), (Nodes{1, 2, 3}));
    EXPECT_EQ(holders(own), (Nodes{1, 2, 3}));
    EXPECT_EQ(status(2).outbox, 0u);

    const auto regret = publish(2, kind::deletion, "", about(reaction));
    world->run_for(20s);
    EXPECT_EQ(holders(reaction), (Nodes{}));
    EXPECT_EQ(holders(regret), (Nodes{1, 2, 3}));
    EXPECT_EQ(status(2).outbox, 0u);
  }
}

TEST_F(Dissemination, ADeletionGoesWhereThePostWent) {
  for (const FeedMode mode : {FeedMode::broadcast, FeedMode::multicast}) {
    make(5, mode, Replies::tagged);
    follow(2, {1});
    world->run_for(5s);
    const auto post = publish(1, kind::post, "regretted");
    const auto mention = publish(1, kind::post, "this, too", naming({3}));
    world->run_for(5s);
    const Nodes had_post = holders(post);
    const auto of_post = publish(1, kind::deletion, "", about(post));
    const auto of_mention = publish(1, kind::deletion, "", about(mention));
    world->run_for(5s);
    EXPECT_EQ(holders(of_post), had_post);
    EXPECT_EQ(holders(of_mention), (Nodes{1, 3}));
    EXPECT_EQ(holders(post), (Nodes{}));
    EXPECT_EQ(holders(mention), (Nodes{}));
    EXPECT_EQ(status(1).outbox, 0u);
  }
}

TEST_F(Dissemination, AFollowerWhoWasAwayLearnsWhatWasDeletedAndWhatWasSaid) {
  make(4, FeedMode::multicast);
  follow(2, {1});
  world->run_for(5s);
  const auto regretted = publish(1, kind::post, "regretted");
  const auto kept = publish(1, kind::post, "kept");
  world->run_for(5s);
  world->crash(2);
  world->run_for(90s);
  const auto deletion = publish(1, kind::deletion, "", about(regretted));
  const auto reaction = publish(3, kind::reaction, "+", [&] {
    Tags tags = about(kept);
    const std::string author = key(1).hex();
    tags.add({"p", author});
    return tags;
  }());
  world->run_for(10s);
  world->restart(2);
  world->run_for(2min);
  EXPECT_EQ(holders(regretted), (Nodes{}));
  EXPECT_EQ(holders(deletion), (Nodes{1, 2}));
  EXPECT_EQ(holders(reaction), (Nodes{1, 2, 3}));
}

TEST_F(Dissemination, OtherKindsGoToFollowersAndEphemeralOnesToThoseOnline) {
  for (const FeedMode mode : {FeedMode::broadcast, FeedMode::multicast}) {
    make(5, mode);
    follow(2, {1});
    follow(3, {1});
    world->run_for(5s);
    world->crash(3);
    world->run_for(90s);
    const auto other = publish(1, 1111, "another kind");
    const auto ephemeral = publish(1, 20001, "for now");
    world->run_for(5s);
    EXPECT_EQ(holders(other), (Nodes{1, 2}));
    EXPECT_EQ(reached(ephemeral), (Nodes{2}));
    world->restart(3);
    world->run_for(2min);
    EXPECT_EQ(holders(other), (Nodes{1, 2, 3}));
    EXPECT_EQ(reached(ephemeral), (Nodes{2}));
    EXPECT_EQ(holders(ephemeral), (Nodes{}));
  }
}

TEST_F(Dissemination, AQuoteGoesToEverybody) {
  make(5, FeedMode::broadcast);
  Tags tags = naming({2});
  tags.add({"q", std::string(64, 'a')});
  const auto quote = publish(1, kind::post, "so true", tags);
  world->run_for(5s);
  EXPECT_EQ(holders(quote).size(), 5u);
}

TEST_F(Dissemination, FollowerModeReachesFollowersOnly) {
  make(6, FeedMode::multicast);
  follow(2, {1});
  follow(4, {1, 3});
  world->run_for(5s);
  EXPECT_EQ(status(1).followers, 2u);
  EXPECT_EQ(status(4).registered_follows, 2u);
  const auto post = publish(1, kind::post, "to followers");
  world->run_for(5s);
  EXPECT_EQ(holders(post), (Nodes{1, 2, 4}));
}

TEST_F(Dissemination, ANewFollowerGetsRecentHistoryAndUnfollowEndsIt) {
  make(4, FeedMode::multicast);
  const auto before = publish(1, kind::post, "before");
  world->run_for(2s);
  EXPECT_EQ(holders(before), (Nodes{1}));
  follow(2, {1});
  world->run_for(5s);
  EXPECT_EQ(holders(before), (Nodes{1, 2}));
  follow(2, {});
  world->run_for(5s);
  EXPECT_EQ(status(1).followers, 0u);
  const auto after = publish(1, kind::post, "after");
  world->run_for(5s);
  EXPECT_EQ(holders(after), (Nodes{1}));
}

TEST_F(Dissemination, AFollowerWhoWasAwayGetsWhatItMissed) {
  make(4, FeedMode::multicast);
  follow(2, {1});
  world->run_for(5s);
  world->crash(2);
  world->run_for(90s);
  std::vector<EventId> missed;
  for (int i = 0; i < 5; ++i) {
    missed.push_back(publish(1, kind::post, "missed " + std::to_string(i)));
    world->run_for(1s);
  }
  world->restart(2);
  world->run_for(2min);
  for (const auto& id : missed) EXPECT_TRUE(has(2, id));
}

TEST_F(Dissemination, AMentionWaitsForItsRecipientAndSurvivesTheSendersRestart) {
  make(4, FeedMode::broadcast);
  world->crash(3);
  world->run_for(90s);
  const auto mention = publish(1, kind::post, "are you there?", naming({3}));
  world->run_for(10s);
  EXPECT_EQ(status(1).outbox, 1u);
  world->crash(1);
  world->run_for(10s);
  world->restart(1);
  world->run_for(60s);
  EXPECT_EQ(status(1).outbox, 1u);
  world->restart(3);
  world->run_for(3min);
  EXPECT_TRUE(has(3, mention));
  EXPECT_EQ(status(1).outbox, 0u);
}

TEST_F(Dissemination, AMissingProfileAndPostAreAskedForAndShowUpLater) {
  make(4, FeedMode::multicast);
  const auto profile = publish(1, kind::profile, "{\"name\":\"b\"}");
  const auto post = publish(1, kind::post, "unseen");
  world->run_for(5s);
  ASSERT_FALSE(has(3, profile));
  Filter ask;
  ask.kinds = std::vector<std::uint32_t>{kind::profile};
  ask.authors = std::vector<PubKey>{key(1)};
  EXPECT_TRUE(world->query(3, {ask}).events.empty());
  Filter by_id;
  by_id.kinds = std::vector<std::uint32_t>{kind::post};
  by_id.ids = std::vector<EventId>{post};
  by_id.authors = std::vector<PubKey>{key(1)};
  EXPECT_TRUE(world->query(3, {by_id}).events.empty());
  world->run_for(5s);
  EXPECT_EQ(world->query(3, {ask}).events.size(), 1u);
  EXPECT_EQ(world->query(3, {by_id}).events.size(), 1u);
}

TEST_F(Dissemination, MixedModesLiveTogether) {
  make(3, FeedMode::broadcast);
  sim::NodeOptions node;
  node.config.mode = FeedMode::multicast;
  node.config.bootstrap.push_back(world->address_of(0));
  const auto late = world->add_node(node);
  world->start(late);
  world->run_for(60s);
  follow(1, {3});
  world->run_for(5s);
  const auto to_all = publish(2, kind::post, "to all");
  const auto to_followers = publish(3, kind::post, "to followers");
  world->run_for(5s);
  EXPECT_EQ(holders(to_all), (Nodes{0, 1, 2, 3}));
  EXPECT_EQ(holders(to_followers), (Nodes{1, 3}));
}

}  // namespace
}  // namespace np2p
