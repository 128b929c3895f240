#include "core/base/bytes.h"

#include <gtest/gtest.h>

#include <unordered_set>

namespace np2p {
namespace {

TEST(Bytes, HexIsLowerCase) {
  const ByteVec bytes{0x00, 0x0f, 0xa5, 0xff};
  EXPECT_EQ(to_hex(bytes), "000fa5ff");
  EXPECT_EQ(to_hex({}), "");
}

TEST(Bytes, FromHexTakesEitherCaseAndNothingElse) {
  std::array<std::uint8_t, 2> out{};
  EXPECT_TRUE(from_hex("a5Ff", out));
  EXPECT_EQ(out, (std::array<std::uint8_t, 2>{0xa5, 0xff}));
  for (const char* bad : {"", "a5f", "a5fff", "a5fg", " a5f", "a5f ", "0xa5", "a5:f", "\xff\xff\xff\xff"}) {
    EXPECT_FALSE(from_hex(bad, out)) << bad;
  }
  EXPECT_TRUE(from_hex("", {}));
}

TEST(Bytes, EveryByteSurvivesHex) {
  ByteVec all(256);
  for (std::size_t i = 0; i < 256; ++i) all[i] = static_cast<std::uint8_t>(i);
  ByteVec back(256);
  ASSERT_TRUE(from_hex(to_hex(all), back));
  EXPECT_EQ(all, back);
}

TEST(Bytes, FixedBytesKnowTheirLength) {
  const ByteVec bytes(32, 7);
  EXPECT_TRUE(EventId::from(bytes).has_value());
  EXPECT_FALSE(EventId::from(ByteView(bytes).subspan(1)).has_value());
  EXPECT_FALSE(Signature::from(bytes).has_value());
  const auto parsed = EventId::parse_hex(std::string(64, 'a'));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->hex(), std::string(64, 'a'));
  EXPECT_FALSE(EventId::parse_hex(std::string(63, 'a')).has_value());
}

TEST(Bytes, OrderIsLexicographic) {
  EventId low;
  EventId high;
  low.data[0] = 0x7f;
  low.data[31] = 0xff;
  high.data[0] = 0x80;  // larger as an unsigned byte
  EXPECT_LT(low, high);
  low.data[0] = 0x80;
  EXPECT_LT(high, low);
}

TEST(Bytes, DifferentIdsAreDifferentTypes) {
  static_assert(!std::is_convertible_v<EventId, PubKey>);
  static_assert(!std::is_convertible_v<PubKey, NodeId>);
  std::unordered_set<EventId> set;
  EventId id;
  set.insert(id);
  id.data[31] = 1;  // outside of the eight bytes that hash() reads
  set.insert(id);
  EXPECT_EQ(set.size(), 2u);
}

}  // namespace
}  // namespace np2p
