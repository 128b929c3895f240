// What a peer or a client can make grow, flooded beyond its limit, which is lowered for that: each of these numbers of
// core/base/limits.h does what it says.
#include <gmock/gmock.h>

#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

using test::OneNode;
using testing::ElementsAre;
using testing::SizeIs;

class BoundsTest : public OneNode {
 protected:
  Event own(std::uint16_t kind, const std::string& text, Tags tags = {}, Duration age = 0s) {
    return owner.sign(kind, unix_seconds(ports->wall_now - age), std::move(tags), text);
  }
  void publish(const Event& event) { node->publish(RequestId{++requests_}, event); }
  Status outcome() { return ports->outcomes.at(requests_); }
  static Tags naming(const std::vector<PubKey>& users) {
    Tags tags;
    for (const PubKey& user : users) {
      const std::string hex = user.hex();
      tags.add({"p", hex});
    }
    return tags;
  }
  // Users whose mesh name is the peer's, so that the peer's link may speak for all of them.
  PubKey alias(std::uint8_t number) {
    PubKey key = peer.public_key();
    key.data[0] = number;
    return key;
  }
  static PubKey nobody(std::uint8_t number) {
    PubKey key;
    key.data.fill(number);
    return key;
  }
  void ask(const std::vector<Request>& asked) { unicast(packet_of({}, asked).view()); }
  std::vector<std::string> answers() {
    std::vector<std::string> texts;
    for (const Packet& packet : packets_to(link, mesh::Tag::unicast)) {
      for (const Event& event : packet.events) texts.push_back(event.content.substr(0, 8));
    }
    return texts;
  }
  Limits limits;

 private:
  std::uint64_t requests_ = 0;
};

TEST_F(BoundsTest, RecentIds) {
  for (const std::size_t most : {3u, 2u}) {
    limits.recent_ids = most;
    start(limits);
    const Event first = post("first");
    broadcast({first});
    broadcast({post("second")});
    broadcast({post("third")});
    EXPECT_THAT(handed_on(), SizeIs(3));
    ports->store.erase(first.id);
    broadcast({first});
    EXPECT_THAT(handed_on(), SizeIs(most == 3 ? 0 : 1));  // forgotten, so it is news again
  }
}

TEST_F(BoundsTest, RecentRequests) {
  for (const std::size_t most : {3u, 2u}) {
    limits.recent_requests = most;
    start(limits);
    for (std::uint64_t id : {1u, 2u, 3u}) broadcast(packet_of({}, {{id, kind::profile, std::nullopt}}).view());
    EXPECT_THAT(handed_on(), SizeIs(3));
    broadcast(packet_of({}, {{1, kind::profile, std::nullopt}}).view());
    EXPECT_THAT(handed_on(), SizeIs(most == 3 ? 0 : 1));
  }
}

TEST_F(BoundsTest, Lookups) {
  limits.lookups = 3;
  start(limits);
  for (std::uint8_t i = 1; i <= 5; ++i) {
    Filter filter;
    filter.kinds = std::vector<std::uint32_t>{kind::post};
    filter.ids = std::vector<EventId>{post(std::to_string(i)).id};
    filter.authors = std::vector<PubKey>{peer.public_key()};
    node->query(ClientQuery{filter});
  }
  EXPECT_THAT(packets_to(link, mesh::Tag::unicast), SizeIs(3));
}

TEST_F(BoundsTest, OutboxEntries) {
  limits.outbox_entries = 2;
  start(limits);
  publish(own(kind::post, "to many who are away", naming({nobody(1), nobody(2), nobody(3), nobody(4)})));
  EXPECT_EQ(node->status().outbox, 2u);
  EXPECT_EQ(rejected("outbox full"), 2);
}

TEST_F(BoundsTest, FollowersWhoDoNotTakeTheOutboxsRoom) {
  limits.followers = 3;
  limits.outbox_entries = 1;
  start(limits);
  for (std::uint8_t i = 1; i <= 5; ++i) extension(encode_extension(Follow{alias(i), 0}).view());
  EXPECT_EQ(node->status().followers, 3u);
  EXPECT_EQ(rejected("follow full"), 2);
  publish(own(kind::post, "to one who is away", naming({nobody(1)})));
  EXPECT_EQ(ports->store.stats().values, 5u);  // kept for the next start, as is the number of the post
  extension(encode_extension(Unfollow{alias(1)}).view());
  extension(encode_extension(Follow{alias(4), 0}).view());
  EXPECT_EQ(node->status().followers, 3u);
  EXPECT_EQ(rejected("follow full"), 2);
}

