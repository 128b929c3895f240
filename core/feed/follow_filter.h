// Whom somebody follows, in ten bits for each and 8 KiB at most, as a Bloom filter (Bloom 1970) under a random salt:
// who is followed is always in it, and of others about one in a hundred, of those who follow 10,000 one in fifteen. Who
// does not know the salt cannot make a key that is in it.
#pragma once

#include <vector>

#include "core/base/bytes.h"
#include "core/base/limits.h"

namespace np2p {

[[nodiscard]] ByteVec make_filter(const std::vector<PubKey>& users, std::uint64_t salt, const Limits& limits);
[[nodiscard]] bool may_contain(ByteView filter, const PubKey& user) noexcept;  // an empty filter: everybody

}  // namespace np2p
