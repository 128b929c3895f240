#include "core/feed/mail_join.h"

#include <gtest/gtest.h>

#include "core/crypto/signer.h"
#include "core/event/validation.h"
#include "core/overlay/overlay.h"
#include "core/wire/packet.h"

namespace np2p {
namespace {

struct MailJoin : ::testing::Test {
  Signer author = Signer::from_seed(3, 1);
  Limits limits;
  std::vector<Event> said;

  Letter letter(std::uint64_t seq, std::uint64_t incarnation = 1, std::uint64_t stream = 0) {
    said.push_back(author.sign(kind::post, 1'700'000'000, {}, "number " + std::to_string(seq)));
    const EventPtr event = *ValidationGate::trusted(said.back());
    StreamPart part;
    part.head = {author.public_key(), 0, incarnation, 0, seq, {}, {}};
    part.head.sig.data.fill(static_cast<std::uint8_t>(seq));
    part.covers = 1;
    part.packet = encode_events({&event, 1});
    return {stream, seq, static_cast<std::uint8_t>(Channel::stream), encode_stream_part(part)};
  }
};

TEST_F(MailJoin, LettersThatFollowEachOtherComeWithTheLastHead) {
  std::vector<Letter> letters;
  std::size_t before = 0;
  for (std::uint64_t seq = 5; seq < 15; ++seq) letters.push_back(letter(seq));
  for (const Letter& one : letters) before += one.payload.size();
  const auto joined = join_letters(letters, limits);
  ASSERT_EQ(joined.size(), 1u);
  EXPECT_EQ(joined[0].seq, 14u);
  EXPECT_EQ(covered_by(joined[0], limits), 10u);
  EXPECT_LT(joined[0].payload.size() + 9 * 140, before) << "nine heads less";
  const auto part = decode_stream_part(joined[0].payload.view(), limits);
  ASSERT_TRUE(part.ok());
  EXPECT_EQ(part->head.sig.data[0], 14);
  EXPECT_EQ(decode_packet(part->packet.view(), limits)->events, said);
}

TEST_F(MailJoin, AGapOrAnotherIncarnationOrStreamEndsIt) {
  std::vector<Letter> letters{letter(1), letter(2), letter(4), letter(5), letter(6, 2), letter(7, 2, 1)};
  const auto joined = join_letters(letters, limits);
  ASSERT_EQ(joined.size(), 4u);
  EXPECT_EQ(joined[0].seq, 2u);
  EXPECT_EQ(joined[1].seq, 5u);
  EXPECT_EQ(joined[2].seq, 6u);
  EXPECT_EQ(joined[3].seq, 7u);
}

TEST_F(MailJoin, WhatDoesNotParseStaysAsItIs) {
  Letter rubbish = letter(2);
  rubbish.payload = Frame(bytes_of("rubbish"));
  Letter packet = letter(3);
  packet.channel = static_cast<std::uint8_t>(Channel::packets);
  std::vector<Letter> letters{letter(1), rubbish, packet, letter(4), letter(5)};
  const auto joined = join_letters(letters, limits);
  ASSERT_EQ(joined.size(), 4u);
  EXPECT_EQ(joined[1], rubbish);
  EXPECT_EQ(joined[2], packet);
  EXPECT_EQ(covered_by(joined[1], limits), 1u);
  EXPECT_EQ(covered_by(joined[3], limits), 2u);
}

}  // namespace
}  // namespace np2p
