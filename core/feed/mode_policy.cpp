#include "core/feed/mode_policy.h"

#include <algorithm>

#include "core/base/hash.h"

namespace np2p {
namespace {

constexpr std::uint64_t kDay = 86'400;  // seconds
constexpr std::uint64_t kHashSeed = 0x6D6F6465;

// Nobody gains by choosing a key for this: it decides about the own posts only.
std::uint64_t thousandths(const NodeId& node) noexcept {
  return 750 + hash_bytes(node.view(), kHashSeed) % 500;
}

}  // namespace

ModePolicy::ModePolicy(const ModeParams& params, const NodeId& node)
    : pause_(params.switch_pause), budget_(params.budget_bytes_per_s * thousandths(node)) {}

void ModePolicy::restore(FeedMode mode, WallTime switched_at) {
  mode_ = wanted_ = mode;
  switched_at_ = switched_at;
}

bool ModePolicy::review(const Seen& seen, WallTime now) {
  if (seen.servers == 0) return false;
  if (switched_at_ > now) switched_at_ = now;  // the clock was set back; a day is not longer for that
  loads_[next_] = seen.servers * seen.bytes_per_day * 1000 / kDay;
  next_ = (next_ + 1) % kReviews;
  count_ = std::min(count_ + 1, kReviews);
  load_ = median();
  if (!has_seen_enough()) return false;
  popular_ = seen.followers * (popular_ ? 5 : 4) >= seen.servers;
  if (popular_) {
    wanted_ = FeedMode::broadcast;
    why_ = Why::popular;
  } else if (load_ > budget_) {
    wanted_ = FeedMode::multicast;
    why_ = Why::above;
  } else if (load_ < budget_ * 4 / 5) {
    wanted_ = FeedMode::broadcast;
    why_ = Why::below;
  } else {
    wanted_ = mode_;  // in between nothing changes
    why_ = mode_ == FeedMode::broadcast ? Why::below : Why::above;
  }
  if (!wants_to_switch() || now < may_switch_at()) return false;
  mode_ = wanted_;
  switched_at_ = now;
  return true;
}

std::uint64_t ModePolicy::median() const {
  std::array<std::uint64_t, kReviews> sorted = loads_;
  const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(count_);
  std::sort(sorted.begin(), end);
  return sorted[(count_ - 1) / 2];
}

}  // namespace np2p
