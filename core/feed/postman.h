// What an author's server does for followers who are away: what such a one does not take it leaves with the first of
// the guardians that the follower named and that have agreed to be that (consents.h), or the second, or the third,
// until one says that it is durable there; and then, at leisure, with one more of them, because one may die, or say so
// and drop it. One message serves all who share a guardian. What nobody takes in the end stays with the author: the
// follower is behind (followers.h) and hears from the author itself.
//
// Who is away shows when a copy gets no receipt: what goes out from then on is left at once, until the follower speaks
// again. What waits here does not survive a restart.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/feed/consents.h"
#include "core/feed/followers.h"
#include "core/feed/mail_post.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"

namespace np2p {

// A payload for followers, under the number of the last event in it (core/wire/stream.h).
struct Posting {
  std::uint64_t incarnation = 0;
  std::uint64_t seq = 0;
  Channel channel = Channel::stream;
  Frame payload;
};

class Postman {
 public:
  Postman(const Config& config, Host& host, const Followers& followers, Consents& consents, MailPost post);

  // It went out as copies; of those whose receipts are missing missed() will tell. Remembered for a while.
  void sent(const Posting& posting);
  void missed(std::uint64_t tag, const PubKey& follower);
  void absent(const PubKey& follower);
  void forget(const PubKey& user);                                                    // who follows our user no longer
  [[nodiscard]] std::vector<PubKey> take_seen() { return std::exchange(seen_, {}); }  // are back, a guardian says
  [[nodiscard]] std::vector<PubKey> take_lost() { return std::exchange(lost_, {}); }  // no guardian takes their mail
  void received(const PubKey& follower);  // a receipt, or any other word of it
  [[nodiscard]] bool is_away(const PubKey& follower) const { return away_.count(follower) != 0; }

  // To the guardians of those of the followers that have named some.
  void leave(const Posting& posting, const std::vector<PubKey>& followers);

  void consented(const std::vector<PubKey>& wards);  // it is known of a guardian of theirs
  void on(const Mailed& message, const Delivery& from);
  [[nodiscard]] std::optional<MonoTime> next_due() const;
  void due(MonoTime now);
  [[nodiscard]] std::size_t unposted() const noexcept;  // payloads that no guardian has for some ward
  [[nodiscard]] std::uint64_t posted() const noexcept { return posted_; }  // follower by follower
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Waiting {
    std::uint8_t guardian = 0;  // of those it named
    std::uint8_t tries = 0;     // with that one
    std::uint8_t rounds = 0;    // through all of them
    MonoTime due;
    std::optional<PubKey> kept_by{};  // the first of two; the other one has time
    bool asked = false;               // whether that guardian has agreed, and not known yet
  };
  struct Parcel {
    Posting posting;
    std::map<PubKey, Waiting> waiting;  // by ward
    MonoTime due;                       // nothing is to be done before this
  };
  struct Sent {
    Posting posting;
    std::uint64_t tag = 0;
    MonoTime at;
  };
  void attempt(Parcel& parcel, MonoTime now);
  bool next_guardian(const PubKey& ward, Waiting& waiting);  // false: there is none left
  [[nodiscard]] bool make_room(std::size_t bytes);
  [[nodiscard]] static bool is_posted(const Parcel& parcel);  // one guardian has it for each of the wards
  using Parcels = std::map<std::pair<std::uint64_t, std::uint64_t>, Parcel>;  // by incarnation and number
  Parcels::iterator erase(Parcels::iterator parcel);
  void forget_sent(MonoTime now);

  const Config& config_;
  Host& host_;
  const Followers& followers_;
  Consents& consents_;
  MailPost post_;
  std::deque<Sent> sent_;  // oldest first
  std::size_t sent_bytes_ = 0;
  std::set<PubKey> away_;
  std::vector<PubKey> seen_;
  std::vector<PubKey> lost_;
  Parcels parcels_;
  std::size_t parcel_bytes_ = 0;
  std::uint64_t posted_ = 0;
};

}  // namespace np2p
