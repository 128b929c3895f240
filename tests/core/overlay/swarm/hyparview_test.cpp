// Membership, in small worlds of whole overlays: everybody finds a place, what dies is replaced, and nobody is led to
// dial where nobody should.
#include "core/overlay/swarm/hyparview.h"

#include <gtest/gtest.h>

#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

using test::Machine;
using test::RawPeer;
using test::World;

NodeId filled_id(std::uint8_t n) {
  NodeId id;
  id.data.fill(n);
  return id;
}

std::vector<std::size_t> living(World& world) {
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < world.size(); ++i) {
    if (world[i].runs()) all.push_back(i);
  }
  return all;
}

std::size_t reachable_count(World& world) {
  std::size_t count = 0;
  for (const std::size_t i : living(world)) count += world[i].swarm->reachable() ? 1u : 0u;
  return count;
}

// What must hold whenever things have calmed down.
void check_views(World& world) {
  for (const std::size_t i : living(world)) {
    const HyParView& views = world[i].swarm->membership();
    const SwarmParams& params = world[i].config.swarm;
    const bool reachable = world[i].swarm->reachable();
    EXPECT_LE(views.active_size(), reachable ? params.active_reachable : params.active) << i;
    EXPECT_LE(views.client_count(), reachable ? params.clients : 0) << i;
    EXPECT_LE(views.passive().size(), params.passive) << i;
    std::set<std::size_t> peers;
    for (const LinkId link : views.active_links()) {
      const auto far = world.far(i, link);
      ASSERT_TRUE(far.has_value()) << i;
      EXPECT_TRUE(peers.insert(far->first).second) << i << " has " << far->first << " twice";
      EXPECT_NE(far->first, i);
      EXPECT_TRUE(world[far->first].swarm->reachable()) << "a view of " << i << " holds one that nobody can dial";
      EXPECT_TRUE(world[far->first].swarm->membership().is_neighbour(far->second))
          << i << " counts " << far->first << " as neighbour, and not the other way round";
    }
    for (const auto& [link, end] : world[i].links) {
      if (!end.open) continue;
      EXPECT_TRUE(reachable || world[end.peer].swarm->reachable()) << i << " - " << end.peer;
      if (reachable || !views.is_neighbour(link)) continue;
      EXPECT_FALSE(world[end.peer].nat);
    }
  }
}

void expect_full(World& world) {
  const std::size_t others = reachable_count(world) - 1;
  for (const std::size_t i : living(world)) {
    const bool reachable = world[i].swarm->reachable();
    const SwarmParams& params = world[i].config.swarm;
    const std::size_t most =
        std::min(reachable ? params.active_reachable : params.active, others + (reachable ? 0 : 1));
    // Where all others are full, nobody gives up a place for one more; but nobody stays far below.
    EXPECT_GE(world[i].swarm->membership().active_size() * 2, most) << i;
  }
}

void expect_broadcasts_reach_everybody(World& world, const std::vector<std::size_t>& authors) {
  const std::vector<std::size_t> all = living(world);
  for (const std::size_t author : authors) {
    const std::string text = "post of " + std::to_string(author) + " at " + std::to_string(world.now.ns);
    world.broadcast(author, text);
    world.run_for(20s);
    for (const std::size_t i : all) {
      if (i == author) continue;
      const auto texts = world[i].inbox_texts();
      EXPECT_EQ(std::count(texts.begin(), texts.end(), text), 1) << "from " << author << " to " << i;
    }
  }
}

class Membership : public ::testing::TestWithParam<std::pair<std::size_t, std::size_t>> {};

TEST_P(Membership, EverybodyGetsAFullViewAndViewsAreSymmetric) {
  World world;
  world.add_many(GetParam().first, GetParam().second);
  world.boot_all();
  world.run_for(5min);
  for (std::size_t i = 0; i < world.size(); ++i) EXPECT_EQ(world[i].swarm->reachable(), !world[i].nat) << i;
  check_views(world);
  expect_full(world);
  expect_broadcasts_reach_everybody(world, {0, world.size() - 1});
  world.run_for(10min);
  check_views(world);
  for (std::size_t i = 0; i < world.size(); ++i) EXPECT_EQ(world[i].refusals(), 0) << i;
}

INSTANTIATE_TEST_SUITE_P(Sizes, Membership,
                         ::testing::Values(std::pair(2, 0), std::pair(3, 3), std::pair(20, 0), std::pair(40, 2),
                                           std::pair(60, 3)));

