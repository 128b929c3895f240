// Deletions stick: only the author's, whichever comes first, by id and by address, and they are kept and served.
#include "core/feed/deletions.h"

#include <gmock/gmock.h>

#include "core/event/bind.h"
#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

using test::OneNode;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class DeletionsTest : public OneNode {
 protected:
  Event signed_by(const Signer& author, std::uint16_t kind, const std::vector<std::vector<std::string>>& tags,
                  const std::string& text = "", Duration age = 0s) {
    Tags all;
    for (const auto& tag : tags) {
      all.begin_tag();
      for (const auto& value : tag) all.add_value(value);
    }
    return author.sign(kind, unix_seconds(ports->wall_now - age), all, text);
  }
  Event deletion_by(const Signer& author, const Event& of) {
    return signed_by(author, kind::deletion, {{"e", of.id.hex()}, {"k", std::to_string(of.kind)}});
  }
  bool has(const Event& event) { return ports->store.contains(event.id); }
  Status publish(const Event& event) {
    node->publish(RequestId{++requests_}, event);
    disk_is_done();
    return ports->outcomes.at(requests_);
  }
  std::vector<Event> handed_on_events() {
    std::vector<Event> events;
    for (const Packet& packet : handed_on()) events.insert(events.end(), packet.events.begin(), packet.events.end());
    return events;
  }

 private:
  std::uint64_t requests_ = 0;
};

TEST_F(DeletionsTest, WhatIsDeletedGoesAndDoesNotComeBack) {
  start();
  const Event event = post("regretted");
  const Event deletion = deletion_by(peer, event);
  broadcast({event});
  EXPECT_THAT(handed_on_events(), ElementsAre(event));
  broadcast({deletion});
  EXPECT_THAT(handed_on_events(), ElementsAre(deletion));
  EXPECT_FALSE(has(event));
  EXPECT_TRUE(has(deletion));
  broadcast({event});
  unicast({event});
  EXPECT_FALSE(has(event));
  EXPECT_THAT(handed_on_events(), IsEmpty());
}

TEST_F(DeletionsTest, ADeletionThatComesFirstCounts) {
  start();
  const Event event = post("regretted");
  broadcast({deletion_by(peer, event)});
  handed_on();
  broadcast({event});
  EXPECT_FALSE(has(event));
  EXPECT_THAT(handed_on_events(), IsEmpty());
  EXPECT_TRUE(ports->closed.empty());  // nobody is to blame for it
}

TEST_F(DeletionsTest, SurvivesARestart) {
  start();
  const Event event = post("regretted");
  broadcast({event});
  broadcast({deletion_by(peer, event)});
  node = std::make_unique<Node>(config, ports->host());
  node->start();
  connect(link, peer);
  connect(other, neighbour);
  broadcast({event});
  EXPECT_FALSE(has(event));
}

TEST_F(DeletionsTest, NobodyDeletesWhatIsAnothers) {
  start();
  const Event event = post("stays");
  broadcast({event});
  const Event theft = deletion_by(neighbour, event);
  broadcast({theft});
  EXPECT_TRUE(has(event));
  EXPECT_TRUE(has(theft));
  const Event later = post("comes later");
  broadcast({deletion_by(neighbour, later)});
  broadcast({later});
  EXPECT_TRUE(has(later));
}

TEST_F(DeletionsTest, ADeletionIsNotDeletedAndABindNeither) {
  start();
  const Event event = post("regretted");
  const Event deletion = deletion_by(peer, event);
  broadcast({deletion});
  broadcast({deletion_by(peer, deletion)});
  EXPECT_TRUE(has(deletion));
  broadcast({event});
  EXPECT_FALSE(has(event));

  const std::int64_t now = unix_seconds(ports->wall_now);
  const Event bind = peer.sign(kind::bind, now, bind_tags(NodeId{}, 1, now + 1000), "");
  broadcast({bind});
  ASSERT_TRUE(has(bind));
  broadcast({deletion_by(peer, bind)});
  EXPECT_TRUE(has(bind));
}

TEST_F(DeletionsTest, ByAddressAllThatIsOlderGoes) {
  start();
  const std::string address = "30023:" + peer.public_key().hex() + ":x";
  const Event old = signed_by(peer, 30023, {{"d", "x"}}, "old", 3s);
  const Event another = signed_by(peer, 30023, {{"d", "y"}}, "another", 3s);
  const Event deletion = signed_by(peer, kind::deletion, {{"a", address}}, "", 2s);
  const Event anew = signed_by(peer, 30023, {{"d", "x"}}, "new", 1s);
  broadcast({old, another, deletion});
  EXPECT_FALSE(has(old));
  EXPECT_TRUE(has(another));
  broadcast({old});
  EXPECT_FALSE(has(old));
  broadcast({anew});
  EXPECT_TRUE(has(anew));
  broadcast({signed_by(neighbour, kind::deletion, {{"a", address}})});
  EXPECT_TRUE(has(anew));
}

