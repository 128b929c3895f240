// NAT boxes: the matrix of RFC 4787's words at the box, then through whole dials.
#include "simnet/nat.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/simnet/recorders.h"

namespace np2p::sim {
namespace {

constexpr NatRule kRules[] = {NatRule::endpoint_independent, NatRule::address_dependent,
                              NatRule::address_and_port_dependent};
constexpr Endpoint kServer{100, 80};
constexpr Endpoint kServerOtherPort{100, 81};
constexpr Endpoint kStranger{200, 80};

TEST(NatBox, MappingDecidesWhichRemotesSeeTheSamePort) {
  for (const NatRule mapping : kRules) {
    NatSpec spec;
    spec.mapping = mapping;
    NatBox box(spec, 1, 0);
    const auto first = box.outbound(0, 5000, kServer, 0)->outer_port;
    EXPECT_EQ(box.outbound(0, 5000, kServer, 0)->outer_port, first);
    const bool same_for_port = box.outbound(0, 5000, kServerOtherPort, 0)->outer_port == first;
    const bool same_for_address = box.outbound(0, 5000, kStranger, 0)->outer_port == first;
    EXPECT_EQ(same_for_port, mapping != NatRule::address_and_port_dependent);
    EXPECT_EQ(same_for_address, mapping == NatRule::endpoint_independent);
    EXPECT_NE(box.outbound(1, 5000, kServer, 0)->outer_port, first);  // another machine never shares it
  }
}

TEST(NatBox, FilteringDecidesWhoMayUseIt) {
  for (const NatRule filtering : kRules) {
    NatSpec spec;
    spec.filtering = filtering;
    NatBox box(spec, 1, 0);
    const auto port = box.outbound(3, 5000, kServer, 0)->outer_port;
    EXPECT_TRUE(box.inbound(kServer, port, 0).has_value());
    EXPECT_EQ(box.inbound(kServer, port, 0)->inner, 3);
    EXPECT_EQ(box.inbound(kServer, port, 0)->inner_port, 5000);
    EXPECT_EQ(box.inbound(kServerOtherPort, port, 0).has_value(), filtering != NatRule::address_and_port_dependent);
    EXPECT_EQ(box.inbound(kStranger, port, 0).has_value(), filtering == NatRule::endpoint_independent);
    EXPECT_FALSE(box.inbound(kServer, static_cast<std::uint16_t>(port + 1), 0).has_value());
  }
}

TEST(NatBox, PortsArePreservedCountedOrDrawn) {
  NatSpec spec;
  NatBox preserving(spec, 1, 0);
  EXPECT_EQ(preserving.outbound(0, 5000, kServer, 0)->outer_port, 5000);
  EXPECT_EQ(preserving.outbound(1, 5000, kServer, 0)->outer_port, 5001);  // taken: the next one
  spec.ports = PortAllocation::sequential;
  NatBox sequential(spec, 1, 0);
  EXPECT_EQ(sequential.outbound(0, 5000, kServer, 0)->outer_port, 1024);
  EXPECT_EQ(sequential.outbound(0, 5001, kServer, 0)->outer_port, 1025);
  spec.ports = PortAllocation::random;
  NatBox random(spec, 1, 0);
  std::set<std::uint16_t> ports;
  for (std::uint16_t i = 0; i < 50; ++i) ports.insert(random.outbound(0, i, kServer, 0)->outer_port);
  EXPECT_EQ(ports.size(), 50u);
  EXPECT_GT(*ports.rbegin() - *ports.begin(), 10'000);
}

TEST(NatBox, SessionsTimeOutUnlessALinkHoldsThem) {
  NatSpec spec;
  spec.mapping_timeout = 60s;
  NatBox box(spec, 1, 0);
  const auto mapped = *box.outbound(0, 5000, kServer, 0);
  EXPECT_TRUE(box.inbound(kServer, mapped.outer_port, 59 * kSecond).has_value());
  EXPECT_FALSE(box.inbound(kServer, mapped.outer_port, 61 * kSecond).has_value());
  const auto held = *box.outbound(0, 6000, kServer, 0);
  box.pin(held.session);
  EXPECT_TRUE(box.inbound(kServer, held.outer_port, 3600 * kSecond).has_value());
  box.release(held.session, 3600 * kSecond);
  EXPECT_FALSE(box.inbound(kServer, held.outer_port, 3661 * kSecond).has_value());
  EXPECT_EQ(box.live_sessions(3661 * kSecond), 0u);
}

// A host behind the box talks to a server from its listen port; then the server's neighbour (another address), and the
// server's machine itself, dial what the server saw.
struct Reach {
  bool same_host = false;
  bool stranger = false;
  bool before = false;
};
Reach reach(const NatSpec& spec) {
  Town town;
  const NodeIndex inside = town.add_behind(spec, true);
  HostOptions from_port;
  from_port.dial_from_listen_port = true;
  const NodeIndex server = town.add(from_port);
  const NodeIndex stranger = town.add(from_port);
  const auto dials = [&](NodeIndex who, const Address& where) {
    const std::size_t before = town.of(inside).all(Happening::up).size();
    town.fabric.dial(who, where);
    town.run(8 * kSecond);
    return town.of(inside).all(Happening::up).size() > before;
  };
  Reach result;
  result.before = dials(stranger, Town::address(town.fabric.public_endpoint_of(inside)));
  EXPECT_TRUE(town.connect(inside, server));
  const Address seen = town.of(server).all(Happening::up).back().info.remote;
  EXPECT_EQ(seen.v4_host_order(), town.fabric.public_endpoint_of(inside).ip);
  result.stranger = dials(stranger, seen);
  result.same_host = dials(server, seen);
  return result;
}

TEST(NatMatrix, WhoCanBeDialledByWhomAfterWhat) {
  for (const NatRule mapping : kRules) {
    for (const NatRule filtering : kRules) {
      NatSpec spec;
      spec.mapping = mapping;
      spec.filtering = filtering;
      const Reach result = reach(spec);
      EXPECT_FALSE(result.before);    // nobody unsolicited
      EXPECT_TRUE(result.same_host);  // the very endpoint that was talked to
      EXPECT_EQ(result.stranger, filtering == NatRule::endpoint_independent);
    }
  }
}

TEST(NatMatrix, AFilteredSynIsDroppedNotRefused) {
  Town town;
  const NodeIndex inside = town.add_behind(port_restricted());
  const NodeIndex outside = town.add();
  town.fabric.dial(outside, Town::address(town.fabric.public_endpoint_of(inside)));
  town.run(10 * kSecond);
  ASSERT_EQ(town.of(outside).happenings.size(), 1u);
  EXPECT_EQ(town.of(outside).happenings[0].reason, CloseReason::timed_out);
  EXPECT_TRUE(town.of(inside).happenings.empty());
}

TEST(Hairpin, TwoHostsBehindOneBoxMeetByItsOuterAddressOnlyIfItAllowsThat) {
  for (const bool hairpin : {true, false}) {
    NatSpec spec = full_cone();
    spec.hairpin = hairpin;
    Town town;
    HostOptions options;
    options.box = town.fabric.add_box(spec);
    options.dial_from_listen_port = true;
    const NodeIndex one = town.add(options);
    const NodeIndex two = town.add(options);
    const NodeIndex server = town.add();
    ASSERT_TRUE(town.connect(one, server));
    const Address seen = town.of(server).all(Happening::up).back().info.remote;
    town.fabric.dial(two, seen);
    town.run(8 * kSecond);
    EXPECT_EQ(town.of(one).all(Happening::up).size(), hairpin ? 2u : 1u);
    // Their private addresses always work: the packets never leave the house.
    EXPECT_TRUE(town.connect(two, one));
    EXPECT_EQ(town.of(one).all(Happening::up).back().info.remote.v4_host_order(), town.fabric.endpoint_of(two).ip);
  }
}

TEST(DoubleNat, ConnectsOutwardsAndIsSeenByTheCarriersAddress) {
  Town town;
  const BoxIndex carrier = town.fabric.add_box(symmetric());
  HostOptions home;
  home.box = town.fabric.add_box(full_cone(), carrier);
  const NodeIndex inside = town.add(home);
  home.box = town.fabric.add_box(full_cone(), carrier);
  const NodeIndex neighbour = town.add(home);
  const NodeIndex server = town.add();
  ASSERT_TRUE(town.connect(inside, server));
  ASSERT_TRUE(town.connect(neighbour, server));
  const auto ups = town.of(server).all(Happening::up);
  const std::uint32_t carrier_ip = town.fabric.public_endpoint_of(inside).ip;
  EXPECT_EQ(ups[0].info.remote.v4_host_order(), carrier_ip);
  EXPECT_EQ(ups[1].info.remote.v4_host_order(), carrier_ip);
  EXPECT_NE(ups[0].info.remote.port, ups[1].info.remote.port);
  town.say(server, "down to the neighbour");
  town.run(kSecond);
  EXPECT_EQ(town.of(neighbour).all(Happening::frame).size(), 1u);
  town.fabric.dial(server, ups[0].info.remote);  // a symmetric carrier lets nobody else in
  town.run(8 * kSecond);
  EXPECT_EQ(town.of(inside).all(Happening::up).size(), 1u);
}

}  // namespace
}  // namespace np2p::sim
