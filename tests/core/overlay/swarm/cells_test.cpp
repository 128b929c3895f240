// An author and the heads of its cells: one copy for each cell, receipts that add up, backups for heads that are
// silent.
#include "core/overlay/swarm/cells.h"

#include <gtest/gtest.h>

#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

using test::RawPeer;
using test::World;

const Frame kPost(bytes_of("a post"));
const std::uint64_t kTag = copy_tag(kPost);

// As `receiver` would make it for `sender`.
PairMac mac(const RawPeer& receiver, const NodeId& sender, std::uint64_t tag = kTag) {
  ByteVec covered;
  for (const std::string_view text : {"np2p/receipt/v1", "nostrp2p"}) {
    covered.insert(covered.end(), text.begin(), text.end());
  }
  covered.insert(covered.end(), receiver.id().view().begin(), receiver.id().view().end());
  for (unsigned shift = 0; shift < 64; shift += 8) covered.push_back(static_cast<std::uint8_t>(tag >> shift));
  return receiver.key().pair_mac(sender, covered);
}

CellMac sum_of(std::initializer_list<PairMac> macs) {
  CellMac sum{};
  for (const PairMac& one : macs) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = static_cast<std::uint8_t>(sum[i] ^ one[i]);
  }
  return sum;
}

// The author's server is world[0]. Two of its five followers can be dialled, and all are linked with it, except two.
struct Author : ::testing::Test {
  World world;
  std::unique_ptr<RawPeer> a, b, c, d, e;
  std::vector<RawPeer*> all;

  void SetUp() override {
    Config config;
    config.limits.direct_copies = 2;
    world.add(false, std::move(config));
    world[0].boot();
    a = std::make_unique<RawPeer>(world, 0, 1);
    b = std::make_unique<RawPeer>(world, 0, 2);
    c = std::make_unique<RawPeer>(world, 0, 3, false);
    d = std::make_unique<RawPeer>(world, 0, 4, false);
    e = std::make_unique<RawPeer>(world, 0, 5, false);
    all = {a.get(), b.get(), c.get(), d.get(), e.get()};
    for (RawPeer* one : {a.get(), b.get(), c.get()}) one->join();
    world.input(0, [&](Swarm& s) {
      for (RawPeer* one : {a.get(), b.get()}) s.cells().learn({one->user(), one->id(), {one->id()}}, {});
      for (RawPeer* one : {c.get(), d.get(), e.get()}) {
        s.cells().learn({one->user(), one->id(), {a->id(), b->id()}}, {});
      }
    });
    for (RawPeer* one : all) one->heard();
  }
  void send(const Frame& payload = kPost) {
    world.input(0, [&](Swarm& s) {
      std::vector<PubKey> users;
      for (RawPeer* one : all) users.push_back(one->user());
      s.cells().send(users, Channel::packets, payload, Priority::post);
    });
  }
  static std::vector<CellMessage> cells_heard(RawPeer& peer) {
    std::vector<CellMessage> found;
    for (const Direct& one : peer.heard_of<Direct>()) {
      if (one.channel == kCellChannel) found.push_back(decode_cell(one.payload.view(), Limits{}).value());
    }
    return found;
  }
  template <class T>
  static std::vector<T> of_type(const std::vector<CellMessage>& messages) {
    std::vector<T> found;
    for (const CellMessage& one : messages) {
      if (const T* fits = std::get_if<T>(&one)) found.push_back(*fits);
    }
    return found;
  }
  static void say(RawPeer& peer, const CellMessage& message) { peer.say(Direct{kCellChannel, encode_cell(message)}); }
  std::vector<CopyOutcome> outcomes() {
    std::vector<CopyOutcome> found;
    world.input(0, [&](Swarm& s) {
      while (const auto one = s.next_outcome()) found.push_back(*one);
    });
    return found;
  }
  [[nodiscard]] const NodeId& own() { return world[0].id(); }

