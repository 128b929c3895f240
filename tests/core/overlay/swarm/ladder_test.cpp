// What strangers can make a node do by meetings and tunnels: little, and nothing to third parties.
#include "core/overlay/swarm/ladder.h"

#include <gtest/gtest.h>

#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

using test::RawPeer;
using test::World;

constexpr NatClass kNat{Mapping::independent, Filtering::address};

// One server and neighbours for which the test speaks: `honest` can be dialled, so it may relay.
struct Meetings : ::testing::Test {
  World world;
  std::unique_ptr<RawPeer> relay;
  std::unique_ptr<RawPeer> other;
  void SetUp() override { boot({}); }
  void boot(Config config) {
    relay.reset();
    other.reset();
    world.empty();
    world.add(false, std::move(config));
    world[0].boot();
    relay = std::make_unique<RawPeer>(world, 0, 1);
    other = std::make_unique<RawPeer>(world, 0, 2);
    relay->join();
    other->join();
    world.run_for(1s);
  }
  static Meeting meeting(Meeting::Step step, std::uint64_t tunnel = 1) {
    Meeting made;
    made.step = step;
    made.tunnel = tunnel;
    made.nat = kNat;
    made.mapped = Address::v4(0x0D000001u, step == Meeting::Step::ask ? 0 : 5000);
    return made;
  }
  static Message direct(const Meeting& made) { return Direct{kMeetingChannel, encode_meeting(made)}; }
  // As a node far away would send it over the relay; `valid`: with the MAC that only it can make.
  Message routed(std::uint64_t number, std::uint64_t counter, const Meeting& made, bool valid = true) {
    const auto key = test::key_of(5000 + number);
    Routed message;
    message.via = world[0].id();
    message.to = world[0].id();
    message.from = key->id();
    message.from_via = relay->id();
    message.boot = 1;
    message.counter = counter;
    message.channel = kMeetingChannel;
    message.source = PubKey{key->id().data};
    message.payload = encode_meeting(made);
    const Frame bytes = encode(message);
    ByteVec covered(bytes_of(world[0].config.network_id).begin(), bytes_of(world[0].config.network_id).end());
    covered.insert(covered.end(), bytes.view().begin(), bytes.view().end());
    message.mac = key->pair_mac(world[0].id(), covered);
    if (!valid) message.mac[3] ^= 1;
    return message;
  }
  const Ladder& ladder() { return world[0].swarm->ladder(); }
  const Tunnels& tunnels() { return world[0].swarm->tunnels(); }
};

TEST_F(Meetings, AForgedRequestDoesNothing) {
  relay->say(routed(1, 1, meeting(Meeting::Step::ask), false));
  EXPECT_EQ(world[0].rejections["routed bad_signature"], 1);
  EXPECT_EQ(ladder().climbing(), 0u);
  EXPECT_TRUE(world[0].tunnels.empty());
  relay->say(routed(1, 2, meeting(Meeting::Step::ask)));
  EXPECT_EQ(ladder().climbing(), 1u);
  ASSERT_EQ(world[0].tunnels.size(), 1u);
  EXPECT_EQ(world[0].tunnels[0], test::key_of(5001)->id());
}

TEST_F(Meetings, WhatDoesNotParseAndUnknownChannelsAreCounted) {
  relay->say(Direct{kMeetingChannel, Frame(bytes_of("nonsense"))});
  EXPECT_EQ(world[0].rejections["meeting malformed"], 1);
  relay->say(Direct{200, Frame(bytes_of("nonsense"))});
  EXPECT_EQ(world[0].rejections["unicast unknown_type"], 1);
  for (const Meeting::Step step :
       {Meeting::Step::here, Meeting::Step::ready, Meeting::Step::start, Meeting::Step::sorry}) {
    relay->say(direct(meeting(step)));  // to what was never asked
  }
  EXPECT_EQ(ladder().climbing(), 0u);
  EXPECT_TRUE(world[0].punches.empty());
  EXPECT_TRUE(world[0].inbox.empty());
}

