// Whoever wants to be all that a node sees: the places that a node fills itself, two neighbours of a netgroup, and the
// anchors that a restart brings back.
#include <gtest/gtest.h>

#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

using test::Machine;
using test::RawPeer;
using test::World;

struct Eclipse : ::testing::Test {
  World world;
  std::vector<std::unique_ptr<RawPeer>> peers;

  void boot(Config config = {}) {
    world.add(false, std::move(config));
    world[0].boot();
  }
  RawPeer& add(std::uint64_t number, std::optional<Address> at = std::nullopt, bool reachable = true) {
    peers.push_back(std::make_unique<RawPeer>(world, 0, number, reachable, at));
    return *peers.back();
  }
  [[nodiscard]] const HyParView& views() { return world[0].swarm->membership(); }
  [[nodiscard]] bool is_neighbour(const RawPeer& peer) { return views().is_neighbour(peer.link()); }
  // Everybody who is asked to be a neighbour agrees. Who was.
  std::vector<RawPeer*> agree() {
    std::vector<RawPeer*> asked;
    for (const auto& peer : peers) {
      if (!peer->is_open() || peer->heard_of<Neighbor>().empty()) continue;
      peer->say(NeighborAnswer{true, {}});
      asked.push_back(peer.get());
    }
    return asked;
  }
  // The n-th address of a netgroup.
  static Address in_group(std::uint32_t group, std::uint32_t n) {
    return Address::v4(0x0B00'0001u + ((100 + group) << 16) + n, 20'000);
  }
};

TEST_F(Eclipse, WhoComesUninvitedNeverTakesThePlacesOfThoseWhomTheNodeChooses) {
  boot();
  for (std::uint64_t i = 0; i < 20; ++i) add(i).join();
  EXPECT_EQ(views().active_size(), 12u);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_TRUE(is_neighbour(*peers[i])) << "who came first stays: " << i;
  for (const auto& peer : peers) peer->heard();
  world.run_for(5s);
  const auto chosen = agree();
  ASSERT_EQ(chosen.size(), 4u);
  EXPECT_EQ(views().active_size(), 16u);
  for (int round = 0; round < 3; ++round) {
    for (std::uint64_t i = 0; i < 20; ++i) {
      RawPeer& late = add(100 + 20 * static_cast<std::uint64_t>(round) + i);
      late.hello();
      late.say(i % 2 == 0 ? Message(Join{}) : Message(Neighbor{Urgency::high}));
      EXPECT_TRUE(is_neighbour(late));
    }
  }
  EXPECT_EQ(views().active_size(), 16u);
  for (const RawPeer* one : chosen) EXPECT_TRUE(is_neighbour(*one));
  for (std::size_t i = 0; i < 6; ++i) EXPECT_TRUE(is_neighbour(*peers[i])) << i;
}

TEST_F(Eclipse, WhoIsNamedAsAJoinerIsNotChosen) {
  boot();
  RawPeer& liar = add(0);
  liar.join();
  for (std::uint64_t i = 1; i <= 30; ++i) {
    RawPeer& named = add(i);
    named.hello();
    liar.say(ForwardJoin{named.ref(), 0});
    if (!named.heard_of<Neighbor>().empty()) named.say(NeighborAnswer{true, {}});
    EXPECT_LE(views().active_size(), 12u);
  }
  EXPECT_EQ(views().active_size(), 12u);
  EXPECT_TRUE(is_neighbour(liar));
}

// Who asked us while we were asking him has been chosen.
TEST_F(Eclipse, AMutualWishCountsAsOurs) {
  boot();
  for (std::uint64_t i = 0; i < 12; ++i) add(i).join();
  RawPeer& wanted = add(50);
  wanted.hello();
  world.run_for(5s);
  ASSERT_EQ(wanted.heard_of<Neighbor>().size(), 1u);
  wanted.say(Neighbor{Urgency::low});
  EXPECT_TRUE(is_neighbour(wanted));
  EXPECT_EQ(views().active_size(), 13u);
}

