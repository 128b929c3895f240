// Verifier, signer and node key against BIP-340's vectors and against each other.
#include <gtest/gtest.h>

#include <sstream>

#include "core/base/rng.h"
#include "core/crypto/node_key.h"
#include "core/crypto/signer.h"
#include "core/crypto/verifier.h"
#include "core/event/canonical.h"
#include "tests/support/vectors.h"

namespace np2p {
namespace {

struct Bip340 {
  std::string index, secret, key, auxiliary, message, signature, result;
};

std::vector<Bip340> bip340() {
  std::vector<Bip340> rows;
  std::istringstream lines(test::read_vector("bip340.csv"));
  std::string line;
  std::getline(lines, line);  // the heading
  while (std::getline(lines, line)) {
    std::istringstream cells(line);
    Bip340 row;
    for (std::string* cell :
         {&row.index, &row.secret, &row.key, &row.auxiliary, &row.message, &row.signature, &row.result}) {
      std::getline(cells, *cell, ',');
    }
    rows.push_back(row);
  }
  EXPECT_GE(rows.size(), 19u);
  return rows;
}

SecretKey secret_of(std::uint8_t last) {
  SecretKey secret;
  secret.data[31] = last;
  return secret;
}

constexpr char kGroupOrder[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

TEST(SecpVerifier, Bip340Vectors) {
  SecpVerifier verifier;
  int with_other_lengths = 0;
  for (const Bip340& row : bip340()) {
    const auto key = PubKey::parse_hex(row.key);
    const auto signature = Signature::parse_hex(row.signature);
    ASSERT_TRUE(key && signature) << row.index;
    const ByteVec message = test::bytes_from_hex(row.message);
    EXPECT_EQ(verifier.verify_message(message, *key, *signature), row.result == "TRUE") << row.index;
    if (const auto id = EventId::from(message)) {
      EXPECT_EQ(verifier.verify(*id, *key, *signature), row.result == "TRUE") << row.index;
    } else {
      ++with_other_lengths;
    }
  }
  EXPECT_GE(with_other_lengths, 4);
}

TEST(SecpVerifier, RememberedKeysChangeNoAnswer) {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 40; ++i) events.push_back(Signer::from_seed(3, i).sign(1, 1, {}, "x"));
  SecpVerifier small(4);  // crowded: most lookups replace somebody
  SecpVerifier none(0);
  SecpVerifier usual;
  Rng rng(1, "verifier");
  for (int round = 0; round < 400; ++round) {
    const Event& event = events[rng.below(events.size())];
    PubKey key = events[rng.below(events.size())].pubkey;
    if (rng.chance(1, 2)) key = event.pubkey;
    if (rng.chance(1, 10)) key = PubKey{};
    if (rng.chance(1, 10)) key.data[31] ^= 1;  // the same place in the table; often no point at all
    const bool expected = key == event.pubkey;
    ASSERT_EQ(small.verify(event.id, key, event.sig), expected);
    ASSERT_EQ(none.verify(event.id, key, event.sig), expected);
    ASSERT_EQ(usual.verify(event.id, key, event.sig), expected);
  }
}

TEST(Signer, PublicKeysOfBip340) {
  int count = 0;
  for (const Bip340& row : bip340()) {
    if (row.secret.empty()) continue;
    const auto signer = Signer::from_secret(*SecretKey::parse_hex(row.secret));
    ASSERT_TRUE(signer.ok());
    EXPECT_EQ(signer->public_key(), *PubKey::parse_hex(row.key)) << row.index;
    ++count;
  }
  EXPECT_GE(count, 8);
}

TEST(Signer, InvalidSecretsAreRefused) {
  SecretKey all_ones;
  all_ones.data.fill(0xff);
  for (const SecretKey& secret : {SecretKey{}, *SecretKey::parse_hex(kGroupOrder), all_ones}) {
    const auto signer = Signer::from_secret(secret);
    ASSERT_FALSE(signer.ok());
    EXPECT_EQ(signer.error().code, ErrorCode::bad_field);
    EXPECT_FALSE(SecpNodeKey::from_secret(secret).ok());
  }
  SecretKey last = *SecretKey::parse_hex(kGroupOrder);
  last.data[31] ^= 1;
  EXPECT_TRUE(Signer::from_secret(last).ok());
}

TEST(Signer, SeedsGiveTheSameKeysForEver) {
  EXPECT_EQ(Signer::from_seed(1, 2).secret(), Signer::from_seed(1, 2).secret());
  EXPECT_NE(Signer::from_seed(1, 2).public_key(), Signer::from_seed(2, 1).public_key());
  EXPECT_NE(Signer::from_seed(1, 2).public_key(), Signer::from_seed(1, 3).public_key());
  // From hashlib: tag = sha256(b"np2p/user-from-seed/v1"); sha256(tag + tag + le64(1) + le64(2) + le64(0)).
  EXPECT_EQ(Signer::from_seed(1, 2).secret().hex(), "d0edf07f48755dd2444e137a03070faad12a578a9aba5fa1bdec3943ac0f6ed6");
}

TEST(Signer, SignsWhatItsKeyVerifiesAndAlwaysTheSame) {
  const Signer signer = Signer::from_seed(7, 0);
  SecpVerifier verifier;
  Tags tags;
  tags.add({"t", "x"});
  const Event event = signer.sign(1, 1700000000, tags, "hello");
  EXPECT_EQ(event.id, compute_id(event));
  EXPECT_EQ(event.pubkey, signer.public_key());
  EXPECT_EQ(event.content, "hello");
  EXPECT_TRUE(verifier.verify(event.id, event.pubkey, event.sig));
  EXPECT_EQ(signer.sign(1, 1700000000, tags, "hello"), event);
  EXPECT_NE(signer.sign(1, 1700000001, tags, "hello").sig, event.sig);
}

TEST(Signer, MovesKeepTheKey) {
  Signer a = Signer::from_seed(1, 1);
  const PubKey key = a.public_key();
  Signer b = std::move(a);
  EXPECT_EQ(b.public_key(), key);
  b = Signer::from_seed(1, 2);
  EXPECT_NE(b.public_key(), key);
}

class FixedEntropy final : public Entropy {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(rng_.below(256));
  }