// Under how many names soever somebody asks: who comes another way has his turn.
TEST_F(Meetings, AFloodOfRequestsOverOneLinkLeavesRoomForOthers) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    relay->say(routed(i, 1, meeting(Meeting::Step::ask, i)));
    world.run_for(20ms);
  }
  EXPECT_GE(world[0].rejections["meeting rate_limited"], 80);
  EXPECT_LE(ladder().climbing(), world[0].config.limits.ladder_links / 3);
  const std::size_t before = ladder().climbing();
  const int refused = world[0].rejections["meeting rate_limited"];
  other->say(routed(5000, 1, meeting(Meeting::Step::ask)));
  EXPECT_EQ(ladder().climbing(), before + 1);
  EXPECT_EQ(world[0].rejections["meeting rate_limited"], refused);
}

// Climbs that are over in a moment, too: each of these makes us dial.
TEST_F(Meetings, AFloodOfRequestsOverOneLinkMakesUsDialNowAndThen) {
  const std::size_t before = world[0].dialled.size();
  for (std::uint64_t i = 0; i < 100; ++i) {
    Meeting asks = meeting(Meeting::Step::ask, i);
    asks.listens = test::home(300 + i);
    relay->say(routed(i, 1, asks));
    world.run_for(100ms);
  }
  EXPECT_GE(world[0].dialled.size(), before + 10);
  EXPECT_LE(world[0].dialled.size(), before + 10 + 11);
}

// And whichever way he comes, one who asks all the time is refused.
TEST_F(Meetings, OneNodeMayAskAFewTimesOnly) {
  for (std::uint64_t i = 1; i <= 12; ++i) {
    RawPeer& way = i % 2 == 0 ? *relay : *other;
    way.say(routed(1, i, meeting(Meeting::Step::ask, i)));
  }
  EXPECT_EQ(world[0].rejections["meeting rate_limited"], 8);
  relay->say(routed(2, 1, meeting(Meeting::Step::ask)));
  EXPECT_EQ(world[0].rejections["meeting rate_limited"], 8);
  world.run_for(6s);
  relay->say(routed(1, 20, meeting(Meeting::Step::ask)));
  EXPECT_EQ(world[0].rejections["meeting rate_limited"], 8);
}

TEST_F(Meetings, OurCountersAreTimes) {
  std::uint64_t last = 0;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    relay->heard();
    relay->say(routed(1, i, meeting(Meeting::Step::ask, i)));
    const auto answers = relay->heard_of<Routed>();
    ASSERT_FALSE(answers.empty());
    const std::uint64_t counter = answers.back().counter;
    EXPECT_EQ(counter >> 63, 1u);
    const auto ticks = static_cast<std::int64_t>(counter & ~(std::uint64_t{1} << 63));
    const std::int64_t sent = static_cast<std::int64_t>(answers.back().boot) + ticks * 50'000'000;
    EXPECT_LE(std::llabs(sent - world[0].wall().ns), 200'000'000);
    EXPECT_GT(counter, last);
    last = counter;
    world.run_for(10s);
  }
}

TEST_F(Meetings, AFloodOfRequestsIsBounded) {
  for (std::uint64_t i = 0; i < 300; ++i) {
    relay->say(routed(i, 1, meeting(Meeting::Step::ask, i)));
    world.run_for(100ms);
    EXPECT_LE(ladder().climbing(), world[0].config.limits.ladder_links);
    EXPECT_LE(tunnels().size(), world[0].config.limits.tunnels);
  }
  EXPECT_GT(world[0].rejections["meeting rate_limited"], 100);
  EXPECT_LE(world[0].swarm->peers().size(), 2u);
  world.run_for(2min);  // nobody ever answered: all of it is forgotten
  EXPECT_EQ(ladder().climbing(), 0u);
  EXPECT_EQ(tunnels().size(), 0u);
  EXPECT_EQ(world[0].ports_opened, world[0].ports_closed);
  relay->say(routed(1000, 1, meeting(Meeting::Step::ask)));
  EXPECT_EQ(ladder().climbing(), 1u) << "and others are served again";
}

// It is behind a NAT, whose mapping its neighbours help it to find.
struct Punches : Meetings {
  void SetUp() override {
    world.add(true);
    for (int i = 0; i < 3; ++i) world.add();
    for (auto& machine : world.machines) machine->config.bootstrap = {test::home(1)};
    world[0].has_ports = true;
    world.boot_all();
    world.run_for(1min);
    relay = std::make_unique<RawPeer>(world, 0, 1);
    relay->hello();
    ask();
  }
  void ask() {
    relay->say(routed(1, 1, meeting(Meeting::Step::ask)));
    world.run_for(3s);
  }
};

