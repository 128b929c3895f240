#include "core/feed/multicast.h"

#include <algorithm>

#include "core/feed/packets.h"

namespace np2p {
namespace {

constexpr Duration kSettle = 1s;         // after a change of the topology: more changes follow, look once
constexpr Duration kLeaseCheck = 10min;  // how often ended leases are looked for

}  // namespace

bool speaks_for(const Delivery& delivery, const PubKey& user) noexcept {
  return mesh_name(delivery.source) == mesh_name(user);
}

Multicast::Multicast(const Config& config, Host& host, Overlay& overlay, Askers& askers)
    : config_(config),
      host_(host),
      overlay_(overlay),
      askers_(askers),
      followers_(config, host),
      follows_(config, host, overlay) {}

void Multicast::load() {
  followers_.load();
  Filter own_list;
  own_list.authors = std::vector<PubKey>{config_.owner};
  own_list.kinds = std::vector<std::uint32_t>{kind::follow_list};
  own_list.limit = 1;
  const auto lists = host_.store.query(own_list, Order::newest_first);
  if (!lists.empty()) follows_.set(lists.front());
  arm();
}

void Multicast::new_follow_list(const EventPtr& list) {
  const Follows::Change change = follows_.set(list);
  for (const auto& user : change.added) set_standing(user);
  for (const auto& user : change.removed) set_standing(user);
  arm();
}

void Multicast::send(const EventPtr& post) {
  const Frame packet = encode_events({&post, 1});
  for (const auto& [follower, state] : followers_.all()) {
    // Who is behind gets this one with the rest, in order.
    if (state.behind_since || !overlay_.unicast(follower, Channel::packets, packet, Priority::post)) {
      followers_.missed(follower, post->created_at);
    }
  }
}

void Multicast::follow(const Follow& message, const Delivery& delivery) {
  if (!speaks_for(delivery, message.follower) || message.follower == config_.owner) {
    host_.observer.rejected("follow", error(ErrorCode::forbidden, "a follow for somebody else"), delivery.link);
    return;
  }
  if (unanswered_count_ >= config_.limits.unacknowledged) {  // it will come again
    host_.observer.rejected("follow", error(ErrorCode::full, "too much waits for the disk"), delivery.link);
    return;
  }
  const bool known = followers_.contains(message.follower);
  if (!followers_.add(message.follower)) {
    host_.observer.rejected("follow", error(ErrorCode::full, "no room for another follower"), delivery.link);
    return;
  }
  if (!known) set_standing(message.follower);
  unanswered_count_ +=
      unanswered_[host_.store.flush()].insert_or_assign(message.follower, message.since).second ? 1 : 0;
  durable(host_.store.durable());
}

void Multicast::unfollow(const Unfollow& message, const Delivery& delivery) {
  if (!speaks_for(delivery, message.follower)) {
    host_.observer.rejected("unfollow", error(ErrorCode::forbidden, "an unfollow for somebody else"), delivery.link);
    return;
  }
  if (followers_.remove(message.follower)) set_standing(message.follower);
}

void Multicast::followed(const Followed& message, const Delivery& delivery) {
  if (!speaks_for(delivery, message.followee)) {
    host_.observer.rejected("followed", error(ErrorCode::forbidden, "an answer for somebody else"), delivery.link);
    return;
  }
  follows_.registered(message.followee);
  arm();
}

void Multicast::durable(Ticket ticket) {
  while (!unanswered_.empty() && unanswered_.begin()->first <= ticket) {
    for (const auto& [follower, since] : unanswered_.begin()->second) {
      overlay_.unicast(follower, Channel::extension, encode_extension(Followed{config_.owner}), Priority::control);
      if (send_history(follower, since)) followers_.caught_up(follower);
    }
    unanswered_count_ -= unanswered_.begin()->second.size();
    unanswered_.erase(unanswered_.begin());
  }
}

bool Multicast::send_history(const PubKey& follower, std::int64_t since) {
  Filter recent;
  recent.authors = std::vector<PubKey>{config_.owner};
  recent.kinds = std::vector<std::uint32_t>{kind::profile, kind::post, kind::repost};
  recent.since = since;
  recent.limit = config_.limits.follower_history;
  auto posts = host_.store.query(recent, Order::newest_first);
  keep_what_fits(posts, config_.limits.answered_bytes);
  if (!posts.empty() &&
      !askers_.may_get(follower, static_cast<std::uint32_t>(bytes_at_most(posts)), host_.clock.mono())) {
    followers_.missed(follower, since);  // gets it later
    return false;
  }
  std::reverse(posts.begin(), posts.end());
  for (const Frame& packet : encode_packets(posts, config_.limits)) {
    if (!overlay_.unicast(follower, Channel::packets, packet, Priority::bulk)) return false;
  }
  return overlay_.reaches(follower);
}

void Multicast::topology_changed() {
  host_.timers.arm(Timer::follow, host_.clock.mono() + kSettle);
}

void Multicast::timer() {
  follows_.topology_changed();
  follows_.timer();
  for (const PubKey& user : followers_.expire()) set_standing(user);
  std::vector<std::pair<PubKey, std::int64_t>> back;
  for (const auto& [follower, state] : followers_.all()) {
    if (state.behind_since && overlay_.reaches(follower)) back.emplace_back(follower, *state.behind_since);
  }
  for (const auto& [follower, since] : back) {
    if (send_history(follower, since)) followers_.caught_up(follower);
  }
  arm();
}

void Multicast::set_standing(const PubKey& user) {
  const Standing standing = user == config_.owner       ? Standing::owner
                            : follows_.contains(user)   ? Standing::followed
                            : followers_.contains(user) ? Standing::follower
                                                        : Standing::stranger;
  host_.store.set_standing(user, standing);
}

void Multicast::arm() {
  if (follows_.size() == 0 && followers_.all().empty()) return;
  host_.timers.arm(Timer::follow, std::min(follows_.next_due(), host_.clock.mono() + kLeaseCheck));
}

}  // namespace np2p
