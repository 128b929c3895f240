// A head asks those to whom it sends copies where they can be dialled, and links with them.
#include "core/overlay/swarm/onward_links.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/bytes.h"
#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

using test::home;
using test::key_of;
using test::RawPeer;
using test::World;

constexpr std::uint64_t kStrangers = 60;  // keys from here on are of nodes that world[0] has no link with
constexpr std::size_t kMembers = 6;

// world[0] leads a cell of six servers that can be dialled, and may send two copies of a payload itself.
struct Divided : ::testing::Test {
  World world;
  std::unique_ptr<RawPeer> author, neighbour;
  std::uint64_t counter = 0;

  void SetUp() override { boot({}); }
  void boot(Config config) {
    config.limits.cell_fanout = 2;
    config.limits.cell_lease = 10min;
    world.add(false, std::move(config));
    world[0].boot();
    author = std::make_unique<RawPeer>(world, 0, 1);
    neighbour = std::make_unique<RawPeer>(world, 0, 2);
    for (RawPeer* one : {author.get(), neighbour.get()}) one->join();
    CellAssign list{7, 0, 5, {}, {}, {}};
    for (std::uint64_t i = 0; i < kMembers; ++i) {
      const NodeId node = key_of(kStrangers + i)->id();
      list.vias.push_back(node);
      list.added.push_back({short_node(node), static_cast<std::uint16_t>(i), kNoVia});
    }
    author->say(Direct{kCellChannel, encode_cell(list)});
    heard();
  }
  void post(const std::string& text) {
    CellCopy copy;
    copy.origin = author->id();
    copy.cell = 7;
    copy.version = 5;
    copy.payload = Frame(bytes_of(text));
    copy.tag = copy_tag(copy.payload);
    author->say(Direct{kCellChannel, encode_cell(copy)});
  }
  // What was sent to strangers, over either link.
  std::vector<Routed> heard() {
    std::vector<Routed> all;
    for (RawPeer* one : {author.get(), neighbour.get()}) {
      for (Routed& message : one->heard_of<Routed>()) all.push_back(std::move(message));
    }
    return all;
  }
  template <class T>
  static std::vector<NodeId> receivers(const std::vector<Routed>& messages) {
    std::vector<NodeId> to;
    for (const Routed& one : messages) {
      if (one.channel != kCellChannel) continue;
      const auto said = decode_cell(one.payload.view(), Limits{});
      if (said.ok() && std::holds_alternative<T>(*said)) to.push_back(one.to);
    }
    return to;
  }
  void answer(std::uint64_t stranger, const CellMessage& what) {
    const auto key = key_of(stranger);
    Routed message;
    message.via = message.to = world[0].id();
    message.from = key->id();
    message.from_via = neighbour->id();
    message.boot = 1;
    message.counter = ++counter;
    message.channel = kCellChannel;
    message.payload = encode_cell(what);
    const Frame bytes = encode(message);
    constexpr std::string_view kNetwork = "nostrp2p";
    ByteVec covered(kNetwork.begin(), kNetwork.end());
    covered.insert(covered.end(), bytes.view().begin(), bytes.view().end());
    message.mac = key->pair_mac(message.to, covered);
    neighbour->say(message);
  }
  static std::uint64_t number_of(const NodeId& node) {
    for (std::uint64_t i = 0; i < kMembers; ++i) {
      if (key_of(kStrangers + i)->id() == node) return kStrangers + i;
    }
    return 0;
  }
  [[nodiscard]] bool dialled(const Address& address) {
    const auto& all = world[0].dialled;
    return std::find(all.begin(), all.end(), address) != all.end();
  }
};

TEST_F(Divided, AsksEachHeadOnceAndDialsItWhereItSays) {
  post("first");
  const auto sent = heard();
  const auto heads = receivers<CellCopy>(sent);
  EXPECT_EQ(heads.size(), 2u);
  EXPECT_EQ(receivers<CellWhere>(sent), heads);
  answer(number_of(heads.at(0)), CellHere{home(90)});
  EXPECT_TRUE(dialled(home(90)));
  EXPECT_FALSE(dialled(home(91)));
  post("second");
  EXPECT_TRUE(receivers<CellWhere>(heard()).empty()) << "who does not answer is left alone for a while";
  world.run_for(61s);
  post("third");
  EXPECT_GE(receivers<CellWhere>(heard()).size(), 1u) << "who leads the parts now, as the first gave no receipts";
}

TEST_F(Divided, NobodyElseMakesItDial) {
  answer(kStrangers + 40, CellHere{home(92)});
  EXPECT_FALSE(dialled(home(92)));
  EXPECT_EQ(world[0].rejections["cell here not_found"], 1);
  post("first");
  const auto heads = receivers<CellWhere>(heard());
  ASSERT_EQ(heads.size(), 2u);
  answer(number_of(heads[0]), CellHere{home(93)});
  answer(number_of(heads[0]), CellHere{home(94)});
  EXPECT_TRUE(dialled(home(93)));
  EXPECT_FALSE(dialled(home(94))) << "one answer to one question";
  EXPECT_EQ(world[0].rejections["cell here not_found"], 2);
}

struct DividedWithLittleRoom : Divided {
  void SetUp() override {
    Config config;
    config.limits.onward_links = 2;
    boot(std::move(config));
  }
};

TEST_F(DividedWithLittleRoom, OneAuthorGetsHalfOfThem) {
  post("first");
  const auto sent = heard();
  EXPECT_EQ(receivers<CellCopy>(sent).size(), 2u);
  EXPECT_EQ(receivers<CellWhere>(sent).size(), 1u);
  EXPECT_EQ(world[0].rejections["onward link full"], 1);
}

TEST_F(Divided, WhoIsAskedSaysWhereItCanBeDialled) {
  author->say(Direct{kCellChannel, encode_cell(CellWhere{})});
  std::vector<CellHere> told;
  for (const Direct& one : author->heard_of<Direct>()) {
    const auto message = decode_cell(one.payload.view(), Limits{}).value();
    if (const auto* here = std::get_if<CellHere>(&message)) told.push_back(*here);
  }
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].listens, home(0));
}

}  // namespace
}  // namespace np2p::swarm
