// One node and a far end that the test speaks for: handshake, duplicates, refusals, hostile frames.
#include "core/overlay/mesh/mesh.h"

#include <gtest/gtest.h>

#include "core/base/rng.h"
#include "core/wire/swarm_messages.h"
#include "tests/core/overlay/fake_world.h"
#include "tests/core/wire/mesh_capture.h"

namespace np2p::mesh {
namespace {

using fake::Machine;
using fake::World;

const Address kFar = Address::v4(0x09080706, 4444);

struct MeshNode : ::testing::Test {
  World world;
  Machine* node = nullptr;

  void boot(const Limits& limits = {}) {
    world.add_many(1, limits);
    node = &world[0];
    node->boot();
  }
  [[nodiscard]] Name own() const { return mesh_name(node->config.owner); }
  LinkId join(Name name, std::uint64_t uid = 7, std::uint64_t connection = 1) {
    const LinkId link = node->puppet(kFar);
    node->from_puppet(link, encode_features({.name = name,
                                             .nick_name = {},
                                             .short_id = static_cast<std::uint16_t>(name & 0xfff),
                                             .uid = uid,
                                             .connection_id = connection}));
    return link;
  }
  static Frame topology(Name author, std::uint64_t version, const std::vector<Connection>& connections) {
    ByteVec summary;
    append_summary(summary, {.name = author, .nick_name = {}, .uid = 7, .version = version});
    ByteVec list;
    append_connections(list, connections);
    TopologyWriter writer;
    writer.add(summary, list);
    return writer.finish(Tag::gossip, author);
  }
  static Frame message(Tag tag, std::string_view channel, Name from, Name to, std::string_view text) {
    return encode_message(
        {.tag = tag, .channel = channel, .source = from, .destination = to, .payload = bytes_of(text)});
  }
  // Peers that a gossip frame tells of.
  static std::vector<Name> told(const Frame& frame) {
    static const Limits limits;
    const auto message = decode_message(frame.view(), limits);
    EXPECT_TRUE(message.ok());
    TopologyReader reader(message->payload, limits);
    PeerSummary peer;
    ByteView list;
    std::vector<Name> names;
    while (reader.next(peer, list)) names.push_back(peer.name);
    EXPECT_TRUE(reader.ok());
    std::sort(names.begin(), names.end());
    return names;
  }
};

TEST_F(MeshNode, IntroducesItselfFirstThenTellsEverything) {
  boot();
  const LinkId link = join(5);
  const auto sent = node->to_puppet(link);
  ASSERT_EQ(sent.size(), 2u);
  const auto features = decode_features(sent[0].view(), node->config.limits);
  ASSERT_TRUE(features.ok());
  EXPECT_EQ(features->name, own());
  EXPECT_NE(features->uid, 0u);
  EXPECT_EQ(told(sent[1]).size(), 2u);
  EXPECT_EQ(world.degree(0), 1u);
  EXPECT_EQ(node->overlay->peers()[0].remote, kFar);
}

TEST_F(MeshNode, RefusesWhatIsNoIntroduction) {
  boot();
  const LinkId silent = node->puppet(kFar);
  node->from_puppet(silent, message(Tag::broadcast, "nostrp2p", 5, 0, "hello"));
  EXPECT_FALSE(node->is_open(silent));
  EXPECT_EQ(node->closed.back(), CloseReason::protocol_error);
  EXPECT_EQ(node->rejections.at("features malformed"), 1);
  EXPECT_TRUE(node->inbox.empty());
  const LinkId ourselves = join(own(), 99);
  EXPECT_FALSE(node->is_open(ourselves));
  EXPECT_EQ(world.degree(0), 0u);
}

TEST_F(MeshNode, OneConnectionForEachPeerTheSmallerIdStays) {
  boot();
  const auto id_of = [&](LinkId link, std::uint64_t theirs) {
    return decode_features(node->to_puppet(link).at(0).view(), node->config.limits)->connection_id ^ theirs;
  };
  for (std::uint64_t round = 0; round < 8; ++round) {
    const Name name = 100 + round;
    const LinkId first = join(name, 7, round);
    const LinkId second = join(name, 7, round + 1000);
    const bool first_wins = id_of(first, round) < id_of(second, round + 1000);
    EXPECT_EQ(node->is_open(first), first_wins);
    EXPECT_EQ(node->is_open(second), !first_wins);
    EXPECT_EQ(node->closed.back(), CloseReason::duplicate_link);
    EXPECT_EQ(world.degree(0), round + 1);
  }
}

TEST_F(MeshNode, FullMeansFull) {
  Limits limits;
  limits.mesh_connections = 2;
  limits.links = 4;
  boot(limits);
  join(1);
  join(2);
  const LinkId third = join(3);
  EXPECT_FALSE(node->is_open(third));
  EXPECT_EQ(node->closed.back(), CloseReason::crowded);
  EXPECT_EQ(node->overlay->reachable_count(), 2u);
  node->puppet(kFar);
  node->puppet(kFar);
  const LinkId fifth = node->puppet(kFar);  // links that have not introduced themselves count as links
  EXPECT_FALSE(node->is_open(fifth));
}

TEST_F(MeshNode, WhatClosesALinkAndWhatDoesNot) {
  boot();
  const auto closes = [&](const Frame& frame) {
    const LinkId link = join(5);
    node->from_puppet(link, frame);
    const bool open = node->is_open(link);
    if (open) world.input(0, [&](Overlay& o) { o.close_link(link, CloseReason::local); });
    EXPECT_EQ(world.degree(0), 0u);
    EXPECT_EQ(node->overlay->reachable_count(), 0u);
    return !open;
  };
  EXPECT_FALSE(closes(Frame()));
  EXPECT_FALSE(closes(Frame(ByteVec{0})));        // heartbeat
  EXPECT_FALSE(closes(Frame(ByteVec{7, 1, 2})));  // overlay control
  EXPECT_FALSE(closes(Frame(ByteVec{9, 1, 2})));
  EXPECT_EQ(node->rejections.at("mesh unknown_type"), 1);
  EXPECT_TRUE(closes(Frame(ByteVec{4})));
  EXPECT_TRUE(closes(Frame(ByteVec{6, 0xff, 0xff})));
  EXPECT_EQ(node->rejections.at("mesh malformed"), 2);
  EXPECT_TRUE(closes(message(Tag::gossip, "topology", 5, 0, "no topology")));
  EXPECT_EQ(node->rejections.at("topology malformed"), 1);
  EXPECT_TRUE(closes(message(Tag::unicast, "topology", 5, own(), "x")));
  EXPECT_FALSE(closes(message(Tag::unicast, "nostrp2p", 5, 12345, "to nobody")));
  EXPECT_EQ(node->rejections.at("unicast unreachable"), 1);
  EXPECT_TRUE(node->inbox.empty());
  EXPECT_FALSE(closes(message(Tag::broadcast, "nostrp2p", 5, 0, "fine")));
  EXPECT_EQ(node->inbox.size(), 1u);
}

TEST_F(MeshNode, HandsOnWhatItDoesNotKnowOnceAndByteForByte) {
  boot();
  const LinkId from = join(1);
  const LinkId to = join(2);
  world.run_for(2s);
  node->to_puppet(from);
  node->to_puppet(to);
  const Frame frame = message(Tag::broadcast, "another program", 1, 0, "whatever");
  // Routes follow what the source says of itself: it is connected to us.
  node->from_puppet(from, topology(1, 3, {{.name = own(), .address = "127.0.1.1:20000", .outbound = true}}));
  node->to_puppet(to);
  node->from_puppet(from, frame);
  node->from_puppet(from, frame);
  EXPECT_EQ(node->to_puppet(to), std::vector<Frame>{frame});
  EXPECT_TRUE(node->to_puppet(from).empty());
  EXPECT_TRUE(node->inbox.empty());

  const Frame unicast = message(Tag::unicast, "another program", 1, 2, "whatever");
  node->from_puppet(from, unicast);
  EXPECT_EQ(node->to_puppet(to), std::vector<Frame>{unicast});
}

TEST_F(MeshNode, NothingIsForwardedUnlessItsOwnerSaysSo) {
  boot();
  const LinkId from = join(1);
  const LinkId to = join(2);
  node->from_puppet(from, topology(1, 3, {{.name = own(), .address = "127.0.1.1:20000", .outbound = true}}));
  node->to_puppet(to);
  const Frame frame = message(Tag::broadcast, "nostrp2p", 1, 0, "good and bad");
  node->overlay->frame(from, frame);
  const auto delivery = node->overlay->next();
  ASSERT_TRUE(delivery);
  EXPECT_TRUE(node->to_puppet(to).empty());
  node->overlay->forward(*delivery, Frame());
  EXPECT_TRUE(node->to_puppet(to).empty());
  node->overlay->forward(*delivery, delivery->payload);
  EXPECT_EQ(node->to_puppet(to), std::vector<Frame>{frame});
  node->overlay->forward(*delivery, Frame(bytes_of("good")));
  EXPECT_EQ(node->to_puppet(to), std::vector<Frame>{message(Tag::broadcast, "nostrp2p", 1, 0, "good")});
}

TEST_F(MeshNode, ACongestedLinkGetsOneMergedTopology) {
  boot();
  const LinkId slow = join(1);
  world.run_for(2s);
  node->to_puppet(slow);
  node->queued = 1024 * 1024;
  for (Name name = 2; name < 6; ++name) {
    join(name);
    world.run_for(2s);
  }
  EXPECT_TRUE(node->to_puppet(slow).empty());
  node->queued = 0;
  world.input(0, [&](Overlay& o) { o.writable(slow); });
  const auto sent = node->to_puppet(slow);
  ASSERT_EQ(sent.size(), 1u);
  std::vector<Name> expected{2, 3, 4, 5, own()};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(told(sent[0]), expected);
}

TEST_F(MeshNode, AnInventedTopologyStaysWithinTheLimit) {
  Limits limits;
  limits.mesh_peers = 16;
  limits.mesh_targets = 32;
  boot(limits);
  const LinkId link = join(1);
  std::vector<std::string> addresses;
  for (std::uint32_t i = 0; i < 200; ++i) addresses.push_back(Address::v4(0x08000000 + i, 1000).text());
  for (std::uint64_t round = 0; round < 50; ++round) {
    std::vector<Connection> connections;
    for (std::size_t i = 0; i < 12; ++i)
      connections.push_back(
          {.name = 1000 * round + i + 2, .address = addresses[(round * 12 + i) % 200], .outbound = true});
    node->from_puppet(link, topology(1, 2 + round, connections));
    EXPECT_LE(node->overlay->reachable_count(), 15u);
    world.run_for(100ms);
  }
  EXPECT_TRUE(node->is_open(link));
  EXPECT_GT(node->rejections.at("topology too_large"), 0);
  world.run_for(3s);
  EXPECT_LE(node->overlay->reachable_count(), 15u);
}

TEST_F(MeshNode, AnEarlierStartOfOursIsOutbid) {
  boot();
  const LinkId link = join(1);
  world.run_for(2s);
  node->to_puppet(link);
  node->from_puppet(link, topology(own(), 1000, {}));
  world.run_for(2s);
  const auto sent = node->to_puppet(link);
  ASSERT_EQ(sent.size(), 1u);
  const auto gossip = decode_message(sent[0].view(), node->config.limits);
  TopologyReader reader(gossip->payload, node->config.limits);
  PeerSummary peer;
  ByteView list;
  ASSERT_TRUE(reader.next(peer, list));
  EXPECT_EQ(peer.name, own());
  EXPECT_EQ(peer.version, 1001u);
  EXPECT_EQ(world.degree(0), 1u);
}

TEST_F(MeshNode, ASmallerNameKeepsASharedShortId) {
  boot();
  const auto short_id = [&](LinkId link) {
    return decode_features(node->to_puppet(link).at(0).view(), node->config.limits)->short_id;
  };
  const LinkId probe = node->puppet(kFar);
  const std::uint16_t before = short_id(probe);
  const LinkId link = node->puppet(kFar);
  node->from_puppet(link, encode_features({.name = 1, .nick_name = {}, .short_id = before, .uid = 7}));
  EXPECT_NE(short_id(node->puppet(kFar)), before);
}

TEST_F(MeshNode, SurvivesMutatedConversations) {
  Limits limits;
  limits.mesh_peers = 64;
  boot(limits);
  const auto frames = captured_frames();
  Rng rng(3, "hostile");
  LinkId link = join(0x1d844d0aa1d8);
  for (int round = 0; round < 20'000; ++round) {
    if (!node->is_open(link)) link = join(0x1d844d0aa1d8, 7 + rng.below(3), rng.next());
    ByteVec bytes = frames[rng.below(frames.size())];
    const std::uint64_t changes = rng.below(3);
    for (std::uint64_t i = 0; i < changes; ++i) bytes[rng.below(bytes.size())] = static_cast<std::uint8_t>(rng.next());
    node->from_puppet(link, Frame(bytes));
    ASSERT_LE(node->overlay->reachable_count(), 64u);
    if (round % 100 == 0) world.run_for(500ms);
  }
  EXPECT_GT(node->rejections["topology malformed"], 100);
  EXPECT_GT(node->rejections["mesh malformed"], 100);
}

TEST_F(MeshNode, AServerOfTheOtherOverlayIsNamedAsSuch) {
  boot();
  const LinkId link = node->puppet(kFar);
  node->from_puppet(link, swarm::encode(swarm::Hello{}));
  EXPECT_EQ(node->rejections["link of another overlay forbidden"], 1);
}

}  // namespace
}  // namespace np2p::mesh
