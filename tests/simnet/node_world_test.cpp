// Whole nodes in a world: what the simulator is for.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/event/kinds.h"
#include "simnet/world.h"

namespace np2p::sim {
namespace {

struct Four {
  explicit Four(WorldOptions options = {}, bool nat = true) : world(std::move(options)) {
    for (int i = 0; i < 4; ++i) {
      NodeOptions node;
      if (nat && i == 3) node.nat = {port_restricted()};
      if (i > 0) node.config.bootstrap = {world.address_of(0)};
      world.add_node(node);
    }
    for (NodeIndex i = 0; i < 4; ++i) world.start(i);
  }
  Event post(NodeIndex node, std::string text) const {
    return world.user(node).sign(kind::post, unix_seconds(world.wall()), {}, std::move(text));
  }
  bool has(NodeIndex node, const EventId& id) {
    ClientQuery query;
    query.filter.ids = {id};
    const QueryAnswer answer = world.query(node, query);
    return std::any_of(answer.events.begin(), answer.events.end(), [&](const EventPtr& e) { return e->id == id; });
  }
  World world;
};

TEST(NodeWorld, APostReachesAllFourServersOneOfThemBehindNat) {
  Four four;
  four.world.run_for(30s);
  for (NodeIndex i = 0; i < 4; ++i) EXPECT_EQ(four.world.status(i).reachable, 3u) << "node " << i;
  for (NodeIndex author : {1u, 3u}) {
    const Event event = four.post(author, "hello from " + std::to_string(author));
    const PublishHandle handle = four.world.publish(author, event);
    EXPECT_FALSE(four.world.outcome(handle.request).has_value());  // not before it is durable
    four.world.run_for(5s);
    ASSERT_TRUE(four.world.outcome(handle.request).has_value());
    EXPECT_TRUE(four.world.outcome(handle.request)->ok());
    const auto rows = four.world.deliveries(event.id);
    EXPECT_EQ(rows.size(), 3u);
    for (const DeliveryRow& row : rows) {
      EXPECT_GE(row.hops, 1u);
      EXPECT_GE(row.latency_ns, row.direct_latency_ns);
      EXPECT_LT(row.latency_ns, 1'000'000'000);
      EXPECT_TRUE(four.has(row.node, event.id));
    }
  }
}

TEST(NodeWorld, TheGroundTruthForgetsNoPost) {
  Four four;
  four.world.run_for(30s);
  const Event first = four.post(1, "first");
  four.world.publish(1, first);
  four.world.run_for(5s);
  ASSERT_EQ(four.world.deliveries(first.id).size(), 3u);
  for (int i = 0; i < 5000; ++i) four.world.publish(2, four.post(2, std::to_string(i)));
  EXPECT_EQ(four.world.deliveries(first.id).size(), 3u);
}

TEST(NodeWorld, TheSameSeedGivesTheSameDigestWithAndWithoutTheMemo) {
  const auto run = [](bool memo, std::uint64_t seed, const std::string& text) {
    WorldOptions options;
    options.memo = memo;
    options.seed = seed;
    options.loss_ppm = 10'000;
    Four four(options);
    four.world.run_for(20s);
    four.world.publish(2, four.post(2, text));
    four.world.run_for(10s);
    return four.world.digest();
  };
  const std::uint64_t digest = run(true, 7, "same");
  EXPECT_EQ(digest, run(true, 7, "same"));
  EXPECT_EQ(digest, run(false, 7, "same"));
  EXPECT_NE(digest, run(true, 8, "same"));
  EXPECT_NE(digest, run(true, 7, "samf"));  // one byte of one post
}

TEST(NodeWorld, WhatWasNotDurableIsLostInACrashWhatWasSurvives) {
  Four four;
  four.world.run_for(20s);
  const Event safe = four.post(1, "safe");
  four.world.publish(1, safe);
  four.world.run_for(1s);
  const Event unsafe = four.post(1, "not yet");
  const PublishHandle handle = four.world.publish(1, unsafe);
  four.world.crash(1);
  four.world.run_for(1s);
  EXPECT_FALSE(four.world.outcome(handle.request).has_value());
  four.world.restart(1);
  EXPECT_TRUE(four.has(1, safe.id));
  EXPECT_FALSE(four.has(1, unsafe.id));
  four.world.crash(1);
  four.world.restart(1, true);
  EXPECT_FALSE(four.has(1, safe.id));
}

TEST(NodeWorld, APartitionHealsAndTheMeshFindsTogetherAgain) {
  Four four;
  four.world.run_for(20s);
  four.world.partition({{0, 1}, {2, 3}});
  four.world.run_for(120s);
  EXPECT_EQ(four.world.status(0).reachable, 1u);
  four.world.heal();
  four.world.run_for(600s);
  for (NodeIndex i = 0; i < 4; ++i) EXPECT_EQ(four.world.status(i).reachable, 3u) << "node " << i;
}

TEST(NodeWorld, TrafficOfOneSideIsTrafficOfTheOther) {
  Four four({}, false);      // nobody dials into the void
  four.world.run_for(305s);  // not a multiple of the gossip interval: little is in flight
  std::uint64_t in = 0;
  std::uint64_t out = 0;
  for (const TrafficRow& row : four.world.traffic()) {
    in += row.counts.in.total_bytes();
    out += row.counts.out.total_bytes();
  }
  EXPECT_GT(out, 10'000u);
  // Only refused SYNs and what is in flight are sent but not received.
  EXPECT_LE(in, out);
  EXPECT_LE(out - in, out / 100);
}

TEST(NodeWorld, WrongArgumentsAreNamed) {
  World world;
  EXPECT_THROW(world.start(0), std::invalid_argument);
  NodeOptions options;
  options.nat = {full_cone(), full_cone(), full_cone()};
  EXPECT_THROW(world.add_node(options), std::invalid_argument);
  EXPECT_THROW(world.run_until(-1), std::invalid_argument);
}

}  // namespace
}  // namespace np2p::sim
