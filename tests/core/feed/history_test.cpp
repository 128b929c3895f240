// What a new follower gets, and that one who was away gets all of what it missed, part by part and within budgets.
#include "core/feed/history.h"

#include <gmock/gmock.h>

#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

using test::OneNode;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class HistoryTest : public OneNode {
 protected:
  HistoryTest() { config.mode = FeedMode::multicast; }
  Event publish(std::uint16_t kind, const std::string& text, Duration age, Tags tags = {}) {
    const Event event = owner.sign(kind, unix_seconds(ports->wall_now - age), std::move(tags), text);
    node->publish(RequestId{++requests_}, event);
    disk_is_done();
    return event;
  }
  void follow(std::int64_t since = 0) {
    extension(encode_extension(Follow{peer.public_key(), since}).view());
    disk_is_done();
  }
  std::vector<std::string> got() {
    std::vector<std::string> texts;
    for (const Packet& packet : packets_to(link, mesh::Tag::unicast)) {
      for (const Event& event : packet.events) texts.push_back(event.content.substr(0, 8));
    }
    return texts;
  }
  void leave() {
    node->link_down(link, CloseReason::reset);
    got();
  }
  void come_back() {
    link = LinkId{link.value + 10};
    connect(link, peer);
    got();
    ring();
  }
  void ring() {
    const auto timer = ports->timers.find(Timer::follow);
    ASSERT_NE(timer, ports->timers.end());
    const Duration pause = timer->second - ports->now;
    if (pause.count() > 0) {
      ports->now = ports->now + pause;
      ports->wall_now = ports->wall_now + pause;
    }
    ports->timers.erase(timer);
    node->timer(Timer::follow);
  }
  Limits limits;

 private:
  std::uint64_t requests_ = 0;
};

TEST_F(HistoryTest, ANewFollowerGetsTheProfileHoweverOldAndWhatFollowersGet) {
  limits.follower_history = 2;
  start(limits);
  publish(kind::profile, "profile", 100h);
  for (int i = 5; i > 0; --i) publish(kind::post, "post " + std::to_string(i), i * 1h);
  publish(kind::follow_list, "", 30min);
  Tags about;
  const std::string unseen(64, '1');
  about.add({"e", unseen});
  publish(kind::reaction, "+", 20min, about);
  follow();
  EXPECT_THAT(got(), ElementsAre("profile", "post 2", "post 1"));
}

TEST_F(HistoryTest, OneWhoWasAwayGetsAllPartByPart) {
  limits.follower_history = 2;
  limits.answered_bytes = 100'000;
  start(limits);
  follow();
  leave();
  std::vector<std::string> all;
  for (int i = 0; i < 7; ++i) {
    const std::string text = "missed " + std::to_string(i);
    publish(kind::post, text + std::string(40'000, ' '), 100s - i * 1s);
    all.push_back(text);
  }
  ASSERT_THAT(got(), IsEmpty());
  come_back();
  std::vector<std::string> received = got();
  EXPECT_THAT(received, SizeIs(2));
  for (int i = 0; i < 20 && received.size() < all.size(); ++i) {
    ring();
    for (const std::string& text : got()) received.push_back(text);
  }
  EXPECT_EQ(received, all);
  ring();
  EXPECT_THAT(got(), IsEmpty());
}

TEST_F(HistoryTest, ManyOfOneSecondDoNotHoldUpTheRest) {
  limits.answered_bytes = 50'000;
  limits.asker_answer_bytes_burst = 100'000;  // they are more
  start(limits);
  follow();
  leave();
  for (int i = 0; i < 3; ++i) publish(kind::post, "same " + std::to_string(i) + std::string(40'000, ' '), 100s);
  publish(kind::post, "later", 50s);
  come_back();
  EXPECT_THAT(got(), SizeIs(3));
  ring();
  EXPECT_THAT(got(), ElementsAre("later"));
}

TEST_F(HistoryTest, AKnownFollowerWhomBroadcastsPassedByGetsAllPartByPart) {
  config.mode = FeedMode::broadcast;
  limits.follower_history = 2;
  limits.answered_bytes = 100'000;
  start(limits);
  follow();
  leave();
  for (int i = 0; i < 5; ++i)
    publish(kind::post, "missed " + std::to_string(i) + std::string(40'000, ' '), 100s - i * 1s);
  come_back();
  EXPECT_THAT(got(), IsEmpty());
  follow(unix_seconds(ports->wall_now) - 1000);
  EXPECT_THAT(got(), ElementsAre("missed 0", "missed 1"));
  ring();
  EXPECT_THAT(got(), ElementsAre("missed 2", "missed 3"));
  ring();
  EXPECT_THAT(got(), ElementsAre("missed 4"));
}

TEST_F(HistoryTest, AllFollowersTogetherHaveABudget) {
  limits.follower_bytes_burst = 10'000;
  limits.follower_bytes_per_second = 1'000;
  start(limits);
  publish(kind::post, "large" + std::string(8'000, ' '), 1h);
  follow();
  EXPECT_THAT(got(), ElementsAre("large   "));
  const MonoTime start_of_test = ports->now;
  follow();  // its history comes later
  EXPECT_THAT(got(), IsEmpty());
  for (int i = 0; i < 3 && ports->now < start_of_test + 11s; ++i) ring();
  EXPECT_THAT(got(), ElementsAre("large   "));
}

TEST_F(HistoryTest, ANetworkThatChangesAllTheTimeDoesNotPutItOff) {
  start();
  follow();
  leave();
  publish(kind::post, "missed", 1s);
  got();
  bool rang = false;
  for (int i = 0; i < 10 && !rang; ++i) {
    link = LinkId{link.value + 10};
    connect(link, peer);  // each time the topology is another
    ports->now = ports->now + 300ms;
    const auto timer = ports->timers.find(Timer::follow);
    ASSERT_NE(timer, ports->timers.end());
    rang = timer->second <= ports->now;
    if (rang) ring();
    if (!rang) node->link_down(link, CloseReason::reset);
  }
  EXPECT_TRUE(rang);
  EXPECT_THAT(got(), Contains("missed"));
}

}  // namespace
}  // namespace np2p
