// A registration lends a standing, and only for as long as it lasts.
#include <gtest/gtest.h>

#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

using FollowersTest = test::OneNode;

TEST_F(FollowersTest, TheStandingEndsWithTheLease) {
  start();
  ports->timers.erase(Timer::follow);  // of the links that came up
  node->timer(Timer::follow);
  ASSERT_EQ(ports->timers.count(Timer::follow), 0u);
  extension(encode_extension(Follow{peer.public_key(), 0}).view());
  ASSERT_EQ(node->status().followers, 1u);
  EXPECT_EQ(ports->store.standing(peer.public_key()), Standing::follower);
  ASSERT_EQ(ports->timers.count(Timer::follow), 1u);  // nothing else may ever ring
  ports->wall_now = ports->wall_now + config.limits.follow_lease + 1s;
  node->timer(Timer::follow);
  EXPECT_EQ(node->status().followers, 0u);
  EXPECT_EQ(ports->store.standing(peer.public_key()), Standing::stranger);
}

}  // namespace
}  // namespace np2p
