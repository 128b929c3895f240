#include "core/feed/followers.h"

#include <string>

#include "core/feed/persist.h"

namespace np2p {

Followers::Followers(const Config& config, Host& host) : config_(config), host_(host) {}

void Followers::load() {
  host_.store.each_value(Table::followers, [&](std::string_view key, std::string_view value) {
    const auto follower = PubKey::from(bytes_of(key));
    const auto lease = take_u64(value);
    if (!follower || !lease || followers_.size() >= config_.limits.followers) return;
    Follower state;
    state.lease_until = WallTime{static_cast<std::int64_t>(*lease)};
    if (const auto behind = take_u64(value)) state.behind_since = static_cast<std::int64_t>(*behind);
    followers_.emplace(*follower, state);
  });
}

bool Followers::add(const PubKey& follower) {
  auto at = followers_.find(follower);
  if (at == followers_.end()) {
    if (followers_.size() >= config_.limits.followers) return false;
    at = followers_.emplace(follower, Follower{}).first;
  }
  at->second.lease_until = host_.clock.wall() + config_.limits.follow_lease;
  if (save(follower, at->second)) return true;
  followers_.erase(at);  // what would be gone after a restart is not promised
  return false;
}

bool Followers::remove(const PubKey& follower) {
  if (followers_.erase(follower) == 0) return false;
  host_.store.erase_value(Table::followers, text_of(follower.view()));
  return true;
}

void Followers::missed(const PubKey& follower, std::int64_t created_at) {
  const auto at = followers_.find(follower);
  if (at == followers_.end()) return;
  auto& behind = at->second.behind_since;
  if (behind && *behind <= created_at) return;
  behind = created_at;
  save(follower, at->second);
}

void Followers::has_until(const PubKey& follower, std::int64_t created_at) {
  const auto at = followers_.find(follower);
  if (at == followers_.end() || at->second.behind_since == created_at) return;
  at->second.behind_since = created_at;
  save(follower, at->second);
}

void Followers::caught_up(const PubKey& follower) {
  const auto at = followers_.find(follower);
  if (at == followers_.end() || !at->second.behind_since) return;
  at->second.behind_since.reset();
  save(follower, at->second);
}

std::vector<PubKey> Followers::expire() {
  std::vector<PubKey> ended;
  const WallTime now = host_.clock.wall();
  for (auto at = followers_.begin(); at != followers_.end();) {
    const bool over = at->second.lease_until < now;
    if (over) {
      host_.store.erase_value(Table::followers, text_of(at->first.view()));
      ended.push_back(at->first);
    }
    at = over ? followers_.erase(at) : std::next(at);
  }
  return ended;
}

bool Followers::save(const PubKey& follower, const Follower& state) {
  std::string value;
  append_u64(value, static_cast<std::uint64_t>(state.lease_until.ns));
  if (state.behind_since) append_u64(value, static_cast<std::uint64_t>(*state.behind_since));
  return host_.store.set_value(Table::followers, text_of(follower.view()), value);
}

}  // namespace np2p
