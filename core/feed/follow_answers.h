// Which FOLLOWs are heard, and with how much they are answered. Anybody may say FOLLOW as often as he likes, under as
// many keys as he likes to make, and each answer is ten times as long as the question. So there is a budget of bytes
// for each follower, one for all who are registered and one for all who are not yet: whoever floods under one key uses
// up his own, and whoever does under many does not keep away those who are there. FOLLOWs older than the newest, which
// somebody may have recorded, have a budget of their own. Who is not heard says it again (follows.h).
#pragma once

#include <cstdint>

#include "core/base/limits.h"
#include "core/base/token_bucket.h"
#include "core/feed/askers.h"

namespace np2p {

class FollowAnswers {
 public:
  enum class From : std::uint8_t { newcomer, follower, recording };  // recording: as old as one that came before

  explicit FollowAnswers(const Limits& limits)
      : limits_(limits),
        said_(limits, limits.follow_answer_bytes_per_second, limits.follow_answer_bytes_burst),
        recorded_(limits, limits.follow_answer_bytes_per_second, limits.follow_answer_bytes_burst),
        renewals_(limits.renewal_bytes_per_second, limits.renewal_bytes_burst),
        newcomers_(limits.newcomer_bytes_per_second, limits.newcomer_bytes_burst) {}

  // Before anything is read or written for it. Null: it is heard, and gets a short answer at least; else why not.
  const char* refusal(const PubKey& follower, From from, MonoTime now) {
    if (!(from == From::recording ? recorded_ : said_).may_get(follower, kShort, now))
      return "too many of one follower";
    if (!all(from).take(now, kShort)) return "too many of all followers";
    return nullptr;
  }
  // So many bytes more: the ids of what is recent, and the profile. Newcomers get these as long as half of their burst
  // is there; what comes after is for short answers.
  bool may_get_more(const PubKey& follower, From from, std::uint32_t bytes, MonoTime now) {
    const std::uint32_t kept = from == From::newcomer ? limits_.newcomer_bytes_burst / 2 : 0;
    if (all(from).wait(now, kept + bytes) > Duration{}) return false;
    return (from == From::recording ? recorded_ : said_).may_get(follower, bytes, now) && all(from).take(now, bytes);
  }

  [[nodiscard]] std::size_t bytes() const noexcept { return said_.bytes() + recorded_.bytes(); }

  static constexpr std::uint32_t kShort = 320;  // bytes of the shortest answer: a head, and three guardians

 private:
  TokenBucket& all(From from) noexcept { return from == From::newcomer ? newcomers_ : renewals_; }

  const Limits& limits_;
  Askers said_;
  Askers recorded_;
  TokenBucket renewals_;
  TokenBucket newcomers_;
};

}  // namespace np2p
