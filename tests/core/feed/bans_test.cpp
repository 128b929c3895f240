// What the owner banned, and what has expired: neither comes in, nor goes out again.
#include <gmock/gmock.h>

#include "core/feed/bans.h"
#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

using test::OneNode;
using testing::IsEmpty;
using testing::SizeIs;

class BansTest : public OneNode {
 protected:
  std::int64_t now() const { return unix_seconds(ports->wall_now); }
  std::size_t stored() {
    Filter filter;
    filter.authors = std::vector<PubKey>{peer.public_key()};
    return node->query({filter}).events.size();
  }
  Event until(std::int64_t at, const std::string& text) {
    Tags tags;
    const std::string time = std::to_string(at);
    tags.add({"expiration", time});
    return post(text, std::move(tags));
  }
  Status publish(Event event) {
    node->publish(RequestId{++request_}, std::move(event));
    disk_is_done();
    return ports->outcomes.at(request_);
  }
  std::uint64_t request_ = 0;
};

TEST_F(BansTest, NothingOfABannedKeyComesInUntilThatIsTakenBack) {
  start();
  const Event first = post("one");
  broadcast({first});
  ASSERT_EQ(stored(), 1u);
  handed_on();
  EXPECT_TRUE(ban(peer.public_key(), ports->store));
  EXPECT_EQ(stored(), 0u);
  broadcast({post("two")});
  broadcast({first});
  unicast({post("three")});
  EXPECT_EQ(stored(), 0u);
  EXPECT_THAT(handed_on(), IsEmpty());
  EXPECT_EQ(rejected("event forbidden"), 3);
  EXPECT_THAT(acknowledged(), IsEmpty());
  unban(peer.public_key(), ports->store);
  broadcast({post("four")});
  EXPECT_EQ(stored(), 1u);
}

TEST_F(BansTest, ABannedEventStaysAwayAndOthersOfItsAuthorDoNot) {
  start();
  const Event bad = post("bad");
  broadcast({bad});
  EXPECT_TRUE(ban(bad.id, ports->store));
  broadcast({bad});
  EXPECT_EQ(stored(), 0u);
  broadcast({post("good")});
  EXPECT_EQ(stored(), 1u);
  unban(bad.id, ports->store);
  broadcast({bad});
  EXPECT_EQ(stored(), 2u);
}

TEST_F(BansTest, BansHaveRoomForSoManyAndNoMore) {
  Limits limits;
  limits.banned = 1;
  start(limits);
  EXPECT_TRUE(ban(peer.public_key(), ports->store));
  EXPECT_FALSE(ban(neighbour.public_key(), ports->store));
  EXPECT_FALSE(is_banned(neighbour.public_key(), ports->store));
}

TEST_F(BansTest, TheOwnersClientIsToldWhy) {
  start();
  const Event event = owner.sign(kind::post, now(), {}, "text");
  ban(event.id, ports->store);
  const Status outcome = publish(event);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, ErrorCode::forbidden);
}

TEST_F(BansTest, ErasesMatchesButWhatIsToStay) {
  Limits limits;
  limits.query_events = 3;
  start(limits);
  for (int i = 0; i < 12; ++i) {
    ports->store.put(*ValidationGate::trusted(peer.sign(i % 2 == 0 ? kind::post : kind::reaction, 1000 + i, {}, "x")));
  }
  const auto keep = [](const Event& event) { return event.created_at % 4 == 0; };
  EXPECT_EQ(erase_matches({}, ports->store, keep), 9u);
  EXPECT_EQ(ports->store.stats().events, 3u);
}

TEST_F(BansTest, AnExpiredEventDoesNotComeInAndOneThatExpiresIsGone) {
  start();
  broadcast({until(now() - 1, "too late")});
  EXPECT_EQ(stored(), 0u);
  EXPECT_EQ(rejected("event forbidden"), 1);
  EXPECT_THAT(handed_on(), IsEmpty());
  const Event brief = until(now() + 60, "brief");
  broadcast({brief, post("lasting")});
  EXPECT_EQ(stored(), 2u);
  EXPECT_THAT(handed_on(), SizeIs(1));
  ports->wall_now.ns += 59 * std::int64_t{1'000'000'000};
  EXPECT_EQ(stored(), 2u);
  ports->wall_now.ns += std::int64_t{1'000'000'000};
  EXPECT_EQ(stored(), 1u);
  EXPECT_FALSE(ports->store.contains(brief.id));
  broadcast({brief});
  EXPECT_EQ(stored(), 1u);
}

TEST_F(BansTest, AnExpiredEventIsNotPublished) {
  start();
  Tags tags;
  tags.add({"expiration", "5"});
  const Status outcome = publish(owner.sign(kind::post, now(), std::move(tags), "text"));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, ErrorCode::expired);
}

}  // namespace
}  // namespace np2p
