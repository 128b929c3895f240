// Golden outputs come from tests/model/rng.py.
#include "core/base/hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <set>

namespace np2p {
namespace {

ByteVec counting(std::size_t size) {
  ByteVec bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}

TEST(Hash, GoldenOutputs) {
  const std::map<std::size_t, std::pair<std::uint64_t, std::uint64_t>> golden{
      {0, {0xb36686aa964e9fbd, 0x8ea219b4754db1cf}},  {1, {0xd6d94dc856b5595b, 0x0b67a86229a5df38}},
      {7, {0x4951fbdbf77c00a3, 0xa56d0934fdd5bc9a}},  {8, {0x92940ca0a584d117, 0xea95ece6439323b5}},
      {15, {0x456c66af47bcccc8, 0xa09d4cc19e759b0a}}, {16, {0x0773d34099ee44f6, 0x9d0751bb1a5d146b}},
      {17, {0x266e276f793ce3ca, 0x96cdf73663760411}}, {31, {0xa3d2e1d96be2cc95, 0xc1214d382a5eb1cf}},
      {32, {0x955ec8888edf6c37, 0x7f40562df13f2a9b}}, {64, {0x3fc07f012dd77549, 0xaab979e1aaaf69ae}}};
  for (const auto& [size, hashes] : golden) {
    EXPECT_EQ(hash_bytes(counting(size)), hashes.first) << size;
    EXPECT_EQ(hash_bytes(counting(size), 5), hashes.second) << size;
  }
}

TEST(Hash, DoesNotDependOnAlignment) {
  const ByteVec text = counting(100);
  for (std::size_t shift = 1; shift < 9; ++shift) {
    ByteVec moved(shift);
    moved.insert(moved.end(), text.begin(), text.end());
    EXPECT_EQ(hash_bytes(ByteView(moved).subspan(shift)), hash_bytes(text));
  }
}

TEST(Hash, EveryBitOfTheInputChangesAboutHalfOfTheOutput) {
  for (const std::size_t size : {1u, 8u, 16u, 33u, 200u}) {
    ByteVec text = counting(size);
    const std::uint64_t before = hash_bytes(text);
    std::size_t flipped = 0;
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      text[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      const std::uint64_t after = hash_bytes(text);
      text[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      ASSERT_NE(before, after) << "bit " << bit << " of " << size << " bytes";
      flipped += static_cast<std::size_t>(std::popcount(before ^ after));
    }
    const double mean = static_cast<double>(flipped) / static_cast<double>(8 * size);
    EXPECT_GT(mean, 26) << size;
    EXPECT_LT(mean, 38) << size;
  }
}

TEST(Hash, ZerosOfDifferentLengthDiffer) {
  std::set<std::uint64_t> seen;
  for (std::size_t size = 0; size < 1000; ++size) seen.insert(hash_bytes(ByteVec(size)));
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(Hash, CombineDependsOnTheOrder) {
  EXPECT_NE(combine64(combine64(0, 1), 2), combine64(combine64(0, 2), 1));
}

}  // namespace
}  // namespace np2p
