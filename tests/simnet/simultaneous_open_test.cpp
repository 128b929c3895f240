// TCP through NATs at the level of packets: ports that are opened, SYNs that cross or are filtered, who is who then.
#include <gtest/gtest.h>

#include "tests/simnet/recorders.h"

namespace np2p::sim {
namespace {

// Two machines behind boxes of their own and two helpers that see where they come from.
struct Pair : Town {
  Pair(const NatSpec& a_nat, const NatSpec& b_nat) {
    HostOptions options;
    options.profile = &kOverlayLinks;
    helpers[0] = add(options);
    helpers[1] = add(options);
    options.box = fabric.add_box(a_nat);
    ends[0] = add(options);
    options.box = fabric.add_box(b_nat);
    ends[1] = add(options);
    for (std::size_t i = 0; i < 2; ++i) {
      ports[i] = fabric.open_port(ends[i]);
      fabric.dial_from(ends[i], ports[i], address(fabric.endpoint_of(helpers[0])));
      run(kSecond);
      mapped[i] = of(helpers[0]).all(Happening::up).back().info.remote;
    }
    for (const NodeIndex end : ends) of(end).happenings.clear();
  }
  // Both sides punch; `skew`: the second one later.
  void punch(SimTime skew = 0, SimTime wait = 20 * kSecond) {
    const SimTime at = fabric.now() + kSecond;
    fabric.punch(ends[0], ports[0], mapped[1], of(ends[1]).node_id(), at);
    fabric.punch(ends[1], ports[1], mapped[0], of(ends[0]).node_id(), at + skew);
    run(wait);
  }
  // Exactly one link is up on both sides, it is the same one, and the smaller id is the client.
  [[nodiscard]] bool met() {
    const auto a = of(ends[0]).all(Happening::up);
    const auto b = of(ends[1]).all(Happening::up);
    if (a.empty() && b.empty()) return false;
    EXPECT_EQ(a.size(), 1u);
    EXPECT_EQ(b.size(), 1u);
    EXPECT_EQ(a.front().info.peer, of(ends[1]).node_id());
    EXPECT_EQ(b.front().info.peer, of(ends[0]).node_id());
    EXPECT_TRUE(a.front().info.proven && a.front().info.path == Path::punched && b.front().info.path == Path::punched);
    EXPECT_TRUE(a.front().info.outbound);
    EXPECT_FALSE(b.front().info.outbound);
    say(ends[0], "ping");
    say(ends[1], "pong");
    run(kSecond);
    EXPECT_EQ(of(ends[1]).all(Happening::frame).size(), 1u);
    EXPECT_EQ(of(ends[0]).all(Happening::frame).size(), 1u);
    return true;
  }
  NodeIndex helpers[2];
  NodeIndex ends[2];
  std::uint16_t ports[2];
  Address mapped[2];
};

const NatSpec kNats[] = {full_cone(), restricted(), port_restricted(), symmetric()};
// By theory: a mapping that can be foretold on both sides, or a filter that lets the other port of the same address in.
constexpr bool kMeet[4][4] = {
    {true, true, true, true}, {true, true, true, true}, {true, true, true, false}, {true, true, false, false}};

TEST(SimultaneousOpen, WhoMeetsFollowsFromTheBoxes) {
  for (std::size_t a = 0; a < 4; ++a) {
    for (std::size_t b = 0; b < 4; ++b) {
      Pair pair(kNats[a], kNats[b]);
      pair.punch();
      EXPECT_EQ(pair.met(), kMeet[a][b]) << a << " and " << b;
    }
  }
}

TEST(SimultaneousOpen, ASynThatComesTooEarlyIsSentAgain) {
  for (const bool refuses : {false, true}) {
    NatSpec nat = port_restricted();
    nat.refuses = refuses;
    Pair pair(nat, nat);
    pair.punch(600 * kMillisecond);
    EXPECT_TRUE(pair.met());
    Pair late(nat, nat);
    late.punch(2500 * kMillisecond);
    EXPECT_TRUE(late.met());
    Pair missed(nat, nat);  // all three are over by then, and the box forgets nothing that soon
    missed.punch(20 * kSecond, 60 * kSecond);
    EXPECT_FALSE(missed.met());
    EXPECT_EQ(missed.of(missed.ends[0]).all(Happening::down).back().reason, CloseReason::timed_out);
  }
}

TEST(SimultaneousOpen, AForgottenMappingIsClosed) {
  NatSpec nat = port_restricted();
  nat.mapping_timeout = 30s;
  Pair pair(nat, port_restricted());
  pair.fabric.close(pair.ends[0], LinkId{}, CloseReason::local);
  for (const auto& up : pair.of(pair.helpers[0]).all(Happening::up)) {
    pair.fabric.close(pair.helpers[0], up.link, CloseReason::local);
  }
  pair.run(40 * kSecond);
  // Another machine behind the same box takes the port meanwhile.
  HostOptions options;
  options.profile = &kOverlayLinks;
  options.box = 0;
  const NodeIndex other = pair.add(options);
  for (std::uint16_t port = 0; port != pair.ports[0]; port = pair.fabric.open_port(other)) {
  }
  pair.fabric.dial_from(other, pair.ports[0], Town::address(pair.fabric.endpoint_of(pair.helpers[1])));
  pair.run(kSecond);
  pair.punch();
  EXPECT_FALSE(pair.met());
}

TEST(OpenPort, TakesConnectionsUntilItIsClosed) {
  Town town;
  const NodeIndex a = town.add();
  const NodeIndex b = town.add();
  const std::uint16_t port = town.fabric.open_port(b);
  EXPECT_NE(port, 0);
  EXPECT_NE(town.fabric.open_port(b), port);
  const Address at = Address::v4(town.fabric.endpoint_of(b).ip, port);
  town.fabric.dial(a, at);
  town.run(kSecond);
  ASSERT_EQ(town.of(b).all(Happening::up).size(), 1u);
  EXPECT_EQ(town.of(b).all(Happening::up).front().info.path, Path::direct);
  town.fabric.close_port(b, port);
  town.fabric.dial(a, at);
  town.run(kSecond);
  EXPECT_EQ(town.of(a).all(Happening::down).back().reason, CloseReason::refused);
  town.say(a, "the link outlives its port");
  town.run(kSecond);
  EXPECT_EQ(town.of(b).all(Happening::frame).size(), 1u);
  town.fabric.end_process(b);  // and no port outlives its process
  Recorder again(town.fabric, b);
  town.fabric.boot(b, again);
  town.fabric.dial(a, Address::v4(town.fabric.endpoint_of(b).ip, static_cast<std::uint16_t>(port + 1)));
  town.run(kSecond);
  EXPECT_EQ(town.of(a).all(Happening::down).back().reason, CloseReason::refused);
}

TEST(OpenPort, WhoeverIsNotThePeerOfThePunchIsTurnedAway) {
  Pair pair(port_restricted(), port_restricted());
  NodeId somebody = pair.of(pair.ends[1]).node_id();
  somebody.data[5] = 1;
  const SimTime at = pair.fabric.now() + kSecond;
  pair.fabric.punch(pair.ends[0], pair.ports[0], pair.mapped[1], somebody, at);
  pair.fabric.punch(pair.ends[1], pair.ports[1], pair.mapped[0], pair.of(pair.ends[0]).node_id(), at);
  pair.run(20 * kSecond);
  EXPECT_TRUE(pair.of(pair.ends[0]).all(Happening::up).empty());
  EXPECT_EQ(pair.of(pair.ends[0]).all(Happening::down).back().reason, CloseReason::protocol_error);
}

TEST(FilteredSyn, ABoxMayAnswerWithAReset) {
  NatSpec nat = port_restricted();
  nat.refuses = true;
  Town town;
  const NodeIndex inside = town.add_behind(nat);
  const NodeIndex outside = town.add();
  town.fabric.dial(outside, Town::address(town.fabric.public_endpoint_of(inside)));
  town.run(10 * kSecond);
  ASSERT_EQ(town.of(outside).happenings.size(), 1u);
  EXPECT_EQ(town.of(outside).happenings[0].reason, CloseReason::refused);
}

}  // namespace
}  // namespace np2p::sim
