// Peers that keep to no rule: messages of every type at every wrong moment, lies about ids, floods, and ears that are
// shut. The node lives, counts, and serves the others as before.
#include <gtest/gtest.h>

#include "core/overlay/swarm/swarm.h"
#include "core/wire/mesh_messages.h"
#include "tests/core/overlay/swarm/swarm_world.h"
#include "tests/core/wire/swarm_samples.h"

namespace np2p::swarm {
namespace {

using test::Machine;
using test::RawPeer;
using test::World;

struct BadPeers : ::testing::Test {
  World world;
  std::unique_ptr<RawPeer> honest;
  std::unique_ptr<RawPeer> another;
  int posts = 0;

  void SetUp() override { boot({}); }
  void boot(const Config& config) {
    honest.reset();
    another.reset();
    world.empty();
    world.add(false, config);
    world[0].boot();
    honest = std::make_unique<RawPeer>(world, 0, 1);
    another = std::make_unique<RawPeer>(world, 0, 2);
    honest->join();
    another->join();
    another->say(Graft{~Trees{0}, {}});
  }
  // A post of one honest neighbour still reaches the node and the other neighbour.
  void expect_service() {
    ASSERT_TRUE(honest->is_open());
    ASSERT_TRUE(another->is_open());
    EXPECT_TRUE(world[0].swarm->membership().is_neighbour(honest->link()));
    EXPECT_TRUE(world[0].swarm->membership().is_neighbour(another->link()));
    const std::string text = "honest post " + std::to_string(++posts);
    Gossip post;
    post.source = honest->user();
    post.payload = Frame(bytes_of(text));
    another->heard();
    honest->say(post);
    const auto texts = world[0].inbox_texts();
    EXPECT_EQ(std::count(texts.begin(), texts.end(), text), 1);
    std::size_t copies = 0;
    for (const Gossip& copy : another->heard_of<Gossip>()) copies += text_of(copy.payload.view()) == text ? 1u : 0u;
    EXPECT_EQ(copies, 1u);
    honest->heard();
    honest->say(Probe{42, {}});
    EXPECT_EQ(honest->heard_of<HelloEcho>().size(), 1u);
  }
};

TEST_F(BadPeers, NothingIsSaidOrBelievedBeforeAHello) {
  for (const Message& message : sample_messages()) {
    if (std::holds_alternative<Hello>(message)) continue;
    RawPeer early(world, 0, 100 + message.index());
    early.say(message);
    for (const Message& answer : early.heard()) EXPECT_TRUE(std::holds_alternative<Hello>(answer)) << message.index();
    EXPECT_EQ(world[0].swarm->membership().active_size(), 2u) << message.index();
    early.hang_up();
  }
  EXPECT_EQ(world[0].rejections["message forbidden"], static_cast<int>(std::variant_size_v<Message>) - 1);
  EXPECT_TRUE(world[0].inbox.empty());
  expect_service();
}

TEST_F(BadPeers, AServerOfTheMeshIsNamedAsSuch) {
  RawPeer other(world, 0, 100);
  const std::string name = "mesh";
  other.say(mesh::encode_features({.name = 7, .nick_name = name, .short_id = 7, .uid = 7, .connection_id = 1}));
  EXPECT_FALSE(other.is_open());
  EXPECT_EQ(world[0].rejections["link of another overlay forbidden"], 1);
  expect_service();
}

TEST_F(BadPeers, WhoNeverSaysHelloIsClosed) {
  RawPeer silent(world, 0, 100);
  RawPeer babbler(world, 0, 101);
  for (int i = 0; i < 20; ++i) {
    babbler.say(Join{});
    world.run_for(1s);
  }
  EXPECT_FALSE(silent.is_open());
  EXPECT_FALSE(babbler.is_open());
  EXPECT_EQ(world[0].closed.back().second, CloseReason::timed_out);
  expect_service();
}

TEST_F(BadPeers, EveryMessageTwiceAndAtTheWrongTime) {
  for (const Message& message : sample_messages()) {
    for (const bool neighbour : {false, true}) {
      RawPeer peer(world, 0, 100 + 2 * message.index() + (neighbour ? 1 : 0));
      peer.hello();
      if (neighbour) peer.say(Neighbor{Urgency::low});
      peer.say(message);
      peer.say(message);
      peer.hello();
      peer.say(message);
      peer.hang_up();
      expect_service();
    }
  }
  world.run_for(10min);
  expect_service();
  EXPECT_EQ(world[0].swarm->membership().active_size(), 2u);
}

TEST_F(BadPeers, AnswersToWhatNobodyAskedChangeNothing) {
  RawPeer peer(world, 0, 100);
  peer.hello();
  peer.say(NeighborAnswer{true, {}});
  EXPECT_FALSE(world[0].swarm->membership().is_neighbour(peer.link()));
  EXPECT_EQ(peer.heard_of<Disconnect>().size(), 1u);  // and the peer is told that it is none
  peer.say(Disconnect{});
  peer.say(Got{4711, 0, {ByteVec(100, 1)}});
  peer.say(FoundNodes{4711, {}});
  peer.say(Undelivered{world[0].id(), world[0].id(), honest->id(), 0});
  peer.say(HelloEcho{~std::uint64_t{0}, peer.address(), {}});
  peer.say(HelloEcho{0, peer.address(), {}});
  EXPECT_TRUE(peer.is_open());
  EXPECT_EQ(world[0].rejections["answer not_found"], 1);
  EXPECT_EQ(world[0].rejections["echo not_found"], 2);
  expect_service();
}

// Whoever could choose the time that an echo brings back would choose the round trip, and our coordinates with it.
TEST_F(BadPeers, AnEchoCountsOnceAndWithTheTimeThatWasSent) {
  RawPeer peer(world, 0, 100);
  const auto hellos = peer.heard_of<Hello>();
  ASSERT_EQ(hellos.size(), 1u);
  peer.hello();
  const auto own_place = [&] {
    honest->heard();
    honest->say(Probe{42, {}});
    return honest->heard_of<HelloEcho>().at(0).at;
  };
  world.run_for(300ms);
  Coordinates far;
  far.x = 5'000;
  far.error = 10;
  const Coordinates before = own_place();
  peer.say(HelloEcho{hellos[0].sent_at + 1, peer.address(), far});
  EXPECT_EQ(own_place(), before);
  EXPECT_EQ(world[0].rejections["echo not_found"], 1);
  peer.say(HelloEcho{hellos[0].sent_at, peer.address(), far});
  const Coordinates after = own_place();
  EXPECT_NE(after, before);
  peer.say(HelloEcho{hellos[0].sent_at, peer.address(), far});
  EXPECT_EQ(own_place(), after);
  EXPECT_EQ(world[0].rejections["echo not_found"], 2);
}

TEST_F(BadPeers, BrokenMessagesCloseTheLinkUnknownOnesDoNot) {
  RawPeer later_version(world, 0, 100);
  later_version.hello();
  later_version.say(Frame(ByteVec{200, 1, 2, 3}));
  later_version.say(Frame(ByteVec{0}));
  EXPECT_TRUE(later_version.is_open());
  EXPECT_EQ(world[0].rejections["message unknown_type"], 2);
  RawPeer broken(world, 0, 101);
  broken.hello();
  broken.say(Frame(ByteVec{20, 1, 2, 3}));
  EXPECT_FALSE(broken.is_open());
  RawPeer empty(world, 0, 102);
  empty.say(Frame());
  EXPECT_FALSE(empty.is_open());
  RawPeer large(world, 0, 103);
  large.hello();
  large.say(Frame(ByteVec(400 * 1024, 13)));
  EXPECT_FALSE(large.is_open());
  EXPECT_EQ(world[0].rejections["message malformed"], 2);
  EXPECT_EQ(world[0].rejections["message too_large"], 1);
  expect_service();
}

// A second link of the same node: one stays, and the neighbour stays a neighbour.
TEST_F(BadPeers, TwoLinksOfOneNodeBecomeOne) {
  RawPeer first(world, 0, 100);
  first.join();
  RawPeer second(world, 0, 100);
  second.hello();
  EXPECT_NE(first.is_open(), second.is_open());
  world.run_for(10s);
  RawPeer third(world, 0, 100);  // much younger: the old one is probably dead
  third.hello();
  EXPECT_TRUE(third.is_open());
  EXPECT_FALSE(first.is_open() || second.is_open());
  expect_service();
}

TEST_F(BadPeers, LinksHaveALimitAndOurOwnDialsCountToo) {
  Config config;
  config.limits.standing_links = 20;
  boot(config);
  std::vector<std::unique_ptr<RawPeer>> crowd;
  for (std::uint64_t i = 0; i < 60; ++i) {
    crowd.push_back(std::make_unique<RawPeer>(world, 0, 100 + i));
    if (i % 2 == 0 && crowd.back()->is_open()) crowd.back()->hello();
  }
  std::size_t open = 0;
  for (const auto& one : crowd) open += one->is_open() ? 1u : 0u;
  EXPECT_EQ(open, 18u);
  EXPECT_EQ(world[0].closed.back().second, CloseReason::crowded);
  expect_service();
}

TEST_F(BadPeers, VisitorsGiveWayToTheNextWhenItIsCrowded) {
  Config config;
  config.limits.standing_links = 20;
  boot(config);
  std::vector<std::unique_ptr<RawPeer>> crowd;
  for (std::uint64_t i = 0; i < 18; ++i) {
    crowd.push_back(std::make_unique<RawPeer>(world, 0, 100 + i, i % 2 == 0));
    crowd.back()->hello();
  }
  RawPeer early(world, 0, 150, false);
  EXPECT_FALSE(early.is_open());
  world.run_for(3s);
  for (std::uint64_t i = 0; i < 12; ++i) {
    RawPeer late(world, 0, 160 + i, false);
    EXPECT_EQ(late.is_open(), i < 9) << i;  // those who came with it have not had their moment
    if (late.is_open()) late.hello();
  }
  for (std::uint64_t i = 0; i < 18; ++i) EXPECT_EQ(crowd[i]->is_open(), i % 2 == 0) << i;  // these are fingers
  expect_service();
}

TEST_F(BadPeers, AFloodOfMessagesIsCutOffAndCounted) {
  RawPeer flooder(world, 0, 100);
  flooder.hello();
  flooder.heard();
  const std::size_t most = world[0].config.limits.link_messages_burst;
  for (std::size_t i = 0; i < 2 * most; ++i) flooder.say(FindNode{i, filled<NodeId>(3)});
  EXPECT_LE(flooder.heard_of<FoundNodes>().size(), most);
  EXPECT_GE(world[0].rejections["message rate_limited"], static_cast<int>(most));
  expect_service();
  world.run_for(5s);
  flooder.say(FindNode{1, filled<NodeId>(3)});
  EXPECT_EQ(flooder.heard_of<FoundNodes>().size(), 1u);
}

// A crowd that says whatever it likes, with fields out of thin air, into one node of a living network.
TEST_F(BadPeers, ALivingNetworkEnduresACrowd) {
  World network;
  network.add_many(16, 4);
  network.boot_all();
  network.run_for(2min);
  Rng rng(9, "crowd");
  std::vector<std::unique_ptr<RawPeer>> crowd;
  std::vector<ByteVec> samples;
  for (const Message& message : sample_messages()) {
    const Frame frame = encode(message);
    samples.emplace_back(frame.view().begin(), frame.view().end());
  }
  std::uint64_t number = 0;
  for (int round = 0; round < 20'000; ++round) {
    if (crowd.size() < 20) {
      crowd.push_back(std::make_unique<RawPeer>(network, rng.below(16), ++number, rng.chance(1, 2)));
      if (rng.chance(3, 4)) crowd.back()->hello();
      if (rng.chance(1, 2)) crowd.back()->say(Neighbor{Urgency::high});
    }
    const auto who = static_cast<std::size_t>(rng.below(crowd.size()));
    ByteVec message = samples[static_cast<std::size_t>(rng.below(samples.size()))];
    for (std::uint64_t changes = rng.below(4); changes > 0 && message.size() > 1; --changes) {
      message[1 + static_cast<std::size_t>(rng.below(message.size() - 1))] = static_cast<std::uint8_t>(rng.next());
    }
    crowd[who]->say(Frame(message));
    crowd[who]->heard();
    if (rng.chance(1, 50)) crowd[who]->hang_up();
    if (!crowd[who]->is_open()) crowd.erase(crowd.begin() + static_cast<std::ptrdiff_t>(who));
    if (round % 20 == 0) network.run_for(100ms);
  }
  for (const auto& one : crowd) one->hang_up();
  network.run_for(5min);
  for (std::size_t i = 0; i < 16; ++i) {
    const HyParView& views = network[i].swarm->membership();
    EXPECT_GE(views.active_size(), 5u) << i;
    EXPECT_LE(views.passive().size(), network[i].config.swarm.passive) << i;
    EXPECT_LE(network[i].links.size(), 20'000u);
  }
  for (const std::size_t author : {0u, 3u, 9u}) {
    const std::string text = "after the crowd, from " + std::to_string(author);
    network.broadcast(author, text);
    network.run_for(20s);
    for (std::size_t i = 0; i < 16; ++i) {
      const auto texts = network[i].inbox_texts();
      EXPECT_EQ(std::count(texts.begin(), texts.end(), text), i == author ? 0 : 1) << text << " at " << i;
    }
  }
  world.run_for(1s);
  expect_service();
}

// Nothing is kept for a peer that does not read: what it is sent lies with the host, which closes a link with too much
// unsent; here stays what everybody shares, within its limit.
TEST_F(BadPeers, APeerThatDoesNotReadLeavesNoPileBehind) {
  Config config;
  config.limits.recent_payload_bytes = 64 * 1024;
  config.limits.recent_payloads = 200;
  boot(config);
  RawPeer deaf(world, 0, 100);
  deaf.join();
  deaf.say(Watch{true, 60});
  for (int i = 0; i < 3000; ++i) {
    Gossip post;
    post.source = honest->user();
    post.payload = Frame(bytes_of("post " + std::to_string(i) + std::string(500, 'x')));
    honest->say(post);
    if (i % 100 == 0) {
      honest->heard();
      another->heard();
      world.run_for(20s);
    }
  }
  const std::size_t frames = world[0].to_raw[deaf.link()].size();
  deaf.heard();
  world.input(0, [&](Swarm& s) { s.link_down(deaf.link(), CloseReason::timed_out); });
  deaf.hang_up();
  EXPECT_GE(frames, 10u);
  RawPeer curious(world, 0, 101);
  curious.join();
  curious.say(Prune{~Trees{0}});
  curious.heard();
  curious.say(Watch{true, 60});
  std::size_t kept = 0;
  for (const IHave& message : curious.heard_of<IHave>()) kept += message.ids.size();
  EXPECT_LE(kept, 64u * 1024 / 500);
  expect_service();
}

}  // namespace
}  // namespace np2p::swarm
