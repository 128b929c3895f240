// From users to servers: what is put is found again from everywhere, what is forged is not kept, and a liar among those
// who are asked changes nothing.
#include "core/overlay/swarm/directory.h"

#include <gtest/gtest.h>

#include "tests/core/overlay/swarm/directory_world.h"

namespace np2p::swarm {
namespace {

using test::RawPeer;
using test::World;

using test::kNetwork;
using test::OneAsker;
using test::OneKeeper;
TEST(Directory, EverybodyReachesEverybodyByPublicKey) {
  World world;
  world.add_many(24, 3);
  world.boot_all();
  world.run_for(3min);
  std::size_t expected[24] = {};
  for (std::size_t from = 0; from < 24; ++from) {
    for (const std::size_t to : {(from + 1) % 24, (from + 7) % 24, (from + 12) % 24}) {
      const std::string text = std::to_string(from) + " to " + std::to_string(to);
      bool sent = world.unicast(from, test::user_of(to), text);
      for (int tries = 0; !sent && tries < 10; ++tries) {
        world.run_for(3s);
        sent = world.unicast(from, test::user_of(to), text);
      }
      EXPECT_TRUE(sent) << text;
      ++expected[to];
    }
  }
  world.run_for(5s);
  for (std::size_t i = 0; i < 24; ++i) {
    EXPECT_EQ(world[i].inbox.size(), expected[i]) << i;
    for (const Delivery& delivery : world[i].inbox) {
      const std::string text(text_of(delivery.payload.view()));
      EXPECT_EQ(delivery.source, test::user_of(std::stoul(text)));
      EXPECT_EQ(delivery.cast, Delivery::Cast::unicast);
    }
  }
}

TEST(Directory, WhoComesBackElsewhereIsFoundThere) {
  World world;
  world.add_many(16);
  world.add(true);
  world.boot_all();
  world.run_for(3min);
  const PubKey user = test::user_of(16);
  world.unicast(5, user, "wake up");
  world.run_for(5s);
  ASSERT_TRUE(world.unicast(5, user, "first"));
  world.run_for(5s);
  world[16].crash();
  world.run_for(1min);
  world.unicast(5, user, "into the void");
  world.run_for(5s);
  world[16].boot();
  world.run_for(1min);
  for (int tries = 0; tries < 30 && !world.unicast(5, user, "second"); ++tries) world.run_for(10s);
  world.run_for(5s);
  const auto texts = world[16].inbox_texts();
  EXPECT_EQ(std::count(texts.begin(), texts.end(), "first"), 1);
  EXPECT_EQ(std::count(texts.begin(), texts.end(), "second"), 1);
}

TEST(Directory, NobodyIsFoundWhoIsNotThere) {
  World world;
  world.add_many(8);
  world.boot_all();
  world.run_for(2min);
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(world.unicast(3, test::user_of(999), "nobody"));
    world.run_for(3s);
  }
}

TEST_F(OneKeeper, KeepsTheNewestOfEachNodeAndCountsWhatItRefuses) {
  boot();
  RawPeer peer(world, 0, 1);
  peer.hello();
  const auto node = test::key_of(600);
  const auto other = test::key_of(601);
  const PubKey user = test::user_of(600);
  const Contact good = contact(*node, user, 5);
  peer.say(put(good, *node));
  EXPECT_EQ(get(peer, user), std::vector<ByteVec>{encode_contact(good, *node, kNetwork)});

  Contact older = contact(*node, user, 4);
  older.listens = test::home(151);
  peer.say(put(older, *node));
  peer.say(put(good, *node));  // once more
  Contact newer = contact(*node, user, 9);
  newer.listens = test::home(152);
  peer.say(put(newer, *other));  // by a key that is not the node's
  EXPECT_EQ(refused("bad_signature"), 1);
  peer.say(put(newer, *node, "another network"));
  EXPECT_EQ(refused("bad_signature"), 2);
  Put altered = put(newer, *node);
  altered.records[0][70] ^= 1;
  peer.say(altered);
  Put elsewhere = put(newer, *node);
  elsewhere.key = directory_key(test::user_of(601));
  peer.say(elsewhere);
  EXPECT_GE(refused("bad_field"), 1);
  Contact expired = newer;
  expired.expires = now() - 1;
  peer.say(put(expired, *node));
  Contact eternal = newer;
  eternal.expires = now() + 100 * 86'400;
  peer.say(put(eternal, *node));
  EXPECT_GE(refused("bad_field"), 3);
  Put noise = put(newer, *node);
  noise.records[0].assign(300, 0x55);
  peer.say(noise);
  EXPECT_EQ(refused("unknown_type"), 1);  // not of a type that we know; a later version may
  EXPECT_EQ(get(peer, user), std::vector<ByteVec>{encode_contact(good, *node, kNetwork)});
  EXPECT_TRUE(get(peer, test::user_of(601)).empty());

  peer.say(put(newer, *node));
  EXPECT_EQ(get(peer, user), std::vector<ByteVec>{encode_contact(newer, *node, kNetwork)});
  EXPECT_TRUE(peer.is_open());
}

TEST_F(OneKeeper, RecordsExpire) {
  boot();
  RawPeer peer(world, 0, 1);
  peer.join();
  const auto node = test::key_of(600);
  peer.say(put(contact(*node, test::user_of(600)), *node));
  world.run_for(59min);
  EXPECT_EQ(get(peer, test::user_of(600)).size(), 1u);
  world.run_for(3min);
  EXPECT_TRUE(get(peer, test::user_of(600)).empty());
}

TEST_F(OneKeeper, ANewNeighbourGetsWhatItIsNearTo) {
  boot();
  RawPeer peer(world, 0, 1);
  peer.join();
  const auto node = test::key_of(600);
  std::vector<Key> given;
  for (std::uint64_t i = 0; i < 20; ++i) {
    peer.say(put(contact(*node, test::user_of(600 + i)), *node));
    // Where that peer is nearer than the node, it is the one to hand records on.
    const Key key = directory_key(test::user_of(600 + i));
    if (nearer(world[0].id().data, peer.id().data, key.data)) given.push_back(key);
  }
  std::sort(given.begin(), given.end());
  ASSERT_FALSE(given.empty());
  RawPeer behind_nat(world, 0, 2, false);
  behind_nat.join();
  EXPECT_TRUE(behind_nat.heard_of<Replicate>().empty());
  RawPeer newcomer(world, 0, 3);
  newcomer.hello();
  std::vector<Key> got;
  for (const Replicate& message : newcomer.heard_of<Replicate>()) {
    EXPECT_EQ(message.records.size(), 1u);
    got.push_back(message.key);
  }
  EXPECT_EQ(got, given);
  newcomer.hello();  // news of a peer that is known
  EXPECT_TRUE(newcomer.heard_of<Replicate>().empty());
  for (int i = 0; i < 10; ++i) {  // it cannot be dialled, it can be dialled, it cannot
    newcomer.say(Hello{});
    newcomer.hello();
  }
  EXPECT_TRUE(newcomer.heard_of<Replicate>().empty());
}

// They would keep it as little as they say.
TEST_F(OneKeeper, WhoComesToBeNearerTakesNoRecordAway) {
  boot();
  RawPeer peer(world, 0, 1);
  peer.hello();
  const PubKey user = test::user_of(900);
  const auto key = test::key_of(900);
  peer.say(put(contact(*key, user), *key));
  ASSERT_EQ(get(peer, user).size(), 1u);
  const Point target = directory_key(user).data;
  std::vector<std::unique_ptr<RawPeer>> crowd;
  for (std::uint64_t n = 2; crowd.size() < 14; ++n) {
    if (!nearer(test::key_of(1000 + n)->id().data, world[0].id().data, target)) continue;
    crowd.push_back(std::make_unique<RawPeer>(world, 0, n));
    crowd.back()->hello();
    ASSERT_LT(n, 500u);
  }
  world.run_for(3min);
  EXPECT_EQ(get(peer, user).size(), 1u);
}

TEST_F(OneKeeper, WhoCanBeDialledOnlyLaterGetsItThen) {
  boot();
  RawPeer peer(world, 0, 1);
  peer.join();
  const auto node = test::key_of(600);
  for (std::uint64_t i = 0; i < 20; ++i) peer.say(put(contact(*node, test::user_of(600 + i)), *node));
  RawPeer newcomer(world, 0, 3);
  newcomer.say(Hello{});
  EXPECT_TRUE(newcomer.heard_of<Replicate>().empty());
  newcomer.hello();
  EXPECT_FALSE(newcomer.heard_of<Replicate>().empty());
}

TEST_F(OneKeeper, ClaimsOfOneUserAreFewAndTheOldestIsFirst) {
  boot();
  RawPeer peer(world, 0, 1);
  peer.hello();
  const PubKey user = test::user_of(600);
  for (std::uint64_t i = 0; i < 10; ++i) {
    const auto node = test::key_of(600 + i);
    peer.say(put(contact(*node, user), *node));
  }
  const auto records = get(peer, user);
  ASSERT_EQ(records.size(), world[0].config.limits.claims);
  EXPECT_EQ(decode_contact(records[0])->node, test::key_of(600)->id());
  const auto first = test::key_of(600);
  peer.say(put(contact(*first, user, 2), *first));  // renewed: it stays the first
  EXPECT_EQ(decode_contact(get(peer, user)[0])->node, first->id());
  EXPECT_EQ(refused("full"), 7);
}

TEST_F(OneKeeper, AFloodFindsALimit) {
  Config config;
  config.limits.directory_records = 50;
  boot(config);
  RawPeer flooder(world, 0, 1);
  flooder.hello();
  const auto honest = test::key_of(600);
  flooder.say(put(contact(*honest, test::user_of(600)), *honest));
  const auto node = test::key_of(700);
  for (std::uint64_t i = 1; i <= 200; ++i) flooder.say(put(contact(*node, test::user_of(600 + i)), *node));
  std::size_t kept = 0;
  for (std::uint64_t i = 0; i <= 200; ++i) kept += get(flooder, test::user_of(600 + i)).size();
  EXPECT_EQ(kept, 50u);
  EXPECT_EQ(get(flooder, test::user_of(600)).size(), 1u);  // what was there stays there
  EXPECT_GE(refused("full"), 151);
}

TEST_F(OneKeeper, SignaturesAreCheckedOnABudget) {
  boot();
  RawPeer flooder(world, 0, 1);
  flooder.hello();
  const auto node = test::key_of(700);
  Put forged = put(contact(*node, test::user_of(600), 1), *test::key_of(701));
  for (int i = 0; i < 2000; ++i) flooder.say(forged);
  EXPECT_LE(refused("bad_signature"), 600);
  EXPECT_GE(refused("rate_limited"), 1400);
}

TEST_F(OneAsker, OneAnswerAmongSilenceIsTaken) {
  ask();
  answer(1, {truth()});
  EXPECT_EQ(goes_to(), right->id());
}

TEST_F(OneAsker, ALiarWhoIsFirstIsOutvoted) {
  ask();
  answer(0, {lie(), truth()});
  EXPECT_FALSE(world.unicast(0, wanted, "too early"));
  answer(1, {truth()});
  answer(2, {truth()});
  EXPECT_EQ(goes_to(), right->id());
}

TEST_F(OneAsker, ALiarWhoIsLastIsOutvoted) {
  ask();
  answer(2, {truth()});
  answer(1, {truth(2)});
  answer(0, {lie()});
  EXPECT_EQ(goes_to(), right->id());
}

TEST_F(OneAsker, ALiarHasOneVoice) {
  ask();
  for (int i = 0; i < 5; ++i) answer(0, {lie()});
  for (const Get& question : questions) hops[0]->say(Got{question.query, 1, {lie()}});
  EXPECT_FALSE(world.unicast(0, wanted, "too early"));
  answer(1, {truth()});
  answer(2, {truth()});
  EXPECT_EQ(goes_to(), right->id());
  EXPECT_GE(world[0].rejections["answer not_found"], 6);
}

TEST_F(OneAsker, ForgedRecordsAreNoAnswers) {
  ask();
  ByteVec altered = truth();
  altered[66] ^= 1;
  answer(0, {altered, ByteVec(50, 3), encode_contact(contact(*right, test::user_of(801)), *right, kNetwork)});
  answer(1, {});
  answer(2, {encode_contact(contact(*right, wanted, 3), hops[0]->key(), kNetwork)});
  EXPECT_EQ(goes_to(), NodeId{});
  EXPECT_GE(world[0].rejections["record bad_signature"], 1);
}

TEST_F(OneAsker, AForgedLossDoesNotSilenceForLong) {
  ask();
  for (std::size_t i = 0; i < 3; ++i) answer(i, {truth()});
  ASSERT_EQ(goes_to(), right->id());
  hops[0]->say(Undelivered{world[0].id(), world[0].id(), right->id(), 0});
  bool again = false;
  for (int tries = 0; tries < 60 && !again; ++tries) {
    world.run_for(1s);
    for (const auto& hop : hops) {
      for (const Get& question : hop->heard_of<Get>()) hop->say(Got{question.query, 1, {truth()}});
    }
    again = world.unicast(0, wanted, "still there?");
  }
  EXPECT_TRUE(again);
}

TEST_F(OneAsker, QuestionsOfOthersAreBounded) {
  Config config;
  config.limits.pending_queries = 10;
  boot(config);
  RawPeer asker(world, 0, 1, false);
  RawPeer onward(world, 0, 2);
  asker.hello();
  onward.hello();
  onward.heard();
  std::vector<Get> passed;
  for (std::uint64_t i = 0; i < 400; ++i) {
    asker.say(Get{directory_key(test::user_of(i)), i + 1, 0});
    for (const Get& one : onward.heard_of<Get>()) passed.push_back(one);
  }
  ASSERT_GT(passed.size(), 50u);
  asker.heard();
  for (const Get& one : passed) onward.say(Got{one.query, 1, {}});
  EXPECT_EQ(asker.heard_of<Got>().size(), 10u);
}

TEST_F(OneAsker, QuestionsOfOthersDoNotTakeThePlaceOfOurs) {
  Config config;
  config.limits.pending_queries = 10;
  ask(config);
  RawPeer asker(world, 0, 20, false);
  asker.hello();
  for (std::uint64_t i = 0; i < 100; ++i) asker.say(Get{directory_key(test::user_of(i)), i + 1, 0});
  for (std::size_t i = 0; i < 3; ++i) answer(i, {truth()});
  EXPECT_EQ(goes_to(), right->id());
}

}  // namespace
}  // namespace np2p::swarm
