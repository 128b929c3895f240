// What a head does with lists and copies of others, good ones and bad ones.
#include "core/overlay/swarm/cell_heads.h"

#include <gtest/gtest.h>

#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

using test::RawPeer;
using test::World;

const Frame kPost(bytes_of("a post"));
const std::uint64_t kTag = copy_tag(kPost);

CellMac filled_mac(std::uint8_t byte) {
  CellMac mac;
  mac.fill(byte);
  return mac;
}

// world[0] is the head. Of the author's followers it is one, m is linked with it, n and o are clients of a relay, and o
// of another one as well.
struct Head : ::testing::Test {
  World world;
  std::unique_ptr<RawPeer> author, relay, other, m;
  NodeId n = test::key_of(51)->id();
  NodeId o = test::key_of(52)->id();
  static constexpr std::uint16_t kCell = 7;

  void boot(Config config = {}) {
    world.add(false, std::move(config));
    world[0].boot();
    author = std::make_unique<RawPeer>(world, 0, 1);
    relay = std::make_unique<RawPeer>(world, 0, 2);
    other = std::make_unique<RawPeer>(world, 0, 3);
    m = std::make_unique<RawPeer>(world, 0, 4, false);
    for (RawPeer* one : {author.get(), relay.get(), other.get(), m.get()}) one->join();
    forget();
  }
  void forget() {
    for (RawPeer* one : {author.get(), relay.get(), other.get(), m.get()}) one->heard();
  }
  [[nodiscard]] const NodeId& own() { return world[0].id(); }
  CellAssign list() {
    return {kCell,
            0,
            5,
            {own(), relay->id(), other->id()},
            {},
            {{short_node(own()), 0, kNoVia},
             {short_node(m->id()), 1, kNoVia},
             {short_node(n), 1, kNoVia},
             {short_node(o), 1, 2}}};
  }
  CellCopy copy(const Frame& payload = kPost) {
    CellCopy made;
    made.origin = author->id();
    made.cell = kCell;
    made.version = 5;
    made.tag = copy_tag(payload);
    made.payload = payload;
    return made;
  }
  static void say(RawPeer& peer, const CellMessage& message) { peer.say(Direct{kCellChannel, encode_cell(message)}); }
  template <class T>
  std::vector<T> told() {  // to the author
    std::vector<T> found;
    for (const Direct& one : author->heard_of<Direct>()) {
      auto message = decode_cell(one.payload.view(), Limits{}).value();
      if (const T* fits = std::get_if<T>(&message)) found.push_back(*fits);
    }
    return found;
  }
  int rejections(const std::string& what) { return world[0].rejections[what]; }
};

TEST_F(Head, SendsOneCopyToEachRelayAndStraightToWhoIsLinked) {
  boot();
  say(*author, list());
  say(*author, copy());
  EXPECT_EQ(m->heard_of<Handed>().size(), 1u);
  const auto spread = relay->heard_of<Spread>();
  ASSERT_EQ(spread.size(), 1u);
  EXPECT_EQ(spread[0].to.size(), 2u);
  EXPECT_EQ(spread[0].from, own());
  EXPECT_EQ(spread[0].origin, author->id());
  EXPECT_EQ(spread[0].payload, kPost);
  EXPECT_TRUE(other->heard_of<Spread>().empty());
  ASSERT_EQ(world[0].inbox.size(), 1u);
  EXPECT_EQ(world[0].inbox[0].copied_by, author->id());
  EXPECT_EQ(world[0].swarm->status().cells_led, 1u);
}

TEST_F(Head, AddsReceiptsUpAndGivesThemOneByOneIfAsked) {
  boot();
  say(*author, list());
  say(*author, copy());
  const Delivery own_copy = world[0].inbox.at(0);
  world.input(0, [&](Swarm& s) { s.receipt(own_copy); });
  m->say(Receipt{short_node(author->id()), kTag, filled_mac(1)});
  m->say(Receipt{short_node(author->id()), kTag, filled_mac(2)});  // once is enough
  relay->say(Receipts{own(), own(), 0, kTag, {{short_node(n), filled_mac(4)}, {99, filled_mac(8)}}, {}});
  EXPECT_TRUE(told<CellReceipts>().empty());
  world.run_for(1s);
  const auto report = told<CellReceipts>();
  ASSERT_EQ(report.size(), 1u);
  EXPECT_EQ(report[0].got.count(), 3u);
  CellAsk ask{kCell, 5, kTag, report[0].got};
  say(*author, ask);
  const auto macs = told<CellMacs>();
  ASSERT_EQ(macs.size(), 1u);
  ASSERT_EQ(macs[0].macs.size(), 3u);
  CellMac sum{};
  for (const PlacedMac& one : macs[0].macs) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = static_cast<std::uint8_t>(sum[i] ^ one.mac[i]);
  }
  EXPECT_EQ(sum, report[0].mac);
  EXPECT_EQ(macs[0].macs[1].mac, filled_mac(1));
  // When the last has come there is nothing to wait for.
  relay->say(Receipts{own(), own(), 0, kTag, {{short_node(o), filled_mac(16)}}, {}});
  const auto last = told<CellReceipts>();
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].got.count(), 1u);
  EXPECT_EQ(last[0].mac, filled_mac(16));
}

TEST_F(Head, TriesTheOtherRelayAtOnceOrAfterAWhile) {
  boot();
  say(*author, list());
  say(*author, copy());
  relay->heard();
  relay->say(Receipts{own(), own(), 0, kTag, {}, {short_node(n), short_node(o)}});
  auto again = other->heard_of<Spread>();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].to, std::vector<ShortNode>{short_node(o)}) << "the other one has no second relay";
  world.run_for(2s);
  EXPECT_TRUE(other->heard_of<Spread>().empty());
  const Frame second(bytes_of("another"));
  say(*author, copy(second));
  world.run_for(2s);
  again = other->heard_of<Spread>();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].tag, copy_tag(second));
}

