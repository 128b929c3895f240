// What was broadcast while somebody was away or cut off reaches him, once; peers that know the same hardly say a word;
// and liars get little for their lies.
#include "core/overlay/swarm/history.h"

#include <gtest/gtest.h>

#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

using test::RawPeer;
using test::World;

constexpr std::uint8_t kDigest = 30;  // types of messages
constexpr std::uint8_t kParts = 31;
constexpr std::uint8_t kRecalled = 35;

struct Histories : ::testing::Test {
  World world;
  std::map<std::uint8_t, std::size_t> sent;  // by type
  void SetUp() override {
    ASSERT_EQ(encode(HistoryDigest{}).view()[0], kDigest);
    ASSERT_EQ(encode(Recalled{}).view()[0], kRecalled);
    world.keeps_history = true;
    world.loses = [this](std::size_t, std::size_t, const Frame& frame) {
      ++sent[frame.view()[0]];
      return false;
    };
  }
  // Nobody gets anything twice; who has said it, not at all.
  [[nodiscard]] bool has_all(std::size_t node, const std::set<std::string>& texts) {
    const auto inbox = world[node].inbox_texts();
    EXPECT_EQ(std::adjacent_find(inbox.begin(), inbox.end()), inbox.end()) << node;
    return std::includes(inbox.begin(), inbox.end(), texts.begin(), texts.end());
  }
  std::set<std::string> say(std::size_t author, const std::string& what, int count, Duration pause) {
    std::set<std::string> texts;
    for (int i = 0; i < count; ++i) {
      texts.insert(what + " " + std::to_string(i));
      world.broadcast(author, what + " " + std::to_string(i));
      world.run_for(pause);
    }
    return texts;
  }
};

TEST_F(Histories, OfTwoNodesThatNeverMetBecomeOne) {
  world.add_many(2);
  world[0].boot();
  const auto zeros = say(0, "zero", 45, 40s);
  world[0].crash();
  world[1].boot();
  const auto ones = say(1, "one", 3, 10min);
  world[0].boot();
  world.run_for(3min);
  EXPECT_TRUE(has_all(0, ones));
  EXPECT_TRUE(has_all(1, zeros));
  EXPECT_EQ(sent[kRecalled], zeros.size() + ones.size());
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(world[i].swarm->history().marks().size(), 48u);
    EXPECT_EQ(world[i].refusals(), 0) << i;
    EXPECT_EQ(world[i].swarm->history().talks(), 0u);
  }
}

TEST_F(Histories, OfWhoKnowsTheSameCostOneDigestForALink) {
  world.add_many(12, 3);
  world.boot_all();
  world.run_for(1min);
  say(4, "said", 5, 1s);
  world.run_for(5min);
  sent.clear();
  world[6].crash();
  world.run_for(5s);
  world[6].boot();
  world.run_for(3min);
  EXPECT_GE(sent[kDigest], 1u);
  EXPECT_LE(sent[kDigest], 2 * world[6].swarm->membership().active_size() + 12);
  for (std::uint8_t type = kParts; type <= kRecalled; ++type) EXPECT_EQ(sent[type], 0u) << int{type};
}

TEST_F(Histories, WhoWasAwayForAnHourGetsAllOfItOnce) {
  world.add_many(24, 4);
  world.boot_all();
  world.run_for(3min);
  for (const std::size_t away : {6u, 7u}) {  // reachable, and behind NAT
    ASSERT_EQ(world[away].nat, away == 7);
    world[away].crash();
    world[away].inbox.clear();
    const auto texts = say(2, "while away " + std::to_string(away), 40, 90s);
    sent.clear();
    world[away].boot();
    world.run_for(90s);
    EXPECT_TRUE(has_all(away, texts));
    EXPECT_LE(sent[kRecalled], texts.size() + 1);
    // And it goes on from there to nobody, as all others have it.
    const std::size_t recalled = sent[kRecalled];
    world.run_for(10min);
    EXPECT_EQ(sent[kRecalled], recalled);
    EXPECT_EQ(world[away].swarm->history().talks(), 0u);
  }
}

// Only the newest of a long time, as the limits say.
TEST_F(Histories, HaveALimitBeyondWhichTheNewestArrive) {
  Config config;
  config.limits.history_events = 10;
  for (int i = 0; i < 6; ++i) world.add(false, config);
  world.boot_all();
  world.run_for(1min);
  world[3].crash();
  say(0, "said", 35, 3min);
  world[3].boot();
  world.run_for(2min);
  const auto inbox = world[3].inbox_texts();
  EXPECT_GE(inbox.size(), 9u);
  EXPECT_LE(inbox.size(), 10u);
  for (int i = 26; i < 35; ++i) EXPECT_EQ(std::count(inbox.begin(), inbox.end(), "said " + std::to_string(i)), 1) << i;
}

