// One payload for many: one copy for each relay, receipts that no relay can make, other ways for who gave none.
#include "core/overlay/swarm/fanout.h"

#include <gtest/gtest.h>

#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

using test::RawPeer;
using test::World;

const Frame kPost(bytes_of("a post"));
const std::uint64_t kTag = copy_tag(kPost);

ShortNode short_of(const NodeId& node) {
  ShortNode first = 0;
  for (std::size_t i = 0; i < 8; ++i) first = first << 8 | node.data[i];
  return first;
}

struct Copies : ::testing::Test {
  World world;
  void boot(Config config = {}) {
    world.add(false, std::move(config));
    world[0].boot();
  }
  void send(std::vector<Receiver> to) {
    world.input(0, [&](Swarm& s) { s.fanout().send(std::move(to), Channel::extension, kPost, Priority::post); });
  }
  std::vector<CopyOutcome> outcomes() {
    std::vector<CopyOutcome> all;
    world.input(0, [&](Swarm& s) {
      while (const auto one = s.next_outcome()) all.push_back(*one);
    });
    return all;
  }
  // As `receiver` would make it for `sender`.
  static PairMac mac(const RawPeer& receiver, const NodeId& sender, std::uint64_t tag = kTag) {
    ByteVec covered;
    for (const std::string_view text : {"np2p/receipt/v1", "nostrp2p"})
      covered.insert(covered.end(), text.begin(), text.end());
    covered.insert(covered.end(), receiver.id().view().begin(), receiver.id().view().end());
    for (unsigned shift = 0; shift < 64; shift += 8) covered.push_back(static_cast<std::uint8_t>(tag >> shift));
    return receiver.key().pair_mac(sender, covered);
  }
  static Spread spread(const NodeId& via, const RawPeer& from, std::vector<ShortNode> to) {
    Spread message;
    message.via = via;
    message.from = from.id();
    message.from_via = from.id();
    message.origin = from.id();
    message.channel = 1;
    message.tag = kTag;
    std::sort(to.begin(), to.end());
    message.to = std::move(to);
    message.payload = Frame(bytes_of("a post"));
    return message;
  }
  [[nodiscard]] const NodeId& own() { return world[0].id(); }
};

TEST_F(Copies, OneForEachRelayAndStraightToWhoIsLinked) {
  boot();
  RawPeer shared(world, 0, 1);
  RawPeer other(world, 0, 2);
  RawPeer friendly(world, 0, 3);
  RawPeer a(world, 0, 11);
  RawPeer b(world, 0, 12);
  RawPeer c(world, 0, 13);
  RawPeer d(world, 0, 14);
  for (RawPeer* peer : {&shared, &other, &friendly}) peer->join();
  for (RawPeer* peer : {&shared, &other, &friendly}) peer->heard();
  // a, b and d have `shared` in common, whatever place it has in their lists; c has only `other`.
  send({{a.user(), a.id(), {other.id(), shared.id()}},
        {b.user(), b.id(), {shared.id()}},
        {d.user(), d.id(), {shared.id()}},
        {c.user(), c.id(), {other.id()}},
        {friendly.user(), friendly.id(), {friendly.id()}}});
  const auto to_shared = shared.heard_of<Spread>();
  ASSERT_EQ(to_shared.size(), 1u);
  std::vector<ShortNode> three = {short_of(a.id()), short_of(b.id()), short_of(d.id())};
  std::vector<ShortNode> named = to_shared[0].to;
  std::sort(three.begin(), three.end());
  std::sort(named.begin(), named.end());
  EXPECT_EQ(named, three);
  EXPECT_EQ(to_shared[0].via, shared.id());
  EXPECT_EQ(to_shared[0].payload, Frame(bytes_of("a post")));
  const auto to_other = other.heard_of<Spread>();
  ASSERT_EQ(to_other.size(), 1u);
  EXPECT_EQ(to_other[0].to, std::vector<ShortNode>{short_of(c.id())});
  EXPECT_EQ(friendly.heard_of<Handed>().size(), 1u);
  EXPECT_EQ(world[0].swarm->fanout().waiting(), 5u);
}

