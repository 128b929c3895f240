// A registration lends a standing, and only for as long as it lasts.
#include "core/feed/followers.h"

#include <gtest/gtest.h>

#include <set>

#include "core/feed/persist.h"
#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

using FollowersTest = test::OneNode;

TEST_F(FollowersTest, TheStandingEndsWithTheLease) {
  start();
  ports->timers.erase(Timer::follow);  // of the links that came up
  node->timer(Timer::follow);
  ASSERT_EQ(ports->timers.count(Timer::follow), 0u);
  extension(encode_extension(Follow{peer.public_key(), 0}).view());
  ASSERT_EQ(node->status().followers, 1u);
  EXPECT_EQ(ports->store.standing(peer.public_key()), Standing::follower);
  ASSERT_EQ(ports->timers.count(Timer::follow), 1u);  // nothing else may ever ring
  ports->wall_now = ports->wall_now + config.limits.follow_lease + 1s;
  node->timer(Timer::follow);
  EXPECT_EQ(node->status().followers, 0u);
  EXPECT_EQ(ports->store.standing(peer.public_key()), Standing::stranger);
}

struct Many : ::testing::Test {
  Config config;
  test::FakePorts ports{config.limits};
  Host host = ports.host();
  Followers followers{config, host};
  static PubKey follower(std::uint32_t number) {
    PubKey made;
    for (std::size_t i = 0; i < 4; ++i) made.data[i] = static_cast<std::uint8_t>(number * 2654435761u >> 8 * i);
    return made;
  }
  void pass(Duration time) {
    ports.now = ports.now + time;
    ports.wall_now = ports.wall_now + time;
  }
};

TEST_F(Many, AreToldOneAfterTheOtherThoseFirstWhoWaitLongest) {
  for (std::uint32_t i = 0; i < 5000; ++i) ASSERT_TRUE(followers.add(follower(i), {}));
  for (std::uint32_t i = 0; i < 3000; ++i) {
    followers.missed(follower(i), 7);
    if (i == 1499) pass(1s);
  }
  EXPECT_TRUE(followers.due(ports.now, 100).empty()) << "not at once: more may be missed";
  pass(1min);
  std::set<PubKey> told;
  for (int round = 0; round < 30; ++round) {
    for (const PubKey& one : followers.due(ports.now, 100)) EXPECT_TRUE(told.insert(one).second);
    if (round != 14) continue;
    for (std::uint32_t i = 0; i < 1500; ++i) EXPECT_TRUE(told.contains(follower(i))) << i;
  }
  EXPECT_EQ(told.size(), 3000u);
  EXPECT_TRUE(followers.due(ports.now, 100).empty());
  ASSERT_TRUE(followers.next_due().has_value());
  EXPECT_GT(*followers.next_due(), ports.now);
  for (std::uint32_t i = 0; i < 3000; ++i)
    i % 2 == 0 ? followers.knows(follower(i)) : void(followers.remove(follower(i)));
  EXPECT_FALSE(followers.next_due().has_value());
  EXPECT_TRUE(followers.behind().empty());
  EXPECT_EQ(followers.all().size(), 3500u);
}

TEST_F(Many, WhoShowsUpIsToldSoonAndNobodyElse) {
  for (std::uint32_t i = 0; i < 3; ++i) followers.add(follower(i), {});
  followers.missed(follower(0), 7);
  followers.missed(follower(1), 7);
  EXPECT_FALSE(followers.shows_up(follower(2))) << "it has everything";
  for (int i = 0; i < 3; ++i) {  // so that the next announcement would be far away
    pass(1min);
    EXPECT_EQ(followers.due(ports.now, 100).size(), 2u);
  }
  EXPECT_TRUE(followers.shows_up(follower(0)));
  EXPECT_FALSE(followers.shows_up(follower(0))) << "that is known";
  pass(5s);
  EXPECT_EQ(followers.due(ports.now, 100), std::vector<PubKey>{follower(0)});
  EXPECT_TRUE(followers.shows_up(follower(1)));
  followers.knows(follower(0));
  followers.knows(follower(1));
  pass(1h);
  EXPECT_TRUE(followers.due(ports.now, 100).empty());
  EXPECT_FALSE(followers.next_due().has_value());
}

