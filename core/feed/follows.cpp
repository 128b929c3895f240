#include "core/feed/follows.h"

#include <algorithm>
#include <set>

#include "core/wire/extension.h"

namespace np2p {
namespace {

// An unanswered FOLLOW is repeated after the first of these: who does not know yet whether we serve our user refuses
// it and finds out. Then each pause is three times as long as the one before.
constexpr Duration kAnswerTime = 2s;
constexpr Duration kLongestAnswerTime = 10min;
constexpr unsigned kUnfollows = 3;
constexpr Duration kNewsTime = 10s;  // that we have other guardians: not to all at once
constexpr Duration kUnfollowAgain = 3s;
constexpr Duration kUnfollowLast = 1min;

Duration answer_time(unsigned unanswered) noexcept {
  Duration pause = kAnswerTime;
  for (unsigned i = 1; i < unanswered && pause < kLongestAnswerTime; ++i) pause = pause * 3;
  return std::min(pause, kLongestAnswerTime);
}

}  // namespace

Follows::Follows(const Config& config, Host& host, Overlay& overlay, const Positions& positions)
    : config_(config), host_(host), overlay_(overlay), positions_(positions), rng_(config.seed, "follows") {}

Follows::Change Follows::set(const EventPtr& list) {
  std::set<PubKey> wanted;
  for (std::size_t i = 0; list && i < list->tags.size() && wanted.size() < config_.limits.follows; ++i) {
    if (list->tags[i].name() != "p") continue;
    const auto user = PubKey::parse_hex(list->tags[i].first());
    if (user && *user != config_.owner) wanted.insert(*user);
  }
  Change change;
  for (const auto& [user, state] : follows_) {
    if (wanted.count(user) == 0) change.removed.push_back(user);
  }
  for (const auto& user : wanted) {
    if (follows_.count(user) == 0) change.added.push_back(user);
  }
  for (const auto& user : change.removed) {
    follows_.erase(user);
    leave(user);
  }
  for (const auto& user : change.added) {
    leaving_.erase(user);
    ask(user, follows_[user]);
  }
  return change;
}

void Follows::leave(const PubKey& user) {
  if (contains(user) || leaving_.size() >= config_.limits.follows) return;
  const MonoTime now = host_.clock.mono();
  leaving_.try_emplace(user, Leaving{now, now + config_.limits.follow_lease});
  say_unfollow();
}

void Follows::say_unfollow() {
  const MonoTime now = host_.clock.mono();
  for (auto& [user, state] : leaving_) {
    if (state.due > now) continue;
    if (overlay_.unicast(user, Channel::extension, encode_extension(Unfollow{config_.owner}), Priority::control)) {
      ++state.sent;
      state.due = now + (state.sent == 1 ? kUnfollowAgain : kUnfollowLast);
    } else {
      state.due = now + kLongestAnswerTime;
    }
  }
  std::erase_if(leaving_,
                [now](const auto& entry) { return entry.second.sent >= kUnfollows || entry.second.until <= now; });
}

void Follows::registered(const PubKey& followee) {
  const auto at = follows_.find(followee);
  if (at == follows_.end()) return;
  at->second.registered = true;
  at->second.unanswered = 0;
  const Duration half = config_.limits.follow_lease / 2;
  at->second.due = host_.clock.mono() + rng_.between(half * 4 / 5, half);
}

void Follows::set_guardians(std::vector<PubKey> guardians) {
  if (guardians == guardians_) return;
  guardians_ = std::move(guardians);
  const MonoTime now = host_.clock.mono();
  for (auto& [user, state] : follows_) state.due = std::min(state.due, now + rng_.between(Duration{}, kNewsTime));
}

std::vector<PubKey> Follows::users() const {
  std::vector<PubKey> users;
  users.reserve(follows_.size());
  for (const auto& [user, state] : follows_) users.push_back(user);
  return users;
}

void Follows::topology_changed() {
  for (auto& [user, state] : follows_) {
    const bool reachable = overlay_.reaches(user);
    const bool moved = reachable && overlay_.server_of(user) != state.server;
    if (moved) state.unanswered = 0;
    if (moved || (reachable && !state.reachable)) ask(user, state);
    // Gone or moved, or only not heard of for long: nobody says which, so it is looked for now and then.
    if (!reachable && state.reachable) state.due = std::min(state.due, host_.clock.mono() + search_pause());
    state.reachable = reachable;
  }
  for (auto& [user, state] : leaving_) {
    if (state.sent == 0 && overlay_.reaches(user)) state.due = std::min(state.due, host_.clock.mono());
  }
}

void Follows::ask_again() {
  const MonoTime now = host_.clock.mono();
  for (auto& [user, state] : follows_) {
    const MonoTime soon = now + rng_.between(kAnswerTime, kAnswerTime * 3);
    state.due = std::min(state.due, soon);
    state.unanswered = 0;
  }
}

void Follows::timer() {
  const MonoTime now = host_.clock.mono();
  for (auto& [user, state] : follows_) {
    if (state.due <= now) ask(user, state);
  }
  say_unfollow();
}

MonoTime Follows::next_due() const {
  MonoTime due = kNever;
  for (const auto& [user, state] : follows_) due = std::min(due, state.due);
  for (const auto& [user, state] : leaving_) due = std::min(due, state.due);
  return due;
}

std::size_t Follows::registered_count() const noexcept {
  std::size_t count = 0;
  for (const auto& [user, state] : follows_) count += state.registered ? 1 : 0;
  return count;
}

void Follows::ask(const PubKey& followee, Followee& state) {
  Filter newest;
  newest.authors = std::vector<PubKey>{followee};
  newest.kinds = std::vector<std::uint32_t>{kind::post, kind::repost};
  newest.limit = 1;
  const auto held = host_.store.query(newest, Order::newest_first);
  const Follow message{config_.owner, held.empty() ? 0 : held.front()->created_at, positions_.of(followee), guardians_};
  state.registered = false;
  state.reachable = overlay_.unicast(followee, Channel::extension, encode_extension(message), Priority::control);
  state.server = overlay_.server_of(followee);
  if (state.reachable) ++state.unanswered;
  if (!state.reachable) {
    state.due = host_.clock.mono() + search_pause();
    return;
  }
  const Duration pause = answer_time(state.unanswered);
  state.due = host_.clock.mono() + rng_.between(pause * 4 / 5, pause * 6 / 5);
}

// Each try may look up where the followee's node is, so they are few.
Duration Follows::search_pause() {
  const Duration pause = config_.limits.follow_lease / 6;
  return rng_.between(pause * 4 / 5, pause * 6 / 5);
}

}  // namespace np2p
