#include "core/overlay/swarm/contact.h"

#include <gtest/gtest.h>

#include "core/crypto/verifier.h"
#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

constexpr std::string_view kNetwork = "nostrp2p";

struct Contacts : ::testing::Test {
  std::unique_ptr<SecpNodeKey> key = test::key_of(1);
  SecpVerifier verifier;
  Contact contact = [this] {
    Contact made;
    made.owner = test::user_of(1);
    made.node = key->id();
    made.listens = test::home(1);
    made.relays = {{test::key_of(2)->id(), test::home(2), {1, 2, 3, 4}},
                   {test::key_of(3)->id(), test::home(3), {-1, -2, 3, 4}}};
    made.at = {100, -200, 30, 4000};
    made.sequence = 17;
    made.expires = 1'700'000'000;
    made.nat = {Mapping::independent, Filtering::address};
    return made;
  }();
};

TEST_F(Contacts, ASignedOneVerifiesAndSaysTheSame) {
  const ByteVec record = encode_contact(contact, *key, kNetwork);
  const auto decoded = decode_contact(record);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, contact);
  const auto verified = verify_contact(record, verifier, kNetwork);
  ASSERT_TRUE(verified.ok());
  EXPECT_EQ(*verified, contact);
  EXPECT_TRUE(SecpNodeKey::verify(
      key->id(), "np2p/contact/v1",
      [&] {
        ByteVec covered(kNetwork.begin(), kNetwork.end());
        covered.push_back(0);
        covered.insert(covered.end(), record.begin(), record.end() - Signature::size);
        return covered;
      }(),
      *Signature::from(ByteView(record).last(Signature::size))));
}

TEST_F(Contacts, AnyOtherByteIsRefused) {
  const ByteVec record = encode_contact(contact, *key, kNetwork);
  for (std::size_t at = 0; at < record.size(); ++at) {
    ByteVec altered = record;
    altered[at] ^= 0x20;
    EXPECT_FALSE(verify_contact(altered, verifier, kNetwork).ok()) << at;
  }
  for (std::size_t size = 0; size < record.size(); ++size) {
    EXPECT_FALSE(verify_contact(ByteView(record).first(size), verifier, kNetwork).ok()) << size;
  }
  ByteVec longer = record;
  longer.insert(longer.end() - Signature::size, 0);
  EXPECT_FALSE(verify_contact(longer, verifier, kNetwork).ok());
}

TEST_F(Contacts, AnotherKeysSignatureIsRefused) {
  const auto other = test::key_of(2);
  const auto verified = verify_contact(encode_contact(contact, *other, kNetwork), verifier, kNetwork);
  ASSERT_FALSE(verified.ok());
  EXPECT_EQ(verified.error().code, ErrorCode::bad_signature);
}

TEST_F(Contacts, OfAnotherNetworkIsRefused) {
  const auto verified = verify_contact(encode_contact(contact, *key, "elsewhere"), verifier, kNetwork);
  ASSERT_FALSE(verified.ok());
  EXPECT_EQ(verified.error().code, ErrorCode::bad_signature);
}

TEST_F(Contacts, TooManyRelaysAndAnotherVersionAreRefused) {
  Contact crowded = contact;
  crowded.relays.resize(kHomeRelays + 1, contact.relays[0]);
  EXPECT_EQ(decode_contact(encode_contact(crowded, *key, kNetwork)).error().code, ErrorCode::too_large);
  ByteVec record = encode_contact(contact, *key, kNetwork);
  record[0] = 2;
  EXPECT_EQ(decode_contact(record).error().code, ErrorCode::wrong_version);
}

TEST_F(Contacts, ALaterVersionsFurtherFieldsAreIgnoredAndAnEarlierOnesMissingOnesUnknown) {
  const ByteVec record = encode_contact(contact, *key, kNetwork);
  ByteVec later = record;
  later.insert(later.end() - Signature::size, {1, 2, 3});
  EXPECT_EQ(*decode_contact(later), contact);
  ByteVec earlier = record;
  earlier.erase(earlier.end() - Signature::size - 1);
  Contact without = contact;
  without.nat = {};
  EXPECT_EQ(*decode_contact(earlier), without);
  ByteVec strange = record;
  *(strange.end() - Signature::size - 1) = 0xFF;
  EXPECT_EQ(*decode_contact(strange), without);
}

TEST_F(Contacts, FitsIntoADirectoryRecord) {
  Contact large = contact;
  large.relays.resize(kHomeRelays, contact.relays[0]);
  large.listens.ip.fill(0x20);
  EXPECT_LT(encode_contact(large, *key, kNetwork).size(), 512u);
}

}  // namespace
}  // namespace np2p::swarm
