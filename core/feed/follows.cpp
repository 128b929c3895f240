#include "core/feed/follows.h"

#include <algorithm>
#include <set>

#include "core/wire/extension.h"

namespace np2p {
namespace {

constexpr Duration kAnswerTime = 30s;  // an unanswered FOLLOW is repeated after this
constexpr MonoTime kNever{INT64_MAX};

}  // namespace

Follows::Follows(const Config& config, Host& host, Overlay& overlay)
    : config_(config), host_(host), overlay_(overlay), rng_(config.seed, "follows") {}

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
    overlay_.unicast(user, Channel::extension, encode_extension(Unfollow{config_.owner}), Priority::control);
  }
  for (const auto& user : change.added) ask(user, follows_[user]);
  return change;
}

void Follows::registered(const PubKey& followee) {
  const auto at = follows_.find(followee);
  if (at == follows_.end()) return;
  at->second.registered = true;
  const Duration half = config_.limits.follow_lease / 2;
  at->second.due = host_.clock.mono() + rng_.between(half * 4 / 5, half);
}

void Follows::topology_changed() {
  for (auto& [user, state] : follows_) {
    const bool reachable = overlay_.reaches(user);
    if (reachable && !state.reachable) ask(user, state);
    state.reachable = reachable;
  }
}

void Follows::timer() {
  const MonoTime now = host_.clock.mono();
  for (auto& [user, state] : follows_) {
    if (state.due <= now) ask(user, state);
  }
}

MonoTime Follows::next_due() const {
  MonoTime due = kNever;
  for (const auto& [user, state] : follows_) due = std::min(due, state.due);
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
  const Follow message{config_.owner, held.empty() ? 0 : held.front()->created_at};
  state.registered = false;
  state.reachable = overlay_.unicast(followee, Channel::extension, encode_extension(message), Priority::control);
  // Without a route only a change of the topology helps; look again much later in any case.
  const Duration pause = state.reachable ? kAnswerTime : config_.limits.follow_lease / 2;
  state.due = host_.clock.mono() + rng_.between(pause * 4 / 5, pause * 6 / 5);
}

}  // namespace np2p
