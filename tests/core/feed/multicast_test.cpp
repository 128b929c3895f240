// What followers are told and sent: every event has a number, whoever lacks some hears of it and pulls, and nobody gets
// more than a share.
#include "core/feed/multicast.h"

#include <gmock/gmock.h>

#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

using test::OneNode;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class MulticastTest : public OneNode {
 protected:
  MulticastTest() { config.mode = FeedMode::multicast; }
  Event publish(std::uint16_t kind, const std::string& text, Tags tags = {}) {
    const Event event = owner.sign(kind, unix_seconds(ports->wall_now), std::move(tags), text);
    node->publish(RequestId{++requests_}, event);
    disk_is_done();
    return event;
  }
  void publish_posts(int count, std::size_t bytes = 0) {
    for (int i = 1; i <= count; ++i) {
      ports->wall_now = ports->wall_now + 1s;
      publish(kind::post, "post " + std::to_string(i) + std::string(bytes, ' '));
    }
  }
  std::optional<StreamNews> follow(std::optional<StreamPosition> position = {}) {
    extension(encode_extension(Follow{peer.public_key(), 0, position, {}}).view());
    disk_is_done();
    const auto answers = messages_to<Followed>(link);
    return answers.empty() ? std::nullopt : answers.back().news;
  }
  std::vector<Announce> announced() { return messages_to<Announce>(link); }
  void pull(std::uint64_t after, std::uint64_t until, bool ids_only = false, std::uint64_t incarnation = UINT64_MAX) {
    extension(
        encode_extension(Pull{peer.public_key(), owner.public_key(), incarnation, after, until, ids_only}).view());
  }
  // The texts of what comes in parts, which must follow one another from `after` on.
  std::vector<std::string> got(std::uint64_t& after) {
    std::vector<std::string> texts;
    for (const StreamPart& part : parts_to(link)) {
      EXPECT_EQ(part.head.seq - part.covers, after);
      after = part.head.seq;
      for (const Event& event : events_in(part)) texts.push_back(event.content.substr(0, 8));
    }
    return texts;
  }
  std::vector<std::string> got() {
    std::vector<std::string> texts;
    for (const StreamPart& part : parts_to(link)) {
      for (const Event& event : events_in(part)) texts.push_back(event.content.substr(0, 8));
    }
    return texts;
  }
  void leave() { node->link_down(link, CloseReason::reset); }
  void come_back() {
    link = LinkId{link.value + 10};
    connect(link, peer);
  }
  void later(Duration pause) {
    ports->now = ports->now + pause;
    ports->wall_now = ports->wall_now + pause;
    const auto timer = ports->timers.find(Timer::follow);
    if (timer == ports->timers.end() || timer->second > ports->now) return;
    ports->timers.erase(timer);
    node->timer(Timer::follow);
  }
  void restart() {
    disk_is_done();
    ports->wall_now = ports->wall_now + 1s;
    node = std::make_unique<Node>(config, ports->host());
    node->start();
    link = LinkId{link.value + 20};
    other = LinkId{other.value + 20};
    connect(link, peer);
    connect(other, neighbour);
  }
  Limits limits;

 private:
  std::uint64_t requests_ = 0;
};

TEST_F(MulticastTest, EachPostToAFollowerIsTheNextPartOfTheStream) {
  start();
  const auto news = follow();
  ASSERT_TRUE(news);
  EXPECT_EQ(news->head.seq, 0u);
  publish_posts(3);
  std::uint64_t after = 0;
  EXPECT_THAT(got(after), ElementsAre("post 1", "post 2", "post 3"));
  EXPECT_EQ(after, 3u);
}

TEST_F(MulticastTest, HeadsSumUpTheEvents) {
  start();
  follow();
  const Event one = publish(kind::post, "one");
  const Event two = publish(kind::post, "two");
  const auto parts = parts_to(link);
  ASSERT_THAT(parts, SizeIs(2));
  const StreamHead& head = parts[1].head;
  EXPECT_EQ(head.author, owner.public_key());
  const Chain start_of_it = first_chain(owner.public_key(), head.incarnation, head.base);
  EXPECT_EQ(head.chain, next_chain(next_chain(start_of_it, one.id), two.id));
}