TEST_F(Copies, AReceiptCountsOnlyFromWhoGotIt) {
  boot();
  RawPeer relay(world, 0, 1);
  RawPeer a(world, 0, 11);
  RawPeer b(world, 0, 12);
  relay.join();
  relay.heard();
  send({{a.user(), a.id(), {relay.id()}}, {b.user(), b.id(), {relay.id()}}});
  Receipts forged{own(), own(), 0, kTag, {{short_of(a.id()), mac(relay, own())}, {short_of(b.id()), {}}}, {}};
  relay.say(forged);
  EXPECT_TRUE(outcomes().empty());
  EXPECT_EQ(world[0].rejections["receipt bad_signature"], 2);
  relay.say(
      Receipts{own(), own(), 0, kTag, {{short_of(a.id()), mac(a, own())}, {short_of(b.id()), mac(b, own(), 5)}}, {}});
  const auto good = outcomes();
  ASSERT_EQ(good.size(), 1u);
  EXPECT_EQ(good[0].user, a.user());
  EXPECT_TRUE(good[0].received);
  EXPECT_EQ(world[0].swarm->fanout().waiting(), 1u);
  relay.say(Receipts{own(), own(), 0, kTag, {{short_of(a.id()), mac(a, own())}}, {}});  // once is enough
  EXPECT_TRUE(outcomes().empty());
}

TEST_F(Copies, WhoGivesNoneIsTriedOverItsOtherRelaysAndThenReported) {
  boot();
  RawPeer first(world, 0, 1);
  RawPeer second(world, 0, 2);
  RawPeer a(world, 0, 11);
  for (RawPeer* peer : {&first, &second}) peer->join();
  for (RawPeer* peer : {&first, &second}) peer->heard();
  send({{a.user(), a.id(), {first.id(), second.id()}}});
  EXPECT_EQ(first.heard_of<Spread>().size(), 1u);
  EXPECT_TRUE(second.heard_of<Spread>().empty());
  first.say(Receipts{own(), own(), 0, kTag, {}, {short_of(a.id())}});  // it is no neighbour of mine: at once
  EXPECT_EQ(second.heard_of<Spread>().size(), 1u);
  first.say(Receipts{own(), own(), 0, kTag, {}, {short_of(a.id())}});  // there are no further ways
  EXPECT_TRUE(second.heard_of<Spread>().empty());
  world.run_for(3s);
  EXPECT_EQ(first.heard_of<Spread>().size() + second.heard_of<Spread>().size(), 1u);
  EXPECT_TRUE(outcomes().empty());
  world.run_for(40s);
  const auto given_up = outcomes();
  ASSERT_EQ(given_up.size(), 1u);
  EXPECT_FALSE(given_up[0].received);
  EXPECT_EQ(given_up[0].user, a.user());
  EXPECT_EQ(world[0].swarm->fanout().waiting(), 0u);
}

TEST_F(Copies, ARelayHandsThemOverGathersReceiptsAndSaysWhoIsNotThere) {
  boot();
  RawPeer author(world, 0, 1);
  RawPeer a(world, 0, 11, false);
  RawPeer b(world, 0, 12, false);
  for (RawPeer* peer : {&author, &a, &b}) peer->join();
  for (RawPeer* peer : {&author, &a, &b}) peer->heard();
  author.say(spread(own(), author, {short_of(a.id()), short_of(b.id()), 77}));
  const auto handed = a.heard_of<Handed>();
  ASSERT_EQ(handed.size(), 1u);
  EXPECT_EQ(handed[0].from, author.id());
  EXPECT_EQ(handed[0].tag, kTag);
  EXPECT_EQ(b.heard_of<Handed>().size(), 1u);
  auto lost = author.heard_of<Receipts>();
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].lost, std::vector<ShortNode>{77});
  a.say(Receipt{short_of(author.id()), kTag, mac(a, author.id())});
  a.say(Receipt{short_of(author.id()), kTag, mac(a, author.id())});
  b.say(Receipt{short_of(author.id()), kTag, mac(b, author.id())});
  EXPECT_TRUE(author.heard_of<Receipts>().empty());
  world.run_for(1s);
  const auto gathered = author.heard_of<Receipts>();
  ASSERT_EQ(gathered.size(), 1u);
  ASSERT_EQ(gathered[0].got.size(), 2u);
  EXPECT_EQ(gathered[0].got[0], (Receipted{short_of(a.id()), mac(a, author.id())}));
  a.say(Receipt{short_of(author.id()), 99, {}});
  a.say(Receipt{short_of(b.id()), kTag, mac(a, author.id())});  // of somebody else's copy
  EXPECT_EQ(world[0].rejections["receipt not_found"], 2);
}

