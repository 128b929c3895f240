// Of whom events are taken in, and whose keys count as the owner's. What is not wanted is handed on all the same.
#include "core/feed/inbox.h"

#include <gmock/gmock.h>

#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

class InboxTest : public test::OneNode {
 protected:
  Event to_owner(std::uint16_t kind, const std::string& text) {
    Tags tags;
    tags.add({"p", owner.public_key().hex()});
    return peer.sign(kind, unix_seconds(ports->wall_now), std::move(tags), text);
  }
  bool takes(const Event& event) {
    broadcast({event});
    return ports->store.contains(event.id);
  }
  void somebody_followed_lists_the_peer() {
    const Signer friend_of_owner = Signer::from_seed(3, 9);
    ports->store.set_standing(friend_of_owner.public_key(), Standing::followed);
    Tags tags;
    tags.add({"p", peer.public_key().hex()});
    ports->store.put(*ValidationGate::trusted(friend_of_owner.sign(kind::follow_list, 1, std::move(tags), "")));
  }
};

TEST_F(InboxTest, TakesAllByDefault) {
  start();
  EXPECT_TRUE(takes(post("of a stranger")));
  EXPECT_TRUE(takes(to_owner(kind::post, "mention")));
  EXPECT_TRUE(ports->rejections.empty());
}

TEST_F(InboxTest, WithoutStrangersTakesWhatIsAddressedToTheOwner) {
  config.inbox.strangers = false;
  start();
  const Event noise = post("noise");
  EXPECT_FALSE(takes(noise));
  EXPECT_EQ(rejected("stranger forbidden"), 1);
  EXPECT_EQ(handed_on().size(), 1u) << "others may want it";
  EXPECT_FALSE(takes(noise));
  EXPECT_TRUE(handed_on().empty());
  EXPECT_TRUE(ports->closed.empty());
  EXPECT_TRUE(takes(to_owner(kind::post, "mention")));
  EXPECT_TRUE(takes(to_owner(kind::gift_wrap, "sealed")));
  const Event unwanted = post("for you alone");
  unicast({unwanted});
  EXPECT_FALSE(ports->store.contains(unwanted.id));
  EXPECT_EQ(handed_on().size(), 2u) << "the two that are addressed";
}

TEST_F(InboxTest, WithoutStrangersTakesThoseWhomTheFollowedFollow) {
  config.inbox.strangers = false;
  start();
  somebody_followed_lists_the_peer();
  EXPECT_TRUE(takes(post("friend of a friend")));
  ports->store.set_standing(peer.public_key(), Standing::followed);
  EXPECT_TRUE(takes(post("followed")));
}

TEST_F(InboxTest, WithoutStrangersAndThoseWhomIsTrustedTakesFollowersOnly) {
  config.inbox.strangers = config.inbox.trusted = false;
  start();
  somebody_followed_lists_the_peer();
  EXPECT_FALSE(takes(post("friend of a friend")));
  ports->store.set_standing(peer.public_key(), Standing::follower);
  EXPECT_TRUE(takes(post("follower")));
}

TEST_F(InboxTest, WithoutFollowersAndMentions) {
  config.inbox.followers = config.inbox.mentions = false;
  start();
  EXPECT_TRUE(takes(post("stranger")));
  EXPECT_FALSE(takes(to_owner(kind::post, "mention")));
  ports->store.set_standing(peer.public_key(), Standing::follower);
  EXPECT_FALSE(takes(post("follower")));
  EXPECT_EQ(rejected("mention forbidden"), 1);
  EXPECT_EQ(rejected("follower forbidden"), 1);
  ports->store.set_standing(peer.public_key(), Standing::followed);
  EXPECT_TRUE(takes(to_owner(kind::post, "mention of one who is followed")));
}

TEST_F(InboxTest, ADeletionOfWhatIsHereIsAlwaysTaken) {
  start();
  const Event event = post("regretted");
  ASSERT_TRUE(takes(event));
  config.inbox.strangers = false;
  node = std::make_unique<Node>(config, ports->host());
  node->start();
  connect(link, peer);
  connect(other, neighbour);
  Tags tags;
  tags.add({"e", event.id.hex()});
  EXPECT_TRUE(takes(peer.sign(kind::deletion, unix_seconds(ports->wall_now), std::move(tags), "")));
  EXPECT_FALSE(ports->store.contains(event.id));
}

TEST_F(InboxTest, AWriterStaysOneWhateverTheyFollow) {
  config.writers = {peer.public_key()};
  start();
  EXPECT_EQ(ports->store.standing(peer.public_key()), Standing::owner);
  extension(encode_extension(Follow{peer.public_key(), 0}).view());
  ASSERT_EQ(node->status().followers, 1u);
  EXPECT_EQ(ports->store.standing(peer.public_key()), Standing::owner);
  ports->wall_now = ports->wall_now + config.limits.follow_lease + 1s;
  node->timer(Timer::follow);
  ASSERT_EQ(node->status().followers, 0u);
  EXPECT_EQ(ports->store.standing(peer.public_key()), Standing::owner);
  // Until the configuration names them no more.
  config.writers.clear();
  node = std::make_unique<Node>(config, ports->host());
  node->start();
  EXPECT_EQ(ports->store.standing(peer.public_key()), Standing::stranger);
  EXPECT_EQ(ports->store.standing(owner.public_key()), Standing::owner);
}

// Whoever sends FOLLOW is a follower: what they bring takes nothing from those whom the owner follows.
TEST_F(InboxTest, AFollowersFloodTakesNothingFromThoseWhoAreFollowed) {
  Limits limits;
  limits.stored_events = 100;
  start(limits);
  const PubKey followed = neighbour.public_key();
  ports->store.set_standing(followed, Standing::followed);
  for (int i = 0; i < 60; ++i) {
    ports->store.put(*ValidationGate::trusted(neighbour.sign(kind::post, 1000 + i, {}, "followed")));
  }
  const Event wrap = to_owner(kind::gift_wrap, "sealed");
  ASSERT_TRUE(takes(wrap));
  extension(encode_extension(Follow{peer.public_key(), 0}).view());
  for (int i = 0; i < 200; ++i) broadcast({post("flood " + std::to_string(i))});
  Filter of_followed;
  of_followed.authors = {followed};
  EXPECT_EQ(ports->store.count(of_followed), 60u);
  EXPECT_EQ(ports->store.stats().in(Share::followers).events, 15u);
  EXPECT_TRUE(ports->store.contains(wrap.id));
}

}  // namespace
}  // namespace np2p