  struct Roles {
    RawPeer* head = nullptr;
    RawPeer* backup = nullptr;
    CellAssign list;
    CellCopy copy;
  };
  // Who got the first copy is the head.
  Roles roles() {
    Roles found;
    for (RawPeer* one : {a.get(), b.get()}) {
      const auto heard = cells_heard(*one);
      const auto copies = of_type<CellCopy>(heard);
      const auto lists = of_type<CellAssign>(heard);
      EXPECT_EQ(lists.size(), 1u);
      (copies.empty() ? found.backup : found.head) = one;
      if (copies.empty()) continue;
      found.copy = copies[0];
      found.list = lists[0];
    }
    return found;
  }
  // Where that one stands in the list.
  static std::size_t place(const Roles& found, const RawPeer& who) {
    for (std::size_t i = 0; i < found.list.added.size(); ++i) {
      if (found.list.added[i].who == short_node(who.id())) return i;
    }
    return found.list.added.size();
  }
};

TEST_F(Author, SendsOneCopyToTheHeadAndTheListToBoth) {
  send();
  const Roles found = roles();
  ASSERT_TRUE(found.head != nullptr && found.backup != nullptr);
  EXPECT_EQ(found.list.base, 0u);
  EXPECT_EQ(found.list.added.size(), 5u);
  EXPECT_EQ(found.copy.version, found.list.version);
  EXPECT_EQ(found.copy.origin, own());
  EXPECT_EQ(found.copy.payload, kPost);
  EXPECT_TRUE(found.copy.to.empty());
  EXPECT_TRUE(c->heard_of<Handed>().empty()) << "the head sends it";
  send(Frame(bytes_of("another")));
  const auto later = cells_heard(*found.head);
  EXPECT_EQ(later.size(), 1u) << "the list is there already";
  EXPECT_EQ(of_type<CellCopy>(later).size(), 1u);
  EXPECT_TRUE(cells_heard(*found.backup).empty());
}

TEST_F(Author, ReceiptsThatAddUpCountAndOthersAreAskedForOneByOne) {
  send();
  const Roles found = roles();
  CellReceipts good{found.list.cell, found.list.version, kTag, {}, sum_of({mac(*a, own()), mac(*c, own())})};
  for (RawPeer* one : {a.get(), c.get()}) good.got.add(place(found, *one));
  say(*found.head, good);
  EXPECT_EQ(outcomes().size(), 2u);

  CellReceipts bad{found.list.cell, found.list.version, kTag, {}, sum_of({mac(*d, own()), mac(*d, own(), 5)})};
  for (RawPeer* one : {d.get(), e.get()}) bad.got.add(place(found, *one));
  say(*found.head, bad);
  EXPECT_TRUE(outcomes().empty());
  EXPECT_EQ(world[0].rejections["cell receipts bad_signature"], 1);
  const auto asked = of_type<CellAsk>(cells_heard(*found.head));
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].which, bad.got);
  CellMacs macs{found.list.cell, found.list.version, kTag, {}};
  macs.macs.push_back({static_cast<std::uint16_t>(place(found, *d)), mac(*d, own())});
  macs.macs.push_back({static_cast<std::uint16_t>(place(found, *e)), mac(*d, own())});
  say(*found.head, macs);
  const auto single = outcomes();
  ASSERT_EQ(single.size(), 1u);
  EXPECT_EQ(single[0].user, d->user());
  EXPECT_EQ(world[0].rejections["receipt bad_signature"], 1);
}

TEST_F(Author, OnlyTheHeadAndTheBackupSpeakForACell) {
  send();
  const Roles found = roles();
  CellReceipts stranger{found.list.cell, found.list.version, kTag, {}, mac(*c, own())};
  stranger.got.add(place(found, *c));
  say(*c, stranger);
  EXPECT_TRUE(outcomes().empty());
  EXPECT_EQ(world[0].rejections["cell receipts not_found"], 1);
  stranger.version += 1;
  say(*found.head, stranger);
  stranger.version -= 1;
  stranger.got.add(200);
  say(*found.head, stranger);
  EXPECT_EQ(world[0].rejections["cell receipts not_found"], 3);
  for (int i = 0; i < 100; ++i) {
    CellReceipts wrong{found.list.cell, found.list.version, kTag, {}, {}};
    wrong.got.add(0);
    say(*found.head, wrong);
  }
  EXPECT_GT(world[0].rejections["cell receipts rate_limited"], 0);
}