TEST(HyParView, AfterACrashOfHalfViewsRefillAndABroadcastReachesAllSurvivors) {
  World world;
  world.add_many(60, 2);
  world.boot_all();
  world.run_for(5min);
  Rng rng(5, "crash");
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < world.size(); ++i) order.push_back(i);
  rng.shuffle(order);
  for (std::size_t i = 0; i < world.size() / 2; ++i) world[order[i]].crash();
  world.run_for(2min);
  check_views(world);
  expect_full(world);
  const auto survivors = living(world);
  ASSERT_EQ(survivors.size(), 30u);
  expect_broadcasts_reach_everybody(world, {survivors.front(), survivors[15], survivors.back()});
}

// How often a node asked another to be its neighbour because it is nearer.
std::size_t nearer_wishes(Duration nearer_every) {
  World world;
  std::size_t wishes = 0;
  world.loses = [&](std::size_t, std::size_t, const Frame& frame) {
    const auto message = decode(frame.view(), Limits{});
    const Neighbor* wish = message.ok() ? std::get_if<Neighbor>(&*message) : nullptr;
    wishes += wish != nullptr && wish->urgency == Urgency::nearer ? 1u : 0u;
    return false;
  };
  Config config;
  config.swarm.active_reachable = 4;
  config.swarm.random_active = 1;
  config.swarm.nearer_every = nearer_every;
  for (std::size_t i = 0; i < 30; ++i) world.add(false, config);
  world.boot_all();
  world.run_for(10min);
  check_views(world);
  return wishes;
}

TEST(HyParView, WithoutProximityNobodyIsSwappedForANearerOne) {
  EXPECT_GT(nearer_wishes(15s), 30u);
  EXPECT_EQ(nearer_wishes(0s), 0u);
}

