// Reactions to our user's posts are handed on to followers together, within bounds; and who did not get the post gets
// no reactions to it.
#include "core/feed/reactions.h"

#include <gmock/gmock.h>

#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

using test::OneNode;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class ReactionsTest : public OneNode {
 protected:
  void begin() {
    start(limits);
    target = owner.sign(kind::post, unix_seconds(ports->wall_now), {}, "react to me");
    node->publish(RequestId{1}, target);
    extension(encode_extension(Follow{peer.public_key(), 0}).view());
    disk_is_done();
    parts_to(link);
  }
  static Signer fan(std::uint64_t number) { return Signer::from_seed(9, number); }
  Event reaction_of(const Signer& author, const Event& to, const std::string& text = "+") {
    Tags tags;
    const std::string id = to.id.hex();
    const std::string whose = to.pubkey.hex();
    tags.add({"e", id});
    tags.add({"p", whose});
    return author.sign(kind::reaction, unix_seconds(ports->wall_now), tags, text);
  }
  // What the follower gets now, part by part.
  std::vector<std::size_t> sent_to_follower() {
    std::vector<std::size_t> sizes;
    for (const StreamPart& part : parts_to(link)) {
      EXPECT_EQ(part.covers, events_in(part).size());
      sizes.push_back(events_in(part).size());
    }
    return sizes;
  }
  void later(Duration pause) {
    ports->now = ports->now + pause;
    ports->wall_now = ports->wall_now + pause;
    const auto timer = ports->timers.find(Timer::follow);
    if (timer == ports->timers.end() || timer->second > ports->now) return;
    ports->timers.erase(timer);
    node->timer(Timer::follow);
  }
  Limits limits;
  Event target;
};

TEST_F(ReactionsTest, GoToFollowersInOnePacket) {
  begin();
  for (std::uint64_t i = 1; i <= 3; ++i) unicast({reaction_of(fan(i), target)});
  EXPECT_THAT(sent_to_follower(), IsEmpty());
  later(limits.reaction_pause);
  EXPECT_THAT(sent_to_follower(), ElementsAre(3));
  later(limits.reaction_pause * 3);
  EXPECT_THAT(sent_to_follower(), IsEmpty());
}

TEST_F(ReactionsTest, ToAnothersPostAreNotHandedOn) {
  begin();
  const Event of_peer = post("of peer");
  broadcast({of_peer});
  unicast({reaction_of(fan(1), of_peer)});
  later(limits.reaction_pause);
  EXPECT_THAT(sent_to_follower(), IsEmpty());
}

TEST_F(ReactionsTest, ThatWereTakenBackInTheMeantimeAreNotSent) {
  begin();
  const Event reaction = reaction_of(fan(1), target);
  unicast({reaction});
  Tags tags;
  const std::string id = reaction.id.hex();
  tags.add({"e", id});
  const Event deletion = fan(1).sign(kind::deletion, unix_seconds(ports->wall_now), tags, "");
  unicast({deletion});
  later(limits.reaction_pause);
  const auto parts = parts_to(link);
  ASSERT_THAT(parts, SizeIs(1));
  EXPECT_THAT(events_in(parts[0]), ElementsAre(deletion));
}

TEST_F(ReactionsTest, AreSoManyInABatch) {
  limits.reaction_batch = 2;
  begin();
  for (std::uint64_t i = 1; i <= 3; ++i) unicast({reaction_of(fan(i), target)});
  EXPECT_EQ(rejected("reaction rate_limited"), 1);
  later(limits.reaction_pause);
  EXPECT_THAT(sent_to_follower(), ElementsAre(2));
}

TEST_F(ReactionsTest, AreSoManyOfOneAuthorInABatch) {
  limits.reactions_of_one = 2;
  begin();
  for (const char* text : {"+", "-", "!"}) unicast({reaction_of(fan(1), target, text)});
  unicast({reaction_of(fan(2), target)});
  EXPECT_EQ(rejected("reaction rate_limited"), 1);
  later(limits.reaction_pause);
  EXPECT_THAT(sent_to_follower(), ElementsAre(3));
}

TEST_F(ReactionsTest, ComeTheMoreSeldomTheMoreFollow) {
  limits.reaction_pause_per_follower = 60s;
  begin();
  unicast({reaction_of(fan(1), target)});
  later(limits.reaction_pause);
  EXPECT_THAT(sent_to_follower(), ElementsAre(1));
  unicast({reaction_of(fan(2), target)});
  later(limits.reaction_pause + 59s);
  EXPECT_THAT(sent_to_follower(), IsEmpty());
  later(1s);
  EXPECT_THAT(sent_to_follower(), ElementsAre(1));
}

TEST_F(ReactionsTest, ToWhatIsNotHereAreNotKept) {
  start();
  const Event unseen = post("unseen");
  const Event reaction = reaction_of(fan(1), unseen);
  unicast({reaction});
  EXPECT_FALSE(ports->store.contains(reaction.id));
  EXPECT_EQ(rejected("reaction not_found"), 1);
  broadcast({unseen});
  unicast({reaction});
  EXPECT_TRUE(ports->store.contains(reaction.id));
}

}  // namespace
}  // namespace np2p
