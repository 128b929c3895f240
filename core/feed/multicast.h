// Follower mode, its first form: FOLLOW registers with the followee's node, and the author sends each post to each
// follower directly. FOLLOW is registered in every mode, so switching modes loses nothing, and in every mode followers
// get what only they get (routes.h): other kinds, and reactions to what they have.
#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/base/token_bucket.h"
#include "core/feed/askers.h"
#include "core/feed/followers.h"
#include "core/feed/follows.h"
#include "core/feed/history.h"
#include "core/feed/reactions.h"
#include "core/feed/routes.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"
#include "core/wire/extension.h"

namespace np2p {

class Multicast {
 public:
  Multicast(const Config& config, Host& host, Overlay& overlay, Askers& askers);

  void load();
  void follow_list_changed();  // in the store
  // Our user's event to every follower; who has no route is remembered as behind, if the event is stored. Whom the
  // outbox sends it to gets it from there.
  void send(const EventPtr& event, const Route& route);
  // What somebody said to a post of our user, which those have who follow them; or that it was taken back.
  void hand_on(const EventPtr& event);

  void copied(const CopyOutcome& outcome);  // who gave no receipt is behind

  void follow(const Follow& message, const Delivery& delivery);
  void unfollow(const Unfollow& message, const Delivery& delivery);
  void followed(const Followed& message, const Delivery& delivery);
  void durable(Ticket ticket);  // registrations that are safe now are answered

  void topology_changed();
  void timer();  // Timer::follow

  [[nodiscard]] const Followers& followers() const noexcept { return followers_; }
  [[nodiscard]] const Follows& follows() const noexcept { return follows_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return followers_.bytes() + follows_.bytes() + heap_bytes(unanswered_) + reactions_.bytes() + heap_bytes(copies_);
  }

 private:
  bool may_speak(std::string_view what, const PubKey& user, const Delivery& delivery);
  // Sends it; who has no route, or got more than a share of bytes, is remembered as behind.
  void send_history(const PubKey& follower, std::int64_t since, const History& history);
  // False: somebody has no route. Who gives no receipt in the end is behind since then, too.
  bool send_copies(const std::vector<PubKey>& to, const Frame& packet, Priority priority,
                   std::optional<std::int64_t> missed_since);
  void send_reactions();
  void serve_those_behind();
  void set_standing(const PubKey& user);
  void wake(MonoTime at);
  void arm();

  const Config& config_;
  Host& host_;
  Overlay& overlay_;
  Askers& askers_;
  Followers followers_;
  Follows follows_;
  Reactions reactions_;
  TokenBucket history_bytes_;
  std::optional<MonoTime> woken_at_;  // the timer is armed
  std::optional<MonoTime> more_due_;  // who is behind gets another part
  struct Asked {
    std::int64_t since;  // when they want posts
    bool known;          // registered before
  };
  struct Copies {
    std::uint64_t tag = 0;
    std::int64_t since = 0;  // from when on those are behind who give no receipt
  };
  std::vector<Copies> copies_;                            // the last ones, oldest first
  std::map<Ticket, std::map<PubKey, Asked>> unanswered_;  // FOLLOWs
  std::size_t unanswered_count_ = 0;
};

// A claim may speak only for itself: on the mesh the low 48 bits of the source must be those of the user it names.
bool speaks_for(const Delivery& delivery, const PubKey& user) noexcept;

}  // namespace np2p