TEST_F(Many, WhoIsBehindLongestIsNamedFirstAlsoAfterAStart) {
  for (std::uint32_t i = 0; i < 20; ++i) followers.add(follower(i), {});
  const WallTime begin = ports.wall_now;
  for (std::uint32_t i = 0; i < 20; ++i) {
    followers.missed(follower(i), 7);
    pass(1min);
  }
  followers.knows(follower(0));
  followers.missed(follower(0), 9);
  Followers started{config, host};
  started.load();
  for (const Followers* one : {&followers, &started}) {
    const auto longest = one->longest_behind(3);
    ASSERT_EQ(longest.size(), 3u);
    for (std::uint32_t i = 0; i < 3; ++i) {
      EXPECT_EQ(longest[i].first, follower(i + 1));
      EXPECT_EQ(longest[i].second.ns, (begin + 1min * (i + 1)).ns);
    }
    EXPECT_EQ(one->longest_behind(100).size(), 20u);
  }
}

// The last posts before a crash may or may not have come: who is there gets the next ones all the same.
TEST_F(Many, WhoMayBeBehindGetsCopiesUntilOneIsNotTaken) {
  for (std::uint32_t i = 0; i < 2; ++i) followers.add(follower(i), {});
  followers.missed(follower(1), 3);
  followers.all_missed(5);
  EXPECT_TRUE(followers.gets_copies(follower(0)));
  EXPECT_FALSE(followers.gets_copies(follower(1))) << "it was away before";
  EXPECT_EQ(followers.behind().at(follower(0)).after, 5u);
  EXPECT_EQ(followers.behind().at(follower(1)).after, 3u);
  followers.missed(follower(0), 6);
  EXPECT_FALSE(followers.gets_copies(follower(0)));
  EXPECT_EQ(followers.behind().at(follower(0)).after, 5u);
}

TEST_F(Many, LeasesEndWhenTheyAreDueWhoeverCameMeanwhile) {
  const Duration lease = config.limits.follow_lease;
  followers.add(follower(1), {follower(9)});
  EXPECT_TRUE(followers.agreed(follower(1), follower(9)));  // so it is for longer
  followers.add(follower(2), {});
  EXPECT_TRUE(followers.expire(false).empty());
  pass(lease / 2);
  followers.add(follower(3), {});
  EXPECT_TRUE(followers.expire(false).empty());
  pass(lease / 2 + 1s);
  EXPECT_EQ(followers.expire(false), std::vector<PubKey>{follower(2)});
  EXPECT_TRUE(followers.expire(false).empty());
  EXPECT_EQ(followers.expire(true), std::vector<PubKey>{follower(1)}) << "our user has moved: nobody is waited for";
  pass(lease / 2);
  EXPECT_EQ(followers.expire(true), std::vector<PubKey>{follower(3)});
  EXPECT_TRUE(followers.all().empty());
}

// Whoever names guardians is asked about before its lease ends, and again until then; who is there renews it earlier.
TEST_F(Many, WhoseGuardiansHaveNotAgreedHaveTheLeaseOfThoseWithoutAny) {
  const Duration lease = config.limits.follow_lease;
  followers.add(follower(1), {follower(7), follower(8)});
  followers.add(follower(2), {});
  pass(lease / 2);
  EXPECT_TRUE(followers.expire(false).empty());
  EXPECT_TRUE(followers.take_unconfirmed().empty()) << "it may well renew its lease";
  int asked = 0;
  for (int minutes = 0; minutes < 12 * 60; ++minutes) {
    pass(1min);
    for (const PubKey& ended : followers.expire(false)) EXPECT_NE(ended, follower(1)) << minutes;
    const auto unconfirmed = followers.take_unconfirmed();
    asked += static_cast<int>(unconfirmed.size());
    for (const PubKey& one : unconfirmed) EXPECT_EQ(one, follower(1));
  }
  EXPECT_GE(asked, 3);
  EXPECT_LE(asked, 7);
  pass(1min);
  followers.expire(false);
  EXPECT_TRUE(followers.all().empty());
}