TEST_F(MulticastTest, ANewFollowerHearsOfTheNewestAndGetsTheProfileHoweverOld) {
  limits.follower_history = 2;
  start(limits);
  publish(kind::profile, "profile");
  publish_posts(5);
  publish(kind::follow_list, "");  // which followers do not get
  const auto news = follow();
  ASSERT_TRUE(news);
  EXPECT_EQ(news->after, 4u);
  EXPECT_THAT(news->ids, SizeIs(2));
  const auto packets = packets_to(link, mesh::Tag::unicast);
  ASSERT_THAT(packets, SizeIs(1));
  EXPECT_EQ(packets[0].events[0].content, "profile");
  pull(news->after, news->head.seq);
  EXPECT_THAT(got(), ElementsAre("post 4", "post 5"));
}

TEST_F(MulticastTest, WhoNamesAPositionHearsWhatCameSince) {
  start();
  publish_posts(4);
  const auto first = follow();
  ASSERT_TRUE(first);
  const auto news = follow(StreamPosition{first->head.incarnation, 3});
  ASSERT_TRUE(news);
  EXPECT_EQ(news->after, 3u);
  EXPECT_THAT(news->ids, SizeIs(1));
  const auto nothing = follow(StreamPosition{first->head.incarnation, 4});
  ASSERT_TRUE(nothing);
  EXPECT_THAT(nothing->ids, IsEmpty());
}

TEST_F(MulticastTest, WhoSaysFollowAllTheTimeIsAnsweredNowAndThenAndBriefly) {
  start();
  publish(kind::profile, "profile");
  publish_posts(60);
  std::size_t answers = 0;
  std::size_t with_ids = 0;
  std::size_t profiles = 0;
  for (int i = 0; i < 60 * 50; ++i) {
    ports->now = ports->now + 20ms;
    extension(encode_extension(Follow{peer.public_key(), 0, {}, {}, static_cast<std::uint64_t>(i) + 1}).view());
    disk_is_done();
    for (const Followed& answer : messages_to<Followed>(link)) {
      ++answers;
      ASSERT_TRUE(answer.news);
      EXPECT_EQ(answer.news->after, 11u);
      EXPECT_EQ(answer.news->head.seq, 61u) << "which is enough to pull what it lacks";
      with_ids += answer.news->ids.empty() ? 0 : 1;
    }
    profiles += packets_to(link, mesh::Tag::unicast).size();
  }
  EXPECT_GE(answers, 5u);
  EXPECT_LE(answers, 25u);
  EXPECT_GE(with_ids, 1u);
  EXPECT_LE(with_ids, 10u);
  EXPECT_LE(profiles, with_ids);
  EXPECT_GT(rejected("follow rate_limited") + rejected("extension rate_limited"), 2900);
  EXPECT_EQ(node->status().followers, 1u);
  // Somebody else is answered at once, and with everything.
  PubKey another = peer.public_key();
  another.data[0] ^= 1;  // of keys the mesh knows the low half
  ports->now = ports->now + 10s;
  extension(encode_extension(Follow{another, 0}).view());
  disk_is_done();
  const auto news = messages_to<Followed>(link);
  ASSERT_THAT(news, SizeIs(1));
  EXPECT_THAT(news[0].news->ids, SizeIs(50));
}

TEST_F(MulticastTest, BroadcastsHaveNumbersToo) {
  config.mode = FeedMode::broadcast;
  start();
  const auto before = follow();
  publish_posts(2);
  EXPECT_THAT(got(), IsEmpty());
  const auto news = follow(StreamPosition{before->head.incarnation, 0});
  ASSERT_TRUE(news);
  EXPECT_THAT(news->ids, SizeIs(2));
}

