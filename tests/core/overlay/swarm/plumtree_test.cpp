// Broadcast: each payload once to everybody, almost nothing twice on the wire, holes mended, and peers who lie about
// what they have cost nothing.
#include "core/overlay/swarm/plumtree.h"

#include <gtest/gtest.h>

#include "core/event/sha256.h"
#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

using test::Machine;
using test::RawPeer;
using test::World;

struct Broadcast : ::testing::Test {
  World world;
  void grow(std::size_t n, std::size_t nat_every) {
    world.add_many(n, nat_every);
    world.boot_all();
    world.run_for(5min);
  }
  [[nodiscard]] std::size_t got(std::size_t node, const std::string& text) {
    const auto texts = world[node].inbox_texts();
    return static_cast<std::size_t>(std::count(texts.begin(), texts.end(), text));
  }
};

TEST_F(Broadcast, EveryFirstPostArrivesOnceAtEverybodyWithHardlyACopyTooMany) {
  const std::size_t n = 48;
  grow(n, 2);
  const std::uint64_t before = world.gossip_sent();
  for (std::size_t author = 0; author < n; ++author) {
    const std::string text = "the first post of " + std::to_string(author);
    world.broadcast(author, text);
    world.run_for(15s);
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(got(i, text), i == author ? 0u : 1u) << text << " at " << i;
  }
  // Nobody had heard of any of these authors before.
  EXPECT_LE((world.gossip_sent() - before) * 10, n * (n - 1) * 11);
}

TEST_F(Broadcast, ManyPostsAtOnceArriveOnceEach) {
  const std::size_t n = 30;
  grow(n, 3);
  const std::uint64_t before = world.gossip_sent();
  for (int round = 0; round < 10; ++round) {
    for (std::size_t author = 0; author < n; ++author) {
      world.broadcast(author, std::to_string(author) + ":" + std::to_string(round));
      world.run_for(20ms);
    }
  }
  world.run_for(20s);
  for (std::size_t i = 0; i < n; ++i) {
    auto texts = world[i].inbox_texts();
    EXPECT_EQ(texts.size(), 10 * (n - 1)) << i;
    EXPECT_EQ(std::unique(texts.begin(), texts.end()), texts.end()) << i;
  }
  // Faster than a Prune is on its way: some copies cross.
  EXPECT_LE((world.gossip_sent() - before) * 10, 10 * n * (n - 1) * 13);
}

// Copies over the link by which a node gets them are lost without a word: it hears of them and asks.
TEST_F(Broadcast, ALostEagerCopyIsRepairedByGraft) {
  grow(30, 3);
  world.broadcast(4, "shows the way");
  world.run_for(10s);
  std::size_t repaired = 0;
  for (const std::size_t victim : {1u, 2u, 5u, 9u, 12u, 20u, 23u, 28u}) {
    ASSERT_FALSE(world[victim].inbox.empty());
    const auto parent = world.far(victim, world[victim].inbox.back().link);
    if (!parent || world[victim].swarm->membership().active_size() < 5) continue;
    world.loses = [&](std::size_t from, std::size_t to, const Frame& frame) {
      return from == parent->first && to == victim && frame.view()[0] == 13;
    };
    const std::string text = "lost on the way to " + std::to_string(victim);
    world.broadcast(4, text);
    world.run_for(20s);
    EXPECT_EQ(got(victim, text), 1u) << victim;
    for (std::size_t i = 0; i < world.size(); ++i) EXPECT_EQ(got(i, text), i == 4 ? 0u : 1u) << i;
    world.loses = {};
    ++repaired;
  }
  EXPECT_GE(repaired, 5u);
}

TEST_F(Broadcast, NodesThatDieWithoutAWordLeaveNoHole) {
  grow(40, 4);
  for (std::size_t author = 0; author < 10; ++author) world.broadcast(author, "warm " + std::to_string(author));
  world.run_for(10s);
  for (const std::size_t dead : {3u, 11u, 17u, 25u, 33u, 38u}) world[dead].crash();
  world.broadcast(8, "while they die");  // before anybody has noticed
  world.run_for(30s);
  for (std::size_t i = 0; i < world.size(); ++i) {
    if (!world[i].runs() || i == 8) continue;
    EXPECT_EQ(got(i, "while they die"), 1u) << i;
  }
}