TEST_F(Punches, GoWhereTheOtherSaysToBeAndNowhereElse) {
  ASSERT_EQ(ladder().climbing(), 1u);
  Meeting elsewhere = meeting(Meeting::Step::start);
  elsewhere.mapped = Address::v4(0x0D000099u, 80);  // a victim
  relay->say(routed(1, 2, elsewhere));
  elsewhere.mapped = Address::v4(0x0A000099u, 80);  // and one at home
  relay->say(routed(1, 3, elsewhere));
  elsewhere.mapped = Address::v4(0x0D000001u, 0);
  relay->say(routed(1, 4, elsewhere));
  EXPECT_TRUE(world[0].punches.empty());
  EXPECT_EQ(world[0].rejections["meeting forbidden"], 3);
  relay->say(routed(1, 5, meeting(Meeting::Step::start)));
  ASSERT_EQ(world[0].punches.size(), 1u);
  EXPECT_EQ(world[0].punches[0].first, Address::v4(0x0D000001u, 5000));
  EXPECT_EQ(world[0].punches[0].second, test::key_of(5001)->id());
}

TEST_F(Punches, OfTheOtherThatAreHereBeforeItsWordAreKnownAsSuch) {
  world.run_for(3s);
  ASSERT_EQ(ladder().climbing(), 1u);
  ASSERT_GT(world[0].ports_opened, world[0].ports_closed);  // it has said where to punch to
  RawPeer early(world, 0, 4001, false);                     // that is key 5001, of the one who asked
  early.hello();
  world.run_for(1s);
  std::vector<Path> paths;
  for (const auto& peer : world[0].swarm->peers()) {
    if (peer.link == early.link()) paths.push_back(peer.path);
  }
  EXPECT_EQ(paths, std::vector<Path>{Path::punched});
  EXPECT_EQ(ladder().climbing(), 0u);
}

TEST_F(Punches, AreThreeHoweverOftenTheOtherSaysStart) {
  for (std::uint64_t i = 0; i < 20; ++i) relay->say(routed(1, 10 + i, meeting(Meeting::Step::start)));
  EXPECT_EQ(world[0].punches.size(), 3u);
  world.run_for(2min);
  EXPECT_EQ(ladder().climbing(), 0u);
  EXPECT_EQ(world[0].ports_opened, world[0].ports_closed);
}

// Two behind NATs, one of which has not been told yet where it is seen when they begin to climb.
struct LatePlace : ::testing::TestWithParam<std::size_t> {
  static constexpr std::size_t kLeader = 4;
  static constexpr std::size_t kOther = 5;
  void SetUp() override {
    for (std::size_t i = 0; i < 6; ++i) world.add(i >= kLeader);
    world.loses = [&](std::size_t, std::size_t to, const Frame& frame) {
      const auto message = decode(frame.view(), Limits{});
      return !told && to == GetParam() && message.ok() && std::holds_alternative<HelloEcho>(*message);
    };
    for (const std::size_t i : {kLeader, kOther}) world[i].has_ports = true;
    world.boot_all();
    world.run_for(1min);
    const std::string large(5000, '.');
    world.unicast(kLeader, test::user_of(kOther), large);  // finds out where that is
    world.run_for(5s);
    EXPECT_TRUE(world.unicast(kLeader, test::user_of(kOther), large));
    world.run_for(10s);
  }
  void tell() {
    told = true;
    world.run_for(20s);  // a round trip is measured, and the answer says it
  }
  World world;
  bool told = false;
};

TEST_P(LatePlace, IsWaitedForBeforeThePunch) {
  ASSERT_EQ(world[kLeader].swarm->ladder().climbing(), 1u);
  ASSERT_EQ(world[kOther].swarm->ladder().climbing(), 1u);
  EXPECT_TRUE(world[kLeader].punches.empty());
  EXPECT_TRUE(world[kOther].punches.empty());
  tell();
  for (const auto& [from, to] : {std::pair(kLeader, kOther), std::pair(kOther, kLeader)}) {
    ASSERT_FALSE(world[from].punches.empty()) << from;
    EXPECT_EQ(world[from].punches[0].first.ip, world[to].seen_as().ip);
    EXPECT_EQ(world[from].punches[0].second, world[to].id());
  }
}

