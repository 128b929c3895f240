// `auto`: to everybody or to followers only? The rule, without anything that it is fed from (mode.h).
//
// What counts is the potential load: what every server would receive if all users broadcast their posts, whatever they
// do now. So the answer does not depend on how many have switched already, and a network has nothing to swing about.
// Against the load stands a budget; each server multiplies it with a factor of its own from [0.75, 1.25), drawn from
// its key, so that a network that grows switches bit by bit. Who broadcasts goes on until the load is over its budget,
// who does not until it is under four fifths of it. The load is the median of the last day: that more are online
// in the evening changes nothing, nor what is wrong for some hours, a burst, a liar, a server that has just started.
// And nobody switches twice within a day, whatever they see.
//
// An author whom a quarter of the network follows broadcasts, and goes on as long as a fifth follow: then a tree costs
// the network less than copies for each. Who poses as thousands of followers gains what any user may choose: that this
// one author's posts go to everybody.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/config.h"
#include "core/base/time.h"

namespace np2p {

class ModePolicy {
 public:
  ModePolicy(const ModeParams& params, const NodeId& node);

  // What was decided before a restart; a day counts from the last switch on, whenever that was.
  void restore(FeedMode mode, WallTime switched_at);

  struct Seen {
    std::uint64_t servers = 0;        // in the network; 0: not known, and then nothing is decided
    std::uint64_t bytes_per_day = 0;  // of a user's posts, in the mean, as they cost each server that gets them
    std::uint64_t followers = 0;      // of our user
  };
  bool review(const Seen& seen, WallTime now);  // true: it has switched

  enum class Why : std::uint8_t { unknown, below, above, popular };
  [[nodiscard]] FeedMode current() const noexcept { return mode_; }
  [[nodiscard]] Why why() const noexcept { return why_; }
  [[nodiscard]] std::uint64_t load() const noexcept { return load_ / 1000; }      // bytes a second
  [[nodiscard]] std::uint64_t budget() const noexcept { return budget_ / 1000; }  // this server's
  [[nodiscard]] bool has_seen_enough() const noexcept { return count_ >= kLeast; }
  [[nodiscard]] bool wants_to_switch() const noexcept { return wanted_ != mode_; }
  [[nodiscard]] WallTime switched_at() const noexcept { return switched_at_; }  // 1970: never
  [[nodiscard]] WallTime may_switch_at() const noexcept { return switched_at_ + pause_; }

 private:
  static constexpr std::size_t kReviews = 24;
  static constexpr std::size_t kLeast = 3;  // reviews before anything is decided
  [[nodiscard]] std::uint64_t median() const;

  Duration pause_;
  std::uint64_t budget_ = 0;  // as loads in thousandths of a byte per second
  FeedMode mode_ = FeedMode::broadcast;
  FeedMode wanted_ = FeedMode::broadcast;
  WallTime switched_at_;
  Why why_ = Why::unknown;
  bool popular_ = false;
  std::uint64_t load_ = 0;
  std::array<std::uint64_t, kReviews> loads_{};  // a ring
  std::size_t count_ = 0;
  std::size_t next_ = 0;
};

}  // namespace np2p
