// Follower mode, its first form: FOLLOW registers with the followee's node, and the author sends each post to each
// follower directly. FOLLOW is registered in every mode, so switching modes loses nothing.
#pragma once

#include <map>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/feed/askers.h"
#include "core/feed/followers.h"
#include "core/feed/follows.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"
#include "core/wire/extension.h"

namespace np2p {

class Multicast {
 public:
  Multicast(const Config& config, Host& host, Overlay& overlay, Askers& askers);

  void load();
  void new_follow_list(const EventPtr& list);
  // Our user's post to every follower; who has no route is remembered as behind.
  void send(const EventPtr& post);

  void follow(const Follow& message, const Delivery& delivery);
  void unfollow(const Unfollow& message, const Delivery& delivery);
  void followed(const Followed& message, const Delivery& delivery);
  void durable(Ticket ticket);  // registrations that are safe now are answered

  void topology_changed();
  void timer();  // Timer::follow

  [[nodiscard]] const Followers& followers() const noexcept { return followers_; }
  [[nodiscard]] const Follows& follows() const noexcept { return follows_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return followers_.bytes() + follows_.bytes() + heap_bytes(unanswered_);
  }

 private:
  // Our user's posts from `since` on, the newest follower_history of them that fit into an answer. False: no route, or
  // more than its share of bytes; then it is remembered as behind.
  bool send_history(const PubKey& follower, std::int64_t since);
  void set_standing(const PubKey& user);
  void arm();

  const Config& config_;
  Host& host_;
  Overlay& overlay_;
  Askers& askers_;
  Followers followers_;
  Follows follows_;
  std::map<Ticket, std::map<PubKey, std::int64_t>> unanswered_;  // followers, and since when they want posts
  std::size_t unanswered_count_ = 0;
};

// A claim may speak only for itself: on the mesh the low 48 bits of the source must be those of the user it names.
bool speaks_for(const Delivery& delivery, const PubKey& user) noexcept;

}  // namespace np2p
