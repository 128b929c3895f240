// A node with `auto`: what it publishes goes where the mode of the moment says, and what was decided stays decided.
#include "core/feed/mode.h"

#include <gtest/gtest.h>

#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

class ModeTest : public test::OneNode {
 protected:
  ModeTest() {
    config.mode = FeedMode::automatic;
    config.auto_mode.budget_bytes_per_s = 0;  // whatever a network of three servers posts is too much
  }
  void review(int times = 1) {
    for (int i = 0; i < times; ++i) {
      const auto timer = ports->timers.find(Timer::mode);
      ASSERT_NE(timer, ports->timers.end());
      const Duration step = timer->second - ports->now;
      ASSERT_GE(step, 10min);
      ports->now = timer->second;
      ports->wall_now = ports->wall_now + step;
      ports->timers.erase(timer);
      node->timer(Timer::mode);
    }
  }
  void publish(const Event& event) { node->publish(RequestId{++requests}, event); }
  Event own(const std::string& text, std::uint16_t kind = kind::post, const Tags& tags = {}) {
    return owner.sign(kind, unix_seconds(ports->wall_now), tags, text);
  }
  FeedMode now() const { return node->status().mode.now; }
  void restart() {
    node = std::make_unique<Node>(config, ports->host());
    node->start();
    connect(link, peer);
    connect(other, neighbour);
    ports->sent.clear();
  }
  std::uint64_t requests = 0;
};

TEST_F(ModeTest, PostsGoToFollowersOnceTheLoadIsTooMuch) {
  start();
  publish(own("to everybody"));
  EXPECT_EQ(packets_to(link, mesh::Tag::broadcast).size(), 1u);
  EXPECT_EQ(packets_to(other, mesh::Tag::broadcast).size(), 1u);
  review(2);
  EXPECT_EQ(now(), FeedMode::broadcast);
  EXPECT_EQ(node->status().mode.why, ModePolicy::Why::unknown);
  review();
  ASSERT_EQ(now(), FeedMode::multicast);
  publish(own("to followers only"));
  EXPECT_EQ(packets_to(link, mesh::Tag::broadcast).size(), 0u);
  EXPECT_EQ(packets_to(other, mesh::Tag::broadcast).size(), 0u);
}

TEST_F(ModeTest, ADeletionGoesToEverybodyWhenWhatItDeletesMayHave) {
  start();
  const Event post = own("to everybody");
  publish(post);
  review(3);
  ASSERT_EQ(now(), FeedMode::multicast);
  ports->sent.clear();
  Tags tags;
  tags.add({"e", post.id.hex()});
  publish(own("", kind::deletion, tags));
  EXPECT_EQ(packets_to(link, mesh::Tag::broadcast).size(), 1u);
}

TEST_F(ModeTest, WhomAQuarterFollowsGoesOnBroadcasting) {
  start();
  extension(encode_extension(Follow{peer.public_key(), 0}).view());
  review(12);
  EXPECT_EQ(now(), FeedMode::broadcast);
  EXPECT_EQ(node->status().mode.why, ModePolicy::Why::popular);
}

TEST_F(ModeTest, ARestartChangesNothing) {
  start();
  review(3);
  ASSERT_EQ(now(), FeedMode::multicast);
  restart();
  EXPECT_EQ(now(), FeedMode::multicast);
  config.auto_mode.budget_bytes_per_s = 1'000'000;
  restart();
  review(20);  // less than a day
  EXPECT_EQ(now(), FeedMode::multicast);
  EXPECT_TRUE(node->status().mode.waits);
  review(10);
  EXPECT_EQ(now(), FeedMode::broadcast);
}

TEST_F(ModeTest, ModesThatAreGivenNeedNoReviews) {
  for (const FeedMode mode : {FeedMode::broadcast, FeedMode::multicast}) {
    config.mode = mode;
    start();
    EXPECT_EQ(ports->timers.count(Timer::mode), 0u);
    EXPECT_EQ(now(), mode);
    EXPECT_FALSE(node->status().mode.automatic);
  }
}

}  // namespace
}  // namespace np2p
