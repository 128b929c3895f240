#include "core/feed/multicast.h"

#include <algorithm>

#include "core/feed/packets.h"

namespace np2p {
namespace {

constexpr Duration kSettle = 1s;          // after a change of the topology: more changes follow, look once
constexpr Duration kLeaseCheck = 10min;   // how often ended leases are looked for
constexpr Duration kShareTime = 10s;      // whoever had a share of bytes gets another one after this
constexpr Duration kOldestReaction = 1h;  // that makes a follower one who is behind
constexpr std::size_t kCopies = 4096;     // whose receipts may still come: those of half a minute

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
      follows_(config, host, overlay),
      reactions_(config.limits),
      history_bytes_(config.limits.follower_bytes_per_second, config.limits.follower_bytes_burst) {}

void Multicast::load() {
  followers_.load();
  follow_list_changed();
}

void Multicast::follow_list_changed() {
  Filter own_list;
  own_list.authors = std::vector<PubKey>{config_.owner};
  own_list.kinds = std::vector<std::uint32_t>{kind::follow_list};
  own_list.limit = 1;
  const auto lists = host_.store.query(own_list, Order::newest_first);
  const Follows::Change change = follows_.set(lists.empty() ? EventPtr() : lists.front());
  for (const auto& user : change.added) set_standing(user);
  for (const auto& user : change.removed) set_standing(user);
  arm();
}

void Multicast::send(const EventPtr& event, const Route& route) {
  std::vector<PubKey> to;
  for (const auto& [follower, state] : followers_.all()) {
    if (route.named.count(follower) != 0) continue;
    // Who is behind gets this one with the rest, in order.
    if (!(state.behind_since && route.stored)) to.push_back(follower);
  }
  send_copies(to, encode_events({&event, 1}), Priority::post,
              route.stored ? std::optional(event->created_at) : std::nullopt);
}

bool Multicast::send_copies(const std::vector<PubKey>& to, const Frame& packet, Priority priority,
                            std::optional<std::int64_t> missed_since) {
  if (to.empty()) return true;
  if (missed_since) {
    if (copies_.size() >= kCopies) copies_.erase(copies_.begin());
    copies_.push_back({copy_tag(packet), *missed_since});
  }
  const Assurance assurance = missed_since ? Assurance::receipts : Assurance::once;
  const auto without = overlay_.copies(to, Channel::packets, packet, priority, assurance);
  for (const PubKey& follower : without) {
    if (missed_since) followers_.missed(follower, *missed_since);
  }
  return without.empty();
}

void Multicast::copied(const CopyOutcome& outcome) {
  if (outcome.received) return;
  for (const Copies& one : copies_) {
    if (one.tag == outcome.tag) followers_.missed(outcome.user, one.since);
  }
  const MonoTime soon = host_.clock.mono() + kShareTime;
  more_due_ = more_due_ ? std::min(*more_due_, soon) : soon;
  arm();
}

void Multicast::hand_on(const EventPtr& event) {
  if (followers_.all().empty()) return;
  if (!reactions_.add(event, host_.clock.mono(), followers_.all().size())) {
    host_.observer.rejected("reaction", error(ErrorCode::rate_limited, "too many reactions for the followers"), {});
  }
  arm();
}

void Multicast::send_reactions() {
  const std::vector<EventPtr> batch = reactions_.take(host_.clock.mono(), host_.store);
  if (batch.empty()) return;
  const auto packets = encode_packets(batch, config_.limits);
  const PubKey& first = batch.front()->pubkey;
  const bool of_one =
      std::all_of(batch.begin(), batch.end(), [&](const EventPtr& event) { return event->pubkey == first; });
  std::int64_t oldest = batch.front()->created_at;
  for (const EventPtr& event : batch) oldest = std::min(oldest, event->created_at);
  // A time that somebody invented must not bring years of history back to everybody who is away.
  oldest = std::max(oldest, unix_seconds(host_.clock.wall() - kOldestReaction));
  std::vector<PubKey> to;
  for (const auto& [follower, state] : followers_.all()) {
    if (of_one && follower == first) continue;
    state.behind_since ? followers_.missed(follower, oldest) : to.push_back(follower);
  }
  for (const Frame& packet : packets) send_copies(to, packet, Priority::post, oldest);
}

// Who takes our user's posts, or gives them up, must be the node that serves the follower; else anybody could bury or
// cut off others. While the overlay does not know yet it refuses, and finds out; FOLLOW and UNFOLLOW come again.
bool Multicast::may_speak(std::string_view what, const PubKey& user, const Delivery& delivery) {
  if (speaks_for(delivery, user) && delivery.from_server && user != config_.owner) return true;
  host_.observer.rejected(what, error(ErrorCode::forbidden, "not from the server of whom it speaks for"),
                          delivery.link);
  return false;
}

void Multicast::follow(const Follow& message, const Delivery& delivery) {
  if (!may_speak("follow", message.follower, delivery)) return;
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
  arm();  // the lease will end
  const Asked asked{message.since, known};
  unanswered_count_ += unanswered_[host_.store.flush()].insert_or_assign(message.follower, asked).second ? 1 : 0;
  durable(host_.store.durable());
}

void Multicast::unfollow(const Unfollow& message, const Delivery& delivery) {
  if (!may_speak("unfollow", message.follower, delivery)) return;
  if (followers_.remove(message.follower)) set_standing(message.follower);
}

void Multicast::followed(const Followed& message, const Delivery& delivery) {
  if (!may_speak("followed", message.followee, delivery)) return;
  follows_.registered(message.followee);
  follows_.leave(message.followee);
  arm();
}

void Multicast::durable(Ticket ticket) {
  while (!unanswered_.empty() && unanswered_.begin()->first <= ticket) {
    for (const auto& [follower, asked] : unanswered_.begin()->second) {
      overlay_.unicast(follower, Channel::extension, encode_extension(Followed{config_.owner}), Priority::control);
      const bool was_away = asked.known && asked.since > 0;  // a broadcast may have passed it by
      // It may have got something newer than what it missed.
      const auto state = followers_.all().find(follower);
      const auto behind = state == followers_.all().end() ? std::nullopt : state->second.behind_since;
      const std::int64_t since = was_away && behind ? std::min(asked.since, *behind) : asked.since;
      send_history(
          follower, since,
          was_away ? missed_history(since, config_, host_.store) : recent_history(since, config_, host_.store));
      if (!was_away && behind) followers_.missed(follower, *behind);
    }
    unanswered_count_ -= unanswered_.begin()->second.size();
    unanswered_.erase(unanswered_.begin());
  }
}

void Multicast::send_history(const PubKey& follower, std::int64_t since, const History& history) {
  const MonoTime now = host_.clock.mono();
  // A part with many events of one second may be larger than any budget; it counts as a full answer then.
  const auto bytes = static_cast<std::uint32_t>(std::min(bytes_at_most(history.events), config_.limits.answered_bytes));
  if (bytes > 0 && (!askers_.may_get(follower, bytes, now) || !history_bytes_.take(now, bytes))) {
    followers_.missed(follower, since);
    more_due_ = now + kShareTime;
    arm();
    return;
  }
  for (const Frame& packet : encode_packets(history.events, config_.limits)) {
    if (!send_copies({follower}, packet, Priority::bulk, since)) return;
  }
  if (!history.rest_since) return followers_.caught_up(follower);  // unless a receipt is missing in the end
  followers_.has_until(follower, *history.rest_since);
  more_due_ = more_due_ ? std::min(*more_due_, now + kSettle) : now + kSettle;
  arm();
}

void Multicast::topology_changed() {
  wake(host_.clock.mono() + kSettle);
}

void Multicast::timer() {
  woken_at_.reset();
  follows_.topology_changed();
  follows_.timer();
  for (const PubKey& user : followers_.expire()) set_standing(user);
  send_reactions();
  serve_those_behind();
  arm();
}

void Multicast::serve_those_behind() {
  more_due_.reset();
  std::vector<std::pair<PubKey, std::int64_t>> back;
  for (const auto& [follower, state] : followers_.all()) {
    if (state.behind_since && overlay_.reaches(follower)) back.emplace_back(follower, *state.behind_since);
  }
  for (const auto& [follower, since] : back) {
    send_history(follower, since, missed_history(since, config_, host_.store));
  }
}

void Multicast::set_standing(const PubKey& user) {
  const Standing standing = user == config_.owner       ? Standing::owner
                            : follows_.contains(user)   ? Standing::followed
                            : followers_.contains(user) ? Standing::follower
                                                        : Standing::stranger;
  host_.store.set_standing(user, standing);
}

// The timer rings no later than that: news that comes all the time must not put it off for ever.
void Multicast::wake(MonoTime at) {
  if (woken_at_ && *woken_at_ <= at) return;
  woken_at_ = at;
  host_.timers.arm(Timer::follow, at);
}

void Multicast::arm() {
  MonoTime due = follows_.next_due();
  if (due == Follows::kNever && followers_.all().empty()) return;
  due = std::min(due, host_.clock.mono() + kLeaseCheck);
  if (more_due_) due = std::min(due, *more_due_);
  if (reactions_.due()) due = std::min(due, *reactions_.due());
  wake(due);
}

}  // namespace np2p
