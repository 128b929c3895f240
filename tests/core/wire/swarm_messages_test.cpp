#include "core/wire/swarm_messages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <set>

#include "core/base/rng.h"
#include "core/wire/swarm_fields.h"
#include "tests/core/wire/swarm_samples.h"
#include "tests/fuzz/swarm_target.h"

namespace {
std::size_t allocated = 0;  // bytes asked for since a test set it to zero
}

// Not inlined: a compiler that sees through one of the pair complains that it does not match the other.

[[gnu::noinline]] void* operator new(std::size_t size) {
  allocated += size;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  allocated += size;
  return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace np2p::swarm {
namespace {

const Limits kLimits;

ByteVec bytes(const Message& message) {
  const Frame frame = encode(message);
  return {frame.view().begin(), frame.view().end()};
}

template <class T>
T back(const T& message) {
  const auto again = decode(encode(message).view(), kLimits);
  EXPECT_TRUE(again.ok());
  return again.ok() ? std::get<T>(*again) : T{};
}

TEST(SwarmMessages, EverySampleHasEveryFieldAndComesBack) {
  const auto samples = sample_messages();
  ASSERT_EQ(samples.size(), std::variant_size_v<Message>);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(samples[i].index(), i);
    const ByteVec encoded = bytes(samples[i]);
    EXPECT_EQ(encoded[0], i + 1);
    const auto again = decode(encoded, kLimits);
    ASSERT_TRUE(again.ok()) << i;
    EXPECT_TRUE(*again == samples[i]) << i;
  }
}

TEST(SwarmMessages, EmptyListsAndAbsentFieldsComeBackToo) {
  EXPECT_EQ(back(Shuffle{}), Shuffle{});
  EXPECT_EQ(back(NeighborAnswer{}), NeighborAnswer{});
  EXPECT_EQ(back(IHave{}), IHave{});
  EXPECT_EQ(back(Graft{5, {}}), (Graft{5, {}}));
  EXPECT_EQ(back(Got{}), Got{});
  EXPECT_EQ(back(Direct{}), Direct{});
  EXPECT_EQ(back(Hello{}), Hello{});  // listens nowhere
  Hello lowest;
  lowest.at = {-32768, 32767, 0, 0};
  EXPECT_EQ(back(lowest), lowest);
}

TEST(SwarmMessages, CutAnywhereIsMalformed) {
  for (const Message& message : sample_messages()) {
    const ByteVec whole = bytes(message);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const bool is_longer = std::holds_alternative<HelloEcho>(message) || std::holds_alternative<Probe>(message);
      if (is_longer && size + 4 == whole.size()) continue;  // of an earlier version
      if (std::holds_alternative<Get>(message) && size + 1 == whole.size()) continue;
      const auto cut = decode(ByteView(whole).first(size), kLimits);
      ASSERT_FALSE(cut.ok()) << message.index() << " of " << size << " bytes";
      EXPECT_EQ(cut.error().code, ErrorCode::malformed);
    }
  }
}

TEST(SwarmMessages, BytesOfALaterVersionAreIgnored) {
  for (const Message& message : sample_messages()) {
    ByteVec longer = bytes(message);
    longer.insert(longer.end(), {0xDE, 0xAD, 0xBE, 0xEF});
    const auto again = decode(longer, kLimits);
    ASSERT_TRUE(again.ok()) << message.index();
    EXPECT_TRUE(*again == message) << message.index();
  }
}

TEST(SwarmMessages, AnEchoOfAnEarlierVersionSaysNothingOfTheSizeOfTheNetwork) {
  HelloEcho echo{54321, sample_ref(3).address, {}, 30'000};
  const ByteVec whole = bytes(echo);
  const auto earlier = decode(ByteView(whole).first(whole.size() - 4), kLimits);
  ASSERT_TRUE(earlier.ok());
  echo.servers = 0;
  EXPECT_EQ(std::get<HelloEcho>(*earlier), echo);
  EXPECT_EQ(bytes(echo).size() + 4, whole.size());
}

TEST(SwarmMessages, UnknownTypesAreUnknownAndNotMalformed) {
  for (unsigned type = 0; type < 256; ++type) {
    if (type >= 1 && type <= std::variant_size_v<Message>) continue;
    for (const std::size_t size : {1u, 40u}) {
      ByteVec unknown(size, 0);
      unknown[0] = static_cast<std::uint8_t>(type);
      const auto message = decode(unknown, kLimits);
      ASSERT_FALSE(message.ok());
      EXPECT_EQ(message.error().code, ErrorCode::unknown_type);
    }
  }
  EXPECT_EQ(decode({}, kLimits).error().code, ErrorCode::malformed);
}

TEST(SwarmMessages, OverTheSizeOfAFrameIsRefused) {
  ByteVec large = bytes(Join{});
  large.resize(kLimits.frame_bytes);
  EXPECT_TRUE(decode(large, kLimits).ok());
  large.push_back(0);
  EXPECT_EQ(decode(large, kLimits).error().code, ErrorCode::too_large);
}

// Messages whose counts say more than is allowed, though everything they announce is there.
TEST(SwarmMessages, CountsOverTheirLimitAreRefused) {
  const auto refs = [](std::size_t count) {
    FieldWriter out;
    out.number(static_cast<std::uint8_t>(count));
    for (std::size_t i = 0; i < count; ++i) out.ref(sample_ref(static_cast<std::uint8_t>(i)));
    return out.out();
  };
  const auto records = [](std::size_t count, std::size_t size) {
    FieldWriter out;
    out.records(std::vector<ByteVec>(count, ByteVec(size, 7)));
    return out.out();
  };
  const auto ids = [](std::size_t count, std::size_t each) {
    FieldWriter out;
    out.number(static_cast<std::uint16_t>(count));
    out.bytes(ByteVec(count * each, 1));
    return out.out();
  };
  const auto message = [](std::uint8_t type, std::size_t before, const ByteVec& list) {
    ByteVec all(1 + before, 0);
    all[0] = type;
    all.insert(all.end(), list.begin(), list.end());
    return decode(all, kLimits).ok();
  };
  EXPECT_TRUE(message(9, 1, refs(kMostRefs)));  // NeighborAnswer
  EXPECT_FALSE(message(9, 1, refs(kMostRefs + 1)));
  EXPECT_TRUE(message(11, 2, refs(kMostRefs)));  // Shuffle
  EXPECT_FALSE(message(11, 2, refs(255)));
  EXPECT_TRUE(message(12, 0, refs(kMostRefs)));  // ShuffleReply
  EXPECT_FALSE(message(12, 0, refs(kMostRefs + 1)));
  EXPECT_TRUE(message(19, 8, refs(kMostRefs)));  // FoundNodes
  EXPECT_FALSE(message(19, 8, refs(kMostRefs + 1)));
  EXPECT_TRUE(message(14, 0, ids(kMostIds, 11)));  // IHave
  EXPECT_FALSE(message(14, 0, ids(kMostIds + 1, 11)));
  EXPECT_TRUE(message(15, 8, ids(kMostIds, 8)));  // Graft
  EXPECT_FALSE(message(15, 8, ids(kMostIds + 1, 8)));
  EXPECT_FALSE(message(15, 8, ids(0xFFFF, 8)));
  EXPECT_TRUE(message(20, 33, records(kMostRecords, kMostRecordBytes)));  // Put
  EXPECT_FALSE(message(20, 33, records(kMostRecords + 1, 1)));
  EXPECT_FALSE(message(20, 33, records(1, kMostRecordBytes + 1)));
  EXPECT_FALSE(message(21, 32, records(kMostRecords + 1, 1)));  // Replicate
  EXPECT_FALSE(message(23, 9, records(kMostRecords + 1, 1)));   // Got
  Limits small;
  small.frame_bytes = 100;
  EXPECT_FALSE(decode(encode(Direct{0, Frame(ByteVec(101, 1))}).view(), small).ok());
}

TEST(SwarmMessages, FieldsOutOfRangeAreRefused) {
  const auto with = [](const Message& message, std::size_t at, std::uint8_t value) {
    ByteVec changed = bytes(message);
    changed.at(at) = value;
    return decode(changed, kLimits).ok();
  };
  EXPECT_FALSE(with(Unused{}, 1, 2));  // a flag
  EXPECT_FALSE(with(Watch{}, 1, 255));
  EXPECT_FALSE(with(NeighborAnswer{}, 1, 2));
  EXPECT_FALSE(with(Shuffle{}, 1, 2));
  EXPECT_TRUE(with(Neighbor{}, 1, 2));  // an urgency
  EXPECT_FALSE(with(Neighbor{}, 1, 3));
  EXPECT_FALSE(with(HelloEcho{}, 9, 5));                         // a kind of address
  EXPECT_FALSE(with(ForwardJoin{sample_ref(2), 1}, 1 + 32, 0));  // a reference without an address
  EXPECT_FALSE(decode(bytes(ForwardJoin{{filled<NodeId>(1), Address::v4(0x0B000001, 0), {}}, 1}), kLimits).ok());
  EXPECT_FALSE(decode(bytes(ForwardJoin{{filled<NodeId>(1), Address::v4(0, 9), {}}, 1}), kLimits).ok());
}

// The seeds of the fuzzer and thousands of changes to samples and noise: nothing aborts, and decoding asks for no more
// memory than a few times what came.
TEST(SwarmMessages, AnyBytesAreJudgedAndCostNoMoreThanTheyWeigh) {
  std::vector<ByteVec> seeds;
  for (const Message& message : sample_messages()) seeds.push_back(bytes(message));
  std::set<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(NP2P_VECTORS "/../fuzz/corpus/swarm_messages")) {
    paths.insert(entry.path());
  }
  EXPECT_GE(paths.size(), 3u);
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  Rng rng(1, "mutator");
  std::size_t measured = 0;
  const auto judge = [&measured](const ByteVec& input) {
    allocated = 0;
    { const auto message = decode(input, kLimits); }
    measured += allocated;
    ASSERT_LE(allocated, 8 * input.size() + 1024) << to_hex(input);
    fuzz::swarm_message(input);
  };
  for (const ByteVec& seed : seeds) judge(seed);
  for (int round = 0; round < 60'000; ++round) {
    ByteVec input;
    if (round % 4 == 0) {  // noise behind a known type
      input.resize(1 + static_cast<std::size_t>(rng.below(300)));
      for (auto& byte : input) byte = static_cast<std::uint8_t>(rng.next());
      input[0] = static_cast<std::uint8_t>(1 + rng.below(std::variant_size_v<Message>));
    } else {
      input = seeds[static_cast<std::size_t>(rng.below(seeds.size()))];
      for (std::uint64_t changes = 1 + rng.below(4); changes > 0 && !input.empty(); --changes) {
        const auto at = static_cast<std::size_t>(rng.below(input.size()));
        const std::uint64_t kind = rng.below(4);
        if (kind == 0) {
          input[at] = static_cast<std::uint8_t>(rng.next());
        } else if (kind == 1) {
          input[at] = 0xFF;  // counts and lengths at their most
        } else if (kind == 2) {
          input.resize(at);
        } else {
          input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(rng.next()));
        }
      }
    }
    judge(input);
  }
  EXPECT_GT(measured, 0u);
}

}  // namespace
}  // namespace np2p::swarm