// --- one node and peers for whom the test speaks

struct HistoryOfOne : ::testing::Test {
  World world;
  void SetUp() override {
    world.keeps_history = true;
    world.add();
    world[0].boot();
  }
  [[nodiscard]] std::uint32_t now() { return static_cast<std::uint32_t>(unix_seconds(world[0].wall())); }
  [[nodiscard]] Span span() { return {now() - 3600, now() - 60}; }
  [[nodiscard]] int refused(const char* what) { return world[0].rejections[std::string("history ") + what]; }
  static std::vector<std::uint64_t> invented(std::size_t count, std::uint64_t seed = 1) {
    Rng rng(seed, "ids");
    std::vector<std::uint64_t> ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back(rng.next());
    return ids;
  }
  void join(RawPeer& peer) {
    peer.join();
    peer.heard();
  }
  // The talk up to the point where the node knows what the peer says it has.
  void offer(RawPeer& peer, std::vector<std::uint64_t> ids) {
    for (std::uint64_t& id : ids) id ^= peer.salt;
    peer.say(HistoryIds{span(), ~0u, std::move(ids)});
  }
  static std::size_t asked(RawPeer& peer) {
    std::size_t sum = 0;
    for (const HistoryAsk& ask : peer.heard_of<HistoryAsk>()) {
      EXPECT_LE(ask.ids.size(), Limits{}.history_asked);
      sum += ask.ids.size();
    }
    return sum;
  }
};

TEST_F(HistoryOfOne, ADigestThatDiffersIsAnsweredWithThoseOfTheParts) {
  RawPeer peer(world, 0, 1);
  join(peer);
  world.broadcast(0, "said");
  world.run_for(5min);
  peer.heard();
  Marks same(10, 24h);
  same.insert(world.past_of("said"), now());
  peer.say(HistoryDigest{span(), same.digest(span())});
  EXPECT_TRUE(peer.heard_of<HistoryParts>().empty());
  peer.say(HistoryDigest{span(), {}});
  const auto parts = peer.heard_of<HistoryParts>();
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].digests, same.digests(span(), peer.salt));
  peer.say(HistoryIds{span(), ~0u, {}});
  const auto offers = peer.heard_of<HistoryOffer>();
  ASSERT_EQ(offers.size(), 1u);
  EXPECT_EQ(offers[0].ids, std::vector<ShortId>{world.past_of("said").mark ^ peer.salt});
  peer.say(HistoryAsk{offers[0].ids});
  const auto recalled = peer.heard_of<Recalled>();
  ASSERT_EQ(recalled.size(), 1u);
  EXPECT_EQ(text_of(recalled[0].payload.view()), "said");
}

TEST_F(HistoryOfOne, WhatIsNotKeptIsSaidSo) {
  RawPeer peer(world, 0, 1);
  join(peer);
  world.broadcast(0, "said");
  world[0].forgot.insert("said");
  peer.heard();
  peer.say(HistoryAsk{{world.past_of("said").mark ^ peer.salt, 12345}});
  const auto recalled = peer.heard_of<Recalled>();
  ASSERT_EQ(recalled.size(), 2u);
  EXPECT_TRUE(recalled[0].payload.empty());
  EXPECT_TRUE(recalled[1].payload.empty());
}

TEST_F(HistoryOfOne, ALiarsHugeListCostsOneQuestion) {
  RawPeer liar(world, 0, 1);
  RawPeer honest(world, 0, 2);
  join(liar);
  join(honest);
  offer(liar, invented(1000));
  EXPECT_EQ(asked(liar), Limits{}.history_asked);
  world.run_for(1min);
  EXPECT_EQ(asked(liar), 0u);
  EXPECT_EQ(refused("not_found"), 1);
  for (int i = 0; i < 20; ++i) {
    offer(liar, invented(1000, 7));
    liar.say(HistoryDigest{span(), {}});
    world.run_for(1s);
  }
  EXPECT_EQ(asked(liar), 0u);
  world.said_at["true"] = now() - 600;
  offer(honest, {world.past_of("true").mark});
  EXPECT_EQ(asked(honest), 1u);
  honest.say(Recalled{0, Frame(bytes_of("true"))});
  world.run_for(1s);
  EXPECT_EQ(world[0].inbox_texts(), std::vector<std::string>{"true"});
  EXPECT_TRUE(honest.is_open());
}

TEST_F(HistoryOfOne, ListsLongerThanAnybodysMemoryAreRefused) {
  RawPeer liar(world, 0, 1);
  join(liar);
  offer(liar, invented(4096));
  EXPECT_EQ(asked(liar), 0u);
  EXPECT_EQ(refused("too_large"), 1);
  EXPECT_LE(world[0].swarm->history().bytes(), 1000u);
}

