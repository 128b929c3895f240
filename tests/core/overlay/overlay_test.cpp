#include "core/overlay/overlay.h"

#include <gtest/gtest.h>

#include "tests/core/overlay/fake_world.h"

namespace np2p::fake {
namespace {

Frame payload(std::string_view text) {
  return Frame(bytes_of(text));
}

PubKey user(const Machine& machine) {
  return machine.config.owner;
}

void broadcast(World& world, std::size_t from, std::string_view text) {
  world.input(from, [&](Overlay& o) { o.broadcast(Channel::packets, payload(text), Priority::post); });
}

bool unicast(World& world, std::size_t from, std::size_t to, std::string_view text) {
  bool sent = false;
  world.input(
      from, [&](Overlay& o) { sent = o.unicast(user(world[to]), Channel::extension, payload(text), Priority::post); });
  return sent;
}

std::vector<std::string> texts(const Machine& machine) {
  std::vector<std::string> all;
  for (const Delivery& delivery : machine.inbox) all.emplace_back(text_of(delivery.payload.view()));
  return all;
}

class FullMesh : public ::testing::TestWithParam<std::size_t> {};

TEST_P(FullMesh, ConvergesAndEveryBroadcastArrivesOnce) {
  const std::size_t n = GetParam();
  World world;
  world.add_many(n);
  world.boot_all();
  world.run_for(20s);
  ASSERT_TRUE(world.complete());
  for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(world.degree(i), n - 1) << i;

  for (std::size_t i = 0; i < n; ++i) broadcast(world, i, "from " + std::to_string(i));
  world.run_for(1s);
  for (std::size_t i = 0; i < n; ++i) {
    auto got = texts(world[i]);
    std::sort(got.begin(), got.end());
    std::vector<std::string> expected;
    for (std::size_t j = 0; j < n; ++j)
      if (j != i) expected.push_back("from " + std::to_string(j));
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(got, expected) << i;
    EXPECT_EQ(world[i].said[static_cast<std::size_t>(Traffic::duplicate)], 0u);
    EXPECT_TRUE(world[i].rejections.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, FullMesh, ::testing::Values(2, 3, 8, 24));

TEST(Overlay, SourceIsTheLowHalfOfTheClaimedKey) {
  World world;
  world.add_many(2);
  world.boot_all();
  world.run_for(5s);
  ASSERT_TRUE(unicast(world, 1, 0, "hello"));
  world.run_for(1s);
  ASSERT_EQ(world[0].inbox.size(), 1u);
  const Delivery& delivery = world[0].inbox[0];
  EXPECT_EQ(mesh_name(delivery.source), mesh_name(user(world[1])));
  EXPECT_EQ(delivery.source.data[0], 0);
  EXPECT_EQ(delivery.channel, Channel::extension);
  EXPECT_EQ(delivery.cast, Delivery::Cast::unicast);
  EXPECT_TRUE(delivery.link);
}

// Two nodes behind NATs, one public node: star topology, everything goes over the middle.
struct Star : ::testing::Test {
  World world;
  void SetUp() override {
    const Address middle = Address::v4(0x05060708, 20000);
    NodeOptions options;
    options.listen = middle;
    world.add(options);
    for (std::uint32_t i = 1; i <= 2; ++i) {
      options.listen = Address::v4(0x0a000000 + i, 20000);
      options.seen_as = Address::v4(0x09090900 + i, 1);
      options.dialable = false;
      options.bootstrap = {middle};
      world.add(options);
    }
    world.boot_all();
    world.run_for(10s);
  }
};

TEST_F(Star, UnicastAndBroadcastGoOverThePublicNode) {
  ASSERT_TRUE(world.complete());
  EXPECT_EQ(world.degree(0), 2u);
  EXPECT_EQ(world.degree(1), 1u);
  ASSERT_TRUE(unicast(world, 1, 2, "over the middle"));
  broadcast(world, 2, "to all");
  world.run_for(1s);
  EXPECT_EQ(texts(world[2]), std::vector<std::string>{"over the middle"});
  EXPECT_EQ(texts(world[1]), std::vector<std::string>{"to all"});
  EXPECT_EQ(texts(world[0]), std::vector<std::string>{"to all"});
  EXPECT_EQ(world[0].said[static_cast<std::size_t>(Traffic::relay)], 1u);    // the unicast
  EXPECT_EQ(world[2].said[static_cast<std::size_t>(Traffic::control)], 1u);  // our own channel, over another
  EXPECT_EQ(mesh_name(world[2].inbox[0].source), mesh_name(user(world[1])));
}

TEST_F(Star, GuessedAddressesAreTriedAndGivenUpSlowly) {
  // Each NATed node hears of the other as an inbound connection and tries the other's host with its own port.
  const Address guess = Address::v4(0x09090902, 20000);
  const auto tries = [&] { return std::count(world[1].dialled.begin(), world[1].dialled.end(), guess); };
  EXPECT_GE(tries(), 1);
  world.run_for(1h);
  EXPECT_LE(tries(), 30);
  EXPECT_GE(tries(), 12);
}

TEST_F(Star, LeavingHealsTheTopology) {
  const std::uint64_t before = world[1].overlay->topology_version();
  world[2].power_off();
  world.run_for(5s);
  EXPECT_EQ(world[1].overlay->reachable_count(), 1u);
  EXPECT_FALSE(world[1].overlay->reaches(user(world[2])));
  EXPECT_FALSE(unicast(world, 1, 2, "gone"));
  EXPECT_GT(world[1].overlay->topology_version(), before);
  world[2].boot();
  world.run_for(10s);
  EXPECT_TRUE(world.complete());
  ASSERT_TRUE(unicast(world, 1, 2, "back"));
  world.run_for(1s);
  EXPECT_EQ(texts(world[2]), std::vector<std::string>{"back"});
}

TEST(Overlay, MeshHealsWhenANodeLeaves) {
  World world;
  world.add_many(8);
  world.boot_all();
  world.run_for(20s);
  world[0].power_off();
  world.run_for(10s);
  for (std::size_t i = 1; i < 8; ++i) EXPECT_EQ(world[i].overlay->reachable_count(), 6u);
  broadcast(world, 3, "without the first");
  world.run_for(1s);
  for (std::size_t i = 1; i < 8; ++i) EXPECT_EQ(texts(world[i]).size(), i == 3 ? 0u : 1u);
  world[0].boot();
  world.run_for(5min);
  EXPECT_TRUE(world.complete());
}

TEST(Overlay, BootstrapIsDialledForEver) {
  World world;
  world.add_many(2);
  world[1].boot();
  world.run_for(30min);
  const std::size_t tries = world[1].dialled.size();
  EXPECT_GE(tries, 12u);
  EXPECT_LE(tries, 24u);
  world[0].boot();
  world.run_for(10min);
  EXPECT_TRUE(world.complete());
}

TEST(Overlay, TheOneTooManyIsLockedOut) {
  World world;
  Limits limits;
  limits.mesh_connections = 8;  // the original: 64, and the 66th
  world.add_many(9, limits);
  world.boot_all();
  world.run_for(30s);
  for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(world.degree(i), 8u);
  world.add_many(1, limits);
  world[9].boot();
  world.run_for(10min);
  EXPECT_EQ(world.degree(9), 0u);
  EXPECT_EQ(world[9].overlay->reachable_count(), 0u);
  EXPECT_GE(world[9].dialled.size(), 5u);
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(world.degree(i), 8u);
    EXPECT_EQ(world[i].overlay->reachable_count(), 8u);
  }
  world[3].power_off();  // a place comes free
  world.run_for(10min);
  EXPECT_EQ(world.degree(9), 8u);
}

TEST(Overlay, ThirdPartiesAreDialledByTheRules) {
  const auto run = [](bool loopback, bool lan, Address listen) {
    World world;
    NodeOptions options;
    options.listen = Address::v4(0x05060708, 20000);
    options.dial_loopback = options.dial_private = true;
    world.add(options);
    for (const std::uint32_t host : {0x7f000002u, 0x0a000001u, 0x08080808u, 0xe0000001u}) {
      options.bootstrap = {world[0].options.listen};
      options.listen = Address::v4(host, 20000);
      world.add(options);
    }
    options.listen = listen;
    options.dial_loopback = loopback;
    options.dial_private = lan;
    Machine& last = world.add(options);
    world.boot_all();
    world.run_for(30s);
    std::vector<std::string> hosts;
    for (const Address& address : last.dialled) hosts.push_back(address.ip_text());
    std::sort(hosts.begin(), hosts.end());
    hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
    return hosts;
  };
  using Hosts = std::vector<std::string>;
  const Address open = Address::v4(0x09090909, 20000);
  EXPECT_EQ(run(false, false, open), (Hosts{"5.6.7.8", "8.8.8.8"}));
  EXPECT_EQ(run(true, false, open), (Hosts{"127.0.0.2", "5.6.7.8", "8.8.8.8"}));
  EXPECT_EQ(run(false, true, open), (Hosts{"10.0.0.1", "5.6.7.8", "8.8.8.8"}));
  EXPECT_EQ(run(false, false, Address::v4(0x0a000009, 20000)), (Hosts{"10.0.0.1", "5.6.7.8", "8.8.8.8"}));
}

TEST(Overlay, OurOwnAddressIsNotDialled) {
  World world;
  world.add_many(3);
  for (std::size_t i = 0; i < 3; ++i)
    world[i].config.bootstrap = {world[0].options.listen, world[1].options.listen, world[2].options.listen};
  world.boot_all();
  world.run_for(10min);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(std::count(world[i].dialled.begin(), world[i].dialled.end(), world[i].options.listen), 0);
    EXPECT_EQ(world.degree(i), 2u);
  }
}

// A second address of ours that only the features frame can tell.
TEST(Overlay, ConnectingToOurselvesIsNoticedAndNotTriedAgain) {
  World world;
  world.add_many(1);
  world[0].config.listen = Address::v4(0, 20000);
  world[0].config.bootstrap = {world[0].options.listen};
  world[0].config.dial_loopback = true;
  world[0].config.listen.port = 20001;
  world.boot_all();
  world.run_for(30min);
  EXPECT_EQ(world[0].dialled.size(), 1u);
  EXPECT_EQ(world.degree(0), 0u);
}

TEST(Overlay, CrossedDialsLeaveOneConnection) {
  World world;
  world.add_many(2);
  world[0].config.bootstrap = {world[1].options.listen};
  world.boot_all();
  world.run_for(20min);
  EXPECT_EQ(world.degree(0), 1u);
  EXPECT_EQ(world.degree(1), 1u);
  EXPECT_EQ(world[0].overlay->peers().size(), 1u);
  EXPECT_NE(world[0].overlay->peers()[0].outbound, world[1].overlay->peers()[0].outbound);
}

TEST(Overlay, SameSeedSameOutputs) {
  const auto run = [](std::uint64_t seed) {
    World world;
    world.add_many(12);
    for (auto& machine : world.machines) machine->config.seed += seed;
    world.boot_all();
    world.run_for(40s);
    broadcast(world, 5, "note");
    unicast(world, 3, 4, "note");
    world.run_for(40s);
    return world.digest;
  };
  EXPECT_EQ(run(0), run(0));
  EXPECT_NE(run(0), run(1));
}

}  // namespace
}  // namespace np2p::fake
