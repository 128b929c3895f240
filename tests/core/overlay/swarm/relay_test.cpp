#include "core/overlay/swarm/relay.h"

#include <gtest/gtest.h>

#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

NodeId id(std::uint16_t n) {
  NodeId made;
  made.data[0] = static_cast<std::uint8_t>(n >> 8);
  made.data[1] = static_cast<std::uint8_t>(n);
  made.data[31] = 1;
  return made;
}

struct Relays : ::testing::Test {
  Config config = [] {
    Config made;
    made.limits.relay_slots = 12;
    made.limits.relay_slots_per_client = 3;
    made.limits.relay_slots_per_address = 5;
    made.limits.relay_client_bytes_per_s = 1000;
    made.limits.relay_client_burst = 10'000;
    made.relay_bytes_per_s = 10'000;
    return made;
  }();
  MonoTime now{1'000'000'000};
  static Peer client(std::uint16_t n, std::uint32_t ip = 0x0B000001u) {
    Peer peer;
    peer.id = id(n);
    peer.remote = Address::v4(ip, static_cast<std::uint16_t>(40'000 + n));
    return peer;
  }
  static Peer reachable(std::uint16_t n) {
    Peer peer = client(n);
    peer.listens = Address::v4(0x0C000001u, 20'000);
    return peer;
  }
  static Carry record(std::uint16_t from, std::uint16_t to, std::uint64_t tunnel, std::size_t bytes = 100) {
    Carry made;
    made.from = id(from);
    made.to = id(to);
    made.tunnel = tunnel;
    made.record = Frame(ByteVec(bytes, 7));
    return made;
  }
};

TEST_F(Relays, ATunnelIsOneSlotInBothDirectionsUntilItEnds) {
  Relay relay(config);
  EXPECT_TRUE(relay.admit(client(1), record(1, 2, 5), now).ok());
  EXPECT_TRUE(relay.admit(client(2), record(2, 1, 5), now).ok());
  EXPECT_EQ(relay.slots(), 1u);
  EXPECT_TRUE(relay.admit(client(1), record(1, 2, 6), now).ok());
  EXPECT_EQ(relay.slots(), 2u);
  relay.ended({{}, id(1), id(2), 5, 0});
  EXPECT_EQ(relay.slots(), 1u);
}

TEST_F(Relays, ANeighbourBehindNatCarriesNothingForOthers) {
  Relay relay(config);
  EXPECT_EQ(relay.admit(client(1), record(3, 2, 5), now).error().code, ErrorCode::forbidden);
  EXPECT_TRUE(relay.admit(reachable(4), record(3, 2, 5), now).ok());
}

TEST_F(Relays, SlotsAreLimitedPerNeighbourPerAddressAndInAll) {
  Relay relay(config);
  for (std::uint64_t i = 0; i < 3; ++i) EXPECT_TRUE(relay.admit(client(1), record(1, 9, i), now).ok());
  EXPECT_EQ(relay.admit(client(1), record(1, 9, 3), now).error().code, ErrorCode::full);
  EXPECT_TRUE(relay.admit(client(1), record(1, 9, 2), now).ok()) << "those that are open go on";
  for (std::uint64_t i = 0; i < 2; ++i) EXPECT_TRUE(relay.admit(client(2), record(2, 9, i), now).ok());
  EXPECT_EQ(relay.admit(client(2), record(2, 9, 2), now).error().code, ErrorCode::full) << "the address is full";
  for (std::uint64_t i = 0; i < 7; ++i) EXPECT_TRUE(relay.admit(reachable(5), record(7, 9, i), now).ok());
  EXPECT_EQ(relay.admit(client(3, 0x0D000001u), record(3, 9, 0), now).error().code, ErrorCode::full);
  EXPECT_EQ(relay.slots(), 12u);
  now = now + 2min;  // nothing came through any of them
  EXPECT_TRUE(relay.admit(client(3, 0x0D000001u), record(3, 9, 0), now).ok());
  EXPECT_EQ(relay.slots(), 1u);
}

TEST_F(Relays, BytesAreLimitedPerNeighbourAndInAll) {
  Relay relay(config);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(relay.admit(client(1), record(1, 9, 1, 1000), now).ok());
  EXPECT_EQ(relay.admit(client(1), record(1, 9, 1, 1000), now).error().code, ErrorCode::rate_limited);
  EXPECT_TRUE(relay.admit(client(2), record(2, 9, 1, 1000), now).ok()) << "another one has its own";
  now = now + 1s;
  EXPECT_TRUE(relay.admit(client(1), record(1, 9, 1, 1000), now).ok());
  EXPECT_FALSE(relay.admit(client(1), record(1, 9, 1, 1000), now).ok());
  int admitted = 0;
  for (int i = 0; i < 200; ++i) admitted += relay.admit(reachable(5), record(7, 8, 1, 1000), now).ok() ? 1 : 0;
  EXPECT_EQ(admitted, 80 - 2) << "8 s of the cap, less what went before";
}

TEST_F(Relays, WhoSaysSoCarriesNothing) {
  config.relay = false;
  Relay relay(config);
  EXPECT_EQ(relay.admit(client(1), record(1, 2, 5), now).error().code, ErrorCode::forbidden);
  EXPECT_EQ(relay.slots(), 0u);
}

// Ever new neighbours, tunnels and addresses: no more is remembered than the limits say.
TEST_F(Relays, AFloodStaysBounded) {
  Relay relay(config);
  for (std::uint16_t i = 0; i < 5000; ++i) {
    const auto n = static_cast<std::uint16_t>(100 + i);
    static_cast<void>(relay.admit(client(n, 0x0B000001u + i), record(n, 9, i), now));
    EXPECT_LE(relay.slots(), 12u);
    now = now + 1ms;
  }
}

}  // namespace
}  // namespace np2p::swarm
