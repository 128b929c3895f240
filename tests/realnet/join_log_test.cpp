#include "realnet/join_log.h"

#include <gtest/gtest.h>

namespace np2p::real {
namespace {

const Address kWayIn = Address::v4(0x7F000001, 1);
const Address kStranger = Address::v4(0xC6336401, 7000);

Config config_of(OverlayKind overlay) {
  Config config;
  config.overlay = overlay;
  config.listen = Address::v4(0x7F000001, 20000);
  config.bootstrap = {kWayIn};
  return config;
}

TEST(JoinLog, TheFirstLinkAndTheFirstNeighbourAreSaidOnce) {
  const Config config = config_of(OverlayKind::hyparview);
  JoinLog log(config);
  LinkInfo info;
  info.remote = kWayIn;
  info.outbound = true;
  EXPECT_EQ(log.link_up(info), "first link: to 127.0.0.1:1");
  EXPECT_EQ(log.link_up(info), "");
  NodeStatus status;
  status.reachable = 3;  // known of, but nobody has taken us
  EXPECT_EQ(log.status(status), "");
  EXPECT_FALSE(log.joined());
  status.overlay.clients = 1;
  EXPECT_NE(log.status(status), "");
  EXPECT_TRUE(log.joined());
  EXPECT_EQ(log.status(status), "");
}

TEST(JoinLog, OnTheMeshARouteIsANeighbour) {
  const Config config = config_of(OverlayKind::mesh);
  JoinLog log(config);
  NodeStatus status;
  EXPECT_EQ(log.status(status), "");
  status.reachable = 1;
  EXPECT_NE(log.status(status), "");
}

TEST(JoinLog, AnAddressOfOursThatCannotBeReachedIsSaidOnceAMinute) {
  Config config = config_of(OverlayKind::hyparview);
  config.bootstrap.push_back(Address::v4(0x7F000001, 2));
  JoinLog log(config);
  const MonoTime start{};
  EXPECT_EQ(log.unreachable(kWayIn, CloseReason::refused, start),
            "cannot reach 127.0.0.1:1: connection refused; retrying");
  EXPECT_EQ(log.unreachable(kWayIn, CloseReason::timed_out, start + 59s), "");
  EXPECT_NE(log.unreachable(Address::v4(0x7F000001, 2), CloseReason::refused, start + 1s), "");
  EXPECT_EQ(log.unreachable(kWayIn, CloseReason::timed_out, start + 60s),
            "cannot reach 127.0.0.1:1: no answer; retrying");
  EXPECT_EQ(log.unreachable(kStranger, CloseReason::refused, start), "");
  EXPECT_EQ(log.trouble(kWayIn), "no answer");
  EXPECT_EQ(log.trouble(kStranger), "");
  LinkInfo info;
  info.remote = kWayIn;
  info.outbound = true;
  EXPECT_NE(log.link_up(info), "");
  EXPECT_EQ(log.trouble(kWayIn), "");
}

TEST(JoinLog, WhoHasNobodyToJoinThroughIsToldWhereOthersCanJoin) {
  Config config = config_of(OverlayKind::hyparview);
  EXPECT_EQ(JoinLog(config).started(), "");
  config.bootstrap.clear();
  EXPECT_NE(JoinLog(config).started().find("127.0.0.1:20000"), std::string::npos);
}

TEST(JoinLog, OwnAddresses) {
  Config config = config_of(OverlayKind::hyparview);
  EXPECT_TRUE(is_own_address(config.listen, config));
  EXPECT_FALSE(is_own_address(kWayIn, config));
  config.external = kStranger;
  EXPECT_TRUE(is_own_address(kStranger, config));
  config.listen = Address::v4(0, 20000);
  EXPECT_TRUE(is_own_address(Address::v4(0x7F000001, 20000), config));
  EXPECT_FALSE(is_own_address(Address::v4(0xC6336401, 20000), config));
}

}  // namespace
}  // namespace np2p::real
