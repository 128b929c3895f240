// What strangers say must not choose whom this node believes, nor keep it from looking for others; and what is
// swallowed on one way goes another.
#include "core/overlay/swarm/locator.h"

#include <gtest/gtest.h>

#include "tests/core/overlay/swarm/directory_world.h"

namespace np2p::swarm {
namespace {

using test::OneAsker;
using test::OneKeeper;
using test::RawPeer;

struct Claims : OneKeeper {
  std::vector<std::unique_ptr<RawPeer>> hops;
  void start(Config config = {}) {
    boot(std::move(config));
    for (std::uint64_t i = 0; i < 3; ++i) {
      hops.push_back(std::make_unique<RawPeer>(world, 0, 1 + i));
      hops.back()->join();
      hops.back()->heard();
    }
  }
  // A message that says to come from that user, whose key nobody asks for.
  Routed claim(const RawPeer& from, std::uint64_t counter, const PubKey& user) {
    Routed message;
    message.via = message.to = world[0].id();
    message.from = from.id();
    message.from_via = from.id();
    message.boot = 7;
    message.counter = counter;
    message.source = user;
    message.payload = Frame(bytes_of("it is me"));
    const Frame bytes = encode(message);
    ByteVec covered(test::kNetwork.begin(), test::kNetwork.end());
    covered.insert(covered.end(), bytes.view().begin(), bytes.view().end());
    message.mac = from.key().pair_mac(message.to, covered);
    return message;
  }
  // For how many users the hops are asked now.
  std::set<Key> asked() {
    std::set<Key> keys;
    for (const auto& hop : hops) {
      for (const Get& question : hop->heard_of<Get>()) keys.insert(question.key);
    }
    return keys;
  }
};

TEST_F(Claims, SilenceDoesNotConfirmThem) {
  start();
  RawPeer claimant(world, 0, 10, false);
  claimant.hello();
  claimant.say(Direct{0, Frame(bytes_of("it is me"))});
  EXPECT_EQ(asked(), std::set<Key>{directory_key(claimant.user())});
  for (int i = 0; i < 60; ++i) {
    world.run_for(1s);
    EXPECT_FALSE(world.unicast(0, claimant.user(), "a secret")) << i;
  }
  // Now those who keep records answer that they have none.
  bool sent = false;
  for (int i = 0; i < 120 && !sent; ++i) {
    world.run_for(1s);
    for (const auto& hop : hops) {
      for (const Get& question : hop->heard_of<Get>()) hop->say(Got{question.query, 1, {}});
    }
    sent = world.unicast(0, claimant.user(), "a secret");
  }
  EXPECT_TRUE(sent);
}

TEST_F(Claims, InventedOnesLeaveRoomForOurOwnLookups) {
  Config config;
  config.limits.lookups_open = 16;
  start(config);
  for (std::uint64_t i = 0; i < 40; ++i) hops[0]->say(claim(*hops[0], 1 + i, test::user_of(3000 + i)));
  EXPECT_EQ(world[0].inbox.size(), 40u);
  EXPECT_EQ(asked().size(), 4u);
  EXPECT_EQ(world[0].rejections["claim full"], 36);
  for (std::uint64_t i = 0; i < 12; ++i) world.unicast(0, test::user_of(800 + i), "who are you?");
  const std::set<Key> own = asked();
  EXPECT_EQ(own.size(), 12u);
  for (std::uint64_t i = 0; i < 12; ++i) EXPECT_TRUE(own.contains(directory_key(test::user_of(800 + i)))) << i;
}

TEST_F(Claims, OurOwnLookupsLeaveRoomForThem) {
  Config config;
  config.limits.lookups_open = 16;
  start(config);
  for (std::uint64_t i = 0; i < 40; ++i) world.unicast(0, test::user_of(800 + i), "who are you?");
  EXPECT_EQ(asked().size(), 12u);
  hops[0]->say(claim(*hops[0], 1, test::user_of(900)));
  EXPECT_TRUE(asked().contains(directory_key(test::user_of(900))));
  EXPECT_EQ(world[0].rejections["claim full"], 0);
}

TEST_F(Claims, WhomOthersNameHaveAPartOfTheRoom) {
  Config config;
  config.limits.lookups_open = 16;
  start(config);
  for (std::uint64_t i = 0; i < 40; ++i) world.input(0, [&](Swarm& s) { s.seek(test::user_of(3000 + i)); });
  EXPECT_EQ(asked().size(), 3u);
  world.run_for(8s);
  asked();
  world.input(0, [&](Swarm& s) { s.seek(test::user_of(900)); });
  EXPECT_TRUE(asked().contains(directory_key(test::user_of(900)))) << "who was not found makes room";
  for (std::uint64_t i = 0; i < 12; ++i) world.unicast(0, test::user_of(800 + i), "who are you?");
  const std::set<Key> own = asked();
  for (std::uint64_t i = 0; i < 12; ++i) EXPECT_TRUE(own.contains(directory_key(test::user_of(800 + i)))) << i;
}

TEST_F(Claims, WhoInventsUsersKeepsNobodyElseFromBeingChecked) {
  Config config;
  config.limits.lookups_open = 16;
  start(config);
  for (std::uint64_t i = 0; i < 40; ++i) hops[0]->say(claim(*hops[0], 1 + i, test::user_of(3000 + i)));
  EXPECT_EQ(asked().size(), 4u);
  hops[1]->say(claim(*hops[1], 1, test::user_of(900)));
  EXPECT_EQ(asked(), std::set<Key>{directory_key(test::user_of(900))});
  for (std::uint64_t i = 0; i < 40; ++i) hops[0]->say(claim(*hops[0], 100 + i, test::user_of(4000 + i)));
  EXPECT_TRUE(asked().empty()) << "it has taken more than its share already";
}

TEST_F(Claims, ThoseThatWereAskedAboutInVainMakeRoomForOthers) {
  Config config;
  config.limits.lookups_open = 16;
  start(config);
  std::vector<std::unique_ptr<RawPeer>> many;
  for (std::uint8_t i = 0; i < 6; ++i) {
    many.push_back(std::make_unique<RawPeer>(world, 0, 20 + i, false));
    hops[0]->say(claim(*many.back(), 1, test::user_of(3000u + i)));
  }
  EXPECT_EQ(asked().size(), 4u) << "each of them is being asked about";
  world.run_for(8s);
  asked();
  hops[1]->say(claim(*hops[1], 1, test::user_of(900)));
  EXPECT_TRUE(asked().contains(directory_key(test::user_of(900))));
}

TEST_F(Claims, AreCheckedOnABudget) {
  Config config;
  config.limits.lookups_open = 4'000;
  start(config);
  for (std::uint64_t i = 0; i < 300; ++i) hops[i % 3]->say(claim(*hops[i % 3], 1 + i, test::user_of(3000 + i)));
  EXPECT_EQ(asked().size(), 100u);
}

struct Rememberer : OneAsker {
  // Of the three hops two are relays of the user who is looked for.
  ByteVec over_two_relays() {
    Contact made = contact(*right, wanted);
    made.listens = {};
    made.relays = {hops[1]->ref(), hops[2]->ref()};
    return encode_contact(made, *right, test::kNetwork);
  }
  std::size_t sent_over(std::size_t hop) {
    std::size_t count = 0;
    for (const Routed& message : hops[hop]->heard_of<Routed>()) count += message.channel == 0 ? 1u : 0u;
    return count;
  }
};

TEST_F(Rememberer, WhoWritesOftenAndIsNotAnsweredGoesAnotherWayToo) {
  ask();
  for (std::size_t i = 0; i < 3; ++i) answer(i, {over_two_relays()});
  world.run_for(5s);
  for (const auto& hop : hops) hop->heard();
  std::size_t over[2] = {};
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(world.unicast(0, wanted, "hello?"));
    world.run_for(1s);
    over[0] += sent_over(1);
    over[1] += sent_over(2);
  }
  EXPECT_GE(over[0], 5u);
  EXPECT_GE(over[1], 5u);
}

TEST_F(Rememberer, InventedUsersDoNotMakeItForgetThoseItKnows) {
  Config config;
  config.limits.contacts = 8;
  ask(config);
  for (std::size_t i = 0; i < 3; ++i) answer(i, {over_two_relays()});
  ASSERT_EQ(goes_to(), right->id());
  for (std::uint64_t i = 0; i < 30; ++i) {
    RawPeer stranger(world, 0, 100 + i, false);
    stranger.hello();
    stranger.say(Direct{0, Frame(bytes_of("it is me"))});
    stranger.hang_up();
  }
  EXPECT_EQ(goes_to(), right->id());
}

// Strangers whom the directory confirms, one after the other.
TEST_F(Rememberer, NobodyWhoFollowsIsForgottenForStrangers) {
  for (const bool kept : {false, true}) {
    hops.clear();
    questions.clear();
    world.empty();
    Config config;
    config.limits.contacts = 8;
    ask(config);
    for (std::size_t i = 0; i < 3; ++i) answer(i, {over_two_relays()});
    world.run_for(1s);
    if (kept) world.input(0, [&](Swarm& s) { s.keep(wanted, true); });
    for (std::uint64_t i = 0; i < 20; ++i) {
      const auto key = test::key_of(900 + i);
      Contact made = contact(*key, test::user_of(900 + i));
      made.listens = {};
      made.relays = {hops[1]->ref()};
      const ByteVec record = encode_contact(made, *key, test::kNetwork);
      for (const auto& hop : hops) hop->heard();
      EXPECT_FALSE(world.unicast(0, test::user_of(900 + i), "who are you?"));
      for (const auto& hop : hops) {
        for (const Get& question : hop->heard_of<Get>()) hop->say(Got{question.query, 1, {record}});
      }
      EXPECT_TRUE(world.unicast(0, test::user_of(900 + i), "there you are"));
    }
    EXPECT_EQ(goes_to(), kept ? right->id() : NodeId{});
  }
}

TEST_F(Rememberer, WhoDoesNotFollowAnyMoreIsAStranger) {
  ask();
  for (std::size_t i = 0; i < 3; ++i) answer(i, {over_two_relays()});
  for (const bool kept : {true, false}) {
    world.input(0, [&](Swarm& s) { s.keep(wanted, kept); });
    EXPECT_EQ(goes_to(), right->id());
  }
}

// Nothing is known of a hundred followers, as after a start.
struct Line : Claims {
  std::map<Key, int> turns;
  std::set<Key> answered;  // there is nobody
  std::size_t largest = 0;
  static constexpr std::uint64_t kFollowers = 100;
  static PubKey follower(std::uint64_t i) { return test::user_of(3000 + i); }

