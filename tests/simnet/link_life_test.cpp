// How links die, and what idle ones cost.
#include <gtest/gtest.h>

#include <map>

#include "tests/simnet/recorders.h"

namespace np2p::sim {
namespace {

constexpr SimTime kBase = 10 * kMillisecond;

struct Pair : Town {
  explicit Pair(const LinkProfile& profile = kMeshLinks) {
    HostOptions options;
    options.profile = &profile;
    a = add(options);
    b = add(options);
    EXPECT_TRUE(connect(a, b));
    start = fabric.now();
  }
  [[nodiscard]] SimTime since(SimTime at) const { return at - start; }
  const Happening& last(NodeIndex who) { return of(who).happenings.back(); }
  NodeIndex a = 0;
  NodeIndex b = 0;
  SimTime start = 0;
};

TEST(Death, ACrashResetsThePeerAfterOneWay) {
  Pair pair;
  pair.fabric.end_process(pair.b);
  pair.run(kSecond);
  EXPECT_EQ(pair.last(pair.a).kind, Happening::down);
  EXPECT_EQ(pair.last(pair.a).reason, CloseReason::reset);
  EXPECT_EQ(pair.since(pair.last(pair.a).at), kBase);
}

TEST(Death, ACloseIsAnOrderlyEndForThePeerAfterAllThatWasSent) {
  Pair pair;
  pair.say(pair.a, "last words");
  pair.fabric.close(pair.a, pair.of(pair.a).link(), CloseReason::local);
  pair.run(kSecond);
  const auto& seen = pair.of(pair.b).happenings;
  ASSERT_GE(seen.size(), 3u);
  EXPECT_EQ(seen[seen.size() - 2].text, "last words");
  EXPECT_EQ(seen.back().reason, CloseReason::peer_closed);
  EXPECT_TRUE(pair.of(pair.a).all(Happening::down).empty());  // who closes knows
}

TEST(Death, PowerLossIsNoticedWhenAHeartbeatStaysUnanswered) {
  Pair pair;
  pair.fabric.power_off(pair.b);
  pair.run(20 * kSecond);
  EXPECT_TRUE(pair.of(pair.a).all(Happening::down).empty());
  pair.run(60 * kSecond);
  EXPECT_EQ(pair.last(pair.a).reason, CloseReason::timed_out);
  // The link came up 8 s before; its next heartbeat is 30 s after that, and waits 5 s for an acknowledgement.
  EXPECT_NEAR(static_cast<double>(pair.since(pair.last(pair.a).at)), 27e9, 0.1e9);
}

TEST(Death, PowerLossIsNoticedSoonerIfSomethingIsSent) {
  Pair pair;
  pair.fabric.power_off(pair.b);
  pair.run(2 * kSecond);
  pair.say(pair.a, "anybody?");
  pair.run(60 * kSecond);
  EXPECT_EQ(pair.since(pair.last(pair.a).at), 7 * kSecond);
}

TEST(Death, EncryptedLinksPingAfterSilenceAndWaitFiveSeconds) {
  Pair pair(kOverlayLinks);
  pair.run(50 * kSecond);
  pair.say(pair.a, "still here");  // silence counts from here
  pair.run(kSecond);
  pair.fabric.power_off(pair.b);
  pair.run(119 * kSecond);
  EXPECT_TRUE(pair.of(pair.a).all(Happening::down).empty());
  pair.run(10 * kSecond);
  EXPECT_EQ(pair.last(pair.a).reason, CloseReason::timed_out);
  EXPECT_NEAR(static_cast<double>(pair.since(pair.last(pair.a).at)), 175e9, 0.1e9);
}

TEST(Death, AMachineThatCameBackAnswersOldLinksWithAReset) {
  Pair pair;
  pair.fabric.power_off(pair.b);
  pair.run(kSecond);
  pair.fabric.boot(pair.b, pair.of(pair.b));
  pair.say(pair.a, "do you know me?");
  pair.run(kSecond);
  EXPECT_EQ(pair.last(pair.a).reason, CloseReason::reset);
  EXPECT_EQ(pair.since(pair.last(pair.a).at), kSecond + 2 * kBase);
}

TEST(Partition, AShortOneDelaysALongOneBreaks) {
  Pair pair;
  pair.fabric.cut({pair.a}, {pair.b});
  pair.fabric.cut({pair.b}, {pair.a});
  pair.say(pair.a, "through the storm");
  pair.run(2 * kSecond);
  pair.fabric.heal();
  pair.run(3 * kSecond);
  EXPECT_EQ(pair.last(pair.b).text, "through the storm");
  // Retransmitted 0.2, 0.6, 1.4 and 3.0 s after it was sent; the last finds the way open.
  EXPECT_EQ(pair.since(pair.last(pair.b).at), 3 * kSecond + kBase);
  EXPECT_TRUE(pair.of(pair.a).all(Happening::down).empty());

  pair.fabric.cut({pair.a}, {pair.b});
  pair.fabric.cut({pair.b}, {pair.a});
  pair.say(pair.a, "lost");
  const SimTime cut = pair.fabric.now();
  pair.run(60 * kSecond);
  EXPECT_EQ(pair.last(pair.a).reason, CloseReason::timed_out);
  EXPECT_EQ(pair.last(pair.a).at - cut, 5 * kSecond);
  EXPECT_EQ(pair.last(pair.b).reason, CloseReason::timed_out);
  pair.fabric.heal();
  EXPECT_TRUE(pair.connect(pair.a, pair.b));
}

TEST(Partition, OneWayFramesStillArriveTheOtherWayButBothGiveUp) {
  Pair pair;
  pair.fabric.cut({pair.a}, {pair.b});
  pair.say(pair.a, "cannot arrive");
  pair.say(pair.b, "arrives");
  pair.run(kSecond);
  EXPECT_EQ(pair.last(pair.a).text, "arrives");
  EXPECT_TRUE(pair.of(pair.b).all(Happening::frame).empty());
  pair.run(60 * kSecond);
  EXPECT_EQ(pair.last(pair.a).kind, Happening::down);
  EXPECT_EQ(pair.last(pair.b).kind, Happening::down);
}

TEST(Partition, NobodyCanDialAcrossIt) {
  Town town;
  const NodeIndex a = town.add();
  const NodeIndex b = town.add();
  const NodeIndex c = town.add();
  town.fabric.cut({a}, {b});
  EXPECT_FALSE(town.connect(a, b));
  EXPECT_FALSE(town.connect(b, a));
  EXPECT_TRUE(town.connect(a, c));
}

TEST(Cable, UnpluggedBrieflyTheLinkLivesWithANewAddressItDies) {
  Pair pair;
  pair.fabric.unplug(pair.a);
  pair.run(2 * kSecond);
  pair.fabric.plug(pair.a, false);
  pair.say(pair.b, "welcome back");
  pair.run(kSecond);
  EXPECT_EQ(pair.last(pair.a).text, "welcome back");
  const Endpoint old = pair.fabric.endpoint_of(pair.a);
  pair.fabric.unplug(pair.a);
  pair.fabric.plug(pair.a, true);
  EXPECT_NE(pair.fabric.endpoint_of(pair.a).ip, old.ip);
  pair.run(60 * kSecond);
  EXPECT_EQ(pair.last(pair.a).reason, CloseReason::timed_out);
  EXPECT_EQ(pair.last(pair.b).reason, CloseReason::timed_out);
  EXPECT_TRUE(pair.connect(pair.b, pair.a));
}

struct Home : Town {
  explicit Home(const NatSpec& spec) {
    inside = add_behind(spec);
    outside = add();
    EXPECT_TRUE(connect(inside, outside));
    start = fabric.now();
  }
  NodeIndex inside = 0;
  NodeIndex outside = 0;
  SimTime start = 0;
};

TEST(Nat, AMappingThatKeepaliveRefreshesLivesForever) {
  NatSpec spec;
  spec.mapping_timeout = 45s;
  Home home(spec);
  home.run(3600 * kSecond);
  home.say(home.outside, "hello in there");
  home.run(kSecond);
  EXPECT_EQ(home.of(home.inside).happenings.back().text, "hello in there");
}

TEST(Nat, AMappingForgottenBetweenHeartbeatsBreaksTheLink) {
  NatSpec spec;
  spec.mapping_timeout = 20s;
  Home home(spec);
  for (int i = 0; i < 10; ++i) {  // talk keeps it open
    home.say(home.outside, "knock");
    home.run(15 * kSecond);
  }
  ASSERT_EQ(home.of(home.inside).all(Happening::frame).size(), 10u);
  home.run(90 * kSecond);
  EXPECT_EQ(home.of(home.inside).happenings.back().reason, CloseReason::reset);  // a new mapping, a stranger there
  EXPECT_EQ(home.of(home.outside).happenings.back().reason, CloseReason::timed_out);
}

TEST(Nat, RebindingLosesEveryLinkAndTheAddress) {
  Home home(full_cone());
  const Endpoint old = home.fabric.public_endpoint_of(home.inside);
  home.fabric.rebind(home.fabric.outermost_box(home.inside));
  EXPECT_NE(home.fabric.public_endpoint_of(home.inside).ip, old.ip);
  home.say(home.inside, "who am I?");
  home.say(home.outside, "into the void");
  home.run(60 * kSecond);
  EXPECT_TRUE(home.of(home.inside).all(Happening::frame).empty());
  EXPECT_EQ(home.of(home.inside).happenings.back().reason, CloseReason::reset);
  EXPECT_LT(home.of(home.inside).happenings.back().at - home.start, kSecond);
  EXPECT_EQ(home.of(home.outside).happenings.back().reason, CloseReason::timed_out);
  EXPECT_TRUE(home.connect(home.inside, home.outside));
}

// The same counted one by one: a heartbeat every 30 s since the link came up.
TEST(Keepalive, HeartbeatsByArithmeticAreHeartbeatsCounted) {
  Town town;
  std::vector<NodeIndex> hosts;
  for (int i = 0; i < 5; ++i) hosts.push_back(town.add());
  for (NodeIndex i = 0; i < 5; ++i) {
    for (NodeIndex j = 0; j < i; ++j) {
      ASSERT_TRUE(town.connect(i, j));
      town.run(1'234 * kMillisecond);
    }
  }
  std::map<NodeIndex, TrafficCounts> before;
  for (const NodeIndex host : hosts) before[host] = town.fabric.traffic_of(host);
  const SimTime from = town.fabric.now();
  const std::uint64_t events = town.fabric.events();
  for (int i = 0; i < 50; ++i) town.run(73 * kSecond);  // looked at or not in between, it is the same
  const SimTime until = town.fabric.now();
  EXPECT_LE(town.fabric.events() - events, 10u);  // leftovers of dialling; nothing for an hour of heartbeats
  for (const NodeIndex host : hosts) {
    std::uint64_t beats = 0;
    for (const Happening& up : town.of(host).all(Happening::up)) {
      for (SimTime beat = up.at + 30 * kSecond; beat <= until; beat += 30 * kSecond) beats += beat > from ? 1 : 0;
    }
    const TrafficCounts after = town.fabric.traffic_of(host);
    const std::uint64_t each = 1 + 4 + 52 + 52;  // a beat, and the acknowledgement of the peer's
    EXPECT_EQ(after.out.total_messages() - before[host].out.total_messages(), beats);
    EXPECT_EQ(after.out.total_bytes() - before[host].out.total_bytes(), beats * each);
    EXPECT_EQ(after.in.total_bytes() - before[host].in.total_bytes(), beats * each);
  }
}

TEST(Keepalive, AfterSilenceOnlyAndNotWhileThereIsTraffic) {
  Pair pair(kOverlayLinks);
  const auto messages = [&] { return pair.fabric.traffic_of(pair.a).out.total_messages(); };
  const std::uint64_t before = messages();
  for (int i = 0; i < 20; ++i) {
    pair.say(pair.a, "x");
    pair.run(100 * kSecond);  // never 120 s of silence
  }
  EXPECT_EQ(messages() - before, 20u);
  pair.run(500 * kSecond);  // 100 + 500 s of silence: five pings
  EXPECT_EQ(messages() - before, 25u);
}

// --- readers that are too slow

struct Narrow : Town {
  explicit Narrow(std::size_t queued_bytes) : Town(options_with(queued_bytes)) {
    HostOptions options;
    options.up_bits_per_s = 80'000;  // 10 kB/s
    a = add(options);
    b = add();
    EXPECT_TRUE(connect(a, b));
  }
  static FabricOptions options_with(std::size_t queued_bytes) {
    FabricOptions options = exact();
    options.queued_bytes = queued_bytes;
    return options;
  }
  NodeIndex a = 0;
  NodeIndex b = 0;
};

TEST(SlowReader, IsClosedOnceMoreWaitsThanTheLimitAndNotBefore) {
  Narrow town(100'000);
  for (int i = 0; i < 9; ++i) town.say(town.a, std::string(10'000, 'x'));
  EXPECT_GT(town.fabric.queued_bytes(town.a, town.of(town.a).link()), 80'000u);
  town.run(kSecond);
  EXPECT_TRUE(town.of(town.a).all(Happening::down).empty());
  town.run(20 * kSecond);
  EXPECT_EQ(town.of(town.b).all(Happening::frame).size(), 9u);
  const SimTime before = town.fabric.now();
  for (int i = 0; i < 30; ++i) town.say(town.a, std::string(10'000, 'x'));
  EXPECT_TRUE(town.of(town.a).all(Happening::down).empty());  // never inside the call
  town.run(kMillisecond);
  const auto downs = town.of(town.a).all(Happening::down);
  ASSERT_EQ(downs.size(), 1u);
  EXPECT_EQ(downs[0].reason, CloseReason::timed_out);
  EXPECT_EQ(downs[0].at, before);
  town.run(60 * kSecond);
  const auto other_downs = town.of(town.b).all(Happening::down);
  ASSERT_EQ(other_downs.size(), 1u);
  EXPECT_EQ(other_downs[0].reason, CloseReason::reset);
  EXPECT_EQ(town.fabric.queued_bytes(town.a, downs[0].link), 0u);
}

TEST(SlowReader, IsClosedOverADeadPathToo) {
  Narrow town(100'000);
  town.fabric.cut({town.a}, {town.b});
  for (int i = 0; i < 10; ++i) town.say(town.a, std::string(10'000, 'x'));
  town.run(kMillisecond);
  EXPECT_TRUE(town.of(town.a).all(Happening::down).empty());
  town.say(town.a, "one too many");
  town.run(kMillisecond);
  ASSERT_EQ(town.of(town.a).all(Happening::down).size(), 1u);
  EXPECT_EQ(town.of(town.a).all(Happening::down)[0].reason, CloseReason::timed_out);
}

}  // namespace
}  // namespace np2p::sim