TEST_F(Broadcast, WhatIsSaidBeforeTheFirstNeighbourIsThereIsNotLost) {
  grow(20, 4);
  for (const std::size_t author : {6u, 7u}) {  // reachable, and behind NAT
    ASSERT_EQ(world[author].nat, author == 7);
    world[author].crash();
    world.run_for(10s);
    world[author].boot();
    const std::string text = "just back " + std::to_string(author);
    world.broadcast(author, text);
    world.run_for(20s);
    for (std::size_t i = 0; i < world.size(); ++i) EXPECT_EQ(got(i, text), i == author ? 0u : 1u) << i;
  }
}

TEST_F(Broadcast, APostThatDiesWithTheParentOfALeafIsSaidAgain) {
  grow(24, 4);
  for (const std::size_t author : {3u, 7u, 11u}) {
    ASSERT_TRUE(world[author].nat);
    const std::string text = "last words to a parent " + std::to_string(author);
    std::size_t parent = world.size();
    world.loses = [&](std::size_t from, std::size_t to, const Frame& frame) {
      if (from != author || frame.view()[0] != 13) return false;
      parent = to;
      return true;
    };
    world.broadcast(author, text);
    world.run_for(1s);
    world.loses = {};
    ASSERT_LT(parent, world.size());
    for (std::size_t i = 0; i < world.size(); ++i) EXPECT_EQ(got(i, text), 0u);
    world[parent].crash();
    world.run_for(10s);
    world[parent].boot();
    world.run_for(30s);
    for (std::size_t i = 0; i < world.size(); ++i) {
      if (i == parent) continue;
      EXPECT_EQ(got(i, text), i == author ? 0u : 1u) << text << " at " << i;
    }
  }
}

TEST_F(Broadcast, WhoComesBackGetsWhatWasSaidMeanwhile) {
  grow(20, 4);
  world[6].crash();
  world.run_for(10s);
  world.broadcast(2, "meanwhile");
  world.run_for(5s);
  world[6].boot();
  world.run_for(30s);
  EXPECT_EQ(got(6, "meanwhile"), 1u);
}

// The line of a server is busy with one copy after the other.
TEST(Plumtree, CopiesGoFirstToThoseWhoHandThemOnAndToTheNearestOfThem) {
  World world;
  world.add_many(40, 2);
  world.boot_all();
  world.run_for(3min);
  std::vector<std::vector<std::size_t>> copies(world.size());  // to whom, in order
  world.loses = [&](std::size_t from, std::size_t to, const Frame& frame) {
    if (frame.view()[0] == encode(Gossip{}).view()[0]) copies[from].push_back(to);
    return false;
  };
  world.broadcast(0, "in order");
  world.run_for(5s);
  std::size_t pairs = 0;
  for (std::size_t from = 0; from < world.size(); ++from) {
    for (std::size_t k = 1; k < copies[from].size(); ++k) {
      const std::size_t first = copies[from][k - 1];
      const std::size_t then = copies[from][k];
      EXPECT_LE(world[first].nat, world[then].nat) << from;
      if (world[first].nat != world[then].nat) continue;
      ++pairs;
      EXPECT_LE(world.delay(from, first), world.delay(from, then)) << from;
    }
  }
  EXPECT_GE(pairs, 5u);
}

// --- one node among raw peers

struct OneTree : ::testing::Test {
  World world;
  void SetUp() override {
    world.add();
    world[0].boot();
  }
  static Gossip gossip(std::string_view text, std::uint8_t tree = 3) {
    Gossip message;
    message.tree = tree;
    message.source = test::user_of(77);
    message.payload = Frame(bytes_of(text));
    return message;
  }
  // The short id of a payload on that peer's link.
  static ShortId short_id(const RawPeer& peer, std::string_view text) {
    const std::uint8_t channel = 0;
    const Sha256 hash = sha256({ByteView(&channel, 1), bytes_of(text)});
    PayloadId id;
    std::copy_n(hash.begin(), PayloadId::size, id.data.begin());
    return RecentPayloads::head(id) ^ peer.salt;
  }
  [[nodiscard]] std::size_t inbox() { return world[0].inbox.size(); }
};