TEST_F(Copies, GoOnTowardsTheRelayAndComeBackIfThereIsNoWay) {
  Config config;
  config.limits.hops = 3;
  boot(std::move(config));
  RawPeer author(world, 0, 1);
  RawPeer relay(world, 0, 2);
  for (RawPeer* peer : {&author, &relay}) peer->join();
  for (RawPeer* peer : {&author, &relay}) peer->heard();
  Spread message = spread(relay.id(), author, {5, 6});
  author.say(message);
  const auto onward = relay.heard_of<Spread>();
  ASSERT_EQ(onward.size(), 1u);
  EXPECT_EQ(onward[0].hops, 1);
  message.hops = 3;
  author.say(message);
  EXPECT_TRUE(relay.heard_of<Spread>().empty());
  const auto lost = author.heard_of<Receipts>();
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].lost, (std::vector<ShortNode>{5, 6}));
  Receipts receipts{relay.id(), relay.id(), 0, kTag, {{7, {}}}, {}};
  author.say(receipts);
  EXPECT_EQ(relay.heard_of<Receipts>().size(), 1u);
}

TEST_F(Copies, ARelayKeepsToItsLimits) {
  Config config;
  config.limits.relay_client_bytes_per_s = 1;
  config.limits.relay_client_burst = 200;  // one copy of six bytes and what it costs besides, not two
  boot(std::move(config));
  RawPeer author(world, 0, 1);
  RawPeer a(world, 0, 11, false);
  for (RawPeer* peer : {&author, &a}) peer->join();
  for (RawPeer* peer : {&author, &a}) peer->heard();
  author.say(spread(own(), author, {short_of(a.id())}));
  author.say(spread(own(), author, {short_of(a.id())}));
  EXPECT_EQ(a.heard_of<Handed>().size(), 1u);
  EXPECT_EQ(world[0].rejections["spread rate_limited"], 1);
  const auto lost = author.heard_of<Receipts>();  // and the sender knows
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].lost, std::vector<ShortNode>{short_of(a.id())});
}

TEST_F(Copies, CarryNothingForOthersIfTheServerDoesNot) {
  Config config;
  config.relay = false;
  boot(std::move(config));
  RawPeer author(world, 0, 1);
  RawPeer a(world, 0, 11, false);
  for (RawPeer* peer : {&author, &a}) peer->join();
  author.say(spread(own(), author, {short_of(a.id()), short_of(own())}));
  EXPECT_TRUE(a.heard_of<Handed>().empty());
  EXPECT_EQ(world[0].rejections["spread forbidden"], 1);
  EXPECT_EQ(world[0].inbox_texts(), std::vector<std::string>{"a post"});  // what is for us is no carrying
}

