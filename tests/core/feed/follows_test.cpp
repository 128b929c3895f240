// FOLLOW and UNFOLLOW: repeated until they have arrived, and refused if the overlay does not know that the follower's
// own server sent them.
#include "core/feed/follows.h"

#include <gmock/gmock.h>

#include "core/event/bind.h"
#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

using test::OneNode;
using testing::ElementsAre;
using testing::IsEmpty;

class FollowsTest : public OneNode {
 protected:
  void follow_list(const std::vector<PubKey>& users) {
    Tags tags;
    for (const PubKey& user : users) {
      const std::string hex = user.hex();
      tags.add({"p", hex});
    }
    ports->wall_now = ports->wall_now + 1s;
    const Event list = owner.sign(kind::follow_list, unix_seconds(ports->wall_now), tags, "");
    node->publish(RequestId{++requests_}, list);
    disk_is_done();
  }
  // What the peer is asked, by the time since the last call, until `end`.
  template <class Message>
  std::vector<int> asked_after(Duration end) {
    std::vector<int> seconds;
    const MonoTime begin = ports->now;
    while (ports->now < begin + end) {
      for (const auto& payload : take(link, mesh::Tag::unicast, "np2p")) {
        const auto message = decode_extension(payload, config.limits);
        if (message.ok() && std::holds_alternative<Message>(*message)) {
          seconds.push_back(static_cast<int>((ports->now - begin) / 1s));
        }
      }
      const auto timer = ports->timers.find(Timer::follow);
      if (timer == ports->timers.end() || timer->second > begin + end) break;
      ports->wall_now = ports->wall_now + (timer->second - ports->now);
      ports->now = timer->second;
      ports->timers.erase(timer);
      node->timer(Timer::follow);
    }
    return seconds;
  }

 private:
  std::uint64_t requests_ = 0;
};

TEST_F(FollowsTest, AFollowIsRepeatedWithGrowingPausesUntilItIsAnswered) {
  start();
  follow_list({peer.public_key()});
  const std::vector<int> asked = asked_after<Follow>(3h);
  ASSERT_GE(asked.size(), 10u);
  EXPECT_EQ(asked[0], 0);
  EXPECT_LE(asked[1], 2);
  int longest = 0;
  for (std::size_t i = 1; i < asked.size(); ++i) longest = std::max(longest, asked[i] - asked[i - 1]);
  EXPECT_GE(longest, 480);
  EXPECT_LE(longest, 721);
  EXPECT_EQ(node->status().registered_follows, 0u);

  extension(encode_extension(Followed{peer.public_key()}).view());
  EXPECT_EQ(node->status().registered_follows, 1u);
  const std::vector<int> renewed = asked_after<Follow>(13h);
  ASSERT_FALSE(renewed.empty());
  EXPECT_GE(renewed[0], 9 * 3600);  // half the lease, or somewhat less
}

TEST_F(FollowsTest, AnUnfollowIsSaidThreeTimes) {
  start();
  follow_list({peer.public_key()});
  extension(encode_extension(Followed{peer.public_key()}).view());
  asked_after<Follow>(1s);
  follow_list({});
  EXPECT_THAT(asked_after<Unfollow>(25h), ElementsAre(0, 3, 63));
}

TEST_F(FollowsTest, WhoFollowsAgainTakesNothingBack) {
  start();
  follow_list({peer.public_key()});
  extension(encode_extension(Followed{peer.public_key()}).view());
  asked_after<Follow>(1s);
  follow_list({});
  follow_list({peer.public_key()});
  EXPECT_THAT(asked_after<Unfollow>(25h), ElementsAre(0));
}

TEST_F(FollowsTest, WhoTakesUsForAFollowerByMistakeIsTold) {
  start();
  extension(encode_extension(Followed{peer.public_key()}).view());
  EXPECT_THAT(asked_after<Unfollow>(1h), ElementsAre(0, 3, 63));
}

TEST_F(FollowsTest, AnUnfollowWaitsForAWay) {
  start();
  follow_list({peer.public_key()});
  node->link_down(link, CloseReason::reset);
  follow_list({});
  EXPECT_THAT(asked_after<Unfollow>(5s), IsEmpty());
  link = LinkId{111};
  connect(link, peer);
  EXPECT_THAT(asked_after<Unfollow>(1min).size(), 2u);
}

// --- on the scalable overlay a message may come from a node of which it is not known whether it serves that user

