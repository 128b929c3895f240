#include "core/feed/follows.h"

#include <algorithm>
#include <set>

#include "core/base/hash.h"
#include "core/wire/extension.h"

namespace np2p {
namespace {

// An unanswered FOLLOW is repeated after the first of these: who does not know yet whether we serve our user refuses
// it and finds out. Then each pause is three times as long as the one before.
constexpr Duration kAnswerTime = 2s;
constexpr Duration kLongestAnswerTime = 10min;
constexpr unsigned kPatience = 2;  // FOLLOWs without an answer; then others are asked what was posted
constexpr unsigned kUnfollows = 3;
constexpr Duration kUrgentLease = 48h;  // what is left of a lease; with less than this it is renewed soon
constexpr Duration kPaced = 20ms;       // for each FOLLOW that goes soon, when they are many
constexpr Duration kLazyAfter = 1min;   // by then guardians have told what was missed
constexpr Duration kMissedUs = 10min;   // who posted while we were away is told within this
constexpr Duration kLazy = 1h;          // and the others within this
constexpr Duration kNewsTime = 10s;     // that we have other guardians: not to all at once
constexpr Duration kBound = 30s;        // after a BIND, which all followers hear of at once
constexpr Duration kUnfollowAgain = 3s;
constexpr Duration kUnfollowLast = 1min;

Duration answer_time(unsigned unanswered) noexcept {
  Duration pause = kAnswerTime;
  for (unsigned i = 1; i < unanswered && pause < kLongestAnswerTime; ++i) pause = pause * 3;
  return std::min(pause, kLongestAnswerTime);
}

}  // namespace

Follows::Follows(const Config& config, Host& host, Overlay& overlay, Positions& positions)
    : config_(config), host_(host), overlay_(overlay), positions_(positions), rng_(config.seed, "follows") {}

Follows::Change Follows::set(const EventPtr& list) {
  has_list_ = static_cast<bool>(list);
  std::set<PubKey> wanted;
  for (std::size_t i = 0; list && i < list->tags.size() && wanted.size() < config_.limits.follows; ++i) {
    if (list->tags[i].name() != "p") continue;
    const auto user = PubKey::parse_hex(list->tags[i].first());
    if (!user) host_.observer.rejected("follow list", error(ErrorCode::bad_field, "a p tag without a public key"), {});
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
    Followee& state = follows_[user];
    if (!check_lazily(user, state)) ask(user, state);
  }
  return change;
}

std::uint64_t Follows::mark_of_guardians() const noexcept {
  std::uint64_t mark = guardians_.size();
  for (const PubKey& guardian : guardians_) mark = combine64(mark, guardian.hash());
  return mark;
}

bool Follows::check_lazily(const PubKey& followee, Followee& state) {
  const auto lease = positions_.lease(followee);
  if (!lease || guardians_.empty() || lease->until < host_.clock.wall() + kUrgentLease) return false;
  const MonoTime now = host_.clock.mono();
  const bool told = lease->told == mark_of_guardians();
  state.registered = true;
  state.lazy = told;
  state.unanswered = 0;
  state.due = now + rng_.between(told ? kLazyAfter : kAnswerTime, told ? kLazy : kNewsTime);
  return true;
}

void Follows::leave(const PubKey& user) {
  if (contains(user) || leaving_.size() >= config_.limits.follows) return;
  const MonoTime now = host_.clock.mono();
  const auto lease = positions_.lease(user);
  const Duration left = lease ? lease->until - host_.clock.wall() : Duration{};
  leaving_.try_emplace(user, Leaving{now, now + std::max(left, config_.limits.follow_lease)});
  say_unfollow();
}

void Follows::say_unfollow() {
  const MonoTime now = host_.clock.mono();
  for (auto& [user, state] : leaving_) {
    if (state.due > now) continue;
    if (overlay_.unicast(user, Channel::extension, encode_extension(Unfollow{config_.owner, next_said()}),
                         Priority::control)) {
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
  at->second.lazy = false;
  const Limits& limits = config_.limits;
  const Duration lease = at->second.told == 0 ? limits.follow_lease : limits.ward_life;
  positions_.set_lease(followee, {host_.clock.wall() + lease, at->second.told});
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
    const bool moved =
        reachable && overlay_.server_of(user) != state.server && (!state.lazy || state.server.has_value());
    if (moved) state.unanswered = 0;
    if (moved || (reachable && !state.reachable && !state.lazy)) ask(user, state);
    // Gone or moved, or only not heard of for long: nobody says which, so it is looked for now and then.
    if (!reachable && state.reachable) state.due = std::min(state.due, host_.clock.mono() + search_pause());
    state.reachable = reachable;
  }
  for (auto& [user, state] : leaving_) {
    if (state.sent == 0 && overlay_.reaches(user)) state.due = std::min(state.due, host_.clock.mono());
  }
}

void Follows::returned() {
  const MonoTime now = host_.clock.mono();
  const Duration soon = std::max(kAnswerTime * 3, kPaced * static_cast<std::int64_t>(follows_.size()));
  for (auto& [user, state] : follows_) {
    if (check_lazily(user, state)) continue;
    state.due = std::min(state.due, now + rng_.between(kAnswerTime, soon));
    state.unanswered = 0;
  }
}

void Follows::missed_us(const PubKey& followee) {
  const auto at = follows_.find(followee);
  if (at == follows_.end() || !at->second.lazy) return;
  at->second.due = std::min(at->second.due, host_.clock.mono() + rng_.between(kLazyAfter, kMissedUs));
}

void Follows::bound(const PubKey& user) {
  const auto at = follows_.find(user);
  if (at == follows_.end()) return;
  at->second.unanswered = 0;
  at->second.due = std::min(at->second.due, host_.clock.mono() + rng_.between(Duration{}, kBound));
}

void Follows::hurry(Duration within) {
  const MonoTime now = host_.clock.mono();
  within = std::max(within, kPaced * static_cast<std::int64_t>(follows_.size()));
  for (auto& [user, state] : follows_) {
    if (state.lazy) state.due = std::min(state.due, now + rng_.between(Duration{}, within));
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

MonoTime Follows::next_due(const PubKey& followee) const {
  const auto at = follows_.find(followee);
  return at == follows_.end() ? kNever : at->second.due;
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
  const Follow message{config_.owner, held.empty() ? 0 : held.front()->created_at, positions_.of(followee), guardians_,
                       next_said()};
  state.registered = state.lazy && state.registered;  // until it does not answer
  state.lazy = false;
  state.told = mark_of_guardians();
  state.reachable = overlay_.unicast(followee, Channel::extension, encode_extension(message), Priority::control);
  state.server = overlay_.server_of(followee);
  if (state.reachable) ++state.unanswered;
  if (!state.reachable || state.unanswered > kPatience) positions_.author_is_away(followee);
  if (!state.reachable) {
    state.due = host_.clock.mono() + search_pause();
    return;
  }
  const Duration pause = answer_time(state.unanswered);
  state.due = host_.clock.mono() + rng_.between(pause * 4 / 5, pause * 6 / 5);
}

// Beyond what we said before a restart.
std::uint64_t Follows::next_said() {
  said_ = std::max(said_ + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(host_.clock.wall().ns, 1)));
  return said_;
}

// Each try may look up where the followee's node is, so they are few.
Duration Follows::search_pause() {
  const Duration pause = config_.limits.follow_lease / 6;
  return rng_.between(pause * 4 / 5, pause * 6 / 5);
}

}  // namespace np2p