TEST_F(Eclipse, TheThirdOfANetgroupIsSentToOthers) {
  boot();
  RawPeer& elsewhere = add(0);
  elsewhere.join();
  elsewhere.say(Shuffle{{}, 1, {{add(1).id(), in_group(9, 0), {}}}});
  for (std::uint32_t i = 0; i < 2; ++i) {
    RawPeer& one = add(10 + i, in_group(1, i));
    one.join();
    EXPECT_TRUE(is_neighbour(one));
  }
  for (const Urgency urgency : {Urgency::high, Urgency::low, Urgency::nearer}) {
    RawPeer& third = add(20 + static_cast<std::uint64_t>(urgency), in_group(1, 7));
    third.hello();
    third.say(Neighbor{urgency});
    const auto answers = third.heard_of<NeighborAnswer>();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_FALSE(answers[0].accepted);
    EXPECT_FALSE(answers[0].others.empty());
    EXPECT_FALSE(is_neighbour(third));
  }
  RawPeer& joiner = add(30, in_group(1, 8));
  joiner.hello();
  elsewhere.heard();
  joiner.say(Join{});
  EXPECT_FALSE(is_neighbour(joiner));
  EXPECT_EQ(joiner.heard_of<ShuffleReply>().size(), 1u);
  EXPECT_EQ(elsewhere.heard_of<ForwardJoin>().size(), 1u) << "its walk takes it to others";
  elsewhere.say(ForwardJoin{{add(31).id(), in_group(1, 9), {}}, 0});
  const auto& dialled = world[0].dialled;
  EXPECT_EQ(std::count(dialled.begin(), dialled.end(), in_group(1, 9)), 0);
  RawPeer& stranger = add(40, in_group(2, 0));
  stranger.join();
  EXPECT_TRUE(is_neighbour(stranger));
}

// What it says of itself does not count, but where it is seen.
TEST_F(Eclipse, ANetgroupIsThatOfTheConnection) {
  boot();
  add(0).join();
  peers[0]->say(Shuffle{{}, 1, {{add(1).id(), in_group(9, 0), {}}}});
  for (std::uint32_t i = 0; i < 3; ++i) {
    RawPeer& liar = add(10 + i, in_group(1, i));
    Hello hello;
    hello.boot = 1;
    hello.listens = in_group(20 + i, 0);
    liar.say(hello);
    liar.say(Neighbor{Urgency::high});
    EXPECT_EQ(is_neighbour(liar), i < 2);
  }
}

TEST_F(Eclipse, AClientThatCanBeDialledAllAtOnceIsMeasuredLikeANewcomer) {
  boot();
  add(0).join();
  peers[0]->say(Shuffle{{}, 1, {{add(1).id(), in_group(9, 0), {}}}});
  std::vector<RawPeer*> clients;
  for (std::uint32_t i = 0; i < 3; ++i) {
    clients.push_back(&add(10 + i, in_group(1, i), false));
    clients.back()->join();
    EXPECT_TRUE(is_neighbour(*clients.back()));
  }
  for (std::uint64_t i = 0; i < 30; ++i) {
    clients.push_back(&add(50 + i, std::nullopt, false));
    clients.back()->join();
  }
  EXPECT_EQ(views().client_count(), 33u);
  for (RawPeer* client : clients) {
    Hello news;
    news.listens = client->address();
    client->say(news);
    EXPECT_LE(views().active_size(), 12u);
  }
  EXPECT_FALSE(is_neighbour(*clients[2]));
  EXPECT_EQ(clients[2]->heard_of<Disconnect>().size(), 1u);
  EXPECT_TRUE(is_neighbour(*peers[0]));
}

TEST_F(Eclipse, ANetworkOfOneNetgroupOrOneLanIsLeftAlone) {
  Config config;
  config.dial_private = true;
  boot(config);
  for (std::uint32_t i = 0; i < 8; ++i) {
    RawPeer& one = add(i, in_group(1, i));
    one.join();
    EXPECT_TRUE(is_neighbour(one)) << i;
  }
  // There are others now. On the LAN everybody is of one house.
  peers[0]->say(Shuffle{{}, 1, {{add(20).id(), in_group(9, 0), {}}}});
  for (std::uint32_t i = 0; i < 4; ++i) {
    RawPeer& one = add(30 + i, Address::v4(0xC0A8'0102u + i, 20'000));
    one.join();
    EXPECT_TRUE(is_neighbour(one)) << i;
  }
  // Who is of another netgroup takes the place of one of the crowd.
  std::size_t of_the_crowd = 0;
  for (std::uint32_t i = 0; i < 3; ++i) add(40 + i, in_group(2 + i, 0)).join();
  for (std::size_t i = 0; i < 8; ++i) of_the_crowd += is_neighbour(*peers[i]) ? 1u : 0u;
  EXPECT_EQ(of_the_crowd, 5u);
  EXPECT_EQ(views().active_size(), 12u);
}

