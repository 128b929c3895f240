#include "core/wire/gob.h"

#include <gtest/gtest.h>

namespace np2p::gob {
namespace {

ByteVec hex(std::string_view text) {
  ByteVec bytes(text.size() / 2);
  EXPECT_TRUE(from_hex(text, bytes));
  return bytes;
}

TEST(Gob, IntegersAsGoWritesThem) {
  const std::pair<std::uint64_t, const char*> cases[] = {
      {0, "00"}, {7, "07"}, {127, "7f"}, {128, "ff80"}, {256, "fe0100"}, {UINT64_MAX, "f8ffffffffffffffff"}};
  for (const auto& [value, text] : cases) {
    ByteVec out;
    append_uint(out, value);
    EXPECT_EQ(to_hex(out), text);
    EXPECT_EQ(uint_size(value), out.size());
    Reader in(out);
    EXPECT_EQ(in.uint(), value);
    EXPECT_TRUE(in.finished());
  }
  const std::pair<std::int64_t, const char*> signed_cases[] = {
      {0, "00"}, {-64, "7f"}, {-65, "ff81"}, {65, "ff82"}, {INT64_MIN, "f8ffffffffffffffff"}};
  for (const auto& [value, text] : signed_cases) {
    ByteVec out;
    append_int(out, value);
    EXPECT_EQ(to_hex(out), text);
    Reader in(out);
    EXPECT_EQ(in.integer(), value);
  }
}

TEST(Gob, RefusesIntegersLongerThanNeeded) {
  for (const char* text : {"ff07", "fe0080", "f7010203040506070809", "fe01", "ff", ""}) {
    const ByteVec bytes = hex(text);
    Reader in(bytes);
    EXPECT_EQ(in.uint(), 0u) << text;
    EXPECT_FALSE(in.ok()) << text;
    EXPECT_TRUE(in.at_end()) << text;
  }
}

TEST(Gob, TopLevelValues) {
  ByteVec out;
  append_string_value(out, "topology");
  append_uint_value(out, 0x247099b7ef24);
  append_bytes_value(out, ByteVec(300, 0xab));
  EXPECT_EQ(to_hex(ByteView(out).first(22)), "0b0c0008746f706f6c6f6779090600fa247099b7ef24");
  Reader in(out);
  EXPECT_EQ(read_string_value(in, 8), "topology");
  EXPECT_EQ(read_uint_value(in), 0x247099b7ef24u);
  EXPECT_EQ(read_bytes_value(in, 300).size(), 300u);
  EXPECT_TRUE(in.finished());
}

TEST(Gob, LimitsAndTypesAreChecked) {
  ByteVec out;
  append_string_value(out, "topology");
  Reader too_long(out);
  EXPECT_EQ(read_string_value(too_long, 7), "");
  EXPECT_FALSE(too_long.ok());
  Reader other_type(out);
  EXPECT_EQ(read_uint_value(other_type), 0u);
  EXPECT_FALSE(other_type.ok());
  const ByteVec trailing = hex("0c0c0008746f706f6c6f677900");
  Reader longer(trailing);
  read_string_value(longer, 100);
  EXPECT_FALSE(longer.ok());
}

TEST(Gob, FieldsAscendAndStayInside) {
  const ByteVec good = hex("01020200");
  Reader in(good);
  Fields fields(in, 3);
  EXPECT_EQ(fields.next(), 1u);
  EXPECT_EQ(in.uint(), 2u);
  EXPECT_EQ(fields.next(), 3u);
  EXPECT_EQ(fields.next(), 0u);
  EXPECT_TRUE(in.finished());
  const ByteVec far = hex("04");
  Reader beyond(far);
  Fields few(beyond, 3);
  EXPECT_EQ(few.next(), 0u);
  EXPECT_FALSE(beyond.ok());
}

TEST(Gob, Definitions) {
  const char* const definitions[] = {
      "0d7f040102ff8000010c010c0000",  // map[string]string
      "0dff85020102ff860001ff84000"
      "0",  // a slice
      "5bff8303010111636f6e6e656374696f6e53756d6d61727901ff8400010401084e616d6542797465010a00010d52656d6f7465544350"
      "41646472010c0001084f7574626f756e64010200010b45737461626c69736865640102000000"};
  for (const char* text : definitions) {
    const ByteVec bytes = hex(text);
    Reader in(bytes);
    Reader message = in.message();
    const std::int64_t id = message.integer();
    ASSERT_LT(id, 0);
    const auto type = read_definition(message, -id);
    ASSERT_TRUE(type) << text;
    ByteVec again;
    append_definition(again, *type);
    EXPECT_EQ(to_hex(again), text);
  }
}

TEST(Gob, EveryTruncationOfADefinitionIsRefused) {
  const ByteVec whole = hex("ff85020102ff860001ff840000");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Reader in(ByteView(whole).first(size));
    in.integer();
    EXPECT_FALSE(read_definition(in, 67)) << size;
  }
}

}  // namespace
}  // namespace np2p::gob