  void SetUp() override {
    Config config;
    config.limits.lookups_open = 16;
    start(config);
    for (std::uint64_t i = 0; i < kFollowers; ++i) world.input(0, [&](Swarm& s) { s.keep(follower(i), true); });
  }
  void run_for(Duration duration) {
    for (Duration passed{}; passed < duration; passed += 500ms) {
      world.run_for(500ms);
      std::set<Key> keys;
      for (const auto& hop : hops) {
        for (const Get& question : hop->heard_of<Get>()) {
          keys.insert(question.key);
          hop->say(Got{question.query, 1, {}});
        }
      }
      keys.erase(directory_key(world[0].config.owner));  // what our user has bound is asked, too
      for (const Key& key : keys) ++turns[key];
      largest = std::max(largest, keys.size());
    }
  }
};

TEST_F(Line, ManyAreLookedForAFewAtATimeAndNotForEver) {
  run_for(5s);
  EXPECT_EQ(turns.size(), 16u) << "two lots of eight";
  run_for(5min);
  EXPECT_EQ(largest, 8u);
  EXPECT_EQ(turns.size(), kFollowers);
  const auto often = std::count_if(turns.begin(), turns.end(), [](const auto& one) { return one.second > 3; });
  EXPECT_LE(often, 8) << "the last eight stand in nobody's way";
  // An hour later they have another turn, if somebody wants them.
  run_for(1h);
  turns.clear();
  for (std::uint64_t i = 0; i < kFollowers; ++i) world.unicast(0, follower(i), "are you back?");
  run_for(2min);
  EXPECT_GE(turns.size(), kFollowers - 8) << "those eight have just been asked for";
}

TEST_F(Line, LeavesRoomForWhoIsWantedAtOnce) {
  run_for(1s);
  asked();
  EXPECT_FALSE(world.unicast(0, test::user_of(800), "who are you?"));
  EXPECT_TRUE(asked().contains(directory_key(test::user_of(800))));
}

TEST_F(Line, WhoIsFoundOrHasGoneStandsThereNoMore) {
  for (std::uint64_t i = 0; i < 50; ++i) world.input(0, [&](Swarm& s) { s.keep(follower(99 - i), false); });
  run_for(5min);
  for (std::uint64_t i = 0; i < 50; ++i) EXPECT_FALSE(turns.contains(directory_key(follower(99 - i)))) << i;
  EXPECT_EQ(turns.size(), 50u);
}

}  // namespace
}  // namespace np2p::swarm
