// Who follows our user: registrations with a lease, kept in the store. In follower mode these get our user's posts. Who
// gave no receipt, or had no route, is behind since a number of our stream (own_stream.h) and gets nothing but, now and
// then, word that there is something, until its server pulls.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"

namespace np2p {

class Followers {
 public:
  struct Follower {
    WallTime lease_until;
    std::vector<PubKey> guardians;  // whom this follower names; who take in what is for it, if they have agreed
    std::uint8_t agreed = 0;        // bit by bit: these have said so
    std::uint64_t said = 0;         // number of its last FOLLOW
    WallTime confirm_at{};          // its guardians are not asked before, for the sake of its lease
  };
  struct Behind {
    std::uint64_t after = 0;  // it has our stream up to this number for sure
    MonoTime announce_at;
    unsigned announced = 0;            // times, without an answer
    bool reachable = false;            // at the last look
    bool certain = true;               // false: our server died before it knew
    std::optional<MonoTime> sought{};  // its guardians were
    std::optional<MonoTime> seen{};    // a guardian said so
    WallTime since{};                  // it is behind; kept on disk
  };

  Followers(const Config& config, Host& host);

  void load();
  // Registers or renews; the lease starts now. False: over the limit, or the store cannot keep it. With a guardian that
  // has agreed the lease is as long as it keeps mail for somebody who is away: Limits::ward_life instead of
  // follow_lease. Who is named again has not to agree again.
  bool add(const PubKey& follower, const std::vector<PubKey>& guardians, std::uint64_t said = 0);
  // It is a follower, and has said FOLLOW since it said what has this number.
  [[nodiscard]] bool has_said(const PubKey& follower, std::uint64_t number) const;
  // It is not away, as far as we know.
  [[nodiscard]] bool gets_copies(const PubKey& follower) const;
  bool remove(const PubKey& follower);
  void missed(const PubKey& follower, std::uint64_t after);
  void all_missed(std::uint64_t after);
  void knows(const PubKey& follower);  // all that it lacks, and pulls
  // What comes after this number it may not have heard of yet: it is told soon.
  void knows_until(const PubKey& follower, std::uint64_t seq);
  // As the directory says, of one who is not known to have these: as if its last FOLLOW had named them. False: nothing
  // new.
  bool set_guardians(const PubKey& follower, std::vector<PubKey> guardians);
  [[nodiscard]] bool names(const PubKey& follower, const PubKey& guardian) const;
  [[nodiscard]] bool has_agreed(const PubKey& follower, const PubKey& guardian) const;
  bool agreed(const PubKey& follower, const PubKey& guardian);  // it says so; false: it is not named
  // Whose lease ends soon unless one of the guardians agrees, and nobody has said anything yet.
  [[nodiscard]] std::vector<PubKey> take_unconfirmed() { return std::exchange(unconfirmed_, {}); }
  // Is it time to ask the directory who guards it?
  bool may_seek_guardians(const PubKey& follower);
  // A guardian says that it is there. True: it is behind, and this was not said a moment ago.
  bool shows_up(const PubKey& follower);
  std::vector<PubKey> expire(bool has_moved);  // forgets leases that ended and says whose
  // Whom to tell now that they are behind; the next time is after a growing pause.
  std::vector<PubKey> due(MonoTime now, std::size_t most);
  // Who is behind and comes into reach is told at once. Of very many some are looked at, the next time others.
  void topology_changed(const Overlay& overlay);
  [[nodiscard]] std::optional<MonoTime> next_due() const {
    return calls_.empty() ? std::nullopt : std::optional(calls_.begin()->first);
  }

  [[nodiscard]] bool contains(const PubKey& user) const { return followers_.count(user) != 0; }
  [[nodiscard]] const std::map<PubKey, Follower>& all() const noexcept { return followers_; }
  [[nodiscard]] const std::map<PubKey, Behind>& behind() const noexcept { return behind_; }
  // Of these who are behind longest, and since when; the longest first.
  [[nodiscard]] std::vector<std::pair<PubKey, WallTime>> longest_behind(std::size_t most) const;
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  bool save(const PubKey& follower);
  void call_at(const PubKey& follower, Behind& state, MonoTime at);
  void not_behind(const PubKey& follower);
  [[nodiscard]] WallTime end_of(const Follower& follower, bool has_moved) const;
  [[nodiscard]] WallTime look_at(const Follower& follower, bool has_moved) const;
  void change_guardians(Follower& follower, std::vector<PubKey> guardians);

  const Config& config_;
  Host& host_;
  std::map<PubKey, Follower> followers_;
  std::map<PubKey, Behind> behind_;              // of these
  std::set<std::pair<MonoTime, PubKey>> calls_;  // when these are told
  PubKey looked_at_;                             // of those who are behind, the last
  std::optional<WallTime> first_end_;            // no lease ends before this, and nobody is to be asked;
  bool had_moved_ = false;                       // then
  std::vector<PubKey> unconfirmed_;
};

}  // namespace np2p
