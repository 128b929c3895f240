#include "core/event/nip19.h"

#include <gtest/gtest.h>

#include <cctype>

#include "core/base/rng.h"

namespace np2p {
namespace {

// The examples of NIP-19's text.
constexpr char kNpub[] = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg";
constexpr char kPubHex[] = "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e";
constexpr char kNsec[] = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5";
constexpr char kSecHex[] = "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa";

TEST(Nip19, Examples) {
  EXPECT_EQ(npub(*PubKey::parse_hex(kPubHex)), kNpub);
  EXPECT_EQ(nsec(*SecretKey::parse_hex(kSecHex)), kNsec);
  ASSERT_TRUE(parse_npub(kNpub).ok());
  EXPECT_EQ(parse_npub(kNpub)->hex(), kPubHex);
  ASSERT_TRUE(parse_nsec(kNsec).ok());
  EXPECT_EQ(parse_nsec(kNsec)->hex(), kSecHex);
}

TEST(Nip19, NamesSurvive) {
  Rng rng(1, "nip19");
  for (int round = 0; round < 300; ++round) {
    EventId id;
    for (auto& byte : id.data) byte = static_cast<std::uint8_t>(rng.below(256));
    const std::string text = note(id);
    EXPECT_EQ(text.size(), 63u);
    ASSERT_TRUE(parse_note(text).ok());
    EXPECT_EQ(*parse_note(text), id);
  }
}

TEST(Nip19, UpperCaseIsTheSameMixedCaseIsNot) {
  std::string upper = kNpub;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  ASSERT_TRUE(parse_npub(upper).ok());
  EXPECT_EQ(parse_npub(upper)->hex(), kPubHex);
  EXPECT_TRUE(parse_public_key(upper).ok());
  upper[10] = static_cast<char>(std::tolower(static_cast<unsigned char>(upper[10])));
  upper[11] = static_cast<char>(std::tolower(static_cast<unsigned char>(upper[11])));
  EXPECT_FALSE(parse_npub(upper).ok());
}

TEST(Nip19, AnyOneOrTwoMistypedCharactersAreNoticed) {
  const std::string good = kNpub;
  const std::string alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  for (std::size_t i = 5; i < good.size(); ++i) {
    for (const char c : alphabet) {
      if (c == good[i]) continue;
      std::string bad = good;
      bad[i] = c;
      ASSERT_FALSE(parse_npub(bad).ok()) << bad;
      const std::size_t j = 5 + (i * 7) % (good.size() - 5);
      if (j == i) continue;
      bad[j] = bad[j] == 'q' ? 'p' : 'q';
      ASSERT_FALSE(parse_npub(bad).ok()) << bad;
    }
  }
}

TEST(Nip19, OtherThingsAreRefused) {
  const std::string good = kNpub;
  for (const std::string& bad :
       {std::string(), std::string("npub1"), good.substr(1), good + "q", " " + good, good.substr(0, good.size() - 1),
        std::string(kNsec), std::string(kPubHex), std::string("npub2") + good.substr(5), std::string(63, '\xff')}) {
    EXPECT_FALSE(parse_npub(bad).ok()) << bad;
  }
}

TEST(Nip19, PaddingMustBeZero) {
  EXPECT_EQ(npub(PubKey{}), "npub1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqzqujme");
  const auto padded =
      parse_npub("npub1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqplkg8xt");  // checksum right, last bit set
  ASSERT_FALSE(padded.ok());
  EXPECT_NE(padded.error().reason.find("padding"), std::string::npos);
}

TEST(Nip19, PublicKeyAsTheCommandLineTakesIt) {
  EXPECT_EQ(parse_public_key(kNpub)->hex(), kPubHex);
  EXPECT_EQ(parse_public_key(kPubHex)->hex(), kPubHex);
  const auto secret = parse_public_key(kNsec);
  ASSERT_FALSE(secret.ok());
  EXPECT_NE(secret.error().reason.find("secret"), std::string::npos);
  for (const char* bad :
       {"", "npub", "npub1xyz", "abc", "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4"}) {
    EXPECT_FALSE(parse_public_key(bad).ok()) << bad;
  }
}

TEST(Nip19, ReasonsNeverQuoteTheText) {
  std::string mistyped = kNsec;
  mistyped[20] = mistyped[20] == 'q' ? 'p' : 'q';
  const auto parsed = parse_nsec(mistyped);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().reason.find(mistyped.substr(6, 10)), std::string::npos);
}

}  // namespace
}  // namespace np2p