TEST_F(HistoryOfOne, SomethingElseThanWasAskedForIsNoAnswer) {
  RawPeer liar(world, 0, 1);
  join(liar);
  offer(liar, invented(100));
  ASSERT_EQ(asked(liar), 32u);
  for (int i = 0; i < 32; ++i) liar.say(Recalled{0, Frame(bytes_of("other " + std::to_string(i)))});
  liar.say(Recalled{0, Frame(bytes_of("one more"))});
  EXPECT_EQ(refused("forbidden"), 1);
  world.run_for(1min);
  EXPECT_EQ(refused("not_found"), 1);
  EXPECT_EQ(asked(liar), 0u);
  EXPECT_EQ(world[0].inbox.size(), 32u);
}

TEST_F(HistoryOfOne, WhoKeepsNothingAnyMoreIsNoLiar) {
  RawPeer peer(world, 0, 1);
  join(peer);
  offer(peer, invented(40));
  EXPECT_EQ(asked(peer), 32u);
  for (int i = 0; i < 32; ++i) peer.say(Recalled{});
  world.run_for(1s);
  EXPECT_EQ(asked(peer), 8u);
  EXPECT_EQ(refused("not_found"), 0);
}

TEST_F(HistoryOfOne, AnswersThatNobodyAskedForAreCountedAndNothingElse) {
  RawPeer peer(world, 0, 1);
  join(peer);
  peer.say(Recalled{0, Frame(bytes_of("unasked"))});
  peer.say(HistoryOffer{invented(10)});
  EXPECT_EQ(refused("forbidden"), 2);
  peer.say(HistoryParts{span(), {1, 2, 3}});
  EXPECT_EQ(refused("malformed"), 1);
  peer.say(HistoryDigest{{0, now()}, {}});
  peer.say(HistoryDigest{{now(), now() + 7200}, {}});
  EXPECT_EQ(refused("bad_time"), 2);
  peer.say(HistoryAsk{invented(33)});
  EXPECT_EQ(refused("rate_limited"), 1);
  EXPECT_TRUE(world[0].inbox.empty());
  EXPECT_TRUE(peer.is_open());
}

// One of them could let the others wait for ever.
TEST_F(HistoryOfOne, TwoAreLearnedFromAtATimeAndNoneTooLong) {
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (std::uint64_t i = 0; i < 3; ++i) {
    peers.push_back(std::make_unique<RawPeer>(world, 0, 1 + i));
    join(*peers.back());
    offer(*peers.back(), invented(1000, i));
  }
  EXPECT_EQ(asked(*peers[0]), 32u);
  EXPECT_EQ(asked(*peers[1]), 32u);
  EXPECT_EQ(asked(*peers[2]), 0u);
  for (int i = 0; i < 40; ++i) {  // slowly, and without an end
    peers[0]->say(Recalled{});
    peers[1]->say(Recalled{});
    world.run_for(9s);
  }
  EXPECT_FALSE(peers[2]->heard_of<HistoryDigest>().empty());
  offer(*peers[2], invented(10, 9));
  EXPECT_EQ(asked(*peers[2]), 10u);
}

TEST_F(HistoryOfOne, WhatIsAskedForBeyondTheBudgetWaits) {
  RawPeer peer(world, 0, 1);
  join(peer);
  const Limits& limits = world[0].config.limits;
  const std::size_t each = 8000;
  std::vector<ShortId> ids;
  for (int i = 0; i < 100; ++i) {
    std::string text = std::to_string(i);
    text.resize(each, 'x');
    world.broadcast(0, text);
    ids.push_back(world.past_of(text).mark ^ peer.salt);
  }
  world.run_for(5min);
  peer.heard();
  std::size_t bytes = 0;
  std::size_t next = 0;
  for (int second = 1; second <= 40; ++second) {
    std::size_t arrived = 0;
    for (const Recalled& one : peer.heard_of<Recalled>()) arrived += one.payload.size();
    bytes += arrived;
    const std::size_t allowed =
        limits.history_bytes_burst + static_cast<std::size_t>(second) * limits.history_bytes_per_second;
    EXPECT_LE(bytes, allowed + each) << second;
    if (next < ids.size() && world[0].swarm->history().bytes() < 4000) {
      const auto first = ids.begin() + static_cast<std::ptrdiff_t>(next);
      const auto count = std::min<std::size_t>(25, ids.size() - next);
      peer.say(HistoryAsk{{first, first + static_cast<std::ptrdiff_t>(count)}});
      if (refused("rate_limited") == 0) next += count;
      world[0].rejections.clear();
    }
    world.run_for(1s);
  }
  EXPECT_EQ(bytes, 100 * each);
  // And there is a limit to what waits.
  for (int i = 0; i < 40; ++i) peer.say(HistoryAsk{{ids.begin(), ids.begin() + 32}});
  EXPECT_GT(refused("rate_limited"), 30);
}

}  // namespace
}  // namespace np2p::swarm