TEST_F(BoundsTest, AFollowerWhomTheStoreCannotKeepIsNotAccepted) {
  limits.followers = 3;
  start(limits);
  for (const char* key : {"a", "b", "c"}) ports->store.set_value(Table::followers, key, "of another life");
  extension(encode_extension(Follow{alias(1), 0}).view());
  EXPECT_EQ(node->status().followers, 0u);
  EXPECT_EQ(rejected("follow full"), 1);
}

TEST_F(BoundsTest, Follows) {
  limits.follows = 3;
  start(limits);
  publish(own(kind::follow_list, "", naming({nobody(1), nobody(2), nobody(3), nobody(4), nobody(5)})));
  EXPECT_EQ(node->status().follows, 3u);
}

TEST_F(BoundsTest, PendingPublishes) {
  limits.pending_publishes = 2;
  start(limits);
  publish(own(kind::post, "one"));
  publish(own(kind::post, "two"));
  publish(own(kind::post, "three"));
  ASSERT_FALSE(outcome().ok());
  EXPECT_EQ(outcome().error().code, ErrorCode::rate_limited);
  disk_is_done();
  publish(own(kind::post, "four"));
  disk_is_done();
  EXPECT_TRUE(outcome().ok());
}

TEST_F(BoundsTest, MeshRecent) {
  for (const std::size_t most : {4u, 2u}) {
    limits.mesh_recent = most;
    start(limits);
    ports->sent.clear();
    const auto say = [this](const char* text) { send(mesh::Tag::broadcast, "another program", bytes_of(text)); };
    for (const char* text : {"one", "two", "three"}) say(text);
    EXPECT_THAT(take(other, mesh::Tag::broadcast, "another program"), SizeIs(3));
    say("one");
    EXPECT_THAT(take(other, mesh::Tag::broadcast, "another program"), SizeIs(most == 4 ? 0 : 1));
  }
}

TEST_F(BoundsTest, LinkRequests) {
  limits.link_requests_burst = 3;
  limits.link_requests_per_second = 2;
  start(limits);
  std::vector<Request> asked;
  for (std::uint64_t id = 1; id <= 5; ++id) asked.push_back({id, kind::profile, std::nullopt});
  ask(asked);
  EXPECT_EQ(rejected("request rate_limited"), 4);  // two over the budget, two more for the same thing
  ports->now = ports->now + 1s;
  for (std::uint64_t id = 6; id <= 9; ++id) ask({{id, kind::profile, std::nullopt}});
  EXPECT_EQ(rejected("request rate_limited"), 6);
}

TEST_F(BoundsTest, Unacknowledged) {
  limits.unacknowledged = 2;
  start(limits);
  const Tags to_owner = naming({owner.public_key()});
  const Event events[] = {post("one", to_owner), post("two", to_owner), post("three", to_owner)};
  for (int round = 0; round < 3; ++round) {
    for (const Event& event : events) unicast({event});
  }
  EXPECT_EQ(rejected("acknowledge full"), 7);  // from the third on
  disk_is_done();
  EXPECT_THAT(acknowledged(), SizeIs(2));
  unicast({events[2]});
  disk_is_done();
  EXPECT_THAT(acknowledged(), ElementsAre(events[2].id));
}

TEST_F(BoundsTest, UnansweredFollows) {
  limits.unacknowledged = 2;
  start(limits);
  for (int round = 0; round < 3; ++round) {
    for (std::uint8_t i = 1; i <= 3; ++i) extension(encode_extension(Follow{alias(i), 0}).view());
  }
  EXPECT_EQ(node->status().followers, 2u);
  EXPECT_EQ(rejected("follow full"), 7);
}

// --- answers to requests