TEST_F(Author, ASilentHeadIsReplacedByTheBackupAndNotTakenAgain) {
  send();
  const Roles found = roles();
  world.run_for(2100ms);
  const auto taken = cells_heard(*found.backup);
  ASSERT_EQ(of_type<CellCopy>(taken).size(), 1u);
  EXPECT_TRUE(of_type<CellAssign>(taken).empty());
  EXPECT_TRUE(c->heard_of<Handed>().empty());
  const CellCopy second = of_type<CellCopy>(taken)[0];
  CellReceipts all_have{second.cell, second.version, kTag, {}, {}};
  std::vector<PairMac> macs;
  for (RawPeer* one : all) {
    all_have.got.add(place(found, *one));
    const PairMac its = mac(*one, own());
    all_have.mac = sum_of({all_have.mac, its});
  }
  say(*found.backup, all_have);
  EXPECT_EQ(outcomes().size(), 5u);
  send(Frame(bytes_of("another")));
  EXPECT_EQ(of_type<CellCopy>(cells_heard(*found.backup)).size(), 1u);
  EXPECT_TRUE(of_type<CellCopy>(cells_heard(*found.head)).empty());
}

TEST_F(Author, WhomNeitherReachesGetsACopyOfOurOwn) {
  send();
  world.run_for(4200ms);
  EXPECT_EQ(c->heard_of<Handed>().size(), 1u);
  std::size_t spread = 0;
  for (RawPeer* one : {a.get(), b.get()}) spread += one->heard_of<Spread>().size();
  EXPECT_EQ(spread, 1u) << "to d and e by one relay";
  world.run_for(60s);
  const auto given_up = outcomes();
  EXPECT_EQ(given_up.size(), 5u);
  for (const CopyOutcome& one : given_up) EXPECT_FALSE(one.received);
}

TEST_F(Author, WhatTheHeadDoesNotReachTheBackupTriesAnotherWay) {
  send();
  const Roles found = roles();
  CellReceipts some{found.list.cell, found.list.version, kTag, {}, {}};
  for (RawPeer* one : {a.get(), b.get(), c.get(), d.get()}) {
    some.got.add(place(found, *one));
    some.mac = sum_of({some.mac, mac(*one, own())});
  }
  say(*found.head, some);
  world.run_for(3100ms);
  const auto taken = of_type<CellCopy>(cells_heard(*found.backup));
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].turn, 1);
  EXPECT_EQ(taken[0].to.count(), 1u);
  EXPECT_TRUE(taken[0].to.has(place(found, *e)));
  // One of five is no fault of the head.
  send(Frame(bytes_of("another")));
  EXPECT_EQ(of_type<CellCopy>(cells_heard(*found.head)).size(), 1u);
}

TEST_F(Author, AHeadThatDoesNotKnowTheListGetsItAgainAndOneThatRefusesIsReplaced) {
  send();
  const Roles found = roles();
  say(*found.head, CellTrouble{CellTrouble::Kind::unknown, found.list.cell, kTag});
  const auto again = cells_heard(*found.head);
  EXPECT_EQ(of_type<CellAssign>(again).size(), 1u);
  EXPECT_EQ(of_type<CellCopy>(again).size(), 1u);
  EXPECT_TRUE(cells_heard(*found.backup).empty());
  say(*found.head, CellTrouble{CellTrouble::Kind::refused, found.list.cell, kTag});
  EXPECT_EQ(of_type<CellCopy>(cells_heard(*found.backup)).size(), 1u);
  say(*c, CellTrouble{CellTrouble::Kind::refused, found.list.cell, kTag});  // which is not asked
  EXPECT_TRUE(c->heard_of<Handed>().empty());
}

TEST_F(Author, WhoComesGoesOrMovesIsAChangeOfTheList) {
  send();
  const Roles found = roles();
  RawPeer f(world, 0, 6, false);
  world.input(0, [&](Swarm& s) {
    s.cells().learn({f.user(), f.id(), {a->id()}}, {});
    s.cells().forget(c->user(), c->id());
    s.cells().moved({d->user(), d->id(), {b->id()}}, {});
  });
  all = {a.get(), b.get(), d.get(), e.get(), &f};
  send(Frame(bytes_of("another")));
  for (RawPeer* one : {found.head, found.backup}) {
    const auto lists = of_type<CellAssign>(cells_heard(*one));
    ASSERT_EQ(lists.size(), 1u);
    EXPECT_EQ(lists[0].base, found.list.version);
    EXPECT_EQ(lists[0].removed.size(), 2u);
    EXPECT_EQ(lists[0].added.size(), 2u);
  }
}