TEST(Anchors, AreTheOldestOfThoseWhomTheNodeDialledAndComeBackFirst) {
  World world;
  world.add_many(24);
  world.boot_all();
  world.run_for(45min);  // its netgroup may push again where it has joined
  Machine& victim = world[20];
  std::set<std::size_t> before;
  for (const LinkId link : victim.swarm->membership().active_links()) before.insert(world.far(20, link)->first);
  victim.sync();
  const std::string stored = victim.store.value(Table::node, "anchors");
  EXPECT_EQ(std::count(stored.begin(), stored.end(), ' '), 2) << stored;
  victim.crash();
  world.run_for(30s);
  victim.dialled.clear();
  victim.boot();
  ASSERT_GE(victim.dialled.size(), 3u);
  std::set<std::size_t> anchors;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t one = world.listener(victim.dialled[i]);
    EXPECT_NE(stored.find(victim.dialled[i].text()), std::string::npos);
    EXPECT_EQ(before.count(one), 1u) << one;
    anchors.insert(one);
  }
  EXPECT_EQ(anchors.size(), 3u);
  world.run_for(5s);
  std::set<std::size_t> after;
  for (const LinkId link : victim.swarm->membership().active_links()) after.insert(world.far(20, link)->first);
  std::size_t back = 0;
  for (const std::size_t one : anchors) back += after.count(one);
  EXPECT_GE(back, 2u) << "of three; who was pushed out meanwhile may push back";
}

// Nobody but the first of a netgroup pushes somebody out for half an hour; the others have to wait for a free place.
TEST_F(Eclipse, OneOfANetgroupPushesInAWhile) {
  boot();
  for (std::uint64_t i = 0; i < 20; ++i) add(i).join();
  peers[0]->say(Shuffle{{}, 1, {{add(90).id(), in_group(9, 0), {}}}});
  RawPeer& first = add(100, in_group(3, 0));
  first.join();
  EXPECT_TRUE(is_neighbour(first));
  for (std::uint32_t n = 1; n < 5; ++n) {
    RawPeer& next = add(100 + n, in_group(3, n));
    next.hello();
    next.say(n % 2 == 0 ? Message(Join{}) : Message(Neighbor{Urgency::high}));
    EXPECT_FALSE(is_neighbour(next)) << n;
  }
  RawPeer& other = add(200, in_group(4, 0));
  other.join();
  EXPECT_TRUE(is_neighbour(other));
  world.run_for(31min);
  RawPeer& again = add(300, in_group(3, 9));
  again.join();
  EXPECT_TRUE(is_neighbour(again));
}

TEST(Anchors, AreNotForgottenByANodeThatLosesAllItsLinks) {
  World world;
  world.add_many(24);
  world.boot_all();
  world.run_for(15min);
  world[20].sync();
  const std::string before = world[20].store.value(Table::node, "anchors");
  ASSERT_FALSE(before.empty());
  for (std::size_t i = 0; i < 24; ++i) {
    if (i != 20) world[i].crash();
  }
  world.run_for(30min);
  EXPECT_EQ(world[20].store.value(Table::node, "anchors"), before);
}

TEST(AddressBook, IsFilledToHalfAtMostByThoseWhoDialIn) {
  World world;
  Config config;
  config.limits.address_book = 20;
  world.add(false, config);
  world[0].boot();
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (std::uint64_t i = 0; i < 60; ++i) {
    peers.push_back(std::make_unique<RawPeer>(world, 0, i));
    peers.back()->join();
  }
  std::size_t remembered = 0;
  world[0].store.each_value(Table::addresses, [&](std::string_view, std::string_view) { ++remembered; });
  EXPECT_EQ(remembered, 10u);
}

}  // namespace
}  // namespace np2p::swarm
