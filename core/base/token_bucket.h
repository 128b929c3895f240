// Token bucket in integer arithmetic: `rate` tokens per second flow in, at most `burst` are kept, take(n) spends.
// Budgets are charged before crypto runs, so that refusing is cheap.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/time.h"

namespace np2p {

class TokenBucket {
 public:
  TokenBucket(std::uint32_t rate_per_second, std::uint32_t burst) noexcept
      : rate_(rate_per_second), capacity_(static_cast<std::int64_t>(burst) * kScale), level_(capacity_) {}

  // True and spends n tokens if they are there; false and spends nothing otherwise. `now` must not go back.
  bool take(MonoTime now, std::uint32_t n = 1) noexcept {
    refill(now);
    const std::int64_t cost = static_cast<std::int64_t>(n) * kScale;
    if (level_ < cost) return false;
    level_ -= cost;
    return true;
  }
  // How long from `now` on until n tokens, not more than the burst, are there if nobody takes any.
  Duration wait(MonoTime now, std::uint32_t n = 1) noexcept {
    refill(now);
    const std::int64_t missing = static_cast<std::int64_t>(n) * kScale - level_;
    if (missing <= 0) return Duration{};
    return rate_ == 0 ? Duration::max() : Duration{(missing + rate_ - 1) / rate_};
  }

 private:
  static constexpr std::int64_t kScale = 1'000'000'000;  // one token in nano-tokens
  void refill(MonoTime now) noexcept {
    if (now <= last_) return;
    // Beyond the time that fills the bucket more time changes nothing; the bound also keeps the product in 64 bits.
    const std::int64_t elapsed = (now - last_).count();
    last_ = now;
    if (rate_ == 0) return;
    const std::int64_t to_fill = (capacity_ - level_) / rate_ + 1;
    level_ = elapsed >= to_fill ? capacity_ : std::min(capacity_, level_ + elapsed * rate_);
  }
  std::int64_t rate_;
  std::int64_t capacity_;
  std::int64_t level_;
  MonoTime last_{};
};

}  // namespace np2p