TEST_F(Author, WhoIsNotToHaveItIsLeftOut) {
  all = {a.get(), b.get(), c.get(), d.get()};
  send();
  const Roles found = roles();
  EXPECT_EQ(found.list.added.size(), 5u);
  EXPECT_EQ(found.copy.to.count(), 4u);
  EXPECT_FALSE(found.copy.to.has(place(found, *e)));
}

// A hundred nodes, two of three behind NAT: receipts are given as a feed would.
struct Town {
  World world;
  std::vector<std::size_t> read;  // of each inbox
  std::map<std::size_t, int> big_from;
  std::set<std::size_t> heads;      // who sent copies of others' payloads to relays
  std::set<std::size_t> withholds;  // of them: they send none, and no receipts
  std::size_t received = 0;
  static constexpr std::size_t kSender = 1;

  explicit Town(std::size_t size, std::size_t cells = 48, std::size_t fanout = 48, Duration lease = 1h) {
    for (std::size_t i = 0; i < size; ++i) {
      Config config;
      config.limits.cell_members = 24;
      config.limits.cells = cells;
      config.limits.cell_fanout = fanout;
      config.limits.cell_lease = lease;
      world.add(i % 3 != 0, std::move(config));
    }
    world.boot_all();
    world.run_for(60s);
    for (std::size_t i = 0; i < size; ++i) {
      if (i == kSender) continue;
      world.input(kSender, [&](Swarm& s) {
        s.unicast(test::user_of(i), Channel::packets, Frame(bytes_of("who")), Priority::post);
      });
    }
    world.run_for(10s);
    for (std::size_t i = 0; i < size; ++i) world[i].inbox.clear();
    world.loses = [this](std::size_t from, std::size_t to, const Frame& frame) {
      static_cast<void>(to);
      const auto message = decode(frame.view(), Limits{});
      if (!message.ok()) return false;
      const NodeId& sender = world[from].id();
      const auto* spread = std::get_if<Spread>(&*message);
      const bool leads = spread != nullptr && spread->from == sender && spread->origin != sender;
      const auto* direct = std::get_if<Direct>(&*message);
      const auto* routed = std::get_if<Routed>(&*message);
      const bool says = (direct != nullptr && direct->channel == kCellChannel) ||
                        (routed != nullptr && routed->channel == kCellChannel && routed->from == sender);
      if (leads) heads.insert(from);
      if ((leads || says) && withholds.count(from) != 0) return true;
      if (frame.size() > 1000) ++big_from[from];
      return false;
    };
  }
  std::vector<PubKey> send(char letter) {
    std::vector<PubKey> users;
    for (std::size_t i = 0; i < world.size(); ++i) {
      if (i != kSender) users.push_back(test::user_of(i));
    }
    big_from.clear();
    received = 0;
    for (std::size_t i = 0; i < world.size(); ++i) world[i].inbox.clear();
    std::vector<PubKey> without;
    world.input(kSender, [&](Swarm& s) {
      without = s.copies(users, Channel::packets, Frame(bytes_of(std::string(1000, letter))), Priority::post);
    });
    read.assign(world.size(), 0);
    return without;
  }
  void run_for(Duration duration) {
    for (Duration passed{}; passed < duration; passed += 50ms) {
      world.run_for(50ms);
      for (std::size_t i = 0; i < world.size(); ++i) {
        while (read[i] < world[i].inbox.size()) {
          const Delivery copy = world[i].inbox[read[i]++];
          if (copy.cast == Delivery::Cast::copy) world.input(i, [&](Swarm& s) { s.receipt(copy); });
        }
      }
      world.input(kSender, [&](Swarm& s) {
        while (const auto one = s.next_outcome()) received += one->received ? 1u : 0u;
      });
    }
  }
  [[nodiscard]] std::size_t with(std::size_t count) {
    std::size_t nodes = 0;
    for (std::size_t i = 0; i < world.size(); ++i) nodes += i != kSender && world[i].inbox.size() == count ? 1u : 0u;
    return nodes;
  }
};

