// Whole nodes over the scalable overlay: posts, mentions, forged events, a dead door, the same world twice.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/rng.h"
#include "core/event/kinds.h"
#include "simnet/world.h"

namespace np2p::sim {
namespace {

struct Swarms {
  explicit Swarms(std::size_t n, std::size_t nat_every = 0, std::uint64_t seed = 1, Replies replies = Replies::tagged)
      : world(options(seed)) {
    for (std::size_t i = 0; i < n; ++i) {
      NodeOptions node;
      node.config.overlay = OverlayKind::hyparview;
      node.config.replies = replies;
      if (nat_every != 0 && i % nat_every == nat_every - 1) node.nat = {i % 2 == 0 ? port_restricted() : symmetric()};
      if (i > 0) node.config.bootstrap = {world.address_of(0)};
      world.add_node(node);
    }
    for (NodeIndex i = 0; i < n; ++i) {
      world.start(i);
      world.run_for(200ms);
    }
    world.run_for(4min);
  }
  static WorldOptions options(std::uint64_t seed) {
    WorldOptions made;
    made.seed = seed;
    return made;
  }
  Event post(NodeIndex node, std::string text, Tags tags = {}) const {
    return world.user(node).sign(kind::post, unix_seconds(world.wall()), std::move(tags), std::move(text));
  }
  bool has(NodeIndex node, const EventId& id) {
    ClientQuery query;
    query.filter.ids = {id};
    const QueryAnswer answer = world.query(node, query);
    return std::any_of(answer.events.begin(), answer.events.end(), [&](const EventPtr& e) { return e->id == id; });
  }
  std::vector<NodeIndex> living() {
    std::vector<NodeIndex> all;
    for (NodeIndex i = 0; i < world.node_count(); ++i) {
      if (world.state_of(i) == HostState::running) all.push_back(i);
    }
    return all;
  }
  void expect_everybody_gets(NodeIndex author) {
    const Event event = post(author, "post of " + std::to_string(author) + " at " + std::to_string(world.now()));
    world.publish(author, event);
    world.run_for(20s);
    const auto all = living();
    EXPECT_EQ(world.deliveries(event.id).size(), all.size() - 1) << "author " << author;
    for (const NodeIndex i : all) EXPECT_TRUE(has(i, event.id)) << "node " << i << ", author " << author;
  }
  World world;
};

TEST(SwarmWorld, APostOfEveryNodeReachesEveryNodeBehindWhateverNat) {
  Swarms swarm(30, 2);
  for (NodeIndex author = 0; author < 30; ++author) swarm.expect_everybody_gets(author);
  for (NodeIndex i = 0; i < 30; ++i) {
    EXPECT_GE(swarm.world.status(i).reachable, 4u) << i;
    EXPECT_TRUE(swarm.world.rejections(i).empty()) << i << " refused " << swarm.world.rejections(i)[0].what;
  }
  for (const OverlayEdge& edge : swarm.world.overlay_edges()) {
    EXPECT_FALSE(swarm.world.is_behind_nat(edge.from) && swarm.world.is_behind_nat(edge.to));
    EXPECT_FALSE(swarm.world.is_behind_nat(edge.to));  // whoever was dialled can be
  }
}

TEST(SwarmWorld, HardlyAPayloadTravelsTwice) {
  Swarms swarm(40, 2);
  const auto sums = [&] {
    std::pair<std::uint64_t, std::uint64_t> both{0, 0};
    for (const TrafficRow& row : swarm.world.traffic()) {
      both.first += row.counts.in.messages[static_cast<std::size_t>(Traffic::payload)];
      both.second += row.counts.in.messages[static_cast<std::size_t>(Traffic::duplicate)];
    }
    return both;
  };
  const auto before = sums();
  for (NodeIndex author = 0; author < 40; ++author) swarm.expect_everybody_gets(author);
  const auto after = sums();
  EXPECT_GE(after.first - before.first, 40u * 39u);
  EXPECT_LE((after.second - before.second) * 10, after.first - before.first);
}

TEST(SwarmWorld, AfterACrashOfHalfABroadcastReachesAllSurvivors) {
  Swarms swarm(60, 3);
  Rng rng(11, "crash");
  std::vector<NodeIndex> order;
  for (NodeIndex i = 0; i < 60; ++i) order.push_back(i);
  rng.shuffle(order);
  for (std::size_t i = 0; i < 30; ++i) {
    if (i % 3 == 0) {
      swarm.world.power_off(order[i]);  // silent: found out by timeouts
    } else {
      swarm.world.crash(order[i]);
    }
  }
  swarm.world.run_for(5min);
  const auto survivors = swarm.living();
  ASSERT_EQ(survivors.size(), 30u);
  for (const NodeIndex i : survivors) EXPECT_GE(swarm.world.status(i).reachable, 4u) << i;
  swarm.expect_everybody_gets(survivors.front());
  swarm.expect_everybody_gets(survivors[15]);
  swarm.expect_everybody_gets(survivors.back());
}

TEST(SwarmWorld, TheDoorIsGoneAndNewcomersComeInByAnother) {
  Swarms swarm(20, 4);
  swarm.world.crash(0);
  swarm.world.crash(5);
  swarm.world.run_for(1min);
  swarm.world.restart(5);  // its door is gone; its address book is not
  swarm.world.run_for(2min);
  EXPECT_GE(swarm.world.status(5).reachable, 4u);
  NodeOptions fresh;
  fresh.config.overlay = OverlayKind::hyparview;
  fresh.config.bootstrap = {swarm.world.address_of(0), swarm.world.address_of(5)};
  const NodeIndex newcomer = swarm.world.add_node(fresh);
  swarm.world.start(newcomer);
  swarm.world.run_for(2min);
  EXPECT_GE(swarm.world.status(newcomer).reachable, 4u);
  swarm.expect_everybody_gets(newcomer);
  swarm.expect_everybody_gets(5);
}

TEST(SwarmWorld, AMentionFindsWhomItNamesByPublicKey) {
  Swarms swarm(24, 3);
  for (const auto& [from, to] : {std::pair<NodeIndex, NodeIndex>{1, 14}, {14, 2}, {5, 8}, {3, 21}}) {
    Tags tags;
    tags.add({"p", swarm.world.user(to).public_key().hex()});
    const Event event = swarm.post(from, "you there", tags);
    swarm.world.publish(from, event);
    swarm.world.run_for(2min);
    EXPECT_TRUE(swarm.has(to, event.id)) << from << " to " << to;
    EXPECT_EQ(swarm.world.deliveries(event.id).size(), 1u) << "only who is named";
    EXPECT_EQ(swarm.world.status(from).outbox, 0u) << "acknowledged";
  }
}

TEST(SwarmWorld, AMentionForSomebodyAwayArrivesWhenHeIsBack) {
  Swarms swarm(20, 4);
  swarm.world.crash(7);
  swarm.world.run_for(1min);
  Tags tags;
  tags.add({"p", swarm.world.user(7).public_key().hex()});
  const Event event = swarm.post(2, "for later", tags);
  swarm.world.publish(2, event);
  swarm.world.run_for(10min);
  EXPECT_EQ(swarm.world.status(2).outbox, 1u);
  swarm.world.restart(7);
  swarm.world.run_for(30min);
  EXPECT_TRUE(swarm.has(7, event.id));
  EXPECT_EQ(swarm.world.status(2).outbox, 0u);
}

TEST(SwarmWorld, WhoComesBackOverALinkToUsIsNotLookedForLong) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Swarms swarm(3, 0, seed);
    swarm.world.crash(2);
    swarm.world.run_for(3s);
    Tags tags;
    tags.add({"p", swarm.world.user(2).public_key().hex()});
    const Event event = swarm.post(0, "call me", tags);
    swarm.world.publish(0, event);
    swarm.world.run_for(40s);
    swarm.world.restart(2);
    swarm.world.run_for(6s);
    EXPECT_TRUE(swarm.has(2, event.id)) << "seed " << seed;
  }
}

TEST(SwarmWorld, AReplyForEverybodyReachesThoseBehindWhomItNames) {
  Swarms swarm(30, 2, 1, Replies::everybody);
  for (NodeIndex named = 0; named < 30; ++named) {
    const NodeIndex author = (named + 11) % 30;
    for (int round = 0; round < 2; ++round) {  // by then the way to whom it names is known, and the fastest
      Tags tags;
      tags.add({"p", swarm.world.user(named).public_key().hex()});
      const Event event = swarm.post(author, "reply " + std::to_string(round), tags);
      swarm.world.publish(author, event);
      swarm.world.run_for(40s);
      EXPECT_EQ(swarm.world.deliveries(event.id).size(), 29u) << author << " to " << named;
    }
  }
}

TEST(SwarmWorld, TheSameSeedGivesTheSameDigest) {
  const auto run = [](std::uint64_t seed) {
    Swarms swarm(15, 3, seed);
    swarm.world.publish(4, swarm.post(4, "same"));
    swarm.world.run_for(30s);
    return swarm.world.digest();
  };
  const std::uint64_t digest = run(3);
  EXPECT_EQ(digest, run(3));
  EXPECT_NE(digest, run(4));
}

}  // namespace
}  // namespace np2p::sim