TEST_F(Copies, OfSomethingElseAreNeitherHandedOnNorReceipted) {
  boot();
  RawPeer author(world, 0, 1);
  RawPeer a(world, 0, 11, false);
  for (RawPeer* peer : {&author, &a}) peer->join();
  for (RawPeer* peer : {&author, &a}) peer->heard();
  Spread swapped = spread(own(), author, {short_of(a.id())});
  swapped.payload = Frame(bytes_of("another"));
  author.say(swapped);
  Spread empty = spread(own(), author, {short_of(a.id())});
  empty.payload = {};
  author.say(empty);
  Spread twice = spread(own(), author, {short_of(a.id()), short_of(a.id())});
  author.say(twice);
  EXPECT_TRUE(a.heard_of<Handed>().empty());
  EXPECT_EQ(world[0].rejections["spread malformed"], 3);
  // A relay that hands over something else under the tag of a post gets nothing from us to show for it.
  author.say(Handed{author.id(), 1, kTag, Frame(bytes_of("another"))});
  EXPECT_TRUE(world[0].inbox.empty());
  EXPECT_EQ(world[0].rejections["copy malformed"], 1);
  author.say(Handed{author.id(), 1, kTag, kPost});
  EXPECT_EQ(world[0].inbox_texts(), std::vector<std::string>{"a post"});
}

TEST_F(Copies, OfWhatIsForTheMomentAreSentOnce) {
  boot();
  RawPeer relay(world, 0, 1);
  RawPeer a(world, 0, 11);
  relay.join();
  relay.heard();
  world.input(0, [&](Swarm& s) {
    s.fanout().send({{a.user(), a.id(), {relay.id()}}}, Channel::extension, Frame(bytes_of("now")), Priority::post,
                    Assurance::once);
  });
  world.run_for(1min);
  EXPECT_EQ(relay.heard_of<Spread>().size(), 1u);
  EXPECT_EQ(world[0].swarm->fanout().waiting(), 0u);
  EXPECT_TRUE(outcomes().empty());
}

TEST_F(Copies, MoreThanTheLimitAreReportedAtOnce) {
  Config config;
  config.limits.spread_receivers = 2;
  boot(std::move(config));
  RawPeer relay(world, 0, 1);
  relay.join();
  send({{test::user_of(31), test::key_of(31)->id(), {relay.id()}},
        {test::user_of(32), test::key_of(32)->id(), {relay.id()}},
        {test::user_of(33), test::key_of(33)->id(), {relay.id()}}});
  EXPECT_EQ(world[0].swarm->fanout().waiting(), 2u);
  const auto refused = outcomes();
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_FALSE(refused[0].received || refused[0].tried);
}

// Forty nodes, half of them behind NAT: from one to all others, and every receipt is back.
TEST(CopiesInAWorld, ReachEverybodyOnceAndReceiptsComeBack) {
  World world;
  world.add_many(40, 2);
  world[1].config.limits.direct_copies = 64;  // all by itself
  world.boot_all();
  world.run_for(60s);
  const std::size_t sender = 1;  // behind NAT
  std::vector<PubKey> users;
  for (std::size_t i = 0; i < world.size(); ++i) {
    if (i == sender) continue;
    world.input(sender, [&](Swarm& s) {
      s.unicast(test::user_of(i), Channel::packets, Frame(bytes_of("who")), Priority::post);
    });
  }
  world.run_for(10s);
  for (std::size_t i = 0; i < world.size(); ++i) {
    if (i == sender) continue;
    users.push_back(test::user_of(i));
    world[i].inbox.clear();
  }
  world.input(sender, [&](Swarm& s) {
    const auto without = s.copies(users, Channel::extension, Frame(bytes_of("to you")), Priority::post);
    EXPECT_TRUE(without.empty());
  });
  world.run_for(1s);
  for (std::size_t i = 0; i < world.size(); ++i) {
    if (i == sender) continue;
    ASSERT_EQ(world[i].inbox.size(), 1u) << i;
    const Delivery copy = world[i].inbox[0];
    EXPECT_EQ(copy.cast, Delivery::Cast::copy);
    EXPECT_EQ(copy.copied_by, world[sender].id());
    EXPECT_FALSE(copy.from_server);
    world.input(i, [&](Swarm& s) { s.receipt(copy); });
  }
  world.run_for(2s);
  std::size_t received = 0;
  world.input(sender, [&](Swarm& s) {
    while (const auto one = s.next_outcome()) received += one->received ? 1u : 0u;
  });
  EXPECT_EQ(received, world.size() - 1);
  EXPECT_EQ(world[sender].swarm->fanout().waiting(), 0u);
}

}  // namespace
}  // namespace np2p::swarm
