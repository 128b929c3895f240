// What is handed on and what counts as known: a forgery never rides along, and an event that we do not hold gets in
// when it comes again, but is handed on only once.
#include <gmock/gmock.h>

#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

using test::OneNode;
using testing::ElementsAre;
using testing::IsEmpty;

class GateTest : public OneNode {
 protected:
  static std::vector<EventId> ids_of(const Packet& packet) {
    std::vector<EventId> ids;
    for (const Event& event : packet.events) ids.push_back(event.id);
    return ids;
  }
  Event mention(const std::string& text) {
    Tags tags;
    const std::string owners_key = owner.public_key().hex();
    tags.add({"p", owners_key});
    return post(text, tags);
  }
  static Request request(std::uint64_t id) { return {id, kind::profile, std::nullopt}; }
};

TEST_F(GateTest, OneFreshEventIsHandedOnAsItCame) {
  start();
  const Event event = post("news");
  const Frame packet = packet_of({event});
  broadcast(packet.view());
  const auto sent = handed_on();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0], *decode_packet(packet.view(), config.limits));
}

TEST_F(GateTest, AForgeryDoesNotRideAlongWithAFreshEvent) {
  start();
  const Event truth = post("the truth");
  broadcast({truth});
  handed_on();
  const Event fresh = post("fresh");
  broadcast(forged(packet_of({truth, fresh}), "the truth"));
  const auto sent = handed_on();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(sent[0].events, ElementsAre(fresh));
}

TEST_F(GateTest, AForgeryDoesNotRideAlongWithANewRequest) {
  start();
  const Event truth = post("the truth");
  broadcast({truth});
  handed_on();
  broadcast(forged(packet_of({truth}, {request(77)}), "the truth"));
  const auto sent = handed_on();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(sent[0].events, IsEmpty());
  EXPECT_THAT(sent[0].requests, ElementsAre(request(77)));
}

TEST_F(GateTest, OldRequestsStayBehindWhenSomethingNewGoesOn) {
  start();
  broadcast(packet_of({}, {request(1)}).view());
  ASSERT_EQ(handed_on().size(), 1u);
  const Event fresh = post("fresh");
  broadcast(packet_of({fresh}, {request(1), request(2)}).view());
  const auto sent = handed_on();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(sent[0].events, ElementsAre(fresh));
  EXPECT_THAT(sent[0].requests, ElementsAre(request(2)));
  broadcast(packet_of({fresh}, {request(1), request(2)}).view());
  EXPECT_THAT(handed_on(), IsEmpty());
}

