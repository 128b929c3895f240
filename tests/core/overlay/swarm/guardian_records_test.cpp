// GUARDIANS in the directory: what a keeper keeps and what it refuses.
#include "core/overlay/swarm/guardian_records.h"

#include <gmock/gmock.h>

#include "tests/core/overlay/swarm/directory_world.h"

namespace np2p::swarm {
namespace {

using test::kNetwork;
using test::RawPeer;
using testing::ElementsAre;
using testing::IsEmpty;

struct Shelf : test::OneKeeper {
  std::unique_ptr<SecpNodeKey> node = test::key_of(600);
  std::unique_ptr<SecpNodeKey> other = test::key_of(601);
  PubKey user = test::user_of(600);

  GuardianRecord record(const NodeKey& of, std::uint64_t sequence) {
    return {user, of.id(), 0, sequence, now() + 29 * 24 * 3600, {test::user_of(1), test::user_of(2)}};
  }
  void say(RawPeer& peer, ByteVec bytes) {
    Put message;
    message.key = directory_key(user);
    message.hops = 12;
    message.records = {std::move(bytes)};
    peer.say(message);
  }
  std::vector<ByteVec> kept(RawPeer& peer) {
    peer.heard();
    Get question{directory_key(user), 4712, 12};
    question.what = static_cast<std::uint8_t>(Get::What::guardians);
    peer.say(question);
    auto answers = peer.heard_of<Got>();
    EXPECT_EQ(answers.size(), 1u);
    if (answers.empty() || answers[0].records.empty()) return {};
    std::vector<ByteVec> records = std::move(answers[0].records);
    SecpVerifier verifier;
    EXPECT_EQ(take_voucher(records, 4712, verifier, kNetwork), peer.machine().id());
    return records;
  }
};

TEST_F(Shelf, SaysWhatWasSigned) {
  boot();
  const GuardianRecord made = record(*node, 7);
  const ByteVec bytes = encode_guardians(made, *node, kNetwork);
  EXPECT_LE(bytes.size(), kMostGuardianRecord);
  SecpVerifier verifier;
  const auto found = verify_guardians(bytes, verifier, kNetwork);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(*found, made);
  EXPECT_FALSE(verify_guardians(bytes, verifier, "another network").ok());
  for (std::size_t i = 0; i < bytes.size(); i += 7) {
    ByteVec forged = bytes;
    forged[i] ^= 1;
    EXPECT_FALSE(verify_guardians(forged, verifier, kNetwork).ok()) << i;
  }
}

TEST_F(Shelf, KeepsTheHighestRankOfANode) {
  boot();
  RawPeer peer(world, 0, 1);
  peer.hello();
  const ByteVec first = encode_guardians(record(*node, 5), *node, kNetwork);
  const ByteVec later = encode_guardians(record(*node, 6), *node, kNetwork);
  say(peer, first);
  EXPECT_THAT(kept(peer), ElementsAre(first));
  say(peer, later);
  EXPECT_THAT(kept(peer), ElementsAre(later));
  say(peer, later);  // once more
  say(peer, first);  // a replay
  EXPECT_THAT(kept(peer), ElementsAre(later));
  EXPECT_EQ(refused("forbidden"), 1);
  EXPECT_THAT(get(peer, user), IsEmpty()) << "who asks for contacts gets none of these";
  GuardianRecord epoch = record(*node, 1);
  epoch.epoch = 1;
  say(peer, encode_guardians(epoch, *node, kNetwork));
  EXPECT_THAT(kept(peer), ElementsAre(encode_guardians(epoch, *node, kNetwork))) << "a BIND is worth more";
}

TEST_F(Shelf, RefusesWhatIsForgedOrTooLargeOrForEver) {
  boot();
  RawPeer peer(world, 0, 1);
  peer.hello();
  ByteVec forged = encode_guardians(record(*node, 5), *node, kNetwork);
  forged[80] ^= 1;
  say(peer, forged);
  EXPECT_EQ(refused("bad_signature") + refused("bad_time"), 1);
  say(peer, encode_guardians(record(*node, 5), *other, kNetwork));
  EXPECT_GE(refused("bad_signature"), 1);
  GuardianRecord many = record(*node, 5);
  many.guardians.assign(4, test::user_of(9));
  say(peer, encode_guardians(many, *node, kNetwork));
  say(peer, [&] {
    ByteVec huge = encode_guardians(record(*node, 5), *node, kNetwork);
    huge.resize(kMostGuardianRecord + 1);
    return huge;
  }());
  EXPECT_EQ(refused("too_large"), 2);
  const int before = refused("bad_time");
  GuardianRecord ever = record(*node, 5);
  ever.expires = now() + 40 * 24 * 3600;
  say(peer, encode_guardians(ever, *node, kNetwork));
  ever.expires = now() - 1;
  say(peer, encode_guardians(ever, *node, kNetwork));
  EXPECT_EQ(refused("bad_time"), before + 2);
  GuardianRecord elsewhere = record(*node, 5);
  elsewhere.owner = test::user_of(601);
  say(peer, encode_guardians(elsewhere, *node, kNetwork));
  EXPECT_EQ(refused("bad_field"), 1);
  EXPECT_THAT(kept(peer), IsEmpty());
}

TEST_F(Shelf, HasRoomForThreeClaims) {
  boot();
  RawPeer peer(world, 0, 1);
  peer.hello();
  for (std::uint64_t i = 0; i < 4; ++i) {
    const auto claimant = test::key_of(700 + i);
    say(peer, encode_guardians(record(*claimant, 1), *claimant, kNetwork));
  }
  EXPECT_EQ(kept(peer).size(), 3u);
  EXPECT_EQ(refused("full"), 1);
}

TEST_F(Shelf, TheyExpire) {
  boot();
  RawPeer peer(world, 0, 1);
  peer.join();
  GuardianRecord made = record(*node, 5);
  made.expires = now() + 3600;
  say(peer, encode_guardians(made, *node, kNetwork));
  EXPECT_EQ(kept(peer).size(), 1u);
  world.run_for(62min);
  EXPECT_THAT(kept(peer), IsEmpty());
}

}  // namespace
}  // namespace np2p::swarm
