#include "core/feed/follow_filter.h"

#include <algorithm>

#include "core/base/hash.h"

namespace np2p {
namespace {

constexpr std::size_t kSaltBytes = 8;
constexpr std::size_t kBitsOfOne = 10;
constexpr unsigned kMarks = 7;  // bits that are set for one

template <class Visit>
void each_mark(ByteView salt, std::size_t bits, const PubKey& user, Visit visit) {
  std::uint64_t seed = 0;
  for (const std::uint8_t byte : salt) seed = seed << 8 | byte;
  const std::uint64_t start = hash_bytes(user.view(), seed);
  const std::uint64_t step = hash_bytes(user.view(), ~seed) | 1;
  for (unsigned i = 0; i < kMarks; ++i) visit((start + i * step) % bits);
}

}  // namespace

ByteVec make_filter(const std::vector<PubKey>& users, std::uint64_t salt, const Limits& limits) {
  const std::size_t most = limits.follow_filter_bytes - kSaltBytes;
  const std::size_t size = std::clamp<std::size_t>(users.size() * kBitsOfOne / 8, kSaltBytes, most);
  ByteVec filter;
  for (int shift = 56; shift >= 0; shift -= 8) filter.push_back(static_cast<std::uint8_t>(salt >> shift));
  filter.resize(kSaltBytes + size);
  for (const PubKey& user : users) {
    each_mark(ByteView(filter).first(kSaltBytes), size * 8, user, [&](std::uint64_t bit) {
      std::uint8_t& byte = filter[kSaltBytes + static_cast<std::size_t>(bit / 8)];
      byte = static_cast<std::uint8_t>(byte | 1u << (bit % 8));
    });
  }
  return filter;
}

bool may_contain(ByteView filter, const PubKey& user) noexcept {
  if (filter.size() <= kSaltBytes) return true;
  const ByteView bits = filter.subspan(kSaltBytes);
  bool all = true;
  each_mark(filter.first(kSaltBytes), bits.size() * 8, user,
            [&](std::uint64_t bit) { all = all && (bits[static_cast<std::size_t>(bit / 8)] >> (bit % 8) & 1u) != 0; });
  return all;
}

}  // namespace np2p