// Another server may allow more, or have taken it when more was allowed: it is refused by itself, and no fault of the
// link that it came over.
TEST_F(GateTest, AnEventThatIsTooLargeIsRefusedAlone) {
  start();
  for (int i = 0; i < 30; ++i) {
    const std::string number = std::to_string(i);
    const Event large = post(number + std::string(70'000, 'x'));
    Tags tags;
    while (tags.size() <= config.limits.event_tags) tags.add({"t", "x"});
    const Event tagged = post("many tags " + number, tags);
    const Event fresh = post("fresh " + number);
    broadcast(packet_of({large, tagged, fresh}).view());
    const auto sent = handed_on();
    ASSERT_EQ(sent.size(), 1u) << i;
    EXPECT_THAT(sent[0].events, ElementsAre(fresh));
    EXPECT_FALSE(ports->store.contains(large.id) || ports->store.contains(tagged.id));
    EXPECT_TRUE(ports->store.contains(fresh.id));
  }
  EXPECT_EQ(ports->rejections["event too_large"], 60);
  EXPECT_TRUE(ports->closed.empty());
}

TEST_F(GateTest, AnEventTwiceInOnePacketIsHandedOnOnce) {
  start();
  const Event fresh = post("fresh");
  broadcast(forged(packet_of({fresh, fresh}), "fresh"));
  const auto sent = handed_on();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(sent[0].events, ElementsAre(fresh));
}

TEST_F(GateTest, AnEvictedEventCanBeFetchedAgainAndIsNotHandedOnAgain) {
  start();
  const Event event = post("worth reading twice");
  broadcast({event});
  ASSERT_EQ(handed_on().size(), 1u);
  ASSERT_TRUE(ports->store.erase(event.id));  // as an eviction does
  unicast({event});                           // the answer to a question
  EXPECT_TRUE(ports->store.contains(event.id));
  for (int i = 0; i < 10; ++i) {
    ports->store.erase(event.id);
    broadcast({event});
    EXPECT_TRUE(ports->store.contains(event.id));
  }
  EXPECT_THAT(handed_on(), IsEmpty());
}

TEST_F(GateTest, AForgeryOfAnEvictedEventIsRefused) {
  start();
  const Event event = post("true");
  broadcast({event});
  ports->store.erase(event.id);
  broadcast(forged(packet_of({event}), "true"));
  EXPECT_EQ(rejected("event bad_id"), 1);
  EXPECT_EQ(ports->store.stats().events, 0u);
}

TEST_F(GateTest, AnEventThatIsHeldCostsNoSecondLook) {
  start();
  const Event event = post("held");
  broadcast({event});
  for (int i = 0; i < 10; ++i) broadcast(forged(packet_of({event}), "held"));  // a look would find it bad
  EXPECT_TRUE(ports->rejections.empty());
  EXPECT_EQ(ports->accepted.size(), 1u);
}

TEST_F(GateTest, ARefusedEventIsAcceptedAndAcknowledgedOnARetry) {
  Limits limits;
  limits.stored_events = 20;
  limits.stranger_share_percent = limits.mention_share_percent = 0;  // no room for the peer's events, yet
  start(limits);
  const Event event = mention("do you hear me?");
  for (int i = 0; i < 3; ++i) {
    broadcast({event});
    unicast({event});
  }
  disk_is_done();
  EXPECT_EQ(rejected("event full"), 6);
  EXPECT_THAT(handed_on(), IsEmpty());
  EXPECT_THAT(acknowledged(), IsEmpty());

  ports->store.set_standing(peer.public_key(), Standing::followed);  // now there is room
  unicast({event});
  disk_is_done();
  EXPECT_TRUE(ports->store.contains(event.id));
  EXPECT_THAT(acknowledged(), ElementsAre(event.id));
  EXPECT_EQ(ports->accepted.size(), 1u);
}

TEST_F(GateTest, ARefusedBroadcastIsHandedOnOnceWhenThereIsRoom) {
  Limits limits;
  limits.stored_events = 20;
  limits.stranger_share_percent = 0;
  start(limits);
  const Event event = post("news");
  broadcast({event});
  EXPECT_THAT(handed_on(), IsEmpty());
  ports->store.set_standing(peer.public_key(), Standing::followed);
  for (int i = 0; i < 5; ++i) broadcast({event});
  const auto sent = handed_on();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(ids_of(sent[0]), ElementsAre(event.id));
}

TEST_F(GateTest, EphemeralEventsAndReplacedOnesStayKnown) {
  start();
  const std::int64_t now = unix_seconds(ports->wall_now);
  const Event ephemeral = peer.sign(20001, now, {}, "now");
  const Event old_profile = peer.sign(kind::profile, now - 10, {}, "{\"name\":\"old\"}");
  const Event new_profile = peer.sign(kind::profile, now, {}, "{\"name\":\"new\"}");
  broadcast({ephemeral, old_profile, new_profile});
  ASSERT_EQ(handed_on().size(), 1u);
  for (int i = 0; i < 3; ++i) broadcast({ephemeral, old_profile, new_profile});
  EXPECT_THAT(handed_on(), IsEmpty());
  EXPECT_FALSE(ports->store.contains(old_profile.id));
  EXPECT_EQ(ports->accepted.size(), 3u);
}

}  // namespace
}  // namespace np2p