class AnswersTest : public BoundsTest {
 protected:
  static std::vector<Request> everything(std::uint64_t first_id, std::size_t count = 1) {
    std::vector<Request> asked;
    for (std::size_t i = 0; i < count; ++i) asked.push_back({first_id + i, kind::recent_data, std::nullopt});
    return asked;
  }
  void begin(int posts, std::size_t bytes = 10) {
    start(limits);
    for (int i = posts; i > 0; --i) {
      std::string text = "post " + std::to_string(i);
      text.resize(std::max(bytes, text.size()), ' ');
      publish(own(kind::post, text, {}, i * 1h));
    }
    disk_is_done();
    answers();
  }
};

TEST_F(AnswersTest, AreSoManyEventsAtMost) {
  limits.answered_events = 2;
  begin(4);
  ask(everything(1));
  EXPECT_THAT(answers(), ElementsAre("post 2  ", "post 1  "));
}

TEST_F(AnswersTest, AreSoOldAtMost) {
  limits.answered_age = 150min;
  begin(4);
  ask(everything(1));
  EXPECT_THAT(answers(), ElementsAre("post 2  ", "post 1  "));
}

TEST_F(AnswersTest, AreSoManyBytesAtMostButOneEventAlways) {
  limits.answered_bytes = 100'000;
  begin(4, 40'000);
  ask(everything(1));
  EXPECT_THAT(answers(), ElementsAre("post 2  ", "post 1  "));
  limits.answered_bytes = 1000;
  begin(4, 40'000);
  ask(everything(1));
  EXPECT_THAT(answers(), ElementsAre("post 1  "));
}

TEST_F(AnswersTest, AreOnePerKindAndPacket) {
  begin(2);
  ask(everything(1, limits.packet_requests));
  EXPECT_THAT(answers(), SizeIs(2));
  EXPECT_EQ(rejected("request rate_limited"), static_cast<int>(limits.packet_requests) - 1);
}

TEST_F(AnswersTest, HaveABudgetPerAsker) {
  limits.asker_answer_bytes_burst = 100'000;
  limits.asker_answer_bytes_per_second = 1000;
  begin(2, 40'000);
  for (std::uint64_t id = 1; id <= 5; ++id) ask(everything(id));
  EXPECT_THAT(answers(), SizeIs(2));  // once
  EXPECT_EQ(rejected("request rate_limited"), 4);
  ports->now = ports->now + 100s;
  ask(everything(6));
  EXPECT_THAT(answers(), SizeIs(2));
}

TEST_F(AnswersTest, HaveABudgetPerLink) {
  limits.link_answer_bytes_burst = 100'000;
  limits.link_answer_bytes_per_second = 1000;
  begin(2, 40'000);
  for (std::uint64_t id = 1; id <= 5; ++id) ask(everything(id));
  EXPECT_THAT(answers(), SizeIs(2));
  EXPECT_EQ(rejected("request rate_limited"), 4);
}

TEST_F(AnswersTest, WaitForNobodysFullQueue) {
  begin(2);
  ports->queued = limits.answer_queue_bytes + 1;
  ask(everything(1));
  EXPECT_THAT(answers(), SizeIs(0));
  EXPECT_EQ(rejected("request full"), 1);
  ports->queued = limits.answer_queue_bytes;
  ask(everything(2));
  EXPECT_THAT(answers(), SizeIs(2));
}

// What one small packet after the other can make us send is bounded in time, whatever it asks for.
TEST_F(AnswersTest, AFloodOfRequestsGetsItsShareAndNoMore) {
  begin(100, 60'000);
  ports->sent.clear();
  std::size_t bytes = 0;
  std::uint64_t id = 1;
  for (int second = 0; second < 60; ++second) {
    for (int i = 0; i < 20; ++i, id += limits.packet_requests) ask(everything(id, limits.packet_requests));
    for (const auto& [to, frame] : ports->sent) bytes += frame.size();
    ports->sent.clear();
    ports->now = ports->now + 1s;
  }
  EXPECT_GT(bytes, 0u);
  EXPECT_LE(bytes, limits.asker_answer_bytes_burst + 60u * limits.asker_answer_bytes_per_second);
}

}  // namespace
}  // namespace np2p
