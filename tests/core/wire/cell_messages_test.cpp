#include "core/wire/cell_messages.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/base/rng.h"
#include "tests/core/wire/swarm_samples.h"
#include "tests/fuzz/cell_target.h"

namespace np2p::swarm {
namespace {

const Limits kLimits;

PlaceSet places(std::initializer_list<std::size_t> all) {
  PlaceSet set;
  for (const std::size_t place : all) set.add(place);
  return set;
}

// One of every type, in their order, with no field at its default.
std::vector<CellMessage> samples() {
  CellMac mac;
  mac.fill(0xCD);
  return {
      CellAssign{7, 11, 12, {filled<NodeId>(1), filled<NodeId>(2)}, {0, 5}, {{99, 0, kNoVia}, {98, 1, 0}}},
      CellCopy{filled<NodeId>(3), 8, 13, 1, 1, 14, places({0, 9}), Frame(bytes_of("a post"))},
      CellTrouble{CellTrouble::Kind::refused, 9, 15},
      CellReceipts{10, 16, 17, places({3}), mac},
      CellAsk{11, 18, 19, places({4, 17})},
      CellMacs{12, 20, 21, {{5, mac}, {6, {}}}},
      CellWhere{},
      CellHere{Address::v4(0xC6120001, 20'000)},
  };
}

ByteVec bytes(const CellMessage& message) {
  const Frame frame = encode_cell(message);
  return {frame.view().begin(), frame.view().end()};
}

TEST(CellMessages, EverySampleComesBack) {
  const auto all = samples();
  ASSERT_EQ(all.size(), std::variant_size_v<CellMessage>);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].index(), i);
    const auto again = decode_cell(bytes(all[i]), kLimits);
    ASSERT_TRUE(again.ok()) << i;
    EXPECT_TRUE(*again == all[i]) << i;
    EXPECT_EQ(is_cell_copy(bytes(all[i])), std::holds_alternative<CellCopy>(all[i]));
  }
}

TEST(CellMessages, CutAnywhereIsMalformedAndWhatALaterVersionAddsIsIgnored) {
  for (const CellMessage& message : samples()) {
    ByteVec whole = bytes(message);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto cut = decode_cell(ByteView(whole).first(size), kLimits);
      ASSERT_FALSE(cut.ok()) << message.index() << " of " << size << " bytes";
      EXPECT_EQ(cut.error().code, ErrorCode::malformed);
    }
    whole.push_back(9);
    const auto longer = decode_cell(whole, kLimits);
    ASSERT_TRUE(longer.ok());
    EXPECT_TRUE(*longer == message);
  }
  EXPECT_EQ(decode_cell(ByteVec{200, 1}, kLimits).error().code, ErrorCode::unknown_type);
}

TEST(CellMessages, SetsOfPlacesHaveOneForm) {
  PlaceSet set;
  EXPECT_TRUE(set.empty());
  set.add(9);
  set.add(0);
  EXPECT_TRUE(set.has(0) && set.has(9));
  EXPECT_FALSE(set.has(1) || set.has(16) || set.has(100'000));
  EXPECT_EQ(set.count(), 2u);
  EXPECT_EQ(set.end(), 16u);
  CellAsk ask{1, 2, 3, set};
  ByteVec whole = bytes(ask);
  whole.back() = 0;  // a last byte of nothing
  EXPECT_FALSE(decode_cell(whole, kLimits).ok());
}

// The seeds of the fuzzer, changes to samples, and noise: nothing aborts, and what decodes has one form.
TEST(CellMessages, AnyBytesAreJudged) {
  const auto all = samples();
  std::size_t seeds = 0;
  for (const auto& entry : std::filesystem::directory_iterator(NP2P_VECTORS "/../fuzz/corpus/cell_messages")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const ByteVec seed{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    EXPECT_TRUE(decode_cell(seed, kLimits).ok()) << entry.path();
    fuzz::cell_message(seed);
    ++seeds;
  }
  EXPECT_GE(seeds, 6u);
  Rng rng(1, "mutator");
  std::size_t good = 0;
  for (int round = 0; round < 30'000; ++round) {
    ByteVec input;
    if (round % 4 == 0) {
      input.resize(1 + static_cast<std::size_t>(rng.below(200)));
      for (auto& byte : input) byte = static_cast<std::uint8_t>(rng.next());
      input[0] = static_cast<std::uint8_t>(1 + rng.below(std::variant_size_v<CellMessage>));
    } else {
      input = bytes(all[static_cast<std::size_t>(rng.below(all.size()))]);
      const auto at = static_cast<std::size_t>(rng.below(input.size()));
      input[at] = round % 4 == 1 ? std::uint8_t{0xFF} : static_cast<std::uint8_t>(rng.next());
    }
    good += decode_cell(input, kLimits).ok() ? 1u : 0u;
    fuzz::cell_message(input);
  }
  EXPECT_GT(good, 1000u);
}

}  // namespace
}  // namespace np2p::swarm