TEST(CellsInATown, EverybodyHasItOnceByFewCopiesOfTheAuthor) {
  Town town(100);
  EXPECT_TRUE(town.send('a').empty());
  town.run_for(3s);
  EXPECT_EQ(town.with(1), 99u);
  EXPECT_EQ(town.received, 99u);
  int all = 0;
  for (const auto& [node, count] : town.big_from) all += count;
  EXPECT_LE(town.big_from[Town::kSender], 8);  // lists of members are as large
  EXPECT_LE(all, 3 * 99);
  town.send('b');
  town.run_for(3s);
  EXPECT_EQ(town.with(1), 99u);
  EXPECT_EQ(town.received, 99u);
  const auto cells = town.world[Town::kSender].swarm->status();
  EXPECT_GE(cells.cells, 3u);
  EXPECT_LE(town.big_from[Town::kSender], static_cast<int>(cells.cells));
}

TEST(CellsInATown, AHeadThatWithholdsDelaysItsCellAndLosesNothing) {
  Town town(100);
  town.send('a');
  town.run_for(3s);
  ASSERT_FALSE(town.heads.empty());
  town.withholds.insert(*town.heads.begin());
  town.send('b');
  town.run_for(1500ms);
  EXPECT_LT(town.received, 90u);
  EXPECT_GT(town.received, 50u) << "other cells are served";
  town.run_for(2s);
  EXPECT_EQ(town.received, 99u);
  EXPECT_EQ(town.with(0), 0u);
  // The backup is the head now.
  town.send('c');
  town.run_for(1500ms);
  EXPECT_EQ(town.received, 99u);
  EXPECT_EQ(town.with(1), 99u);
}

// Two cells of fifty, where nobody sends more than four copies: parts, and parts of parts.
TEST(CellsInATown, LargeCellsAreDividedInTurn) {
  Town town(100, 2, 4);
  for (const char letter : {'a', 'b'}) {
    town.send(letter);
    town.run_for(3s);
    EXPECT_EQ(town.with(1), 99u) << town.with(0) << " without, " << town.with(2) << " with two";
    EXPECT_EQ(town.received, 99u);
  }
  EXPECT_LE(town.big_from[Town::kSender], 4);
  std::size_t led = 0;
  for (std::size_t i = 0; i < town.world.size(); ++i) led += town.world[i].swarm->status().cells_led;
  EXPECT_GE(led, 10u) << "two heads, two backups, and heads of parts";
  EXPECT_EQ(town.world[Town::kSender].rejections["cell receipts bad_signature"], 0);
}

TEST(CellsInATown, HeadsOfPartsThatWithholdAreGoneAround) {
  Town town(100, 2, 4);
  town.send('a');
  town.run_for(3s);
  std::size_t turn = 0;
  for (const std::size_t head : town.heads) {
    if (turn++ % 3 == 0) town.withholds.insert(head);
  }
  ASSERT_GE(town.withholds.size(), 2u);
  town.send('b');
  town.run_for(5500ms);
  EXPECT_EQ(town.with(0), 0u);
  town.run_for(10s);
  EXPECT_EQ(town.received, 99u);
}

TEST(CellsInATown, ThoseOfWhomAllHeadsWithholdGetCopiesOfTheAuthor) {
  Town town(100);
  town.send('a');
  town.run_for(3s);
  for (std::size_t i = 0; i < town.world.size(); ++i) {
    if (i != Town::kSender) town.withholds.insert(i);
  }
  town.send('b');
  town.run_for(4500ms);
  EXPECT_EQ(town.with(0), 0u);
  town.run_for(10s);
  EXPECT_EQ(town.received, 99u);
}

TEST(CellsInATown, TheAuthorIsLinkedWithItsHeadsAsLongAsItPosts) {
  Town town(100, 48, 48, 3min);
  World& world = town.world;
  const auto linked = [&] {
    std::set<std::uint64_t> names;
    for (const auto& peer : world[Town::kSender].swarm->peers()) names.insert(peer.name);
    return names;
  };
  const std::size_t before = linked().size();
  std::size_t heads = 0;
  for (int posts = 0; posts < 3; ++posts) {
    town.send(static_cast<char>('a' + posts));
    town.run_for(2s);
    EXPECT_EQ(town.received, 99u);
    world.run_for(1min);
    const auto names = linked();
    const auto all = world[Town::kSender].swarm->cells().heads();
    heads = all.size();
    for (const PubKey& head : all) EXPECT_TRUE(names.contains(mesh_name(head)));
  }
  EXPECT_GE(heads, 3u);
  EXPECT_GT(linked().size(), before);
  world.run_for(3min);
  EXPECT_LE(linked().size(), before);
}

}  // namespace
}  // namespace np2p::swarm
