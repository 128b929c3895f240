#include "realnet/net/framing.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/rng.h"

namespace np2p::real {
namespace {

struct Received {
  Stream stream;
  Traffic traffic;
  std::string bytes;
  friend bool operator==(const Received&, const Received&) = default;
};

std::string pattern(std::size_t size, std::uint64_t seed) {
  Rng rng(seed);
  std::string bytes(size, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(rng.below(256));
  return bytes;
}

// Everything the reader makes of `wire`, fed in pieces of random sizes.
std::vector<Received> read_all(const ByteVec& wire, std::uint64_t seed, const Limits& limits = {}) {
  FrameReader reader(limits);
  Rng rng(seed, "pieces");
  std::vector<Received> received;
  for (std::size_t at = 0; at < wire.size();) {
    const std::size_t n = std::min(wire.size() - at, static_cast<std::size_t>(1 + rng.below(40'000)));
    const Status status = reader.feed(ByteView(wire).subspan(at, n), [&](const Message& message) {
      received.push_back({message.stream, message.traffic, std::string(text_of(message.bytes))});
      return true;
    });
    EXPECT_TRUE(status.ok());
    at += n;
  }
  EXPECT_EQ(reader.buffered(), 0u);
  return received;
}

TEST(Framing, WhatGoesInComesOutWhateverThePieces) {
  const std::size_t sizes[] = {0, 1, 100, kChunkBytes - 1, kChunkBytes, kChunkBytes + 1, 3 * kChunkBytes, 320 * 1024};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SendQueue queue;
    std::array<std::vector<Received>, 3> sent;
    Rng rng(seed);
    for (int i = 0; i < 12; ++i) {
      const auto priority = static_cast<Priority>(rng.below(3));
      const auto traffic = static_cast<Traffic>(rng.below(4));
      const std::string bytes = pattern(sizes[rng.below(std::size(sizes))], seed * 100 + static_cast<std::uint64_t>(i));
      queue.push(Frame(bytes_of(bytes)), priority, traffic);
      sent[static_cast<std::size_t>(priority)].push_back({static_cast<Stream>(priority), traffic, bytes});
    }
    ByteVec wire;
    while (!queue.empty()) queue.fill(wire, wire.size() + kPrefixBytes + kChunkBytes);
    EXPECT_EQ(queue.bytes(), 0u);
    std::array<std::vector<Received>, 3> got;
    for (auto& message : read_all(wire, seed)) got[static_cast<std::size_t>(message.stream)].push_back(message);
    EXPECT_EQ(got, sent) << "seed " << seed;
  }
}

TEST(Framing, UrgentOvertakesBulkAfterOneChunk) {
  SendQueue queue;
  queue.push(Frame(bytes_of(pattern(10 * kChunkBytes, 1))), Priority::bulk, Traffic::payload);
  ByteVec wire;
  queue.fill(wire, kPrefixBytes + kChunkBytes);
  queue.push(Frame(bytes_of("now")), Priority::control, Traffic::control);
  while (!queue.empty()) queue.fill(wire, wire.size() + kPrefixBytes + kChunkBytes);
  const auto received = read_all(wire, 1);
  ASSERT_EQ(received.size(), 2u);
  EXPECT_EQ(received[0].bytes, "now");
  EXPECT_EQ(received[1].stream, Stream::bulk);
}

TEST(Framing, AShortMessageIsALengthAndItsBytes) {
  SendQueue queue;
  queue.push(Frame(bytes_of("abc")), Priority::control, Traffic::control);
  ByteVec wire;
  queue.fill(wire, 1 << 20);
  EXPECT_EQ(wire, (ByteVec{0, 0, 0, 3, 'a', 'b', 'c'}));
}

TEST(Framing, OversizeIsRefusedFromThePrefix) {
  const Limits limits;
  FrameReader reader(limits);
  const auto size = static_cast<std::uint32_t>(limits.frame_bytes + 1);
  const ByteVec prefix = {static_cast<std::uint8_t>(size >> 24), static_cast<std::uint8_t>(size >> 16),
                          static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
  const Status status = reader.feed(prefix, [](const Message&) { return true; });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::too_large);
  EXPECT_EQ(reader.buffered(), 0u);
}

TEST(Framing, AChunkThatDoesNotContinueItsMessageIsRefused) {
  const Limits limits;
  FrameReader reader(limits);
  ByteVec wire = {0, 0, 0x80, 0};  // 32,768 bytes to come
  wire.resize(wire.size() + kChunkBytes);
  wire.insert(wire.end(), {0, 0, 0, 5});
  const Status status = reader.feed(wire, [](const Message&) { return true; });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::malformed);
}

TEST(Framing, TheLinkLayersOwnMessagesAreSmall) {
  FrameReader reader(Limits{});
  const Status status = reader.feed(ByteVec{0xC0, 0, 0x10, 0}, [](const Message&) { return true; });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::too_large);
}

TEST(Framing, RandomBytesNeverCrash) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    FrameReader reader(Limits{});
    const std::string bytes = pattern(200, seed);
    std::size_t longest = 0;
    const Status status = reader.feed(bytes_of(bytes), [&](const Message& message) {
      longest = std::max(longest, message.bytes.size());
      return true;
    });
    EXPECT_TRUE(longest <= bytes.size()) << status.ok();
    EXPECT_LE(reader.buffered(), bytes.size());
  }
}

}  // namespace
}  // namespace np2p::real