TEST(HyParView, TheFirstWhoListensAnywhereLearnsItsAddressFromThoseWhoComeIn) {
  World world;
  Config first;
  first.listen = Address::v4(0, 20'000);
  world.add(false, first);
  for (std::size_t i = 0; i < 3; ++i) world.add(true);
  world.boot_all();
  world.run_for(1min);
  EXPECT_TRUE(world[0].swarm->reachable());
  EXPECT_EQ(world[0].swarm->status().dialled_at, test::home(0));
  EXPECT_EQ(world[0].swarm->status().clients, 3u);
  expect_broadcasts_reach_everybody(world, {0, 3});
  for (std::size_t i = 1; i < 4; ++i) {
    const OverlayStatus status = world[i].swarm->status();
    EXPECT_TRUE(status.dialled_at.is_unspecified());
    EXPECT_EQ(status.active, 1u);
    EXPECT_EQ(status.relays, 1u);
    EXPECT_EQ(status.relay_addresses, std::vector<Address>{test::home(0)});
    EXPECT_TRUE(status.asked);
    EXPECT_EQ(status.trees, 0u);
    EXPECT_TRUE(status.published);
  }
}

TEST(HyParView, WhoComesBackFindsItsPlaceAgain) {
  World world;
  world.add_many(20, 4);
  world.boot_all();
  world.run_for(3min);
  for (int round = 0; round < 3; ++round) {
    world[5].crash();
    world[7].crash();  // behind a NAT
    world.run_for(1s);
    world[5].boot();
    world[7].boot();
    world.run_for(2min);
  }
  check_views(world);
  expect_full(world);
  expect_broadcasts_reach_everybody(world, {5, 7, 1});
}

TEST(HyParView, TheDoorDiesAndNewcomersComeInByTheAddressBook) {
  World world;
  world.add_many(16);
  world.add(false);  // joins, leaves, and comes back when the door is gone
  world.boot_all();
  world.run_for(3min);
  world[16].sync();
  world[16].crash();
  world[0].crash();
  world.run_for(1min);
  world[16].boot();
  world.run_for(2min);
  EXPECT_GE(world[16].swarm->membership().active_size(), 8u);
  EXPECT_TRUE(world[16].swarm->reachable());
  Config config;  // knows nobody but the one who found the way back
  config.bootstrap = {test::home(16)};
  world.add(false, config).boot();
  world.run_for(2min);
  EXPECT_GE(world[17].swarm->membership().active_size(), 8u);
  check_views(world);
  expect_broadcasts_reach_everybody(world, {17});
}

TEST(HyParView, EverybodyIsCutOffAndFindsTogetherAgain) {
  World world;
  world.add_many(12);
  world.boot_all();
  world.run_for(3min);
  for (std::size_t i = 1; i < 12; ++i) {
    for (auto& [link, end] : world[i].links) {
      if (!end.open) continue;
      end.open = false;
      world.input(i, [link = link](Swarm& s) { s.link_down(link, CloseReason::timed_out); });
    }
  }
  for (auto& [link, end] : world[0].links) {
    if (!end.open) continue;
    end.open = false;
    world.input(0, [link = link](Swarm& s) { s.link_down(link, CloseReason::timed_out); });
  }
  world.run_for(5min);
  check_views(world);
  expect_full(world);
}

// --- one node among raw peers

struct OneNode : ::testing::Test {
  World world;
  void boot(Config config = {}) {
    world.add(false, std::move(config));
    world[0].boot();
  }
  [[nodiscard]] const HyParView& views() { return world[0].swarm->membership(); }
};

TEST_F(OneNode, AddressesOfGossipThatNobodyShouldDialAreNot) {
  boot();
  std::vector<PeerRef> bad;
  std::uint8_t n = 1;
  for (const char* text :
       {"127.0.0.1:80", "[::1]:80", "10.1.2.3:80", "192.168.1.1:80", "172.16.0.1:80", "169.254.1.1:9", "[fe80::1]:9",
        "[fc00::1]:9", "224.0.0.1:80", "239.1.1.1:1", "[ff02::1]:80", "11.0.0.1:20000"}) {
    PeerRef ref;
    ref.id.data.fill(n++);
    ref.address = *Address::parse(text);
    bad.push_back(ref);
  }
  RawPeer peer(world, 0, 1);
  peer.join();
  for (const PeerRef& ref : bad) peer.say(ForwardJoin{ref, 0});
  peer.say(Shuffle{{}, 1, bad});
  peer.say(Shuffle{bad[0], 1, bad});
  peer.say(NeighborAnswer{false, bad});
  peer.say(FoundNodes{1, bad});
  for (std::size_t i = 0; i < bad.size(); ++i) {
    RawPeer liar(world, 0, 10 + i, false);
    Hello hello;
    hello.listens = bad[i].address;
    liar.say(hello);
    liar.say(Join{});
    liar.say(Neighbor{Urgency::low});
  }
  world.run_for(30min);
  for (const Address& address : world[0].dialled) {
    for (const PeerRef& ref : bad) EXPECT_NE(address, ref.address) << address.text();
  }
  Rng rng(1);
  for (const PeerRef& ref : views().passive().sample(100, rng)) EXPECT_EQ(ref.id, peer.id());
}

TEST_F(OneNode, ThoseAddressesAreDialledWhereTheyAreMeant) {
  Config config;
  config.dial_private = true;
  config.dial_loopback = true;
  boot(config);
  RawPeer peer(world, 0, 1);
  peer.join();
  PeerRef lan{filled_id(1), *Address::parse("192.168.1.1:80"), {}};
  PeerRef loop{filled_id(2), *Address::parse("127.0.0.1:80"), {}};
  peer.say(Shuffle{{}, 1, {lan, loop}});
  world.run_for(1min);
  const auto& dialled = world[0].dialled;
  EXPECT_GT(std::count(dialled.begin(), dialled.end(), lan.address), 0);
  EXPECT_GT(std::count(dialled.begin(), dialled.end(), loop.address), 0);
}

TEST_F(OneNode, OnlySamplesThatWereAskedForAreHeard) {
  boot();
  RawPeer peer(world, 0, 1);
  peer.join();
  const auto name = [](std::uint8_t n) { return PeerRef{filled_id(n), test::home(120u + n), {}}; };
  const auto knows = [&](std::uint8_t n) {
    return std::count(world[0].dialled.begin(), world[0].dialled.end(), name(n).address) > 0;
  };
  std::size_t asked = 0;
  for (int i = 0; i < 600 && asked == 0; ++i) {
    for (const Shuffle& question : peer.heard_of<Shuffle>()) asked += question.origin ? 0u : 1u;
    world.run_for(1s);
  }
  ASSERT_GT(asked, 0u);
  for (const Shuffle& question : peer.heard_of<Shuffle>()) asked += question.origin ? 0u : 1u;
  for (; asked > 0; --asked) peer.say(ShuffleReply{{name(1)}});
  EXPECT_EQ(world[0].rejections["sample not_found"], 0);
  peer.say(ShuffleReply{{name(2)}});
  EXPECT_EQ(world[0].rejections["sample not_found"], 1);
  world.run_for(1min);
  EXPECT_TRUE(knows(1));
  EXPECT_FALSE(knows(2));
}

// A finger is of use to whoever can dial it.
TEST_F(OneNode, WhoCannotBeDialledAnyMoreIsNoFinger) {
  boot();
  RawPeer peer(world, 0, 1);
  peer.hello();
  world.run_for(5s);
  peer.say(NeighborAnswer{false, {}});  // it is no neighbour either
  EXPECT_TRUE(peer.heard_of<Unused>().empty());
  peer.say(Hello{});
  const auto said = peer.heard_of<Unused>();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_FALSE(said[0].again);
}

TEST_F(OneNode, ViewsStayBoundedWhateverPeersSay) {
  Config config;
  config.limits.standing_links = 100;
  boot(config);
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (std::uint64_t i = 0; i < 90; ++i) {
    peers.push_back(std::make_unique<RawPeer>(world, 0, i, i % 3 != 0));
    peers.back()->join();
    EXPECT_LE(views().active_size(), world[0].config.swarm.active_reachable);
  }
  EXPECT_EQ(views().active_size(), world[0].config.swarm.active_reachable - 4);  // four are for whom it chooses itself
  EXPECT_EQ(views().client_count(), 30u);
  for (std::uint8_t burst = 0; burst < 20; ++burst) {
    Shuffle reply;
    for (std::uint8_t i = 0; i < 64; ++i) {
      PeerRef ref{filled_id(i), test::home(100 + i), {}};
      ref.id.data[0] = burst;
      reply.sample.push_back(ref);
    }
    peers[1]->say(reply);
  }
  EXPECT_LE(views().passive().size(), world[0].config.swarm.passive);
}

TEST_F(OneNode, AJoinerDisplacesOneWhoIsToldSo) {
  boot();
  std::vector<std::unique_ptr<RawPeer>> peers;
  const std::size_t most = world[0].config.swarm.active_reachable - 4;
  for (std::uint64_t i = 0; i <= most; ++i) {
    peers.push_back(std::make_unique<RawPeer>(world, 0, i));
    peers.back()->hello();
    peers.back()->say(Join{});
  }
  EXPECT_EQ(views().active_size(), most);
  EXPECT_TRUE(views().is_neighbour(peers.back()->link()));
  std::size_t told = 0;
  for (const auto& peer : peers) told += peer->heard_of<Disconnect>().size();
  EXPECT_EQ(told, 1u);
}

// Both asked; the one who asked us was taken and had to make room for a third before its own answer came.
TEST_F(OneNode, AnAnswerThatIsOlderThanTheDisconnectDoesNotBringANeighbourBack) {
  Config config;
  config.swarm.active_reachable = 1;
  boot(config);
  RawPeer asked(world, 0, 1);
  asked.hello();
  RawPeer other(world, 0, 2);
  other.hello();
  other.say(ForwardJoin{asked.ref(), 0});
  ASSERT_EQ(asked.heard_of<Neighbor>().size(), 1u);
  asked.say(Neighbor{Urgency::high});
  ASSERT_TRUE(views().is_neighbour(asked.link()));
  other.say(Neighbor{Urgency::high});
  ASSERT_TRUE(views().is_neighbour(other.link()));
  asked.say(NeighborAnswer{true, {}});
  EXPECT_FALSE(views().is_neighbour(asked.link()));
  EXPECT_TRUE(views().is_neighbour(other.link()));
}

TEST_F(OneNode, AWishThatIsNotUrgentIsRefusedByAFullViewWithOthersToTry) {
  boot();
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (std::uint64_t i = 0; i < world[0].config.swarm.active_reachable; ++i) {
    peers.push_back(std::make_unique<RawPeer>(world, 0, i));
    peers.back()->join();
  }
  RawPeer late(world, 0, 90);
  late.hello();
  late.say(Neighbor{Urgency::low});
  const auto answers = late.heard_of<NeighborAnswer>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_FALSE(answers[0].accepted);
  EXPECT_FALSE(answers[0].others.empty());
  EXPECT_FALSE(views().is_neighbour(late.link()));
}

TEST(HyParView, ANearerOneIsTakenInsteadOfTheFarthestUnlessToldNotTo) {
  for (const Duration nearer_every : {Duration(15s), Duration(0s)}) {
    World world;
    Config config;
    config.swarm.active_reachable = 2;
    config.swarm.random_active = 0;
    config.swarm.nearer_every = nearer_every;
    world.add(false, config).boot();
    std::vector<std::unique_ptr<RawPeer>> peers;
    for (std::uint64_t i = 0; i < 2; ++i) {
      peers.push_back(std::make_unique<RawPeer>(world, 0, i));
      peers.back()->join();
      Hello far;
      far.listens = peers.back()->address();
      far.at = {20'000, 20'000, 0, 0};
      peers.back()->say(far);
    }
    RawPeer near(world, 0, 7);
    near.hello();
    near.say(Neighbor{Urgency::nearer});
    const auto unknown = near.heard_of<NeighborAnswer>();
    ASSERT_EQ(unknown.size(), 1u);
    EXPECT_FALSE(unknown[0].accepted) << "who does not know its place is nearer than nobody";
    Hello here;
    here.listens = near.address();
    here.at = {0, 0, 0, 0};
    near.say(here);
    near.say(Neighbor{Urgency::nearer});
    const auto answers = near.heard_of<NeighborAnswer>();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].accepted, nearer_every > 0s);
  }
}

