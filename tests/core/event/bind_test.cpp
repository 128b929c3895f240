#include "core/event/bind.h"

#include <gtest/gtest.h>

#include "core/crypto/signer.h"
#include "core/crypto/verifier.h"
#include "core/event/replaceable.h"
#include "core/event/validation.h"

namespace np2p {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;
const std::string kHex = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

Event claim(std::initializer_list<std::initializer_list<std::string_view>> tags) {
  Event event;
  event.kind = kind::bind;
  event.pubkey.data[0] = 9;
  event.created_at = kNow;
  for (const auto& tag : tags) event.tags.add(tag);
  return event;
}

Event good(std::uint64_t epoch, std::int64_t created_at = kNow, std::uint8_t id = 5, std::string_view node = kHex) {
  Event event = claim({});
  event.created_at = created_at;
  event.id.data[0] = id;
  event.tags = bind_tags(NodeId::parse_hex(node), epoch, created_at + 1000);
  return event;
}

TEST(Binds, SayWhatWasPutIntoThem) {
  const auto bind = decode_bind(good(7));
  ASSERT_TRUE(bind.ok());
  EXPECT_EQ(bind->user, good(7).pubkey);
  EXPECT_EQ(bind->node, NodeId::parse_hex(kHex));
  EXPECT_EQ(bind->epoch, 7u);
  EXPECT_EQ(bind->expires, kNow + 1000);
  EXPECT_EQ(bind->created_at, kNow);
  Event revoking = good(8);
  revoking.tags = bind_tags(std::nullopt, 8, kNow + 1000);
  ASSERT_TRUE(decode_bind(revoking).ok());
  EXPECT_EQ(decode_bind(revoking)->node, std::nullopt);
  // What a later version may say besides.
  EXPECT_TRUE(decode_bind(claim({{"alt", "a", "b"}, {"epoch", "1"}, {"node", kHex}, {"expires", "1700000001"}})).ok());
}

TEST(Binds, WhatIsNotClearIsRefused) {
  const std::string upper = "A" + kHex.substr(1);
  const std::string longer = kHex + "00";
  const std::string_view later = "1700001000";
  const std::vector<Event> bad = {
      claim({}),
      claim({{"epoch", "1"}}),
      claim({{"expires", later}}),
      claim({{"node", kHex}, {"epoch", "0"}, {"expires", later}}),
      claim({{"node", kHex}, {"epoch", "01"}, {"expires", later}}),
      claim({{"node", kHex}, {"epoch", "+1"}, {"expires", later}}),
      claim({{"node", kHex}, {"epoch", "-1"}, {"expires", later}}),
      claim({{"node", kHex}, {"epoch", "1 "}, {"expires", later}}),
      claim({{"node", kHex}, {"epoch", "1.0"}, {"expires", later}}),
      claim({{"node", kHex}, {"epoch", "9007199254740993"}, {"expires", later}}),
      claim({{"node", kHex}, {"epoch", "99999999999999999999999"}, {"expires", later}}),
      claim({{"node", kHex}, {"epoch"}, {"expires", later}}),
      claim({{"node", kHex}, {"epoch", "1", "2"}, {"expires", later}}),
      claim({{"node", kHex}, {"epoch", "1"}, {"epoch", "2"}, {"expires", later}}),
      claim({{"node", kHex}, {"epoch", "1"}, {"expires", later}, {"expires", later}}),
      claim({{"node", kHex}, {"node", kHex}, {"epoch", "1"}, {"expires", later}}),
      claim({{"node", ""}, {"epoch", "1"}, {"expires", later}}),
      claim({{"node"}, {"epoch", "1"}, {"expires", later}}),
      claim({{"node", upper}, {"epoch", "1"}, {"expires", later}}),
      claim({{"node", longer}, {"epoch", "1"}, {"expires", later}}),
      claim({{"node", kHex}, {"epoch", "1"}, {"expires", "1700000000"}}),  // as it is made
      claim({{"node", kHex}, {"epoch", "1"}, {"expires", "1800000000"}}),  // for years
  };
  for (const Event& event : bad)
    EXPECT_EQ(decode_bind(event).error().code, ErrorCode::bad_field) << &event - bad.data();
  Event talking = good(1);
  talking.content = "hello";
  EXPECT_EQ(decode_bind(talking).error().code, ErrorCode::bad_field);
  Event post = good(1);
  post.kind = kind::post;
  EXPECT_EQ(decode_bind(post).error().code, ErrorCode::bad_kind);
  Event many = good(1);
  for (std::size_t i = 0; i < kMostBindTags; ++i) many.tags.add({"t", "x"});
  EXPECT_EQ(decode_bind(many).error().code, ErrorCode::too_large);
  Event large = good(1);
  large.tags.add({"t", std::string(kMostBindBytes, 'x')});
  EXPECT_EQ(decode_bind(large).error().code, ErrorCode::too_large);
}

TEST(Binds, TheHigherEpochCountsThenTheNewerThenTheLowerId) {
  const Bind held = *decode_bind(good(5));
  EXPECT_TRUE(outranks(*decode_bind(good(6, kNow - 500)), held));
  EXPECT_FALSE(outranks(*decode_bind(good(4, kNow + 500)), held));
  EXPECT_TRUE(outranks(*decode_bind(good(5, kNow + 1)), held));
  EXPECT_FALSE(outranks(*decode_bind(good(5, kNow - 1)), held));
  EXPECT_TRUE(outranks(*decode_bind(good(5, kNow, 4)), held));
  EXPECT_FALSE(outranks(*decode_bind(good(5, kNow, 6)), held));
  EXPECT_FALSE(outranks(held, held));
}

TEST(Binds, TheStoreKeepsTheHighestEpochWhateverTheClock) {
  EXPECT_TRUE(replaces(good(6, kNow - 500), good(5)));
  EXPECT_FALSE(replaces(good(4, kNow + 500), good(5)));
  EXPECT_TRUE(replaces(good(5, kNow + 1), good(5)));
  EXPECT_TRUE(replaces(good(1), claim({})));  // left by a version that did not look
  EXPECT_FALSE(replaces(claim({}), good(1)));
}

TEST(Binds, TwoNodesForOneEpochAreProof) {
  const std::string other = "ff" + kHex.substr(2);
  const Bind held = *decode_bind(good(5));
  EXPECT_TRUE(equivocates(held, *decode_bind(good(5, kNow + 1, 6, other))));
  EXPECT_FALSE(equivocates(held, *decode_bind(good(5, kNow + 1, 6))));  // renewed
  EXPECT_FALSE(equivocates(held, *decode_bind(good(6, kNow + 1, 6, other))));
}

TEST(Binds, ServeOnlyTheNodeTheyNameUntilTheyExpire) {
  const Bind bind = *decode_bind(good(5));
  const NodeId node = *NodeId::parse_hex(kHex);
  EXPECT_TRUE(serves(bind, node, kNow));
  EXPECT_TRUE(serves(bind, node, kNow + 999));
  EXPECT_FALSE(serves(bind, node, kNow + 1000));
  EXPECT_FALSE(serves(bind, NodeId{}, kNow));
  Event revoking = good(6);
  revoking.tags = bind_tags(std::nullopt, 6, kNow + 1000);
  EXPECT_FALSE(serves(*decode_bind(revoking), node, kNow));
  EXPECT_FALSE(serves(*decode_bind(revoking), NodeId{}, kNow));
}

TEST(Binds, PassTheGateOnlyIfTheyAreClearAndTheUsersOwn) {
  SecpVerifier verifier;
  const Limits limits;
  const Signer user = Signer::from_seed(1, 1);
  const Tags tags = bind_tags(NodeId::parse_hex(kHex), 3, kNow + 1000);
  EXPECT_TRUE(ValidationGate::validate(user.sign(kind::bind, kNow, tags, ""), limits, verifier).ok());
  EXPECT_EQ(ValidationGate::validate(user.sign(kind::bind, kNow, {}, ""), limits, verifier).error().code,
            ErrorCode::bad_field);
  Event stolen = Signer::from_seed(1, 2).sign(kind::bind, kNow, tags, "");
  stolen.pubkey = user.public_key();
  EXPECT_EQ(ValidationGate::validate(stolen, limits, verifier).error().code, ErrorCode::bad_id);
}

}  // namespace
}  // namespace np2p
