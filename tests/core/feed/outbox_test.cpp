// The outbox keeps trying: for the whole horizon while nobody acknowledges, with growing pauses, and no longer than
// until somebody does.
#include <gmock/gmock.h>

#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

using test::OneNode;
using testing::ElementsAre;

class OutboxTest : public OneNode {
 protected:
  Event publish_mention() {
    Tags tags;
    const std::string recipient = peer.public_key().hex();
    tags.add({"p", recipient});
    const Event event = owner.sign(kind::post, unix_seconds(ports->wall_now), tags, "hello?");
    node->publish(RequestId{1}, event);
    disk_is_done();
    return event;
  }
  // Lets the outbox's next timer ring; false if it has none.
  bool next_attempt() {
    const auto timer = ports->timers.find(Timer::outbox);
    if (timer == ports->timers.end()) return false;
    const Duration pause = timer->second - ports->now;
    ports->now = timer->second;
    ports->wall_now = ports->wall_now + pause;
    pauses.push_back(pause);
    ports->timers.erase(timer);
    node->timer(Timer::outbox);
    return true;
  }
  std::size_t sends() { return packets_to(link, mesh::Tag::unicast).size(); }
  void acknowledge(const Event& event) {
    extension(encode_extension(Acknowledge{peer.public_key(), {event.id}}).view());
  }
  std::vector<Duration> pauses;
};

TEST_F(OutboxTest, AnUnacknowledgedEventIsSentForSevenDaysWithGrowingPauses) {
  start();
  const WallTime begin = ports->wall_now;
  publish_mention();
  ASSERT_EQ(sends(), 1u);
  std::size_t sent = 0;
  WallTime last_sent = begin;
  while (next_attempt() && pauses.size() < 10'000) {
    if (const std::size_t now = sends(); now != 0) {
      sent += now;
      last_sent = ports->wall_now;
    }
  }
  EXPECT_EQ(node->status().outbox, 0u);
  EXPECT_EQ(rejected("outbox unreachable"), 1);
  EXPECT_GT(last_sent - begin, 7 * 24h - 2h);
  EXPECT_LE(last_sent - begin, 7 * 24h);
  EXPECT_LT(sent, 250u);  // what a server that never acknowledges is burdened with
  ASSERT_GT(pauses.size(), 20u);
  for (std::size_t i = 0; i < pauses.size(); ++i) {
    const Duration plain = i < 7 ? Duration(30s) * (1 << i) : Duration(1h);
    EXPECT_GE(pauses[i], plain * 4 / 5) << i;
    EXPECT_LE(pauses[i], plain * 6 / 5) << i;
  }
}

TEST_F(OutboxTest, AnAcknowledgementAfterDaysEndsIt) {
  start();
  const WallTime begin = ports->wall_now;
  const Event event = publish_mention();
  while (ports->wall_now - begin < 3 * 24h) ASSERT_TRUE(next_attempt());
  sends();
  ASSERT_TRUE(next_attempt());
  const auto again = packets_to(link, mesh::Tag::unicast);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_THAT(again[0].events, ElementsAre(event));
  acknowledge(event);
  EXPECT_EQ(node->status().outbox, 0u);
  EXPECT_FALSE(next_attempt());
}

}  // namespace
}  // namespace np2p