TEST_F(MulticastTest, TheLargestListIsPulledLikeAnythingElse) {
  start(limits);
  follow();
  leave();
  Tags people;
  people.add({"d", "people"});
  const std::string someone(64, 'a');
  while (people.size() < limits.list_tags) people.add({"p", someone});
  publish_posts(1);
  const Event list = publish(30000, "the list", std::move(people));
  ASSERT_TRUE(ports->store.contains(list.id));
  publish_posts(1);
  come_back();
  later(2s);
  std::uint64_t after = 0;
  pull(after, 3);
  std::vector<std::string> texts = got(after);
  EXPECT_THAT(texts, ElementsAre("post 1", "the list", "post 1"));
  EXPECT_EQ(after, 3u);
}

TEST_F(MulticastTest, OneWhoWasAwayIsToldAndPullsPartByPart) {
  limits.pulled_bytes = 100'000;
  start(limits);
  follow();
  leave();
  publish_posts(7, 40'000);
  EXPECT_EQ(node->status().followers_behind, 1u);
  come_back();
  later(2s);
  const auto told = announced();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].news.after, 0u);
  EXPECT_THAT(told[0].news.ids, SizeIs(7));
  std::uint64_t after = 0;
  for (int i = 0; i < 7 && after < 7; ++i) {
    pull(after, 7);
    const auto texts = got(after);
    EXPECT_LE(texts.size(), 2u);
  }
  EXPECT_EQ(after, 7u);
  EXPECT_EQ(node->status().followers_behind, 0u);
  later(2h);
  EXPECT_THAT(announced(), IsEmpty());
}

TEST_F(MulticastTest, WhoDoesNotAnswerIsToldMoreAndMoreSeldom) {
  start();
  follow();
  leave();
  publish(kind::post, "missed");
  come_back();
  int told = 0;
  for (int minutes = 0; minutes < 20 * 60; ++minutes) {
    later(1min);
    told += static_cast<int>(announced().size());
  }
  EXPECT_GE(told, 5);
  EXPECT_LE(told, 11);
}

TEST_F(MulticastTest, WhoHasAllOfItSaysSo) {
  start();
  follow();
  leave();
  publish(kind::post, "missed");
  come_back();
  later(2s);
  ASSERT_THAT(announced(), SizeIs(1));
  pull(1, 1);
  EXPECT_THAT(got(), IsEmpty());
  EXPECT_EQ(node->status().followers_behind, 0u);
}

// Who is behind gets no copies: what is posted between the announcement and the answer must not be forgotten.
TEST_F(MulticastTest, WhatIsPostedWhileOneAnswersIsAnnouncedToo) {
  start();
  follow();
  leave();
  publish(kind::post, "missed");
  come_back();
  later(2s);
  ASSERT_THAT(announced(), SizeIs(1));
  publish(kind::post, "meanwhile");
  EXPECT_THAT(got(), IsEmpty());
  pull(0, 1);
  EXPECT_THAT(got(), ElementsAre("missed"));
  EXPECT_EQ(node->status().followers_behind, 1u);
  for (int i = 0; i < 6; ++i) later(1s);
  const auto told = announced();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].news.head.seq, 2u);
  pull(1, 2);
  EXPECT_THAT(got(), ElementsAre("meanwhil"));
  EXPECT_EQ(node->status().followers_behind, 0u);
}

TEST_F(MulticastTest, APullForIdsIsAnsweredWithIds) {
  start();
  const auto news = follow();
  publish_posts(3);
  got();
  pull(1, 3, true, news->head.incarnation);
  EXPECT_THAT(got(), IsEmpty());
  const auto told = announced();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].news.after, 1u);
  EXPECT_THAT(told[0].news.ids, SizeIs(2));
}

TEST_F(MulticastTest, WhatIsGoneIsCoveredWithoutAnEvent) {
  start();
  publish(kind::post, "first");
  const Event gone = publish(kind::post, "gone");
  publish(kind::post, "last");
  follow();
  ports->store.erase(gone.id);
  pull(0, 3);
  std::uint64_t after = 0;
  EXPECT_THAT(got(after), ElementsAre("first", "last"));
  EXPECT_EQ(after, 3u);
  pull(1, 2);
  const auto parts = parts_to(link);
  ASSERT_THAT(parts, SizeIs(1));
  EXPECT_TRUE(parts[0].packet.empty());
  EXPECT_EQ(parts[0].covers, 1u);
}

