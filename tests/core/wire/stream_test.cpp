// Heads and parts of streams: they come back as they went, and say no more than a node signed.
#include "core/wire/stream.h"

#include <gtest/gtest.h>

#include "core/base/rng.h"

namespace np2p {
namespace {

PubKey author() {
  PubKey key;
  key.data.fill(3);
  return key;
}

StreamHead head() {
  StreamHead head{author(), 300, 1'750'000'000'000'000'000, 70'000, 70'003, {}, {}};
  head.chain.fill(5);
  head.sig.data.fill(6);
  return head;
}

EventId id(std::uint8_t fill) {
  EventId id;
  id.data.fill(fill);
  return id;
}

const std::string kText = "a packet";

TEST(Stream, PartsComeBackAsTheyWent) {
  StreamHead bare = head();
  bare.sig = {};
  for (const StreamPart& part : {StreamPart{head(), 3, Frame(bytes_of(kText))}, StreamPart{head(), 70'003, Frame()},
                                 StreamPart{bare, 0, Frame(bytes_of(kText))}}) {
    const Frame frame = encode_stream_part(part);
    const auto back = decode_stream_part(frame.view(), Limits{});
    ASSERT_TRUE(back.ok()) << back.error().reason;
    EXPECT_EQ(*back, part);
  }
}

TEST(Stream, APartCostsAboutAsMuchAsItsHeaderSays) {
  const StreamHead first{author(), 0, 1'750'000'000'000'000'000, 0, 1, {}, head().sig};
  EXPECT_EQ(encode_stream_part({first, 1, Frame(bytes_of(kText))}).size(), 135 + 2 + kText.size());
}

TEST(Stream, RefusesWhatIsNoPart) {
  const Frame good = encode_stream_part({head(), 3, Frame(bytes_of(kText))});
  const ByteVec bytes(good.view().begin(), good.view().end());
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(decode_stream_part(ByteView(bytes).first(cut), Limits{}).ok()) << cut;
  }
  ByteVec more = bytes;
  more.push_back(0xc0);
  EXPECT_EQ(decode_stream_part(more, Limits{}).error().code, ErrorCode::malformed);
  ByteVec newer = bytes;
  newer[1] = 2;
  EXPECT_EQ(decode_stream_part(newer, Limits{}).error().code, ErrorCode::wrong_version);
  EXPECT_EQ(decode_stream_part(encode_stream_part({head(), 70'004, Frame()}).view(), Limits{}).error().code,
            ErrorCode::bad_field);  // it covers more than there is
  Limits narrow;
  narrow.frame_bytes = 100;
  EXPECT_EQ(decode_stream_part(bytes, narrow).error().code, ErrorCode::too_large);
  Rng rng(7, "stream");
  for (int i = 0; i < 2000; ++i) {  // it never crashes, and what it accepts it would have written
    ByteVec bad = bytes;
    const auto at = rng.below(bad.size());
    bad[at] = static_cast<std::uint8_t>(rng.below(256));
    const auto part = decode_stream_part(bad, Limits{});
    if (part) {
      EXPECT_LE(part->head.base, part->head.seq);
      EXPECT_LE(part->covers, part->head.seq);
    }
  }
}

TEST(Stream, TheChainTellsOrderAndIncarnation) {
  const Chain start = first_chain(author(), 1, 0);
  EXPECT_NE(start, first_chain(author(), 2, 0));
  EXPECT_NE(start, first_chain(author(), 1, 1));
  EXPECT_NE(next_chain(next_chain(start, id(1)), id(2)), next_chain(next_chain(start, id(2)), id(1)));
}

TEST(Stream, EachFieldButTheSignatureIsSigned) {
  const StreamHead good = head();
  std::vector<StreamHead> others(6, good);
  others[0].author.data[0] ^= 1;
  ++others[1].epoch;
  ++others[2].incarnation;
  ++others[3].base;
  ++others[4].seq;
  others[5].chain[0] ^= 1;
  for (const StreamHead& other : others) EXPECT_NE(signed_part(other), signed_part(good));
}

}  // namespace
}  // namespace np2p