TEST_F(Head, SendsToThoseWhoAreNamedByTheirOtherRelayIfAskedTo) {
  boot();
  say(*author, list());
  CellCopy some = copy();
  some.to.add(3);
  some.turn = 1;
  say(*author, some);
  EXPECT_TRUE(relay->heard_of<Spread>().empty());
  const auto spread = other->heard_of<Spread>();
  ASSERT_EQ(spread.size(), 1u);
  EXPECT_EQ(spread[0].to, std::vector<ShortNode>{short_node(o)});
  EXPECT_TRUE(world[0].inbox.empty());
  // The rest later: nobody gets it twice.
  say(*author, copy());
  EXPECT_EQ(m->heard_of<Handed>().size(), 1u);
  EXPECT_EQ(relay->heard_of<Spread>().size(), 1u);
  EXPECT_EQ(world[0].inbox.size(), 1u);
  say(*author, copy());
  EXPECT_TRUE(m->heard_of<Handed>().empty());
  EXPECT_EQ(world[0].inbox.size(), 1u);
}

TEST_F(Head, SaysWhatItDoesNotKnow) {
  boot();
  say(*author, copy());
  auto trouble = told<CellTrouble>();
  ASSERT_EQ(trouble.size(), 1u);
  EXPECT_EQ(trouble[0], (CellTrouble{CellTrouble::Kind::unknown, kCell, kTag}));
  say(*author, list());
  CellCopy newer = copy();
  newer.version = 6;
  say(*author, newer);
  say(*relay, copy());  // somebody else's cells are others
  EXPECT_EQ(told<CellTrouble>().size(), 1u);
  EXPECT_TRUE(m->heard_of<Handed>().empty());
  world.run_for(61min);
  say(*author, copy());
  EXPECT_EQ(told<CellTrouble>().size(), 1u) << "the lease is over";
  say(*author, list());
  CellAssign gone = list();
  gone.added.clear();
  gone.vias.clear();
  say(*author, gone);
  EXPECT_EQ(world[0].swarm->status().cells_led, 0u);
}

TEST_F(Head, RefusesWhatItDoesNotWantToCarry) {
  Config config;
  config.relay = false;
  boot(std::move(config));
  say(*author, list());
  EXPECT_EQ(rejections("cell forbidden"), 1);
  say(*author, copy());
  auto trouble = told<CellTrouble>();
  ASSERT_EQ(trouble.size(), 1u);
  EXPECT_EQ(trouble[0].kind, CellTrouble::Kind::refused);
}

TEST_F(Head, KeepsToItsLimits) {
  Config config;
  config.limits.cells_of_one = 2;
  config.limits.cells_led = 3;
  config.limits.led_copies = 2;
  config.limits.relay_client_bytes_per_s = 1;
  config.limits.relay_client_burst = 900;  // two copies of a few bytes and what they cost besides, three times
  boot(std::move(config));
  for (std::uint16_t cell = 1; cell <= 3; ++cell) {
    CellAssign one = list();
    one.cell = cell;
    say(*author, one);
    say(*relay, one);
  }
  EXPECT_EQ(world[0].swarm->status().cells_led, 3u);
  EXPECT_EQ(rejections("cell full"), 3);
  std::size_t refused = 0;
  for (int i = 0; i < 5; ++i) {
    CellCopy one = copy(Frame(bytes_of("post " + std::to_string(i))));
    one.cell = 1;
    say(*author, one);
    refused += told<CellTrouble>().size();
  }
  EXPECT_EQ(refused, 2u);
  EXPECT_EQ(rejections("cell copy rate_limited"), 2);
}

TEST_F(Head, BadInputIsCountedAndNothingElse) {
  boot();
  author->say(Direct{kCellChannel, Frame(bytes_of("?"))});
  EXPECT_EQ(rejections("cell unknown_type"), 1);
  author->say(Direct{kCellChannel, Frame(ByteVec{1, 2, 3})});
  EXPECT_EQ(rejections("cell malformed"), 1);
  CellAssign wrong = list();
  wrong.added[0].via = 9;
  say(*author, wrong);
  EXPECT_EQ(rejections("cell malformed"), 2);
  wrong = list();
  wrong.base = 4;
  say(*author, wrong);
  EXPECT_EQ(rejections("cell not_found"), 1);
  say(*author, list());
  CellCopy swapped = copy();
  swapped.payload = Frame(bytes_of("another"));
  say(*author, swapped);
  EXPECT_EQ(rejections("cell copy malformed"), 1);
  say(*author, CellAsk{kCell, 5, 99, {}});
  EXPECT_EQ(rejections("cell ask not_found"), 1);
  say(*author, CellReceipts{kCell, 5, 99, {}, {}});  // we are nobody's author
  say(*author, CellMacs{kCell, 5, 99, {{1, {}}}});
  say(*author, CellTrouble{CellTrouble::Kind::refused, kCell, 99});
  say(*author, copy());
  relay->say(Receipts{own(), own(), 0, kTag, {{1234, filled_mac(1)}}, {1235}});
  m->say(Receipt{1236, kTag, filled_mac(1)});
  EXPECT_EQ(rejections("receipt not_found"), 1);
  EXPECT_TRUE(author->is_open());
}

}  // namespace
}  // namespace np2p::swarm