// Each of them in some direction, at so many units of 10 us.
Coordinates place(std::int16_t x) {
  return {x, 0, 1000, 0};
}

TEST_F(OneNode, WhoAsksAroundHearsMostlyOfThoseNearToIt) {
  boot();
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (std::uint64_t i = 0; i < 14; ++i) {
    peers.push_back(std::make_unique<RawPeer>(world, 0, i));
    peers.back()->join();
    Hello at;
    at.listens = peers.back()->address();
    at.at = place(static_cast<std::int16_t>(1000 * i));
    peers.back()->say(at);
  }
  RawPeer asker(world, 0, 90, false);
  asker.join();
  Hello at;
  at.at = place(13'400);
  asker.say(at);
  asker.heard();
  asker.say(Shuffle{});
  const auto answers = asker.heard_of<ShuffleReply>();
  ASSERT_EQ(answers.size(), 1u);
  for (const std::size_t near : {13u, 12u, 11u, 10u}) {
    const NodeId& id = peers[near]->id();
    EXPECT_TRUE(std::any_of(answers[0].sample.begin(), answers[0].sample.end(), [&](const PeerRef& ref) {
      return ref.id == id;
    })) << near;
  }
  EXPECT_LE(answers[0].sample.size(), world[0].config.swarm.shuffle_active + world[0].config.swarm.shuffle_passive);
}

// Of those in whose view it is: the rank of the nearest one among all servers, averaged over those behind NAT.
TEST(HyParView, NodesBehindNatFindTheServersNextToThem) {
  World world;
  world.add_many(90, 3);
  world.boot_all();
  world.run_for(10min);
  std::size_t leaves = 0;
  std::size_t nearer = 0;
  for (std::size_t i = 0; i < world.size(); ++i) {
    if (!world[i].nat) continue;
    Duration least = Duration::max();
    for (const LinkId link : world[i].swarm->membership().active_links()) {
      if (const auto far = world.far(i, link)) least = std::min(least, world.delay(i, far->first));
    }
    ++leaves;
    for (std::size_t j = 0; j < world.size(); ++j) {
      nearer += !world[j].nat && world.delay(i, j) < least ? 1u : 0u;
    }
  }
  ASSERT_EQ(leaves, 30u);
  EXPECT_LE(nearer, 2 * leaves);  // drawn at random, eight of 60 would leave six or seven nearer ones out
}

TEST_F(OneNode, ALostNeighbourIsReplacedAtOnce) {
  boot();
  RawPeer first(world, 0, 1);
  first.join();
  PeerRef other{filled_id(9), test::home(120), {}};
  first.say(Shuffle{{}, 1, {other}});
  const std::size_t before = world[0].dialled.size();
  RawPeer second(world, 0, 2);
  second.join();
  world.run_for(1min);
  second.say(Shuffle{{}, 1, {{filled_id(10), test::home(121), {}}}});
  second.hang_up();
  EXPECT_GT(world[0].dialled.size(), before);
  EXPECT_EQ(views().active_size(), 1u);
}

// Gossip must not turn a node against others: whoever floods it with names of joiners gets a bounded number of dials.
TEST_F(OneNode, AFloodOfForwardedJoinsDoesNotTakeUpAllLinks) {
  boot();
  RawPeer flooder(world, 0, 1);
  flooder.join();
  for (std::uint64_t i = 0; i < 3000; ++i) {
    PeerRef victim{filled_id(0), test::home(100 + i % 100), {}};
    victim.id.data[1] = static_cast<std::uint8_t>(i >> 8);
    victim.id.data[2] = static_cast<std::uint8_t>(i);
    flooder.say(ForwardJoin{victim, 0});
  }
  EXPECT_LE(world[0].dialled.size(), 64u);
  RawPeer honest(world, 0, 2);
  honest.join();
  EXPECT_TRUE(views().is_neighbour(honest.link()));
}

}  // namespace
}  // namespace np2p::swarm