// Through two NATs that let everything in, one SYN may be there before the other is sent: that link is coming up, and
// another try would end it.
TEST_P(LatePlace, NoFurtherPunchEndsALinkWhoseSynCrossedTheFirst) {
  tell();
  const auto& punches = world[kLeader].punches;
  ASSERT_EQ(punches.size(), 1u);
  const auto ends = [&](CloseReason reason) {
    const LinkId link = world[kLeader].last_punch;
    world.input(kLeader, [&](Swarm& swarm) { swarm.link_down(link, reason); });
  };
  ends(CloseReason::duplicate_link);
  world.run_for(2500ms);
  EXPECT_EQ(punches.size(), 1u);
  world.run_for(1s);
  EXPECT_EQ(punches.size(), 2u) << "it did not come up";
  ends(CloseReason::refused);
  EXPECT_EQ(punches.size(), 3u);
}

INSTANTIATE_TEST_SUITE_P(WhoseItIs, LatePlace, ::testing::Values(4u, 5u));

TEST_F(Meetings, ARecordOfNoTunnelOfOursIsAnsweredWithItsEnd) {
  relay->heard();
  Carry record;
  record.via = world[0].id();
  record.to = world[0].id();
  record.from = other->id();
  record.from_via = relay->id();
  record.tunnel = 77;
  record.record = Frame(ByteVec(500, 1));
  relay->say(record);
  const auto ends = relay->heard_of<CarryEnd>();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].tunnel, 77u);
  EXPECT_EQ(ends[0].to, other->id());
  EXPECT_EQ(ends[0].via, relay->id());
  EXPECT_TRUE(world[0].records.empty());
}

TEST_F(Meetings, RecordsReachTheirTunnelAndNoOther) {
  relay->say(routed(1, 1, meeting(Meeting::Step::ask, 42)));
  Carry record;
  record.via = world[0].id();
  record.to = world[0].id();
  record.from = test::key_of(5001)->id();
  record.from_via = relay->id();
  record.tunnel = 42;
  record.record = Frame(bytes_of("hello of TLS"));
  relay->say(record);
  ASSERT_EQ(world[0].records.size(), 1u);
  EXPECT_EQ(text_of(world[0].records[0].second.view()), "hello of TLS");
  record.tunnel = 43;
  relay->say(record);
  record.tunnel = 42;
  record.from = test::key_of(5002)->id();
  relay->say(record);
  EXPECT_EQ(world[0].records.size(), 1u);
  // The end of another one's tunnel ends nothing; its own does.
  relay->say(CarryEnd{world[0].id(), world[0].id(), test::key_of(5002)->id(), 42, 0});
  EXPECT_EQ(tunnels().size(), 1u);
  relay->say(CarryEnd{world[0].id(), world[0].id(), test::key_of(5001)->id(), 42, 0});
  EXPECT_EQ(tunnels().size(), 0u);
}

TEST_F(Meetings, WhatIsCarriedForOthersIsCountedLimitedAndEnded) {
  Config config;
  config.limits.relay_slots_per_client = 2;
  boot(config);
  RawPeer client(world, 0, 3, false);
  client.hello();
  client.say(Neighbor{Urgency::high});
  relay->heard();
  client.heard();
  for (std::uint64_t i = 0; i < 5; ++i) {
    Carry record;
    record.via = relay->id();
    record.to = relay->id();
    record.from = client.id();
    record.from_via = world[0].id();
    record.tunnel = i;
    record.record = Frame(ByteVec(100, 1));
    client.say(record);
  }
  const auto carried = relay->heard_of<Carry>();
  ASSERT_EQ(carried.size(), 2u);
  EXPECT_EQ(carried[0].hops, 1);
  EXPECT_EQ(client.heard_of<CarryEnd>().size(), 3u);
  EXPECT_EQ(tunnels().carried_for_others(), 2u);
  EXPECT_EQ(world[0].rejections["carry full"], 3);
  EXPECT_GE(world[0].said[static_cast<std::size_t>(Traffic::relay)], 5u);
  Carry forged;
  forged.via = relay->id();
  forged.to = relay->id();
  forged.from = other->id();
  forged.tunnel = 1;
  forged.record = Frame(ByteVec(100, 1));
  client.say(forged);
  EXPECT_EQ(world[0].rejections["carry forbidden"], 1);
  EXPECT_TRUE(relay->heard_of<Carry>().empty());
}

}  // namespace
}  // namespace np2p::swarm