TEST_F(MulticastTest, APullerHasABudget) {
  limits.puller_bytes_burst = 150'000;
  limits.puller_bytes_per_second = 1'000;
  start(limits);
  publish_posts(4, 60'000);
  follow();
  pull(0, 4);
  EXPECT_THAT(got(), SizeIs(2)) << "one part of two";
  EXPECT_EQ(rejected("pull rate_limited"), 1);
}

TEST_F(MulticastTest, AllFollowersTogetherHaveABudget) {
  limits.follower_bytes_burst = 10'000;
  limits.follower_bytes_per_second = 1'000;
  start(limits);
  publish_posts(2, 6'000);
  follow();
  pull(0, 1);
  EXPECT_THAT(got(), SizeIs(1));
  pull(1, 2);
  EXPECT_THAT(got(), IsEmpty());
  later(10s);
  pull(1, 2);
  EXPECT_THAT(got(), SizeIs(1));
}

TEST_F(MulticastTest, OnlyTheServerOfAUserSpeaksForIt) {
  start();
  publish_posts(1);
  extension(encode_extension(Pull{neighbour.public_key(), owner.public_key(), 0, 0, 1, false}).view());
  EXPECT_THAT(got(), IsEmpty());
  EXPECT_EQ(rejected("pull forbidden"), 1);
  extension(encode_extension(Announce{StreamNews{{neighbour.public_key(), 0, 1, 0, 5, {}, {}}, 0, {}, {}}}).view());
  EXPECT_EQ(rejected("announce forbidden"), 1);
}

TEST_F(MulticastTest, NumbersGoOnAfterARestartInAnotherIncarnation) {
  start();
  publish_posts(3);
  const auto before = follow();
  restart();
  const auto after = follow(StreamPosition{before->head.incarnation, 3});
  ASSERT_TRUE(after);
  EXPECT_GT(after->head.incarnation, before->head.incarnation);
  EXPECT_EQ(after->head.base, 3u);
  EXPECT_EQ(after->head.seq, 3u);
  EXPECT_EQ(after->after, 3u);
  publish_posts(1);
  std::uint64_t seq = 3;
  EXPECT_THAT(got(seq), SizeIs(1));
  EXPECT_EQ(seq, 4u);
}

// What a follower has of numbers that the author lost and gave again does not count.
TEST_F(MulticastTest, ABackupPutBackIsNoSecondStory) {
  start();
  publish_posts(3);
  const auto backup = follow();
  restart();  // with the disk of then; the follower has got number 5 of the life before
  publish_posts(1);
  restart();
  const auto news = follow(StreamPosition{backup->head.incarnation, 5});
  ASSERT_TRUE(news);
  EXPECT_EQ(news->head.base, 4u);
  EXPECT_EQ(news->after, 3u);
  EXPECT_THAT(news->ids, SizeIs(1));
}

TEST_F(MulticastTest, PostsFromBeforeThereWereNumbersGetThemAtTheStart) {
  limits.follower_history = 2;
  start(limits);
  publish_posts(4);
  for (std::uint64_t seq = 1; seq <= 4; ++seq) {
    std::string key(7, '\0');
    key.push_back(static_cast<char>(seq));
    ports->store.erase_value(Table::stream, key);
  }
  restart();
  const auto news = follow();
  ASSERT_TRUE(news);
  EXPECT_EQ(news->head.seq, 2u);
  pull(0, 2);
  EXPECT_THAT(got(), ElementsAre("post 3", "post 4"));
}

TEST_F(MulticastTest, OldNumbersAreForgotten) {
  limits.stream_events = 3;
  start(limits);
  publish_posts(5);
  const auto news = follow(StreamPosition{0, 0});
  ASSERT_TRUE(news);
  EXPECT_EQ(news->after, 2u);
  EXPECT_THAT(news->ids, SizeIs(3));
  pull(0, 5);
  std::uint64_t after = 2;
  EXPECT_THAT(got(after), SizeIs(3));
}

}  // namespace
}  // namespace np2p