class ClaimsTest : public ::testing::Test {
 protected:
  ClaimsTest() {
    config.owner = owner.public_key();
    ports = std::make_unique<test::FakePorts>(config.limits);
    host = std::make_unique<Host>(ports->host());
    overlay = std::make_unique<Overlay>(config, *host);
    feed = std::make_unique<Feed>(config, *host, *overlay);
    feed->start();
  }
  void say(const Extension& message, bool from_server, const Signer& source) {
    Delivery delivery;
    delivery.channel = Channel::extension;
    delivery.cast = Delivery::Cast::unicast;
    delivery.source = source.public_key();
    delivery.payload = encode_extension(message);
    delivery.link = LinkId{1};
    delivery.from_server = from_server;
    feed->receive(delivery);
    feed->durable(ports->sync());
  }
  std::size_t followers() { return feed->multicast().followers().all().size(); }

  Config config;
  Signer owner = Signer::from_seed(3, 1);
  Signer peer = Signer::from_seed(3, 2);
  Signer thief = Signer::from_seed(3, 3);
  std::unique_ptr<test::FakePorts> ports;
  std::unique_ptr<Host> host;
  std::unique_ptr<Overlay> overlay;
  std::unique_ptr<Feed> feed;
};

TEST_F(ClaimsTest, OnlyTheServerOfAUserFollowsAndUnfollows) {
  const PubKey user = peer.public_key();
  say(Follow{user, 0}, false, peer);
  EXPECT_EQ(followers(), 0u);
  say(Follow{user, 0}, true, thief);  // for somebody else
  EXPECT_EQ(followers(), 0u);
  say(Follow{owner.public_key(), 0}, true, owner);
  EXPECT_EQ(followers(), 0u);
  EXPECT_EQ(ports->rejections["follow forbidden"], 3);

  say(Follow{user, 0}, true, peer);
  EXPECT_EQ(followers(), 1u);
  say(Unfollow{user}, false, peer);
  say(Unfollow{user}, true, thief);
  EXPECT_EQ(followers(), 1u);
  EXPECT_EQ(ports->rejections["unfollow forbidden"], 2);
  say(Unfollow{user}, true, peer);
  EXPECT_EQ(followers(), 0u);
}

// The overlay forgets which messages it has seen when the server starts again.
TEST_F(ClaimsTest, AnUnfollowThatWasRecordedBeforeTheLastFollowSaysNothing) {
  const PubKey user = peer.public_key();
  say(Follow{user, 0, {}, {}, 10}, true, peer);
  say(Follow{user, 0, {}, {}, 30}, true, peer);
  feed = std::make_unique<Feed>(config, *host, *overlay);
  feed->start();
  say(Unfollow{user, 20}, true, peer);
  say(Unfollow{user, 0}, true, peer);
  EXPECT_EQ(followers(), 1u);
  EXPECT_EQ(ports->rejections["unfollow forbidden"], 2);
  say(Unfollow{user, 40}, true, peer);
  EXPECT_EQ(followers(), 0u);
}

TEST_F(ClaimsTest, OnlyTheServerOfAFolloweeSaysThatWeAreRegistered) {
  Tags tags;
  const std::string hex = peer.public_key().hex();
  tags.add({"p", hex});
  const Event list = owner.sign(kind::follow_list, unix_seconds(ports->wall_now), tags, "");
  const auto valid = ValidationGate::trusted(list);
  ASSERT_EQ(ports->store.put(*valid), PutOutcome::stored);
  feed->published(*valid);
  say(Followed{peer.public_key()}, false, peer);
  EXPECT_EQ(feed->multicast().follows().registered_count(), 0u);
  say(Followed{peer.public_key()}, true, peer);
  EXPECT_EQ(feed->multicast().follows().registered_count(), 1u);
}

TEST_F(FollowsTest, WhatIsNoPublicKeyInAListIsCountedAndSkipped) {
  start();
  Tags tags;
  const std::string hex = peer.public_key().hex();
  tags.add({"p", "npub1nobody"});
  tags.add({"p", ""});
  tags.add({"p", hex});
  tags.add({"e", "something else"});
  node->publish(RequestId{77}, owner.sign(kind::follow_list, unix_seconds(ports->wall_now), tags, ""));
  disk_is_done();
  EXPECT_EQ(node->status().follows, 1u);
  EXPECT_EQ(ports->rejections["follow list bad_field"], 2);
}

TEST_F(FollowsTest, ANewBindOfAFolloweeIsAnsweredByAFollowWithinHalfAMinute) {
  start();
  follow_list({peer.public_key(), neighbour.public_key()});
  extension(encode_extension(Followed{peer.public_key()}).view());
  asked_after<Follow>(1min);
  const auto bind = [&](const Signer& user, std::uint64_t epoch) {
    const std::int64_t now = unix_seconds(ports->wall_now);
    broadcast({user.sign(kind::bind, now, bind_tags(NodeId{}, epoch, now + 1000), "")});
  };
  bind(peer, 1);
  EXPECT_THAT(asked_after<Follow>(30s), testing::Not(IsEmpty()));
}

}  // namespace
}  // namespace np2p