TEST_F(OneTree, HandsOnToEagerOnesAndAnnouncesToThoseWhoWatch) {
  RawPeer author(world, 0, 1);
  RawPeer eager(world, 0, 2);
  RawPeer watcher(world, 0, 3);
  RawPeer lazy(world, 0, 4);
  for (RawPeer* peer : {&author, &eager, &watcher, &lazy}) {
    peer->join();
    peer->heard();
    peer->say(Prune{~Trees{0}});
  }
  eager.say(Graft{Trees{1} << 3, {}});
  watcher.say(Watch{true, 60});
  author.say(gossip("post"));
  world.run_for(2s);
  EXPECT_EQ(inbox(), 1u);
  const auto copies = eager.heard_of<Gossip>();
  ASSERT_EQ(copies.size(), 1u);
  EXPECT_EQ(text_of(copies[0].payload.view()), "post");
  EXPECT_EQ(copies[0].source, test::user_of(77));
  const auto announced = watcher.heard_of<IHave>();
  ASSERT_EQ(announced.size(), 1u);
  ASSERT_EQ(announced[0].ids.size(), 1u);
  EXPECT_EQ(announced[0].ids[0].id, short_id(watcher, "post"));
  EXPECT_EQ(announced[0].ids[0].tree, 3);
  for (const Message& message : lazy.heard()) {
    EXPECT_FALSE(std::holds_alternative<Gossip>(message) || std::holds_alternative<IHave>(message));
  }
  watcher.say(Graft{0, {short_id(watcher, "post")}});
  EXPECT_EQ(watcher.heard_of<Gossip>().size(), 1u);
}

// As in the paper: over HyParView's active view, each link of which starts eager.
TEST(Plumtree, WithoutOtherTreesBroadcastsGoOverTheActiveViewAlone) {
  World world;
  Config config;
  config.swarm.trees = 0;
  config.swarm.eager_links = true;
  world.add(false, config);
  world[0].boot();
  RawPeer near(world, 0, 1);
  RawPeer linked(world, 0, 2);
  near.join();
  linked.hello();
  linked.say(Graft{~Trees{0}, {}});
  world.broadcast(0, "over the active view");
  EXPECT_EQ(near.heard_of<Gossip>().size(), 1u);
  EXPECT_TRUE(linked.heard_of<Gossip>().empty());
  linked.say(Neighbor{Urgency::high});
  world.broadcast(0, "in which it is now");
  EXPECT_EQ(linked.heard_of<Gossip>().size(), 1u);
  near.heard();
  near.say(Disconnect{});
  world.broadcast(0, "and this one no longer");
  EXPECT_TRUE(near.heard_of<Gossip>().empty());
}

TEST_F(OneTree, RepetitionIsPrunedAndDeliveredOnce) {
  RawPeer first(world, 0, 1);
  RawPeer second(world, 0, 2);
  RawPeer third(world, 0, 3);
  for (RawPeer* peer : {&first, &second, &third}) peer->join();
  third.say(Graft{~Trees{0}, {}});
  first.say(gossip("post"));
  third.heard();
  for (int i = 0; i < 50; ++i) {
    second.say(gossip("post"));
    first.say(gossip("post", 9));
  }
  EXPECT_EQ(inbox(), 1u);
  EXPECT_FALSE(second.heard_of<Prune>().empty());
  EXPECT_TRUE(third.heard_of<Gossip>().empty());
  EXPECT_EQ(world[0].said[static_cast<std::size_t>(Traffic::duplicate)], 100u);
}

TEST_F(OneTree, WhatIsNotGoodIsNeitherHandedOnNorAnnounced) {
  RawPeer author(world, 0, 1);
  RawPeer eager(world, 0, 2);
  RawPeer watcher(world, 0, 3);
  for (RawPeer* peer : {&author, &eager, &watcher}) peer->join();
  eager.say(Graft{~Trees{0}, {}});
  watcher.say(Prune{~Trees{0}});
  watcher.say(Watch{true, 60});
  world[0].judges_bad = true;
  for (int i = 0; i < 40; ++i) author.say(gossip("forged " + std::to_string(i)));
  world.run_for(5s);
  EXPECT_EQ(inbox(), 40u);
  EXPECT_TRUE(eager.heard_of<Gossip>().empty());
  EXPECT_TRUE(watcher.heard_of<IHave>().empty());
  watcher.say(Graft{0, {short_id(watcher, "forged 1")}});
  EXPECT_TRUE(watcher.heard_of<Gossip>().empty());
  world[0].judges_bad = false;
  author.say(gossip("good"));
  EXPECT_EQ(eager.heard_of<Gossip>().size(), 1u);
}

