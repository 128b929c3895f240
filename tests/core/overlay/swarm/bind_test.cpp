// A user's BIND against claims: in the keeper of records, in who asks, and in a world with an impostor.
#include <gtest/gtest.h>

#include "tests/core/overlay/swarm/directory_world.h"

namespace np2p::swarm {
namespace {

using test::bind_event;
using test::bind_record;
using test::key_of;
using test::kNetwork;
using test::OneAsker;
using test::OneKeeper;
using test::RawPeer;
using test::user_of;
using test::World;

// --- the keeper

struct BindKeeper : OneKeeper {
  const PubKey user = user_of(600);
  std::unique_ptr<SecpNodeKey> right = key_of(600);
  std::unique_ptr<SecpNodeKey> impostor = key_of(601);
  std::unique_ptr<RawPeer> peer;

  void SetUp() override { open({}); }
  void open(Config config) {
    peer.reset();
    world.empty();
    boot(std::move(config));
    peer = std::make_unique<RawPeer>(world, 0, 1);
    peer->join();
  }
  void say_bind(const Event& event) {
    Put message;
    message.key = directory_key(event.pubkey);
    message.hops = 12;
    message.records = {bind_record(event)};
    peer->say(message);
  }
  void say_contact(NodeKey& node, std::uint64_t sequence = 1) { peer->say(put(contact(node, user, sequence), node)); }
  [[nodiscard]] std::vector<NodeId> nodes() {
    std::vector<NodeId> found;
    for (const ByteVec& record : get(*peer, user)) {
      if (is_of(RecordType::contact, record)) found.push_back(decode_contact(record)->node);
    }
    return found;
  }
  // The epoch of the BIND that is answered; 0: none.
  [[nodiscard]] std::uint64_t epoch() {
    const auto records = get(*peer, user);
    if (records.empty() || !is_of(RecordType::bind, records[0])) return 0;
    return decode_bind(*decode_bind_record(records[0], Limits{}))->epoch;
  }
  using Nodes = std::vector<NodeId>;
};

TEST_F(BindKeeper, FromTheFirstBindOnOnlyTheBoundNodeIsAnswered) {
  say_contact(*impostor);
  say_contact(*right);
  EXPECT_EQ(nodes(), (Nodes{impostor->id(), right->id()}));
  say_bind(bind_event(600, right->id(), 1, now()));
  EXPECT_EQ(epoch(), 1u);
  EXPECT_EQ(nodes(), Nodes{right->id()});
  EXPECT_EQ(refused("forbidden"), 1);
  say_contact(*impostor, 2);
  EXPECT_EQ(nodes(), Nodes{right->id()});
  EXPECT_EQ(refused("forbidden"), 2);
  say_contact(*right, 2);
  EXPECT_EQ(nodes(), Nodes{right->id()});
  EXPECT_TRUE(peer->is_open());
}

TEST_F(BindKeeper, ABindMayComeBeforeAnyContact) {
  say_bind(bind_event(600, right->id(), 1, now()));
  EXPECT_TRUE(nodes().empty());
  EXPECT_EQ(epoch(), 1u);
  say_contact(*impostor);
  EXPECT_TRUE(nodes().empty());
  say_contact(*right);
  EXPECT_EQ(nodes(), Nodes{right->id()});
}

TEST_F(BindKeeper, TheHighestEpochWinsAndAReplayOfALowerOneIsNothing) {
  const Event first = bind_event(600, impostor->id(), 1, now());
  const Event second = bind_event(600, right->id(), 2, now() - 100);  // a slow clock
  say_bind(first);
  say_contact(*impostor);
  say_bind(second);
  EXPECT_EQ(epoch(), 2u);
  EXPECT_TRUE(nodes().empty());
  say_contact(*right);
  say_bind(first);
  say_contact(*impostor, 5);
  EXPECT_EQ(epoch(), 2u);
  EXPECT_EQ(nodes(), Nodes{right->id()});
}

TEST_F(BindKeeper, WithoutANodeItRevokes) {
  say_bind(bind_event(600, right->id(), 1, now()));
  say_contact(*right);
  say_bind(bind_event(600, std::nullopt, 2, now()));
  say_contact(*right, 2);
  say_contact(*impostor);
  EXPECT_TRUE(nodes().empty());
  EXPECT_EQ(epoch(), 2u);
}

TEST_F(BindKeeper, AnExpiredOneNeverReopensTheFirstClaim) {
  say_bind(bind_event(600, right->id(), 1, now(), 3600));
  say_contact(*right);
  world.run_for(2h);
  say_contact(*impostor);
  say_contact(*right, 2);
  EXPECT_TRUE(nodes().empty());
  EXPECT_EQ(epoch(), 1u);
  EXPECT_EQ(refused("forbidden"), 2);
  world.run_for(400 * 24h);
  say_contact(*impostor);
  EXPECT_TRUE(nodes().empty());
  say_bind(bind_event(600, right->id(), 2, now()));
  say_contact(*right, 3);
  EXPECT_EQ(nodes(), Nodes{right->id()});
}

TEST_F(BindKeeper, ForgedForeignAndBrokenOnesChangeNothing) {
  say_contact(*right);
  Event forged = bind_event(600, impostor->id(), 1, now());
  forged.sig.data[5] ^= 1;
  say_bind(forged);
  EXPECT_EQ(refused("bad_signature"), 1);
  Put elsewhere;  // a good one of another user, under this key
  elsewhere.key = directory_key(user);
  elsewhere.hops = 12;
  elsewhere.records = {bind_record(bind_event(601, impostor->id(), 9, now()))};
  peer->say(elsewhere);
  EXPECT_EQ(refused("bad_field"), 1);
  say_bind(bind_event(600, impostor->id(), 1, now() + 3600));
  EXPECT_EQ(refused("bad_time"), 1);
  Put broken = elsewhere;
  broken.records[0].resize(60);
  peer->say(broken);
  EXPECT_EQ(refused("malformed"), 1);
  Put large = elsewhere;
  Tags tags = bind_tags(impostor->id(), 1, now() + 1000);
  tags.add({"t", std::string(1000, 'x')});
  large.records = {bind_record(test::signer_of(600).sign(kind::bind, now(), tags, ""))};
  peer->say(large);
  EXPECT_EQ(refused("too_large"), 1);
  Put post = elsewhere;
  post.records = {bind_record(test::signer_of(600).sign(kind::post, now(), {}, "hello"))};
  peer->say(post);
  EXPECT_EQ(refused("bad_kind"), 1);
  EXPECT_EQ(nodes(), Nodes{right->id()});
  EXPECT_EQ(epoch(), 0u);
  EXPECT_TRUE(peer->is_open());
}

TEST_F(BindKeeper, ALaterTypeOfRecordIsCountedAndTheOthersAreKept) {
  Put message = put(contact(*right, user), *right);
  message.records.insert(message.records.begin(), ByteVec{77, 1, 2, 3});
  message.records.push_back({});
  peer->say(message);
  EXPECT_EQ(refused("unknown_type"), 2);
  EXPECT_EQ(nodes(), Nodes{right->id()});
  EXPECT_TRUE(peer->is_open());
}

TEST_F(BindKeeper, AClaimKeepsItsPlaceForADay) {
  say_contact(*right);
  world.run_for(10h);
  EXPECT_TRUE(nodes().empty());
  say_contact(*impostor);
  EXPECT_EQ(nodes(), Nodes{impostor->id()});
  say_contact(*right, 2);  // back: still the oldest
  EXPECT_EQ(nodes(), (Nodes{right->id(), impostor->id()}));
  say_contact(*right, 1);  // nor did its sequence begin anew
  world.run_for(25h);
  say_contact(*impostor, 2);
  say_contact(*right, 3);
  EXPECT_EQ(nodes(), (Nodes{impostor->id(), right->id()}));
}

TEST_F(BindKeeper, NoFloodOfClaimsPushesABindOut) {
  Config config;
  config.limits.directory_records = 50;
  open(config);
  say_bind(bind_event(600, right->id(), 1, now()));
  for (std::uint64_t i = 1; i <= 200; ++i) peer->say(put(contact(*impostor, user_of(600 + i)), *impostor));
  say_contact(*impostor);
  EXPECT_EQ(epoch(), 1u);
  EXPECT_TRUE(nodes().empty());
}

TEST_F(BindKeeper, OfTooManyBindsTheFarthestGoes) {
  Config config;
  config.limits.directory_binds = 20;
  open(config);
  std::vector<Key> keys;
  for (std::uint64_t i = 0; i < 60; ++i) {
    say_bind(bind_event(600 + i, right->id(), 1, now()));
    keys.push_back(directory_key(user_of(600 + i)));
  }
  std::size_t kept = 0;
  const auto by_distance = [&](const Key& a, const Key& b) { return nearer(a.data, b.data, world[0].id().data); };
  std::vector<Key> sorted = keys;
  std::sort(sorted.begin(), sorted.end(), by_distance);
  for (std::uint64_t i = 0; i < 60; ++i) {
    const bool near = std::find(sorted.begin(), sorted.begin() + 20, keys[i]) != sorted.begin() + 20;
    const bool answered = !get(*peer, user_of(600 + i)).empty();
    EXPECT_EQ(answered, near) << i;
    kept += answered ? 1u : 0u;
  }
  EXPECT_EQ(kept, 20u);
  EXPECT_GE(refused("full"), 1);
}

TEST_F(BindKeeper, TheStoreRemembersWhatTheDirectoryNeverSaw) {
  world[0].store.put(test::valid(bind_event(600, right->id(), 4, now())));
  say_contact(*impostor);
  EXPECT_TRUE(nodes().empty());
  EXPECT_EQ(refused("forbidden"), 1);
  say_contact(*right);
  EXPECT_EQ(nodes(), Nodes{right->id()});
  EXPECT_EQ(epoch(), 4u);
}

TEST_F(BindKeeper, ABindThatCameAnotherWayVoidsClaims) {
  say_contact(*impostor);
  world.input(0, [&](Swarm& s) { s.bind(test::valid(bind_event(600, right->id(), 4, now()))); });
  EXPECT_TRUE(nodes().empty());
  EXPECT_EQ(epoch(), 4u);
}

TEST_F(BindKeeper, TwoContactsWithOneSequenceAreKeptAsEvidence) {
  const Contact first = contact(*right, user, 5);
  Contact second = first;
  second.listens = test::home(151);
  peer->say(put(first, *right));
  peer->say(put(first, *right));  // repeated: no crime
  EXPECT_EQ(world[0].swarm->evidence().count(), 0u);
  peer->say(put(second, *impostor));  // of another's making: proves nothing
  EXPECT_EQ(world[0].swarm->evidence().count(), 0u);
  for (int i = 0; i < 3; ++i) peer->say(put(second, *right));
  const Evidence& evidence = world[0].swarm->evidence();
  ASSERT_EQ(evidence.count(), 1u);
  EXPECT_EQ(evidence.pairs()[0].what, Evidence::What::contact);
  EXPECT_EQ(evidence.pairs()[0].first, encode_contact(first, *right, kNetwork));
  EXPECT_EQ(evidence.pairs()[0].second, encode_contact(second, *right, kNetwork));
  EXPECT_EQ(world[0].rejections["equivocation forbidden"], 1);
  EXPECT_EQ(get(*peer, user), std::vector<ByteVec>{encode_contact(first, *right, kNetwork)});
}

TEST_F(BindKeeper, TwoNodesForOneEpochAreEvidenceAndOneRuleDecides) {
  const Event first = bind_event(600, right->id(), 3, now());
  const Event second = bind_event(600, impostor->id(), 3, now() + 1);
  for (const bool turned : {false, true}) {
    open({});
    say_bind(turned ? second : first);
    say_bind(turned ? first : second);
    EXPECT_EQ(world[0].swarm->evidence().count(), 1u);
    say_contact(*right);
    say_contact(*impostor);
    EXPECT_EQ(nodes(), Nodes{impostor->id()});  // the newer, in whatever order they come
  }
}

TEST_F(BindKeeper, EvidenceIsBounded) {
  Config config;
  config.limits.evidence = 3;
  open(config);
  for (std::uint64_t i = 1; i <= 10; ++i) {
    say_bind(bind_event(600, right->id(), i, now()));
    say_bind(bind_event(600, impostor->id(), i, now() + 1));
  }
  EXPECT_EQ(world[0].swarm->evidence().count(), 10u);
  EXPECT_EQ(world[0].swarm->evidence().pairs().size(), 3u);
}

// --- who asks

struct BindAsker : OneAsker {
  ByteVec bound(const NodeId& node, std::uint64_t epoch = 1) {
    return bind_record(bind_event(800, node, epoch, now()));
  }
};

TEST_F(BindAsker, OneBindOutweighsAllVotes) {
  ask();
  answer(0, {lie()});
  answer(1, {bound(right->id()), lie(), truth()});
  answer(2, {lie()});
  EXPECT_EQ(goes_to(), right->id());
}

TEST_F(BindAsker, ABindWithoutTheContactReachesNobody) {
  ask();
  answer(0, {lie()});
  answer(1, {bound(right->id())});
  answer(2, {lie()});
  EXPECT_EQ(goes_to(), NodeId{});
}

TEST_F(BindAsker, AForgedOrForeignBindIsNone) {
  ask();
  Event forged = bind_event(800, hops[0]->id(), 9, now());
  forged.sig.data[0] ^= 1;
  answer(0, {bind_record(forged), lie()});
  answer(1, {bind_record(bind_event(801, hops[0]->id(), 9, now())), truth()});
  answer(2, {truth()});
  EXPECT_EQ(goes_to(), right->id());
}

TEST_F(BindAsker, ALaterBindUndoesALookupAndAnEarlierOneDoesNot) {
  ask();
  for (std::size_t i = 0; i < 3; ++i) answer(i, {bound(hops[0]->id(), 1), lie()});
  ASSERT_EQ(goes_to(), hops[0]->id());
  const EventPtr second = test::valid(bind_event(800, right->id(), 2, now()));
  world.input(0, [&](Swarm& s) { s.bind(second); });
  EXPECT_EQ(goes_to(), NodeId{});  // and it is looked for
  for (int tries = 0; tries < 60; ++tries) {
    world.run_for(1s);
    for (std::size_t i = 0; i < 3; ++i) {
      for (const Get& question : hops[i]->heard_of<Get>()) {
        hops[i]->say(Got{question.query, 1, {bound(hops[0]->id(), 1), lie(), truth()}});
      }
    }
  }
  EXPECT_EQ(goes_to(), right->id());
}

TEST_F(BindAsker, AClaimantWhoWritesRedirectsNothing) {
  ask();
  for (std::size_t i = 0; i < 3; ++i) answer(i, {bound(right->id()), truth()});
  ASSERT_EQ(goes_to(), right->id());
  // A neighbour that says it serves that user, dead contact or not.
  RawPeer liar(world, 0, 50);
  Hello hello;
  hello.boot = 1;
  hello.owner = wanted;
  hello.listens = liar.address();
  liar.say(hello);
  liar.say(Direct{0, Frame(bytes_of("from the user, really"))});
  EXPECT_TRUE(world[0].inbox.empty());
  EXPECT_EQ(world[0].rejections["claim forbidden"], 1);
  hops[0]->say(Undelivered{world[0].id(), world[0].id(), right->id(), 0});
  liar.say(Direct{1, Frame(bytes_of("now to me"))});
  liar.heard();
  world.unicast(0, wanted, "secret");
  world.run_for(1min);
  world.unicast(0, wanted, "secret");
  for (const Message& message : liar.heard()) {
    EXPECT_FALSE(std::holds_alternative<Direct>(message) || std::holds_alternative<Routed>(message));
  }
}

TEST_F(BindAsker, WhatIsMeantForAClaimantWaitsForTheDirectory) {
  ask();
  RawPeer claimant(world, 0, 50);
  Hello hello;
  hello.boot = 1;
  hello.owner = wanted;
  hello.listens = claimant.address();
  claimant.say(hello);
  claimant.say(Direct{0, Frame(bytes_of("I am the user"))});
  EXPECT_EQ(world[0].inbox.size(), 1u);
  claimant.heard();
  EXPECT_FALSE(world.unicast(0, wanted, "secret"));
  world.input(0, [&](Swarm& s) {  // but what it said is acknowledged
    EXPECT_TRUE(s.unicast(wanted, Channel::extension, Frame(bytes_of("got it")), Priority::control));
  });
  EXPECT_EQ(claimant.heard_of<Direct>().size(), 1u);
  answer(1, {bound(right->id()), truth()});
  answer(0, {});
  answer(2, {});
  EXPECT_EQ(goes_to(), right->id());
  EXPECT_TRUE(claimant.heard_of<Direct>().empty());
}

TEST_F(BindAsker, AClaimThatNobodyContradictsIsTheFirst) {
  ask();
  RawPeer claimant(world, 0, 50);
  Hello hello;
  hello.boot = 1;
  hello.owner = wanted;
  hello.listens = claimant.address();
  claimant.say(hello);
  claimant.say(Direct{0, Frame(bytes_of("I am the user"))});
  claimant.heard();
  for (std::size_t i = 0; i < 3; ++i) answer(i, {});
  EXPECT_FALSE(world.unicast(0, wanted, "welcome"));  // the further first hops were asked, too
  world.run_for(4s);
  claimant.heard();
  EXPECT_TRUE(world.unicast(0, wanted, "welcome"));
  EXPECT_EQ(claimant.heard_of<Direct>().size(), 1u);
}

TEST_F(BindAsker, RequireBindRefusesMereClaims) {
  Config config;
  config.require_bind = true;
  ask(config);
  for (std::size_t i = 0; i < 3; ++i) answer(i, {truth()});
  EXPECT_EQ(goes_to(), NodeId{});
  world.input(0, [&](Swarm& s) { s.bind(test::valid(bind_event(800, right->id(), 2, now()))); });
  EXPECT_EQ(goes_to(), right->id());
}

TEST_F(BindAsker, AnExpiredBindServesNobody) {
  ask();
  for (std::size_t i = 0; i < 3; ++i) {
    answer(i, {bind_record(bind_event(800, right->id(), 1, now(), 60)), truth(), lie()});
  }
  ASSERT_EQ(goes_to(), right->id());
  world.run_for(1min);
  EXPECT_EQ(goes_to(), NodeId{});
}

// --- whole overlays

struct Impostors : ::testing::Test {
  // Machine 1 serves user 1, and so says machine 9, behind or before it.
  static void make(World& world, std::uint64_t seed) {
    for (std::size_t i = 0; i < 12; ++i) {
      Config config;
      config.seed = mix64(seed * 100 + i);
      world.add(i % 4 == 3 || (i == 9 && seed % 2 == 0), std::move(config));
    }
    world[9].config.owner = user_of(1);
  }
  static Event bind(World& world, const NodeId& node, std::uint64_t epoch) {
    return bind_event(1, node, epoch, unix_seconds(world[1].wall()));
  }
  static std::size_t meant(World& world, std::size_t machine, std::string_view what) {
    std::size_t count = 0;
    for (const std::string& text : world[machine].inbox_texts()) count += text.rfind(what, 0) == 0 ? 1u : 0u;
    return count;
  }
  // Everybody but those two writes to user 1 until it is sent.
  static std::size_t everybody_writes(World& world, const std::string& what) {
    std::size_t sent = 0;
    for (std::size_t from = 0; from < 12; ++from) {
      if (from == 1 || from == 9) continue;
      const std::string text = what + " from " + std::to_string(from);
      bool gone = world.unicast(from, user_of(1), text);
      for (int tries = 0; !gone && tries < 60; ++tries) {
        world.run_for(3s);
        gone = world.unicast(from, user_of(1), text);
      }
      sent += gone ? 1u : 0u;
    }
    world.run_for(10s);
    return sent;
  }
};

TEST_F(Impostors, OnceABindIsKnownTheImpostorReceivesNothing) {
  std::size_t robbed = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    World world;
    make(world, seed);
    for (const std::size_t i : {0, 9, 2, 3, 4, 5, 6, 7, 8, 1, 10, 11}) {  // the impostor's claim is the older one
      world[i].boot();
      world.run_for(1s);
    }
    world.run_for(1min);
    everybody_writes(world, "before");
    robbed += meant(world, 9, "before");
    const EventPtr event = test::valid(bind(world, world[1].id(), 1));
    world.input(1, [&](Swarm& s) { s.bind(event); });
    for (std::size_t i = 2; i < 12; i += 3) world.input(i, [&](Swarm& s) { s.bind(event); });  // a broadcast met them
    world.run_for(10s);
    // The others have claims from before, which end with the contact.
    world.run_for(3h);
    for (std::size_t to = 0; to < 12; ++to) world.unicast(9, user_of(to), "I am user 1");
    world.run_for(5s);
    EXPECT_EQ(everybody_writes(world, "after"), 10u) << seed;
    EXPECT_EQ(meant(world, 9, "after"), 0u) << seed;
    EXPECT_EQ(meant(world, 1, "after"), 10u) << seed;
    EXPECT_EQ(world[9].swarm->identity().state, Identity::State::elsewhere) << seed;
    EXPECT_EQ(world[1].swarm->identity().state, Identity::State::bound) << seed;
  }
  EXPECT_GE(robbed, 100u) << "the attack works on those who did not bind, or this test shows nothing";
}

TEST_F(Impostors, WhoIsBoundFromTheStartIsNeverImpersonated) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    World world;
    make(world, seed);
    world[1].store.put(test::valid(bind(world, world[1].id(), 1)));
    for (const std::size_t i : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}) {
      world[i].boot();
      world.run_for(1s);
    }
    world.run_for(1min);
    for (std::size_t to = 0; to < 12; ++to) world.unicast(9, user_of(to), "I am user 1");
    world.run_for(20s);
    for (std::size_t to = 0; to < 12; ++to) world.unicast(9, user_of(to), "I am user 1");
    world.run_for(5s);
    EXPECT_EQ(everybody_writes(world, "hello"), 10u) << seed;
    EXPECT_EQ(meant(world, 9, "hello"), 0u) << seed;
    EXPECT_EQ(meant(world, 1, "hello"), 10u) << seed;
  }
}

TEST_F(Impostors, WhoMovesIsFoundAtTheNewNodeOnly) {
  World world;
  make(world, 7);
  world[9].config.owner = user_of(1);  // this time it is the user's new server
  world[1].store.put(test::valid(bind(world, world[1].id(), 1)));
  world.boot_all();
  world.run_for(1min);
  EXPECT_EQ(everybody_writes(world, "old"), 10u);
  EXPECT_EQ(meant(world, 1, "old"), 10u);
  const EventPtr moved = test::valid(bind(world, world[9].id(), 2));
  world.input(9, [&](Swarm& s) { s.bind(moved); });
  world.run_for(3h);
  EXPECT_EQ(world[1].swarm->identity().state, Identity::State::elsewhere);
  EXPECT_EQ(everybody_writes(world, "new"), 10u);
  EXPECT_EQ(meant(world, 9, "new"), 10u);
  EXPECT_EQ(meant(world, 1, "new"), 0u);
}

}  // namespace
}  // namespace np2p::swarm
