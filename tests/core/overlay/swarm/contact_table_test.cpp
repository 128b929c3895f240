// Where others are: found at once however many they are, bounded, and nobody who follows has to go for strangers.
#include "core/overlay/swarm/contact_table.h"

#include <gtest/gtest.h>

#include <map>

#include "core/base/rng.h"
#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

PubKey user(std::uint64_t number) {
  PubKey made;
  for (std::size_t i = 0; i < 8; ++i) made.data[i] = static_cast<std::uint8_t>(mix64(number) >> 8 * i);
  made.data[31] = 1;
  return made;
}

NodeId node(std::uint64_t number) {
  NodeId made;
  for (std::size_t i = 0; i < 8; ++i) made.data[i] = static_cast<std::uint8_t>(mix64(~number) >> 8 * i);
  made.data[31] = 2;
  return made;
}

// A contact of theirs is known.
void be_found(Known& known) {
  known.expires = MonoTime{1};
}

TEST(ContactTable, OfStrangersTheClaimUnusedLongestGoesFirst) {
  Limits limits;
  limits.contacts = 4;
  ContactTable table(limits, 7);
  for (std::uint64_t i = 0; i < 4; ++i) table.set_checked(table.put(user(i)), i < 2);
  table.touch(*table.find(user(2)));
  table.put(user(4));  // 3 is the claim unused longest
  EXPECT_EQ(table.find(user(3)), nullptr);
  table.put(user(5));
  EXPECT_EQ(table.find(user(2)), nullptr);
  table.set_checked(*table.find(user(4)), true);
  table.set_checked(*table.find(user(5)), true);
  table.touch(*table.find(user(0)));
  table.put(user(6));  // all were asked about: 1 was not used since
  EXPECT_EQ(table.find(user(1)), nullptr);
  EXPECT_NE(table.find(user(0)), nullptr);
  EXPECT_EQ(table.size(), 4u);
}

TEST(ContactTable, NobodyWhoIsKeptGoesForStrangers) {
  Limits limits;
  limits.contacts = 50;
  ContactTable table(limits, 7);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(table.keep(user(i), true));
    table.set_node(*table.find(user(i)), node(i));
  }
  for (std::uint64_t i = 1000; i < 6000; ++i) {
    table.set_node(table.put(user(i)), node(i));
    table.set_checked(*table.find(user(i)), i % 3 == 0);
  }
  EXPECT_EQ(table.size(), 1050u);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    ASSERT_NE(table.find(user(i)), nullptr);
    std::size_t there = 0;
    table.each_at(node(i), [&](const Known& known) { there += known.user == user(i) ? 1u : 0u; });
    ASSERT_EQ(there, 1u);
  }
  // Strangers have become followers, and followers strangers.
  for (std::uint64_t i = 5990; i < 6000; ++i) {
    if (table.find(user(i)) == nullptr) continue;
    be_found(*table.find(user(i)));
    ASSERT_TRUE(table.keep(user(i), true));
  }
  const std::size_t kept = table.kept();
  EXPECT_GT(kept, 1000u);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    if (i % 2 == 0) be_found(*table.find(user(i)));
    table.keep(user(i), false);
  }
  EXPECT_EQ(table.kept(), kept - 1000);
  EXPECT_EQ(table.size(), kept - 1000 + 50);
  EXPECT_EQ(table.find(user(1)), nullptr) << "nothing was known of it";
  for (std::uint64_t i = 7000; i < 8000; ++i) table.put(user(i));
  EXPECT_EQ(table.size(), kept - 1000 + 50);
  EXPECT_EQ(table.find(user(998)), nullptr);
}

TEST(ContactTable, OnlySoManyAreKept) {
  Limits limits;
  limits.followers = 20;
  limits.follows = 10;
  ContactTable table(limits, 7);
  std::size_t kept = 0;
  for (std::uint64_t i = 0; i < 100; ++i) kept += table.keep(user(i), true) ? 1u : 0u;
  EXPECT_EQ(kept, 30u);
  EXPECT_EQ(table.size(), 30u);
  EXPECT_TRUE(table.keep(user(0), true)) << "it is already";
  EXPECT_TRUE(table.keep(user(0), false));
  EXPECT_TRUE(table.keep(user(99), true));
  EXPECT_FALSE(table.keep(user(0), true));
}