TEST_F(OneTree, StrangersAndTreesThatDoNotExistAreRefusedAndCounted) {
  RawPeer stranger(world, 0, 1, false);
  stranger.hello();
  stranger.say(gossip("from a stranger"));
  RawPeer neighbour(world, 0, 2);
  neighbour.join();
  neighbour.say(gossip("from nowhere", 64));
  neighbour.say(gossip("from nowhere", 255));
  neighbour.say(IHave{{{1, 64}, {2, 255}}});
  world.run_for(10s);
  EXPECT_EQ(inbox(), 0u);
  EXPECT_EQ(world[0].rejections["gossip forbidden"], 3);
  for (const Graft& graft : neighbour.heard_of<Graft>()) EXPECT_TRUE(graft.ids.empty());
}

TEST_F(OneTree, AskingForWhatIsNotThereBringsNothing) {
  RawPeer peer(world, 0, 1);
  peer.join();
  peer.heard();
  Rng rng(1, "ids");
  for (int i = 0; i < 20; ++i) {
    Graft graft;
    for (int j = 0; j < 4096; ++j) graft.ids.push_back(rng.next());
    peer.say(graft);
  }
  EXPECT_TRUE(peer.heard_of<Gossip>().empty());
  EXPECT_TRUE(peer.is_open());
}

TEST_F(OneTree, AskingForTheSameManyTimesBringsItOnce) {
  RawPeer peer(world, 0, 1);
  peer.join();
  peer.heard();
  peer.say(Prune{~Trees{0}});
  world.broadcast(0, "post");
  EXPECT_EQ(peer.heard_of<Gossip>().size(), 1u);  // the only neighbour, so it is grafted again at once
  peer.say(Graft{0, std::vector<ShortId>(4096, short_id(peer, "post"))});
  EXPECT_EQ(peer.heard_of<Gossip>().size(), 1u);
}

// What one peer pulls beyond its budget is refused, and neither posts nor the pulls of others wait for it.
TEST_F(OneTree, PullsHaveABudgetForEachLink) {
  RawPeer greedy(world, 0, 1);
  RawPeer modest(world, 0, 2);
  for (RawPeer* peer : {&greedy, &modest}) peer->join();
  const std::size_t each = 20'000;
  std::vector<std::string> texts;
  for (int i = 0; i < 100; ++i) {
    texts.push_back(std::to_string(i));
    texts.back().resize(each, 'x');
    world.broadcast(0, texts.back());
  }
  const auto pull = [&](RawPeer& peer) {
    peer.heard();
    for (int round = 0; round < 10; ++round) {
      Graft graft;
      for (const std::string& text : texts) graft.ids.push_back(short_id(peer, text));
      peer.say(graft);
    }
    std::size_t bytes = 0;
    for (const Gossip& gossip : peer.heard_of<Gossip>()) bytes += gossip.payload.size();
    return bytes;
  };
  const Limits& limits = world[0].config.limits;
  EXPECT_LE(pull(greedy), limits.pulled_bytes_burst + 2 * each);
  EXPECT_GE(world[0].rejections["graft rate_limited"], 9);
  greedy.say(Graft{~Trees{0}, {}});
  world.broadcast(0, "at once");
  EXPECT_EQ(greedy.heard_of<Gossip>().size(), 1u);
  world[0].rejections.clear();
  EXPECT_GE(pull(modest), limits.pulled_bytes_burst);
  world.run_for(10s);
  const std::size_t later = pull(greedy);
  EXPECT_GE(later, 9 * limits.pulled_bytes_per_second);
  EXPECT_LE(later, 10 * limits.pulled_bytes_per_second + 2 * each);
}

TEST_F(OneTree, IdsThatAreNeverDeliveredAreAskedForUpToTheLimitAndOnce) {
  RawPeer liar(world, 0, 1);
  RawPeer honest(world, 0, 2);
  liar.join();
  honest.join();
  const std::size_t most = world[0].config.limits.missing_payloads;
  Rng rng(1, "ids");
  std::vector<Announced> ids;
  for (int i = 0; i < 4096; ++i) ids.push_back({rng.next(), static_cast<std::uint8_t>(i % 64)});
  liar.heard();
  for (int i = 0; i < 5; ++i) liar.say(IHave{ids});
  world.run_for(1min);
  std::size_t asked = 0;
  for (const Graft& graft : liar.heard_of<Graft>()) asked += graft.ids.size();
  EXPECT_GT(asked, 0u);
  EXPECT_LE(asked, most);
  for (const Graft& graft : honest.heard_of<Graft>()) EXPECT_TRUE(graft.ids.empty());
  honest.say(gossip("still here"));
  EXPECT_EQ(inbox(), 1u);
  world.run_for(1min);
  EXPECT_TRUE(liar.heard_of<Graft>().empty());
}