 private:
  Rng rng_{1, "entropy"};
};

TEST(SecpNodeKey, SignaturesHoldForTagMessageAndKeyOnly) {
  FixedEntropy entropy;
  const auto key = SecpNodeKey::generate(entropy);
  const auto other = SecpNodeKey::generate(entropy);
  EXPECT_NE(key->id(), other->id());
  const std::string text = "contact";
  const Signature signature = key->sign("np2p/contact/v1", bytes_of(text));
  EXPECT_TRUE(SecpNodeKey::verify(key->id(), "np2p/contact/v1", bytes_of(text), signature));
  EXPECT_FALSE(SecpNodeKey::verify(key->id(), "np2p/hello/v1", bytes_of(text), signature));
  EXPECT_FALSE(SecpNodeKey::verify(key->id(), "np2p/contact/v1", bytes_of("contacu"), signature));
  EXPECT_FALSE(SecpNodeKey::verify(other->id(), "np2p/contact/v1", bytes_of(text), signature));
  EXPECT_FALSE(SecpNodeKey::verify(NodeId{}, "np2p/contact/v1", bytes_of(text), signature));
  EXPECT_TRUE(SecpNodeKey::verify(key->id(), "t", {}, key->sign("t", {})));
}

TEST(SecpNodeKey, SignsTheTaggedHashOfBip340) {
  // Tagged hash by hashlib: t = sha256(b"np2p/hello/v1"); sha256(t + t + b"abc").
  const auto hash = EventId::parse_hex("16bf9a6caf1e601af240fcf8c681cbf1f5f8e1486fa862a6734344c172474567");
  ASSERT_TRUE(hash.has_value());
  const auto key = SecpNodeKey::from_secret(secret_of(3));
  ASSERT_TRUE(key.ok());
  const Signature signature = (*key)->sign("np2p/hello/v1", bytes_of("abc"));
  SecpVerifier verifier;
  EXPECT_TRUE(verifier.verify(*hash, *PubKey::from((*key)->id().view()), signature));
}

TEST(SecpNodeKey, AKeptSecretGivesTheSameNode) {
  FixedEntropy entropy;
  const auto key = SecpNodeKey::generate(entropy);
  const auto again = SecpNodeKey::from_secret(key->secret());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->id(), key->id());
}

}  // namespace
}  // namespace np2p
