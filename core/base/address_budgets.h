// Limits for each address: whom such a limit means, and a token bucket for each of those who came lately.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>

#include "core/base/address.h"
#include "core/base/heap_bytes.h"
#include "core/base/token_bucket.h"

namespace np2p {

// One IPv4 address, or the /64 of a customer of IPv6 (RFC 6177), who may come from any of 2^64 addresses in it.
using AddressGroup = std::array<std::uint8_t, 16>;
inline AddressGroup group_of(const Address& address) noexcept {
  AddressGroup group = address.ip;
  if (!address.is_v4()) std::fill(group.begin() + group.size() / 2, group.end(), std::uint8_t{0});
  return group;
}

class AddressBudgets {
 public:
  // Of each group; so many groups are remembered, the one that took longest ago makes room.
  AddressBudgets(std::uint32_t rate_per_second, std::uint32_t burst, std::size_t remembered) noexcept
      : fresh_(rate_per_second, burst), remembered_(remembered) {}

  // As TokenBucket's.
  bool take(const Address& who, MonoTime now, std::uint32_t n = 1) {
    Budget& budget = budget_of(group_of(who));
    budget.used = ++takes_;
    return budget.bucket.take(now, n);
  }
  Duration wait(const Address& who, MonoTime now, std::uint32_t n = 1) {
    const auto at = budgets_.find(group_of(who));
    return at == budgets_.end() ? Duration{} : at->second.bucket.wait(now, n);
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(budgets_); }

 private:
  struct Budget {
    TokenBucket bucket;
    std::uint64_t used = 0;
  };
  Budget& budget_of(const AddressGroup& group) {
    if (const auto at = budgets_.find(group); at != budgets_.end()) return at->second;
    if (budgets_.size() >= remembered_ && !budgets_.empty()) {
      const auto older = [](const auto& a, const auto& b) { return a.second.used < b.second.used; };
      budgets_.erase(std::min_element(budgets_.begin(), budgets_.end(), older));
    }
    return budgets_.emplace(group, Budget{fresh_, 0}).first->second;
  }

  const TokenBucket fresh_;
  const std::size_t remembered_;
  std::map<AddressGroup, Budget> budgets_;
  std::uint64_t takes_ = 0;
};

}  // namespace np2p