TEST_F(OneTree, WhoAnnouncesAndDoesNotDeliverIsFollowedByTheNext) {
  RawPeer liar(world, 0, 1);
  RawPeer honest(world, 0, 2);
  liar.join();
  honest.join();
  liar.heard();
  honest.heard();
  liar.say(IHave{{{short_id(liar, "post"), 3}}});
  honest.say(IHave{{{short_id(honest, "post"), 3}}});
  world.run_for(10s);
  std::size_t asked = 0;
  for (const Graft& graft : honest.heard_of<Graft>()) {
    for (const ShortId id : graft.ids) asked += id == short_id(honest, "post") ? 1u : 0u;
  }
  EXPECT_EQ(asked, 1u);
  honest.say(gossip("post"));
  EXPECT_EQ(inbox(), 1u);
}

// How often it was asked for that post since the last look.
std::size_t asks_for(RawPeer& peer, ShortId id) {
  std::size_t asked = 0;
  for (const Graft& graft : peer.heard_of<Graft>())
    asked += static_cast<std::size_t>(std::count(graft.ids.begin(), graft.ids.end(), id));
  return asked;
}

TEST_F(OneTree, WhatALinkThatIsDroppedHadAnnouncedIsAskedOfOthers) {
  for (const bool was_asked : {false, true}) {
    world.empty();
    SetUp();
    RawPeer joined(world, 0, 1);
    RawPeer stays(world, 0, 2);
    joined.join();
    stays.join();
    const std::string text = was_asked ? "asked" : "not yet";
    joined.heard();
    stays.heard();
    joined.say(IHave{{{short_id(joined, text), 3}}});
    world.run_for(was_asked ? 700ms : 100ms);
    EXPECT_EQ(asks_for(joined, short_id(joined, text)), was_asked ? 1u : 0u);
    stays.heard();
    joined.hang_up();
    const auto watches = stays.heard_of<Watch>();
    ASSERT_FALSE(watches.empty()) << "it is to say once more what it has";
    EXPECT_TRUE(watches.back().on);
    EXPECT_EQ(watches.back().recent, 60);
    stays.say(IHave{{{short_id(stays, text), 3}}});
    world.run_for(3s);
    EXPECT_EQ(asks_for(stays, short_id(stays, text)), 1u);
  }
}

TEST_F(OneTree, TheSecondNeighbourIsAskedForTheLastMinuteToo) {
  RawPeer first(world, 0, 1);
  first.join();
  RawPeer second(world, 0, 2);
  second.join();
  const auto watches = second.heard_of<Watch>();
  ASSERT_FALSE(watches.empty());
  EXPECT_EQ(watches.front().recent, 60) << "the first may be gone before it says anything";
}

TEST_F(OneTree, PayloadsAreForgottenAfterAWhileAndIdsNot) {
  RawPeer author(world, 0, 1);
  RawPeer late(world, 0, 2);
  author.join();
  late.join();
  late.heard();
  late.say(Prune{~Trees{0}});
  author.say(gossip("post"));
  world.run_for(3min);
  late.say(Graft{0, {short_id(late, "post")}});
  EXPECT_TRUE(late.heard_of<Gossip>().empty());
  author.say(gossip("post"));
  EXPECT_EQ(inbox(), 1u);
}

TEST(Plumtree, PayloadsKeptForOthersAreBoundedInBytes) {
  World world;
  Config config;
  config.limits.recent_payload_bytes = 10'000;
  world.add(false, config);
  world[0].boot();
  RawPeer peer(world, 0, 1);
  peer.join();
  peer.heard();
  peer.say(Prune{~Trees{0}});
  for (int i = 0; i < 100; ++i) world.broadcast(0, std::string(900, 'x') + std::to_string(i));
  peer.say(Watch{true, 60});
  std::size_t announced = 0;
  for (const IHave& message : peer.heard_of<IHave>()) announced += message.ids.size();
  EXPECT_GE(announced, 8u);
  EXPECT_LE(announced, 11u);
}

}  // namespace
}  // namespace np2p::swarm
