// In which mode our user's posts travel now: as configured, or, with FeedMode::automatic, as the policy finds best for
// a network of this size. It is looked at each hour, not with each post, and what was decided survives restarts.
//
// A change loses nothing: followers are registered in every mode (multicast.h), and which way a post goes is settled
// when it is published. A deletion goes to everybody, since what it deletes may have.
#pragma once

#include <optional>

#include "core/base/config.h"
#include "core/base/rng.h"
#include "core/feed/mode_policy.h"
#include "core/host/host.h"

namespace np2p {

// For status lines.
struct ModeStatus {
  bool automatic = false;
  FeedMode now = FeedMode::broadcast;
  ModePolicy::Why why = ModePolicy::Why::unknown;
  std::uint64_t load = 0;          // bytes a second that everybody's posts would cost
  std::uint64_t budget = 0;        // this server's
  bool waits = false;              // it would switch, but has done so within the last day
  std::int64_t may_switch_at = 0;  // Unix seconds; in the past: any time
};

class Mode {
 public:
  Mode(const Config& config, Host& host);

  void load();
  // Timer::mode. How many servers there are, 0 if that is not known, and how many of them follow our user.
  void timer(std::size_t servers, std::size_t followers);

  [[nodiscard]] FeedMode current() const noexcept { return automatic() ? policy_.current() : config_.mode; }
  [[nodiscard]] ModeStatus status() const noexcept;

 private:
  [[nodiscard]] bool automatic() const noexcept { return config_.mode == FeedMode::automatic; }
  void arm();
  void save();

  const Config& config_;
  Host& host_;
  Rng rng_;
  ModePolicy policy_;
  std::size_t reviews_ = 0;
};

}  // namespace np2p
