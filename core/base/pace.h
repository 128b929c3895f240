// A token bucket in one number, for budgets of which a node has one per link. What something costs may be known only
// afterwards: may() says whether anything is left, and the last to be let in may leave a debt.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/time.h"

namespace np2p {

class Pace {
 public:
  Pace() noexcept : paid_{INT64_MIN / 2} {}

  // How long from `now` on until there is something left: nothing if there is now.
  [[nodiscard]] Duration wait(MonoTime now, std::uint32_t rate, std::uint32_t burst) const noexcept {
    return std::max(paid_ - now - cost(burst, rate) + 1ns, Duration{});
  }
  [[nodiscard]] bool may(MonoTime now, std::uint32_t rate, std::uint32_t burst) const noexcept {
    return wait(now, rate, burst) == Duration{};
  }
  void spend(MonoTime now, std::size_t tokens, std::uint32_t rate) noexcept {
    paid_ = std::max(paid_, now) + cost(tokens, rate);
  }
  [[nodiscard]] bool is_full(MonoTime now) const noexcept { return paid_ <= now; }

 private:
  // A rate of nothing pays for nothing: an hour stands for "never".
  static Duration cost(std::size_t tokens, std::uint32_t rate) noexcept {
    if (rate == 0) return tokens == 0 ? Duration{} : Duration{1h};
    const auto most = static_cast<std::size_t>(UINT32_MAX);
    return Duration{static_cast<std::int64_t>(std::min(tokens, most)) * 1'000'000'000 / rate};
  }
  MonoTime paid_;  // what was spent is earned again at this time
};

}  // namespace np2p
