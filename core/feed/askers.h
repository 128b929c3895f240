// How many bytes of events one user's server may ask of us per time. On the mesh who asks is a claim: without this
// bound a small request in somebody else's name would send him megabytes.
#pragma once

#include <cstdint>
#include <deque>
#include <map>

#include "core/base/bytes.h"
#include "core/base/heap_bytes.h"
#include "core/base/limits.h"
#include "core/base/token_bucket.h"

namespace np2p {

class Askers {
 public:
  Askers(const Limits& limits, std::uint32_t bytes_per_second, std::uint32_t burst)
      : limits_(limits), bytes_per_second_(bytes_per_second), burst_(burst) {}

  bool may_get(const PubKey& asker, std::uint32_t bytes, MonoTime now) {
    auto at = budgets_.find(asker);
    if (at == budgets_.end()) {
      if (order_.size() >= limits_.askers) {
        budgets_.erase(order_.front());
        order_.pop_front();
      }
      at = budgets_.emplace(asker, TokenBucket(bytes_per_second_, burst_)).first;
      order_.push_back(asker);
    }
    return at->second.take(now, bytes);
  }

  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(budgets_) + heap_bytes(order_); }

 private:
  const Limits& limits_;
  std::uint32_t bytes_per_second_;
  std::uint32_t burst_;
  std::map<PubKey, TokenBucket> budgets_;
  std::deque<PubKey> order_;  // as they came; the first makes room
};

}  // namespace np2p
