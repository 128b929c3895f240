// Links on healthy paths: times and bytes computed by hand.
#include "simnet/fabric.h"

#include <gtest/gtest.h>

#include <set>

#include "core/base/rng.h"
#include "tests/simnet/recorders.h"

namespace np2p::sim {
namespace {

constexpr SimTime kBase = 10 * kMillisecond;

TEST(Geometry, TheQuickRootIsTheRootWithinAThousandth) {
  Rng rng(5);
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t n = rng.next() >> rng.below(50) >> 14;
    const std::uint64_t exact = square_root(n);
    const std::uint64_t quick = quick_root(n);
    ASSERT_LE(quick, exact) << n;
    ASSERT_LE((exact - quick) * 1000, exact + 1000) << n;
  }
  EXPECT_EQ(square_root(99), 9u);
  EXPECT_EQ(distance_delay({0, 0}, {3, 4}), 5'000);
}

TEST(WireCost, IsWhatTcpAndTlsAddToAPayload) {
  EXPECT_EQ(frame_cost(100, kMeshLinks).bytes, 100u + 4 + 52);
  EXPECT_EQ(frame_cost(100, kMeshLinks).acks, 52u);
  EXPECT_EQ(frame_cost(100, kOverlayLinks).bytes, 100u + 4 + 22 + 52);
  EXPECT_EQ(frame_cost(1460 - 4, kMeshLinks).segments, 1u);
  EXPECT_EQ(frame_cost(1460 - 3, kMeshLinks).segments, 2u);
  EXPECT_EQ(frame_cost(1460 - 3, kMeshLinks).acks, 52u);
  EXPECT_EQ(frame_cost(5 * 1460, kMeshLinks).acks, 3u * 52);
  EXPECT_EQ(frame_cost(40'000, kOverlayLinks).bytes, 40'004u + 3 * 22 + 28 * 52);
}

TEST(Link, APlainOneIsUpAfterOneRoundTripAndTheOtherSideHalfAOneLater) {
  Town town;
  HostOptions far;
  far.position = {30'000, 40'000};  // 50 ms
  const NodeIndex a = town.add();
  const NodeIndex b = town.add(far);
  const LinkId link = town.dial(a, b);
  town.run(kSecond);
  const SimTime one_way = town.fabric.latency(a, b);
  EXPECT_NEAR(static_cast<double>(one_way), 60e6, 50e3);
  ASSERT_EQ(town.of(a).happenings.size(), 1u);
  ASSERT_EQ(town.of(b).happenings.size(), 1u);
  const Happening& up_a = town.of(a).happenings[0];
  const Happening& up_b = town.of(b).happenings[0];
  EXPECT_EQ(up_a.link, link);
  EXPECT_EQ(up_a.at, 2 * one_way);
  EXPECT_EQ(up_b.at, 3 * one_way);
  EXPECT_TRUE(up_a.info.outbound);
  EXPECT_FALSE(up_b.info.outbound);
  EXPECT_FALSE(up_a.info.proven);
  EXPECT_EQ(up_a.info.peer, town.of(b).node_id());
  EXPECT_EQ(up_b.info.remote.v4_host_order(), town.fabric.endpoint_of(a).ip);
}

TEST(Link, AnEncryptedOneCostsTwoRoundTripsMore) {
  Town town;
  HostOptions options;
  options.profile = &kOverlayLinks;
  const NodeIndex a = town.add(options);
  const NodeIndex b = town.add(options);
  town.dial(a, b);
  town.run(kSecond);
  EXPECT_EQ(town.of(a).happenings.at(0).at, 6 * kBase);
  EXPECT_EQ(town.of(b).happenings.at(0).at, 5 * kBase);
  EXPECT_TRUE(town.of(b).happenings[0].info.proven);
}

TEST(Link, AClosedPortRefusesAfterOneRoundTripNobodyAtAllAfterSevenSeconds) {
  Town town;
  const NodeIndex a = town.add();
  const NodeIndex b = town.add();
  Endpoint closed = town.fabric.endpoint_of(b);
  closed.port = 9;
  town.fabric.dial(a, Town::address(closed));
  town.fabric.dial(a, Address::v4(0x0808'0808, 53));
  town.run(10 * kSecond);
  ASSERT_EQ(town.of(a).happenings.size(), 2u);
  EXPECT_EQ(town.of(a).happenings[0].reason, CloseReason::refused);
  EXPECT_EQ(town.of(a).happenings[0].at, 2 * kBase);
  EXPECT_EQ(town.of(a).happenings[1].reason, CloseReason::timed_out);
  EXPECT_EQ(town.of(a).happenings[1].at, 7 * kSecond);
}

// Else everybody would be of one provider's network, which overlays take for one owner.
TEST(Link, PublicHostsLieInManyNetworksAndAreFoundThere) {
  Town town;
  std::set<std::uint32_t> addresses;
  std::set<std::uint32_t> networks;
  NodeIndex last = 0;
  for (int i = 0; i < 5000; ++i) {
    last = town.add();
    const std::uint32_t ip = town.fabric.endpoint_of(last).ip;
    addresses.insert(ip);
    networks.insert(ip >> 16);
    EXPECT_FALSE(Town::address({ip, 1}).is_private());
    EXPECT_FALSE(Town::address({ip, 1}).is_multicast());
  }
  EXPECT_EQ(addresses.size(), 5000u);
  EXPECT_EQ(networks.size(), 4096u);
  EXPECT_TRUE(town.connect(0, last));
  EXPECT_TRUE(town.connect(last, 1));
  Endpoint nobody = town.fabric.endpoint_of(last);
  ++nobody.ip;
  town.fabric.dial(0, Town::address(nobody));
  town.run(10 * kSecond);
  EXPECT_EQ(town.of(0).happenings.back().reason, CloseReason::timed_out);
}

TEST(Link, SimultaneousDialsGiveTwoLinks) {
  Town town;
  const NodeIndex a = town.add();
  const NodeIndex b = town.add();
  town.dial(a, b);
  town.dial(b, a);
  town.run(kSecond);
  EXPECT_EQ(town.of(a).all(Happening::up).size(), 2u);
  EXPECT_EQ(town.of(b).all(Happening::up).size(), 2u);
}

TEST(Frame, ArrivesAfterBothAccessLinksAndTheWayBetween) {
  Town town;
  HostOptions slow;
  slow.up_bits_per_s = 8'000'000;  // one byte per microsecond
  slow.down_bits_per_s = 16'000'000;
  const NodeIndex a = town.add(slow);
  const NodeIndex b = town.add(slow);
  ASSERT_TRUE(town.connect(a, b));
  const SimTime sent = town.fabric.now();
  town.say(a, std::string(944, 'x'));  // 944 + 4 + 52 = 1000 bytes on the wire
  town.run(kSecond);
  EXPECT_EQ(town.of(b).happenings.back().at - sent, 1000 * 1000 + kBase + 500 * 1000);
}

TEST(Frame, ManyAtOnceQueueOnTheUplinkAndKeepTheirOrder) {
  Town town;
  HostOptions slow;
  slow.up_bits_per_s = 8'000'000;
  const NodeIndex a = town.add(slow);
  const NodeIndex b = town.add();
  ASSERT_TRUE(town.connect(a, b));
  const SimTime sent = town.fabric.now();
  for (int i = 0; i < 100; ++i) town.say(a, std::string(940, 'x') + std::to_string(1000 + i));
  EXPECT_NEAR(static_cast<double>(town.fabric.queued_bytes(a, town.of(a).link())), 100'000.0, 6000.0);
  town.run(kSecond);
  const auto frames = town.of(b).all(Happening::frame);
  ASSERT_EQ(frames.size(), 100u);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(frames[i].text.substr(940), std::to_string(1000 + i));
    EXPECT_EQ(frames[i].at - sent, static_cast<SimTime>(i + 1) * 1'000'000 + kBase);
  }
  EXPECT_EQ(town.fabric.queued_bytes(a, town.of(a).link()), 0u);
  const auto writable = town.of(a).all(Happening::writable);
  ASSERT_EQ(writable.size(), 1u);  // told once that the queue has drained
  EXPECT_GT(writable[0].at, sent);
}

TEST(Frame, FromManySendersQueueOnTheDownlink) {
  Town town;
  HostOptions slow;
  slow.down_bits_per_s = 8'000'000;
  const NodeIndex sink = town.add(slow);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(town.connect(town.add(), sink));
  const SimTime sent = town.fabric.now();
  for (NodeIndex i = 1; i <= 10; ++i) town.say(i, std::string(944, 'x'));
  town.run(kSecond);
  const auto frames = town.of(sink).all(Happening::frame);
  ASSERT_EQ(frames.size(), 10u);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(frames[i].at - sent, kBase + static_cast<SimTime>(i + 1) * 1'000'000);
  }
}

TEST(Frame, JitterAndLossNeverReorderALink) {
  FabricOptions wild;
  wild.jitter = 50 * kMillisecond;
  wild.loss_ppm = 200'000;
  Town town(wild);
  const NodeIndex a = town.add();
  const NodeIndex b = town.add();
  while (!town.connect(a, b)) {
  }
  for (int i = 0; i < 500; ++i) {
    town.say(a, std::to_string(i));
    town.run(kMillisecond);
  }
  town.run(60 * kSecond);
  const auto frames = town.of(b).all(Happening::frame);
  ASSERT_EQ(frames.size(), 500u);
  for (std::size_t i = 0; i < 500; ++i) EXPECT_EQ(frames[i].text, std::to_string(i));
}

TEST(Frame, ALostSegmentCostsARetransmissionTimeout) {
  FabricOptions lossy = Town::exact();
  Town town(lossy);
  const NodeIndex a = town.add();
  const NodeIndex b = town.add();
  ASSERT_TRUE(town.connect(a, b));
  town.fabric.set_loss(100'000);
  int once = 0;
  int twice = 0;
  constexpr int kFrames = 2000;
  for (int i = 0; i < kFrames; ++i) {
    const SimTime sent = town.fabric.now();
    town.say(a, "x");
    town.run(10 * kSecond);
    const SimTime took = town.of(b).happenings.back().at - sent;
    if (took == kBase + 200 * kMillisecond) ++once;
    if (took == kBase + 600 * kMillisecond) ++twice;
  }
  EXPECT_NEAR(once, kFrames * 0.1 * 0.9, 50);
  EXPECT_NEAR(twice, kFrames * 0.01 * 0.9, 15);
}

TEST(Accounting, CountsWireBytesOnBothSidesAndAcknowledgementsOnTheReceivers) {
  Town town;
  const NodeIndex a = town.add();
  const NodeIndex b = town.add();
  ASSERT_TRUE(town.connect(a, b));
  const auto before_a = town.fabric.traffic_of(a);
  const auto before_b = town.fabric.traffic_of(b);
  town.say(a, std::string(3000, 'x'));  // 3 segments
  town.run(kSecond);
  const auto after_a = town.fabric.traffic_of(a);
  const auto after_b = town.fabric.traffic_of(b);
  const auto payload = static_cast<std::size_t>(Traffic::payload);
  const auto control = static_cast<std::size_t>(Traffic::control);
  EXPECT_EQ(after_a.out.bytes[payload] - before_a.out.bytes[payload], 3004u + 3 * 52);
  EXPECT_EQ(after_b.in.bytes[payload] - before_b.in.bytes[payload], 3004u + 3 * 52);
  EXPECT_EQ(after_b.out.bytes[control] - before_b.out.bytes[control], 2u * 52);
  EXPECT_EQ(after_a.in.bytes[control] - before_a.in.bytes[control], 2u * 52);
  EXPECT_EQ(after_a.out.messages[payload] - before_a.out.messages[payload], 1u);
}

}  // namespace
}  // namespace np2p::sim
