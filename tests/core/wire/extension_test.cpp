#include "core/wire/extension.h"

#include <gtest/gtest.h>

#include "core/base/rng.h"

namespace np2p {
namespace {

PubKey key(std::uint8_t fill) {
  PubKey k;
  k.data.fill(fill);
  return k;
}

EventId id(std::uint8_t fill) {
  EventId i;
  i.data.fill(fill);
  return i;
}

StreamHead head(std::uint64_t seq) {
  StreamHead h{key(7), 2, 1'750'000'000'000'000'000, seq / 2, seq, {}, {}};
  h.chain.fill(9);
  h.sig.data.fill(8);
  return h;
}

ErrorCode code_of(const std::vector<std::uint8_t>& bytes) {
  const auto result = decode_extension(bytes, Limits{});
  EXPECT_FALSE(result.ok());
  return result.ok() ? ErrorCode::count_ : result.error().code;
}

TEST(Extension, EveryMessageComesBackAsItWent) {
  const std::vector<Extension> messages{
      Follow{key(1), 1'750'000'000},
      Follow{key(2), 0},
      Unfollow{key(3)},
      Followed{key(4)},
      Acknowledge{key(5), {id(6), id(7)}},
      Acknowledge{key(5), {}},
      Follow{key(1), 5, StreamPosition{1'750'000'000'000'000'000, 300}, {key(2), key(3), key(4)}},
      Followed{key(4), StreamNews{head(70'000), 69'990, {id(1), id(2)}, {key(9)}}},
      Followed{key(4), StreamNews{head(0), 0, {}, {}}},
      Announce{StreamNews{head(3), 0, {id(1), id(2), id(3)}, {}}},
      Pull{key(1), key(2), 1'750'000'000'000'000'000, 127, 128, false},
      Pull{key(1), key(2), 0, 65'535, 4'294'967'296, true}};
  for (const Extension& message : messages) {
    const Frame frame = encode_extension(message);
    const auto back = decode_extension(frame.view(), Limits{});
    ASSERT_TRUE(back.ok()) << back.error().reason;
    EXPECT_EQ(*back, message);
  }
}

TEST(Extension, NewerVersionAndUnknownTypeHaveTheirOwnErrors) {
  EXPECT_EQ(code_of({0x92, 0x02, 0x01}), ErrorCode::wrong_version);
  EXPECT_EQ(code_of({0x92, 0x01, 0x63}), ErrorCode::unknown_type);
}

TEST(Extension, LaterFieldsOfTheSameVersionAreIgnored) {
  std::vector<std::uint8_t> bytes{0x95, 0x01, 0x02, 0xc4, 0x20};
  bytes.insert(bytes.end(), 32, 9);
  bytes.insert(bytes.end(), {0x05, 0xc0});
  const auto back = decode_extension(bytes, Limits{});
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, (Extension{Unfollow{key(9), 5}}));
}

TEST(Extension, RefusesNewsThatCannotBe) {
  const auto code = [](const StreamNews& news) {
    const auto back = decode_extension(encode_extension(Announce{news}).view(), Limits{});
    return back.ok() ? ErrorCode::count_ : back.error().code;
  };
  EXPECT_EQ(code({head(3), 2, {id(1)}, {}}), ErrorCode::count_);
  EXPECT_EQ(code({head(3), 4, {}, {}}), ErrorCode::bad_field);              // after what there is
  EXPECT_EQ(code({head(3), 2, {id(1), id(2)}, {}}), ErrorCode::bad_field);  // more than there is
  EXPECT_EQ(code({head(1000), 0, std::vector<EventId>(kMostNews + 1), {}}), ErrorCode::bad_field);
  EXPECT_EQ(code({head(3), 0, {}, std::vector<PubKey>(kMostGuardians + 1)}), ErrorCode::bad_field);
  StreamHead before_its_base = head(3);
  before_its_base.base = 4;
  EXPECT_EQ(code({before_its_base, 0, {}, {}}), ErrorCode::bad_field);
  const auto pull = decode_extension(encode_extension(Pull{key(1), key(2), 1, 5, 4, false}).view(), Limits{});
  ASSERT_FALSE(pull.ok());
  EXPECT_EQ(pull.error().code, ErrorCode::bad_field);
}

TEST(Extension, RefusesWhatIsNotAMessage) {
  EXPECT_EQ(code_of({}), ErrorCode::malformed);
  EXPECT_EQ(code_of({0xc0}), ErrorCode::malformed);
  EXPECT_EQ(code_of({0x91, 0x01}), ErrorCode::malformed);
  EXPECT_EQ(code_of({0x92, 0xc0, 0x01}), ErrorCode::malformed);
  EXPECT_EQ(code_of({0x92, 0x01, 0x01}), ErrorCode::bad_field);                    // no fields
  EXPECT_EQ(code_of({0x93, 0x01, 0x02, 0xc4, 0x01, 0xff}), ErrorCode::bad_field);  // a key of one byte
  EXPECT_EQ(code_of({0xdd, 0xff, 0xff, 0xff, 0xff}), ErrorCode::malformed);        // five bytes claim 4 G elements
}

TEST(Extension, RefusesANegativeTimeAndTooManyIds) {
  std::vector<std::uint8_t> bytes{0x95, 0x01, 0x01, 0xc4, 0x20};
  bytes.insert(bytes.end(), 32, 9);
  bytes.push_back(0x05);
  bytes.push_back(0xc0);
  EXPECT_TRUE(decode_extension(bytes, Limits{}).ok());
  bytes[37] = 0xff;  // -1
  EXPECT_EQ(code_of(bytes), ErrorCode::bad_field);

  Limits small;
  small.packet_events = 8;
  const Frame nine = encode_extension(Acknowledge{key(1), std::vector<EventId>(9)});
  EXPECT_FALSE(decode_extension(nine.view(), small).ok());
}

TEST(Extension, NoMutationOfAMessageCrashes) {
  Rng rng(1, "extension mutations");
  const Frame frame = encode_extension(Acknowledge{key(5), {id(6), id(7), id(8)}});
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::uint8_t> bytes(frame.view().begin(), frame.view().end());
    const std::uint64_t changes = 1 + rng.below(4);
    for (std::uint64_t i = 0; i < changes; ++i) {
      const auto at = static_cast<std::size_t>(rng.below(bytes.size()));
      bytes[at] = static_cast<std::uint8_t>(rng.next());
    }
    if (rng.chance(1, 4)) bytes.resize(static_cast<std::size_t>(rng.below(bytes.size())));
    accepted += decode_extension(bytes, Limits{}).ok() ? 1 : 0;
  }
  EXPECT_GT(accepted, 0);  // a changed byte inside an id is still a message
}

}  // namespace
}  // namespace np2p
