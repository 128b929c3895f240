// Follower mode: FOLLOW registers with the followee's node, and what our user posts goes to those who are registered,
// one copy for each relay that several share (core/overlay/swarm/fanout.h), as parts of a numbered stream
// (core/wire/stream.h). FOLLOW is registered in every mode, so switching modes loses nothing; every event that goes to
// followers or to everybody has a number, and in every mode followers get what only they get (routes.h): other kinds,
// and reactions to what they have.
//
// Nothing is lost: a copy without a receipt makes its receiver one who is behind, which the store remembers, and who is
// told now and then (followers.h); who sees a gap, or hears at a FOLLOW or from an announcement what it lacks, pulls it
// (positions.h). A crash while receipts are out makes all followers be told. What somebody who is away does not take is
// left with its guardians as well (guardians.h).
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/base/token_bucket.h"
#include "core/feed/askers.h"
#include "core/feed/follow_answers.h"
#include "core/feed/followers.h"
#include "core/feed/follows.h"
#include "core/feed/guardians.h"
#include "core/feed/own_stream.h"
#include "core/feed/positions.h"
#include "core/feed/reactions.h"
#include "core/feed/routes.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"
#include "core/wire/extension.h"

namespace np2p {

class Multicast {
 public:
  Multicast(const Config& config, Host& host, Overlay& overlay);

  void load();
  void follow_list_changed();      // in the store
  void bound(const PubKey& user);  // by a BIND that is new here
  // As the user is a writer, is followed, follows or does neither.
  void set_standing(const PubKey& user);
  // Our user's event: it gets its number, and goes to every follower if it does not go to everybody. True for whom a
  // copy is on its way, with a receipt to come.
  void send(const EventPtr& event, const Route& route);
  [[nodiscard]] bool is_sending_to(const PubKey& user) const;
  // What somebody said to a post of our user, which those have who follow them; or that it was taken back.
  void hand_on(const EventPtr& event);
  // Who gave no receipt is behind. Whoever gave one: for which event of our user.
  std::optional<EventId> copied(const CopyOutcome& outcome);

  void follow(const Follow& message, const Delivery& delivery);
  void unfollow(const Unfollow& message, const Delivery& delivery);
  void followed(const Followed& message, const Delivery& delivery);
  void announced(const Announce& message, const Delivery& delivery);
  void pulled(const Pull& message, const Delivery& delivery);
  // A part of somebody's stream, with these events, of which none was refused unless it comes from the author's server.
  void arrived(const StreamPart& part, std::span<const EventId> events, const Delivery& delivery);
  void durable(Ticket ticket);  // registrations that are safe now are answered
  // What is about mail for who is away; the answer: letters for us.
  template <class Message>
  std::vector<Delivery> about_mail(const Message& message, const Delivery& delivery) {
    auto letters = guardians_.on(message, delivery);
    look_for_who_is_back();
    arm();
    return letters;
  }
  void taken(const Delivery& part) { guardians_.taken(part); }  // those letters are in the store

  void found(const GuardiansOf& guardians);  // of a follower, in the directory
  void topology_changed();
  void timer();  // Timer::follow
  void guardians_timer();

  [[nodiscard]] const Followers& followers() const noexcept { return followers_; }
  [[nodiscard]] const Follows& follows() const noexcept { return follows_; }
  [[nodiscard]] const Positions& positions() const noexcept { return positions_; }
  [[nodiscard]] const Guardians& guardians() const noexcept { return guardians_; }
  [[nodiscard]] const OwnStream& stream() const noexcept { return stream_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return followers_.bytes() + follows_.bytes() + positions_.bytes() + heap_bytes(unanswered_) + reactions_.bytes() +
           heap_bytes(copies_) + guardians_.bytes() + follow_answers_.bytes() + pullers_.bytes();
  }

 private:
  bool may_speak(std::string_view what, const PubKey& user, const Delivery& delivery);
  void send_part(const StreamPart& part, const std::vector<PubKey>& to, const std::optional<EventId>& event);
  // Parts with the events of these numbers, as many as fit.
  std::vector<StreamPart> parts(std::uint64_t after, std::uint64_t until);
  StreamNews news_after(std::uint64_t after);
  struct Asked {
    std::optional<StreamPosition> position;
    FollowAnswers::From from{};
  };
  void answer(const PubKey& follower, const Asked& asked);
  [[nodiscard]] std::vector<EventPtr> profile_beside(const StreamNews& news);
  void send_reactions();
  void announce();
  void settle();
  void leave_what_was_missed();
  void look_for_guardians();
  void look_for_who_is_back();
  void wake(MonoTime at);
  void arm();

  const Config& config_;
  Host& host_;
  Overlay& overlay_;
  Askers pullers_;
  OwnStream stream_;
  Positions positions_;
  Followers followers_;
  Follows follows_;
  Guardians guardians_;
  Reactions reactions_;
  TokenBucket history_bytes_;
  FollowAnswers follow_answers_;
  bool is_loading_ = false;
  std::optional<MonoTime> woken_at_;  // the timer is armed
  std::optional<MonoTime> leave_at_;  // what was not left with guardians before we stopped
  struct Copies {
    std::uint64_t tag = 0;
    std::uint64_t after = 0;       // the stream until then: from when on those are behind who give no receipt
    std::optional<EventId> event;  // of our user
    MonoTime until;                // receipts are awaited
  };
  std::deque<Copies> copies_;                             // whose receipts may still come, oldest first
  std::map<Ticket, std::map<PubKey, Asked>> unanswered_;  // FOLLOWs
  std::size_t unanswered_count_ = 0;
};

}  // namespace np2p
