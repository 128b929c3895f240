// Messages about mail for who is away: they come back as they went, cost little, and nothing malformed gets in.
#include "core/wire/guardian_messages.h"

#include <gtest/gtest.h>

#include "core/base/rng.h"
#include "core/wire/extension.h"

namespace np2p {
namespace {

PubKey key(std::uint8_t fill) {
  PubKey k;
  k.data.fill(fill);
  return k;
}

Frame payload(std::string_view text) {
  return Frame(bytes_of(text));
}

std::vector<Extension> samples() {
  return {
      Follow{key(1), 5, {}, {key(2), key(3), key(4)}},
      Guard{key(1), true},
      Guard{key(2), false},
      Guard{key(2), true, {1, 2, 3}, {4, 5}},
      Guarded{key(3), true, 16'000'000, 12},
      Guarded{key(3), false, 0, 0},
      Mail{7, 8, 0, {key(4), key(5)}, payload("a packet")},
      Mailed{7, UINT64_MAX, {key(4)}, {key(5), key(6)}},
      Mailed{0, 0, {}, {}},
      Mailed{7, 1, {key(4), key(5)}, {}, {key(5)}},
      AskWards{{key(4)}},
      AskWards{{key(4), key(5)}},
      TellWards{{key(4)}, {key(5), key(6)}},
      TellWards{{}, {key(5)}},
      Collect{key(9)},
      MailIndex{},
      MailIndex{{{0x01020304, 7, 0, UINT64_MAX}, {0xFFFFFFFF, UINT64_MAX, 300, 300}}},
      MailWant{{{1, 2, 3, 4}}},
      MailWant{{{1, 2, 3, 4}}, true},
      MailPart{{{key(1), 2}, {key(3), 4}}, {{0, 1, 0, payload("x")}, {1, 9, 0, payload("y")}}, true},
      MailPart{{}, {}, false},
      MailTaken{{{{key(1), 2}, 3, 3}, {{key(1), 2}, 5, 90}}},
  };
}

TEST(GuardianMessages, EveryMessageComesBackAsItWent) {
  for (const Extension& message : samples()) {
    const auto back = decode_extension(encode_extension(message).view(), Limits{});
    ASSERT_TRUE(back.ok()) << back.error().reason;
    EXPECT_EQ(*back, message) << message.index();
  }
}

// The array's first byte says how many elements there are; the last ones are those that an earlier version lacks.
TEST(GuardianMessages, AnEarlierVersionLacksTheLastFields) {
  const auto shortened = [](const Extension& message, std::size_t elements, std::size_t bytes) {
    const Frame whole = encode_extension(message);
    std::string text(text_of(whole.view()));
    EXPECT_EQ(static_cast<std::uint8_t>(text[0]) & 0xF0, 0x90);
    text[0] = static_cast<char>(text[0] - static_cast<char>(elements));
    return decode_extension(bytes_of(text).first(text.size() - bytes), Limits{});
  };
  const auto guard = shortened(Guard{key(1), true}, 2, 4);
  ASSERT_TRUE(guard.ok()) << guard.error().reason;
  EXPECT_EQ(*guard, Extension(Guard{key(1), true}));
  const auto mailed = shortened(Mailed{7, 8, {key(4)}, {}}, 1, 2);
  ASSERT_TRUE(mailed.ok()) << mailed.error().reason;
  const auto want = shortened(MailWant{{{1, 2, 3, 4}}, false}, 1, 3);
  ASSERT_TRUE(want.ok()) << want.error().reason;
}

TEST(GuardianMessages, AQuestionForWardsNamesSomeAndNotTooMany) {
  Limits limits;
  limits.wards = 2;
  EXPECT_FALSE(decode_extension(encode_extension(AskWards{}).view(), limits).ok());
  EXPECT_TRUE(decode_extension(encode_extension(AskWards{{key(1), key(2)}}).view(), limits).ok());
  EXPECT_FALSE(decode_extension(encode_extension(AskWards{{key(1), key(2), key(3)}}).view(), limits).ok());
  EXPECT_FALSE(decode_extension(encode_extension(TellWards{{key(1), key(2), key(3)}, {}}).view(), limits).ok());
  EXPECT_FALSE(decode_extension(encode_extension(TellWards{{}, {key(1), key(2), key(3)}}).view(), limits).ok());
}

TEST(GuardianMessages, AGuardIsBounded) {
  Limits limits;
  limits.guardian_record_bytes = 10;
  limits.follow_filter_bytes = 20;
  EXPECT_TRUE(decode_extension(encode_extension(Guard{key(1), true, ByteVec(10), ByteVec(20)}).view(), limits).ok());
  EXPECT_FALSE(decode_extension(encode_extension(Guard{key(1), true, ByteVec(11), {}}).view(), limits).ok());
  EXPECT_FALSE(decode_extension(encode_extension(Guard{key(1), true, {}, ByteVec(21)}).view(), limits).ok());
}

TEST(GuardianMessages, AnIndexCostsAtMostSixteenBytesForEachAuthor) {
  MailIndex index;
  for (std::uint32_t i = 0; i < 100; ++i) index.ranges.push_back({i * 0x01010101u, ~0ull - i, 16'000, 30'000});
  const std::size_t empty = encode_extension(MailIndex{}).size();
  EXPECT_LE(encode_extension(index).size(), empty + 2 + 100 * 16);
}

TEST(GuardianMessages, NoneIsReadFromItsBeginning) {
  for (const Extension& message : samples()) {
    const Frame frame = encode_extension(message);
    for (std::size_t size = 0; size < frame.size(); ++size) {
      EXPECT_FALSE(decode_extension(frame.view().first(size), Limits{}).ok()) << message.index() << " " << size;
    }
  }
}

bool decodes(const Extension& message, const Limits& limits) {
  return decode_extension(encode_extension(message).view(), limits).ok();
}

TEST(GuardianMessages, MoreThanTheLimitsIsRefused) {
  Limits limits;
  limits.wards = 1;
  EXPECT_TRUE(decodes(Mail{7, 8, 0, {key(4)}, payload("x")}, limits));
  EXPECT_FALSE(decodes(Mail{7, 8, 0, {key(4), key(5)}, payload("x")}, limits));
  EXPECT_FALSE(decodes(Mailed{7, 8, {key(4), key(5)}, {}}, limits));
  limits.letter_bytes = 3;
  EXPECT_TRUE(decodes(Mail{7, 8, 0, {key(4)}, payload("abc")}, limits));
  EXPECT_FALSE(decodes(Mail{7, 8, 0, {key(4)}, payload("abcd")}, limits));
  EXPECT_FALSE(decodes(MailPart{{{key(1), 2}}, {{0, 1, 0, payload("abcd")}}, true}, limits));
  limits.mail_ranges = 1;
  EXPECT_TRUE(decodes(MailWant{{{1, 2, 3, 4}}}, limits));
  EXPECT_FALSE(decodes(MailWant{{{1, 2, 3, 4}, {1, 2, 6, 7}}}, limits));
  EXPECT_FALSE(decodes(MailTaken{{{{key(1), 2}, 3, 3}, {{key(1), 2}, 5, 90}}}, limits));
  limits.mail_part_letters = 1;
  EXPECT_TRUE(decodes(MailPart{{{key(1), 2}}, {{0, 1, 0, payload("x")}}, true}, limits));
  EXPECT_FALSE(decodes(MailPart{{{key(1), 2}}, {{0, 1, 0, payload("x")}, {0, 2, 0, payload("x")}}, true}, limits));
  EXPECT_FALSE(decodes(MailPart{{{key(1), 2}, {key(2), 2}}, {{0, 1, 0, payload("x")}}, true}, limits));
}

TEST(GuardianMessages, WhatSaysNothingIsRefused) {
  EXPECT_FALSE(decodes(Mail{7, 8, 0, {}, payload("for nobody")}, {}));
  EXPECT_FALSE(decodes(Mail{7, 8, 0, {key(1)}, {}}, {}));
  EXPECT_FALSE(decodes(MailPart{{{key(1), 2}}, {{1, 1, 0, payload("of no stream")}}, true}, {}));
  EXPECT_FALSE(decodes(MailWant{{{1, 2, 4, 3}}}, {}));  // ends before it begins
}

TEST(GuardianMessages, NoMutationCrashesOrComesBackAsSomethingElse) {
  Rng rng(1, "guardian mutations");
  int accepted = 0;
  for (const Extension& message : samples()) {
    const Frame frame = encode_extension(message);
    for (int round = 0; round < 3'000; ++round) {
      std::vector<std::uint8_t> bytes(frame.view().begin(), frame.view().end());
      const std::uint64_t changes = 1 + rng.below(4);
      for (std::uint64_t i = 0; i < changes; ++i) {
        const auto at = static_cast<std::size_t>(rng.below(bytes.size()));
        bytes[at] = static_cast<std::uint8_t>(rng.next());
      }
      const auto read = decode_extension(bytes, Limits{});
      if (!read.ok()) continue;
      ++accepted;
      const auto again = decode_extension(encode_extension(*read).view(), Limits{});
      ASSERT_TRUE(again.ok()) << again.error().reason;
      EXPECT_EQ(*again, *read);
    }
  }
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace np2p
