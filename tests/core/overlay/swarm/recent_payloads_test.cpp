#include "core/overlay/swarm/recent_payloads.h"

#include <gtest/gtest.h>

#include <map>

#include "core/base/rng.h"

namespace np2p::swarm {
namespace {

PayloadId id_of(std::uint64_t n) {
  PayloadId id;
  Rng rng(n, "id");
  for (auto& byte : id.data) byte = static_cast<std::uint8_t>(rng.next());
  return id;
}

RecentPayloads::Entry entry(std::uint64_t n, MonoTime at, std::size_t bytes) {
  return {id_of(n), at, Frame(ByteVec(bytes, static_cast<std::uint8_t>(n))), LinkId{1}, 0};
}

std::size_t bytes_of_all(RecentPayloads& recent) {
  std::size_t sum = 0;
  recent.each([&](const RecentPayloads::Entry& one) {
    sum += one.whole.size();
    return true;
  });
  return sum;
}

TEST(RecentPayloads, FindsByIdAndByItsHead) {
  RecentPayloads recent(100, 10'000);
  EXPECT_EQ(recent.find(id_of(1)), nullptr);
  recent.add(entry(1, {}, 10));
  ASSERT_NE(recent.find(id_of(1)), nullptr);
  EXPECT_NE(recent.find(RecentPayloads::head(id_of(1))), nullptr);
  PayloadId twin = id_of(1);  // the same head, another id
  twin.data[15] ^= 1;
  EXPECT_EQ(recent.find(twin), nullptr);
}

TEST(RecentPayloads, OldestGoFirstWhenThereAreTooMany) {
  RecentPayloads recent(50, 1'000'000);
  for (std::uint64_t n = 0; n < 500; ++n) {
    recent.add(entry(n, {}, 10));
    EXPECT_LE(recent.size(), 50u);
    EXPECT_NE(recent.find(id_of(n)), nullptr);
    if (n >= 50) {
      EXPECT_EQ(recent.find(id_of(n - 50)), nullptr);
    }
    if (n >= 49) {
      EXPECT_NE(recent.find(id_of(n - 49)), nullptr);
    }
  }
}

TEST(RecentPayloads, BytesAreBoundedToo) {
  RecentPayloads recent(1000, 5000);
  for (std::uint64_t n = 0; n < 200; ++n) {
    recent.add(entry(n, {}, n % 7 * 100));
    EXPECT_LE(bytes_of_all(recent), 5000u);
    EXPECT_NE(recent.find(id_of(n)), nullptr);
  }
  recent.add(entry(999, {}, 6000));  // larger than all the room: alone
  EXPECT_NE(recent.find(id_of(999)), nullptr);
  recent.add(entry(1000, {}, 10));
  EXPECT_EQ(recent.find(id_of(999)), nullptr);
  EXPECT_EQ(bytes_of_all(recent), 10u);
}

TEST(RecentPayloads, PayloadsAreForgottenBeforeIds) {
  RecentPayloads recent(100, 100'000);
  for (std::int64_t n = 0; n < 20; ++n) recent.add(entry(static_cast<std::uint64_t>(n), MonoTime{} + n * 1s, 100));
  recent.forget(MonoTime{} + 10s, MonoTime{} + 5s);
  EXPECT_EQ(recent.size(), 15u);
  for (std::uint64_t n = 0; n < 20; ++n) {
    const RecentPayloads::Entry* one = recent.find(id_of(n));
    EXPECT_EQ(one != nullptr, n >= 5) << n;
    if (one != nullptr) {
      EXPECT_EQ(one->whole.empty(), n < 10) << n;
    }
  }
  EXPECT_EQ(bytes_of_all(recent), 1000u);
  recent.forget(MonoTime{} + 100s, MonoTime{} + 100s);
  EXPECT_EQ(recent.size(), 0u);
  recent.add(entry(7, MonoTime{} + 101s, 100));
  EXPECT_NE(recent.find(id_of(7)), nullptr);
}

// Beside it a map that remembers everything in the plainest way.
TEST(RecentPayloads, AgreesWithANaiveOne) {
  RecentPayloads recent(40, 3000);
  std::vector<RecentPayloads::Entry> naive;
  const auto bytes = [&] {
    std::size_t sum = 0;
    for (const auto& one : naive) sum += one.whole.size();
    return sum;
  };
  Rng rng(3, "ops");
  MonoTime now;
  for (int round = 0; round < 5000; ++round) {
    now = now + 1s;
    const std::uint64_t n = rng.below(200);
    if (rng.chance(1, 20)) {
      const MonoTime payloads = now - rng.between(0s, 30s);
      const MonoTime ids = payloads - rng.between(0s, 30s);
      recent.forget(payloads, ids);
      std::erase_if(naive, [&](const auto& one) { return one.at() < ids; });
      for (auto& one : naive) {
        if (one.at() < payloads) one.whole = Frame();
      }
    } else if (recent.find(id_of(n)) == nullptr) {
      const auto size = static_cast<std::size_t>(rng.below(300));
      while (!naive.empty() && (naive.size() >= 40 || bytes() + size > 3000)) naive.erase(naive.begin());
      naive.push_back(entry(n, now, size));
      recent.add(entry(n, now, size));
    }
    ASSERT_EQ(recent.size(), naive.size());
    ASSERT_EQ(bytes_of_all(recent), bytes());
    for (const auto& one : naive) {
      const auto* found = recent.find(one.id);
      ASSERT_NE(found, nullptr);
      ASSERT_EQ(found->whole, one.whole);
    }
  }
}

}  // namespace
}  // namespace np2p::swarm