TEST_F(Many, AGuardianThatAgreesMakesALeaseLonger) {
  followers.add(follower(1), {follower(7), follower(8)});
  EXPECT_FALSE(followers.agreed(follower(1), follower(9))) << "it is not named";
  EXPECT_FALSE(followers.agreed(follower(2), follower(8))) << "who does not follow";
  EXPECT_TRUE(followers.agreed(follower(1), follower(8)));
  const WallTime end = ports.wall_now + config.limits.ward_life;
  EXPECT_EQ(followers.all().at(follower(1)).lease_until, end);
  EXPECT_TRUE(followers.agreed(follower(1), follower(7)));
  EXPECT_EQ(followers.all().at(follower(1)).lease_until, end) << "once";
  // Renewed with others: those that were named before need not agree again, the others have to.
  followers.add(follower(1), {follower(6), follower(8)});
  EXPECT_TRUE(followers.has_agreed(follower(1), follower(8)));
  EXPECT_FALSE(followers.has_agreed(follower(1), follower(6)));
  EXPECT_EQ(followers.all().at(follower(1)).lease_until, end);
  followers.add(follower(1), {follower(5)});
  EXPECT_EQ(followers.all().at(follower(1)).lease_until, ports.wall_now + config.limits.follow_lease);
}

TEST_F(Many, WhatWasAgreedSurvivesARestart) {
  followers.add(follower(1), {follower(7), follower(8), follower(9)});
  followers.add(follower(2), {follower(7)});
  followers.agreed(follower(1), follower(9));
  Followers again(config, host);
  again.load();
  EXPECT_TRUE(again.has_agreed(follower(1), follower(9)));
  EXPECT_FALSE(again.has_agreed(follower(1), follower(7)));
  EXPECT_EQ(again.all().at(follower(1)).lease_until, followers.all().at(follower(1)).lease_until);
  EXPECT_FALSE(again.has_agreed(follower(2), follower(7)));
}

// A server that was away itself when the lease of a follower ended has not asked anybody yet.
TEST_F(Many, AfterAStartThereIsTimeToAskGuardians) {
  followers.add(follower(1), {follower(7)});
  followers.add(follower(2), {});
  pass(3 * 24h);
  Followers again(config, host);
  again.load();
  EXPECT_EQ(again.expire(false), std::vector<PubKey>{follower(2)});
  EXPECT_EQ(again.take_unconfirmed(), std::vector<PubKey>{follower(1)});
  EXPECT_TRUE(again.agreed(follower(1), follower(7)));
  pass(20 * 24h);
  EXPECT_TRUE(again.expire(false).empty());
  // Long after even a guardian would have given it up nobody is asked.
  pass(30 * 24h);
  Followers late(config, host);
  late.load();
  EXPECT_EQ(late.expire(false), std::vector<PubKey>{follower(1)});
  EXPECT_TRUE(late.take_unconfirmed().empty());
}

// An earlier version took guardians at their word and wrote no word of who agreed.
TEST_F(Many, WhatAnEarlierVersionWroteIsAskedAbout) {
  std::string value;
  append_u64(value, static_cast<std::uint64_t>((ports.wall_now + config.limits.ward_life).ns));
  append_u64(value, UINT64_MAX);
  value.append(text_of(follower(7).view()));
  append_u64(value, 5);
  ports.store.set_value(Table::followers, text_of(follower(1).view()), value);
  Followers again(config, host);
  again.load();
  EXPECT_TRUE(again.has_said(follower(1), 5));
  EXPECT_FALSE(again.has_agreed(follower(1), follower(7)));
  EXPECT_EQ(again.all().at(follower(1)).lease_until, ports.wall_now + config.limits.follow_lease);
}

}  // namespace
}  // namespace np2p
