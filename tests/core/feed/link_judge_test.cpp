// What one link may bring of our own messages, of whom.
#include "core/feed/link_judge.h"

#include <gtest/gtest.h>

#include "tests/core/fake_ports.h"

namespace np2p {
namespace {

struct LinkJudgeTest : ::testing::Test {
  Config config;
  test::FakePorts ports{config.limits};
  Host host = ports.host();
  LinkJudge judge{config, host};
  static Delivery from(std::uint8_t user, bool proven = true) {
    Delivery message;
    message.link = LinkId{7};
    message.source.data.fill(user);
    message.from_server = proven;
    return message;
  }
  std::uint32_t brings(std::uint32_t count, const Delivery& message) {
    std::uint32_t passed = 0;
    for (std::uint32_t i = 0; i < count; ++i) passed += judge.may_bring_message(message) ? 1 : 0;
    return passed;
  }
};

TEST_F(LinkJudgeTest, OneServerThatFloodsLeavesRoomForOthersBehindTheSameLink) {
  EXPECT_EQ(brings(5000, from(1)), config.limits.source_extensions_burst);
  EXPECT_EQ(brings(10, from(2)), 10u);
  ports.now = ports.now + 10s;
  EXPECT_EQ(brings(5000, from(1)), 10 * config.limits.source_extensions_per_second);
}

TEST_F(LinkJudgeTest, WhomNobodyHasFoundToServeTheirUserShareAPart) {
  std::uint32_t passed = 0;
  for (std::uint8_t user = 1; user <= 200; ++user) passed += brings(100, from(user, false));
  EXPECT_EQ(passed, config.limits.link_unproven_burst);
  EXPECT_EQ(brings(10, from(2)), 10u);
}

TEST_F(LinkJudgeTest, AllTogetherBringWhatALinkMay) {
  std::uint32_t passed = 0;
  for (std::uint8_t user = 1; user <= 200; ++user) passed += brings(100, from(user));
  EXPECT_EQ(passed, config.limits.link_extensions_burst);
}

}  // namespace
}  // namespace np2p
