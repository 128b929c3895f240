// Pairs of whole nodes behind every kind of NAT: one writes to the other something that is worth a link, and which kind
// of link comes of it follows from both boxes.
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "core/base/rng.h"
#include "core/event/kinds.h"
#include "simnet/world.h"

namespace np2p::sim {
namespace {

using Boxes = std::vector<NatSpec>;
const Boxes kBoxes[] = {{}, {full_cone()}, {restricted()}, {port_restricted()}, {symmetric()}};
constexpr const char* kNames[] = {"public", "full cone", "restricted", "port restricted", "symmetric"};

// What theory says: d direct, p punched, t tunnel.
constexpr char kTable[5][6] = {
    "ddddd",  // public
    "dpppp",  // full cone
    "dpppp",  // restricted
    "dpppt",  // port restricted
    "dpptt",  // symmetric
};

struct Pairs {
  explicit Pairs(std::size_t reachable = 5, std::uint64_t seed = 1, const std::string& trace = {})
      : world(options(seed, trace)) {
    for (std::size_t i = 0; i < reachable; ++i) add({});
  }
  static WorldOptions options(std::uint64_t seed, const std::string& trace) {
    WorldOptions made;
    made.seed = seed;
    made.trace_path = trace;
    return made;
  }
  NodeIndex add(const Boxes& boxes, std::optional<BoxIndex> behind = {}) {
    NodeOptions node;
    node.config.overlay = OverlayKind::hyparview;
    node.config.replies = Replies::tagged;        // nobody else needs them
    node.config.limits.one_author_percent = 100;  // of what names its user all is kept: megabytes of one stranger's
    node.nat = boxes;
    node.behind = behind;
    if (world.node_count() > 0) node.config.bootstrap = {world.address_of(0)};
    const NodeIndex index = world.add_node(node);
    world.start(index);
    world.run_for(500ms);
    return index;
  }
  // A mention of `bytes`: by unicast to whom it names.
  EventId write(NodeIndex from, NodeIndex to, std::size_t bytes) {
    Tags tags;
    tags.add({"p", world.user(to).public_key().hex()});
    const std::string text = std::to_string(++written) + std::string(bytes, '.');
    const Event event = world.user(from).sign(kind::post, unix_seconds(world.wall()), std::move(tags), text);
    world.publish(from, event);
    return event.id;
  }
  bool has(NodeIndex node, const EventId& id) {
    ClientQuery query;
    query.filter.ids = {id};
    const QueryAnswer answer = world.query(node, query);
    return std::any_of(answer.events.begin(), answer.events.end(), [&](const EventPtr& e) { return e->id == id; });
  }
  // How `from` is linked to `to`: the letters of the table; '-': not at all.
  char path(NodeIndex from, NodeIndex to) const {
    const std::string name = world.user(to).public_key().hex().substr(52);
    for (const NodeStatus::Neighbour& one : world.status(from).neighbours) {
      if (one.name == name) return one.path == Path::direct ? 'd' : one.path == Path::punched ? 'p' : 't';
    }
    return '-';
  }
  char meet(NodeIndex from, NodeIndex to) {
    const EventId id = write(from, to, 6000);
    world.run_for(50s);
    EXPECT_TRUE(has(to, id)) << from << " to " << to;
    EXPECT_EQ(path(from, to), path(to, from));
    return path(from, to);
  }
  World world;
  int written = 0;
};

TEST(Punch, HowAPairIsLinkedFollowsFromBothNats) {
  for (std::size_t a = 0; a < 5; ++a) {
    for (std::size_t b = 0; b < 5; ++b) {
      Pairs pairs;
      const NodeIndex one = pairs.add(kBoxes[a]);
      const NodeIndex two = pairs.add(kBoxes[b]);
      pairs.world.run_for(90s);
      EXPECT_EQ(pairs.world.status(one).nat_class, kNames[a]);
      EXPECT_EQ(pairs.world.status(two).nat_class, kNames[b]);
      EXPECT_EQ(pairs.meet(one, two), kTable[a][b]) << kNames[a] << " to " << kNames[b];
      EXPECT_TRUE(pairs.world.rejections(one).empty() && pairs.world.rejections(two).empty());
    }
  }
}

// With one reachable server alone nobody can tell the classes apart: what can be tried is tried, with the same result.
TEST(Punch, OneReachableServerIsEnough) {
  for (std::size_t a = 0; a < 5; ++a) {
    for (std::size_t b = 0; b < 5; ++b) {
      Pairs pairs(1);
      const NodeIndex one = pairs.add(kBoxes[a]);
      const NodeIndex two = pairs.add(kBoxes[b]);
      pairs.world.run_for(90s);
      EXPECT_EQ(pairs.meet(one, two), kTable[a][b]) << kNames[a] << " to " << kNames[b];
    }
  }
}

// In the published proportions, 0.5625 + 0.375 x 0.37 = 70 % of the pairs behind NATs can punch.
TEST(Punch, SeventyOfAHundredPairsOfTheMixedPopulationPunch) {
  constexpr std::size_t kNated = 40;  // 10 symmetric; of 30 others 11 easy ones
  std::vector<Boxes> boxes(kNated, {port_restricted()});
  for (std::size_t i = 0; i < 10; ++i) boxes[i] = {symmetric()};
  for (std::size_t i = 10; i < 21; ++i) boxes[i] = i % 2 == 0 ? Boxes{full_cone()} : Boxes{restricted()};
  Rng rng(5, "mixed");
  rng.shuffle(boxes);
  Pairs pairs(10);
  std::vector<NodeIndex> nodes;
  for (const Boxes& one : boxes) nodes.push_back(pairs.add(one));
  pairs.world.run_for(2min);
  int punched = 0;
  int tunnels = 0;
  for (std::size_t round = 1; round <= 5; ++round) {  // each node with five others; each pair once
    std::vector<std::pair<NodeIndex, NodeIndex>> now;
    for (std::size_t i = 0; i < kNated; ++i) now.emplace_back(nodes[i], nodes[(i + round * 3) % kNated]);
    for (const auto& [from, to] : now) {
      pairs.write(from, to, 6000);
      pairs.world.run_for(1s);
    }
    pairs.world.run_for(40s);
    for (const auto& [from, to] : now) {
      punched += pairs.path(from, to) == 'p' ? 1 : 0;
      tunnels += pairs.path(from, to) == 't' ? 1 : 0;
    }
    pairs.world.run_for(4min);  // nobody speaks: all of them are let go
    for (const auto& [from, to] : now) EXPECT_EQ(pairs.path(from, to), '-');
  }
  EXPECT_EQ(punched + tunnels, 200);
  // 200 of the 780 pairs: some 3 % of error around 70 %.
  EXPECT_NEAR(punched, 140, 14);
}

TEST(Punch, BothAskAtTheSameTimeAndMeetOnce) {
  Pairs pairs;
  const NodeIndex one = pairs.add({port_restricted()});
  const NodeIndex two = pairs.add({port_restricted()});
  pairs.world.run_for(90s);
  for (int i = 0; i < 2; ++i) {  // the first messages find the contacts, the second are routed or wait
    const EventId there = pairs.write(one, two, 6000);
    const EventId back = pairs.write(two, one, 6000);
    pairs.world.run_for(60s);
    EXPECT_TRUE(pairs.has(two, there) && pairs.has(one, back));
  }
  EXPECT_EQ(pairs.path(one, two), 'p');
  EXPECT_EQ(pairs.path(two, one), 'p');
}

TEST(Punch, WhoKeepsTalkingGetsALinkAndWhoStopsLosesIt) {
  Pairs pairs;
  const NodeIndex one = pairs.add({port_restricted()});
  const NodeIndex two = pairs.add({symmetric()});
  pairs.world.run_for(90s);
  pairs.write(one, two, 10);
  pairs.world.run_for(20s);
  EXPECT_EQ(pairs.path(one, two), '-') << "one message is routed";
  EventId last;
  for (int i = 0; i < 6; ++i) {
    last = pairs.write(one, two, 10);
    pairs.world.run_for(5s);
  }
  EXPECT_EQ(pairs.path(one, two), 't');
  EXPECT_TRUE(pairs.has(two, last));
  pairs.world.run_for(5min);
  EXPECT_EQ(pairs.path(one, two), '-');
  EXPECT_EQ(pairs.path(two, one), '-');
}

// One side keeps talking.
void talk(Pairs& pairs, NodeIndex one, NodeIndex two, Duration duration) {
  for (Duration passed{}; passed < duration; passed += 20s) {
    pairs.write(one, two, 10);
    pairs.world.run_for(20s);
  }
}

TEST(Punch, AsLongAsATunnelIsInUseThereIsAnotherClimb) {
  Pairs pairs;
  const NodeIndex one = pairs.add({port_restricted()});
  const NodeIndex two = pairs.add({port_restricted()});
  pairs.world.run_for(90s);
  pairs.world.partition({{one}, {two}});  // from each other only: relays reach both
  EXPECT_EQ(pairs.meet(one, two), 't');
  pairs.world.heal();
  EXPECT_EQ(pairs.path(one, two), 't');
  talk(pairs, one, two, 1min);
  EXPECT_EQ(pairs.path(one, two), 'p');
  EXPECT_EQ(pairs.path(two, one), 'p');
  const EventId last = pairs.write(two, one, 6000);
  pairs.world.run_for(5s);
  EXPECT_TRUE(pairs.has(one, last));
}

int punches(const std::string& trace, NodeIndex node) {
  std::ifstream file(trace);
  const std::string marks = "\"node\":" + std::to_string(node) + ",\"io\":\"punch\"";
  int count = 0;
  for (std::string line; std::getline(file, line);) count += line.find(marks) != std::string::npos ? 1 : 0;
  return count;
}

TEST(Punch, ClimbsAgainAreFewAndNoneWhereBothNatsLetNothingThrough) {
  const std::string trace = ::testing::TempDir() + "np2p-climbs-" + std::to_string(::getpid()) + ".jsonl";
  for (const auto& [box, most] : {std::pair(port_restricted(), 15), std::pair(symmetric(), 0)}) {
    Pairs pairs(5, 1, trace);
    const NodeIndex one = pairs.add({port_restricted()});
    const NodeIndex two = pairs.add({box});
    pairs.world.run_for(90s);
    pairs.world.partition({{one}, {two}});
    EXPECT_EQ(pairs.meet(one, two), 't');
    talk(pairs, one, two, 2h);
    EXPECT_EQ(pairs.path(one, two), 't');
    EXPECT_TRUE(pairs.world.flush_trace());
    EXPECT_EQ(punches(trace, one), most) << "three of the first climb and of each of four others";
  }
  std::remove(trace.c_str());
}

TEST(Punch, TwoBoxesInARowAndACarrierThatIsSymmetric) {
  Pairs pairs;
  const NodeIndex homes = pairs.add({full_cone(), port_restricted()});
  const NodeIndex carrier = pairs.add({full_cone(), symmetric()});
  const NodeIndex plain = pairs.add({restricted()});
  pairs.world.run_for(90s);
  EXPECT_EQ(pairs.world.status(homes).nat_class, "port restricted");
  EXPECT_EQ(pairs.world.status(carrier).nat_class, "symmetric");
  EXPECT_EQ(pairs.meet(homes, plain), 'p');
  EXPECT_EQ(pairs.meet(carrier, plain), 'p');
  EXPECT_EQ(pairs.meet(homes, carrier), 't');
}

TEST(Punch, TwoInOneHouseMeetOnTheLan) {
  for (const NatSpec& box : {port_restricted(), symmetric()}) {
    Pairs pairs;
    const BoxIndex house = pairs.world.add_nat_box(box);
    const NodeIndex one = pairs.add({}, house);
    const NodeIndex two = pairs.add({}, house);
    pairs.world.run_for(90s);
    EXPECT_EQ(pairs.meet(one, two), 'd');
  }
}

TEST(Punch, BoxesThatAnswerWithResetsAreMetAllTheSame) {
  NatSpec box = port_restricted();
  box.refuses = true;
  Pairs pairs;
  const NodeIndex one = pairs.add({box});
  const NodeIndex two = pairs.add({box});
  pairs.world.run_for(90s);
  EXPECT_EQ(pairs.meet(one, two), 'p');
}

TEST(Rebind, LinksAreBackWithin90Seconds) {
  Pairs pairs(6);
  const NodeIndex one = pairs.add({port_restricted()});
  const NodeIndex two = pairs.add({port_restricted()});
  pairs.world.run_for(2min);
  EXPECT_EQ(pairs.meet(one, two), 'p');
  const std::size_t before = pairs.world.status(one).neighbours.size();
  pairs.world.rebind_nat(one);
  pairs.world.run_for(90s);
  EXPECT_GE(pairs.world.status(one).neighbours.size() + 1, before);
  EXPECT_GE(pairs.world.status(one).reachable, 4u);
  EXPECT_EQ(pairs.world.status(one).nat_class, "port restricted") << "found out again";
  EXPECT_EQ(pairs.meet(two, one), 'p') << "at the new address";
  EXPECT_EQ(pairs.meet(one, two), 'p');
}

TEST(Rebind, WhoMovesIsReachedAtTheNewAddress) {
  Pairs pairs(6);
  const NodeIndex mover = pairs.add({});
  pairs.world.run_for(60s);
  EXPECT_EQ(pairs.world.status(mover).nat_class, "public");
  pairs.world.go_offline(mover);
  pairs.world.run_for(20s);
  pairs.world.come_online(mover, true);
  pairs.world.run_for(3min);
  EXPECT_EQ(pairs.world.status(mover).nat_class, "public");
  const Address now = pairs.world.address_of(mover);
  bool seen = false;  // by somebody, at the new address
  for (NodeIndex i = 0; i < mover; ++i) {
    for (const NodeStatus::Neighbour& one : pairs.world.status(i).neighbours) seen = seen || one.remote.ip == now.ip;
  }
  EXPECT_TRUE(seen);
}

TEST(Relays, WithoutOneThatCarriesThereIsNoTunnelAndMessagesAreRoutedStill) {
  Pairs pairs(0);
  for (int i = 0; i < 5; ++i) {
    const NodeIndex relay = pairs.world.add_node([&] {
      NodeOptions node;
      node.config.overlay = OverlayKind::hyparview;
      node.config.relay = false;
      if (i > 0) node.config.bootstrap = {pairs.world.address_of(0)};
      return node;
    }());
    pairs.world.start(relay);
    pairs.world.run_for(500ms);
  }
  const NodeIndex one = pairs.add({port_restricted()});
  const NodeIndex two = pairs.add({symmetric()});
  const NodeIndex three = pairs.add({restricted()});
  pairs.world.run_for(90s);
  EXPECT_EQ(pairs.meet(one, two), '-');
  EXPECT_EQ(pairs.meet(one, three), 'p') << "a punch needs no tunnel";
}

TEST(Relays, WhoSendsMuchThroughATunnelKeepsToWhatTheRelayCarries) {
  Pairs pairs;
  const NodeIndex one = pairs.add({port_restricted()});
  const NodeIndex two = pairs.add({symmetric()});
  pairs.world.run_for(90s);
  ASSERT_EQ(pairs.meet(one, two), 't');
  std::vector<EventId> all;
  for (int i = 0; i < 55; ++i) all.push_back(pairs.write(one, two, 56 * 1024));
  const auto arrived = [&] {
    return std::count_if(all.begin(), all.end(), [&](const EventId& id) { return pairs.has(two, id); });
  };
  // A burst at once; then some 30 kB a second, and what is short overtakes what is long.
  pairs.world.run_for(10s);
  EXPECT_GE(arrived(), 9);
  EXPECT_LE(arrived(), 17);
  const EventId back = pairs.write(two, one, 10);
  for (int i = 0; i < 110; ++i) {
    pairs.world.run_for(1s);
    EXPECT_EQ(pairs.path(one, two), 't') << i;
  }
  EXPECT_EQ(arrived(), 55);
  EXPECT_TRUE(pairs.has(one, back));
  for (NodeIndex node = 0; node < pairs.world.node_count(); ++node) {
    EXPECT_TRUE(pairs.world.rejections(node).empty()) << node;
  }
  std::uint64_t repeated = 0;
  for (const TrafficRow& row : pairs.world.traffic()) {
    repeated += row.counts.in.messages[static_cast<std::size_t>(Traffic::duplicate)];
  }
  EXPECT_EQ(repeated, 0u) << "nothing was sent twice";
}

TEST(Relays, TheDigestCoversTunnelsAndPunches) {
  const auto run = [](std::uint64_t seed) {
    Pairs pairs(5, seed);
    const NodeIndex one = pairs.add({port_restricted()});
    const NodeIndex two = pairs.add({symmetric()});
    const NodeIndex three = pairs.add({restricted()});
    pairs.world.run_for(90s);
    EXPECT_EQ(pairs.meet(one, two), 't');
    EXPECT_EQ(pairs.meet(two, three), 'p');
    return pairs.world.digest();
  };
  const std::uint64_t digest = run(3);
  EXPECT_EQ(digest, run(3));
  EXPECT_NE(digest, run(4));
}

}  // namespace
}  // namespace np2p::sim