TEST(ContactTable, BehavesLikeANaiveOne) {
  struct Naive {
    NodeId at;
    bool kept = false;
    bool checked = false;
    std::uint64_t used = 0;
  };
  Limits limits;
  limits.contacts = 40;
  limits.followers = 25;
  limits.follows = 5;
  ContactTable table(limits, 3);
  std::map<PubKey, Naive> naive;
  Rng rng(2, "contacts");
  std::uint64_t clock = 0;
  const auto strangers = [&] {
    return std::count_if(naive.begin(), naive.end(), [](const auto& one) { return !one.second.kept; });
  };
  const auto drop = [&](std::ptrdiff_t most) {
    while (strangers() > most) {
      auto oldest = naive.end();
      for (auto one = naive.begin(); one != naive.end(); ++one) {
        if (one->second.kept) continue;
        const auto rank = [](const Naive& it) { return std::pair(it.checked, it.used); };
        if (oldest == naive.end() || rank(one->second) < rank(oldest->second)) oldest = one;
      }
      naive.erase(oldest);
    }
  };
  for (int i = 0; i < 40'000; ++i) {
    const PubKey who = user(rng.below(150));
    const auto known = naive.find(who);
    ++clock;
    switch (rng.below(6)) {
      case 0:
        if (known == naive.end()) drop(39), naive[who].used = clock;
        be_found(table.put(who));
        break;
      case 1:
        if (known != naive.end()) known->second.used = clock, table.touch(*table.find(who));
        break;
      case 2:
        if (known != naive.end() && !known->second.checked) {
          known->second.checked = true;
          known->second.used = clock;
          table.set_checked(*table.find(who), true);
        }
        break;
      case 3: {
        const NodeId at = node(rng.below(60));
        if (known != naive.end()) known->second.at = at, table.set_node(*table.find(who), at);
        break;
      }
      case 4: {
        const auto kept = std::count_if(naive.begin(), naive.end(), [](const auto& one) { return one.second.kept; });
        const bool fits = (known != naive.end() && known->second.kept) || kept < 30;
        ASSERT_EQ(table.keep(who, true), fits);
        if (fits) naive[who].kept = true, be_found(*table.find(who));
        break;
      }
      default:
        table.keep(who, false);
        if (known != naive.end() && known->second.kept) {
          known->second.kept = false;
          known->second.used = clock;
          drop(40);
        }
    }
    ASSERT_EQ(table.size(), naive.size());
    const auto expected = naive.find(who);
    const Known* found = table.find(who);
    ASSERT_EQ(found != nullptr, expected != naive.end());
    if (found == nullptr) continue;
    ASSERT_EQ(found->node, expected->second.at);
    ASSERT_EQ(found->kept, expected->second.kept);
    std::set<PubKey> there;
    table.each_at(expected->second.at, [&](const Known& one) { there.insert(one.user); });
    std::set<PubKey> due;
    for (const auto& [one, state] : naive) {
      if (state.at == expected->second.at && state.at != NodeId{}) due.insert(one);
    }
    ASSERT_EQ(there, due);
  }
}

TEST(ContactTable, WhoStandsInLineHasItsTurnOnce) {
  const Limits limits;
  ContactTable table(limits, 7);
  for (std::uint64_t i = 0; i < 6; ++i) table.keep(user(i), true);
  table.put(user(9));
  table.stand_in_line(*table.find(user(9)));
  EXPECT_EQ(table.first_in_line(), nullptr) << "a stranger";
  for (const std::uint64_t i : {2u, 0u, 4u, 2u, 1u, 5u}) table.stand_in_line(*table.find(user(i)));
  table.leave_line(*table.find(user(0)));
  table.keep(user(4), false);  // nothing is known of it: gone
  table.keep(user(7), true);   // who has its place now
  std::vector<PubKey> served;
  while (Known* first = table.first_in_line()) {
    served.push_back(first->user);
    table.leave_line(*first);
    if (served.size() == 2) table.stand_in_line(*table.find(user(0)));
  }
  EXPECT_EQ(served, (std::vector<PubKey>{user(2), user(1), user(5), user(0)}));
  table.stand_in_line(*table.find(user(7)));
  ASSERT_NE(table.first_in_line(), nullptr);
  EXPECT_EQ(table.first_in_line()->user, user(7));
}

TEST(ContactTable, TellsOfWhoMovedOnce) {
  const Limits limits;
  ContactTable table(limits, 7);
  for (std::uint64_t i = 0; i < 4; ++i) table.keep(user(i), true);
  for (const std::uint64_t i : {3u, 1u, 3u, 2u}) table.set_moved(*table.find(user(i)));
  table.keep(user(1), false);
  table.keep(user(8), true);  // in its place
  const auto moved = [&] {
    std::vector<PubKey> found;
    table.take_moved([&](const Known& one) { found.push_back(one.user); });
    return found;
  };
  EXPECT_EQ(moved(), (std::vector<PubKey>{user(3), user(2)}));
  EXPECT_TRUE(moved().empty());
  // Whoever comes and goes all the time leaves nothing behind.
  const std::size_t before = table.bytes();
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    table.keep(user(100 + i), true);
    table.set_moved(*table.find(user(100 + i)));
    table.stand_in_line(*table.find(user(100 + i)));
    table.keep(user(100 + i), false);
  }
  EXPECT_LE(table.bytes(), before + 4096);
}

TEST(ContactTable, IsSmall) {
  const Limits limits;
  ContactTable table(limits, 7);
  EXPECT_EQ(table.bytes(), 0u);
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    table.keep(user(i), true);
    table.set_node(*table.find(user(i)), node(i));
  }
  RecordProperty("bytes_each", static_cast<int>(table.bytes() / 100'000));
  EXPECT_LE(table.bytes(), 100'000u * 368);
}

}  // namespace
}  // namespace np2p::swarm