TEST_F(DeletionsTest, OurUserMayDeleteAndNotPublishItAgain) {
  start();
  const Event event = owner.sign(kind::post, unix_seconds(ports->wall_now), {}, "regretted");
  EXPECT_TRUE(publish(event).ok());
  EXPECT_TRUE(publish(deletion_by(owner, event)).ok());
  EXPECT_FALSE(has(event));
  const Status again = publish(event);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::deleted);
}

TEST_F(DeletionsTest, OurUsersBindIsNotDeleted) {
  start();
  const std::int64_t now = unix_seconds(ports->wall_now);
  const Event bind = owner.sign(kind::bind, now, bind_tags(NodeId{}, 1, now + 1000), "");
  ASSERT_TRUE(publish(bind).ok());
  const std::string address = "10848:" + owner.public_key().hex() + ":";
  for (const Event& deletion :
       {signed_by(owner, kind::deletion, {{"e", bind.id.hex()}}), signed_by(owner, kind::deletion, {{"a", address}}),
        signed_by(owner, kind::deletion, {{"e", std::string(64, '1')}, {"k", "10848"}})}) {
    const Status refused = publish(deletion);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::bad_kind);
  }
  EXPECT_TRUE(has(bind));
}

TEST_F(DeletionsTest, WhoDeletesTheFollowListFollowsNobody) {
  start();
  const Event list = signed_by(owner, kind::follow_list, {{"p", peer.public_key().hex()}});
  ASSERT_TRUE(publish(list).ok());
  EXPECT_EQ(node->status().follows, 1u);
  ASSERT_TRUE(publish(deletion_by(owner, list)).ok());
  EXPECT_EQ(node->status().follows, 0u);
  EXPECT_EQ(ports->store.standing(peer.public_key()), Standing::stranger);
}

TEST_F(DeletionsTest, WhoAsksForADeletedPostGetsItsDeletion) {
  start();
  const Event event = owner.sign(kind::post, unix_seconds(ports->wall_now), {}, "regretted");
  const Event deletion = deletion_by(owner, event);
  ASSERT_TRUE(publish(event).ok());
  ASSERT_TRUE(publish(deletion).ok());
  packets_to(link, mesh::Tag::unicast);
  unicast(packet_of({}, {{1, kind::post, event.id}}).view());
  const auto answers = packets_to(link, mesh::Tag::unicast);
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_THAT(answers[0].events, ElementsAre(deletion));
}

TEST_F(DeletionsTest, WhatWaitsInTheOutboxIsNotSentAnyMore) {
  start();
  const Event mention = signed_by(owner, kind::post, {{"p", std::string(64, '1')}}, "to one who is away");
  ASSERT_TRUE(publish(mention).ok());
  ASSERT_EQ(node->status().outbox, 1u);
  ASSERT_TRUE(publish(deletion_by(owner, mention)).ok());
  ports->now = ports->now + 1h;
  node->timer(Timer::outbox);
  EXPECT_EQ(node->status().outbox, 1u);  // the deletion: it may have arrived without an answer
}

TEST_F(DeletionsTest, ADeletedMentionIsAcknowledgedWithoutBeingKept) {
  start();
  const Event mention = signed_by(peer, kind::post, {{"p", owner.public_key().hex()}}, "regretted");
  const Event deletion = deletion_by(peer, mention);
  unicast({deletion});
  unicast({mention});
  disk_is_done();
  EXPECT_FALSE(has(mention));
  EXPECT_THAT(acknowledged(), testing::UnorderedElementsAre(deletion.id, mention.id));
}

TEST_F(DeletionsTest, AClientsQuestionForADeletedPostIsNotTakenToTheNetwork) {
  start();
  const Event event = post("regretted");
  broadcast({deletion_by(peer, event)});
  Filter filter;
  filter.kinds = std::vector<std::uint32_t>{kind::post};
  filter.ids = std::vector<EventId>{event.id};
  filter.authors = std::vector<PubKey>{peer.public_key()};
  EXPECT_THAT(node->query(ClientQuery{filter}).events, IsEmpty());
  EXPECT_THAT(packets_to(link, mesh::Tag::unicast), IsEmpty());
}

}  // namespace
}  // namespace np2p
