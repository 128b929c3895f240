#include "core/feed/followers.h"

#include <algorithm>
#include <string>

#include "core/feed/persist.h"
#include "core/wire/extension.h"

namespace np2p {
namespace {

constexpr std::uint64_t kNotBehind = UINT64_MAX;
constexpr Duration kSoon = 5s;
constexpr std::size_t kLooks = 1000;  // at who is behind, each time
constexpr Duration kSeekAgain = 6h;   // who guards somebody
constexpr Duration kSeen = 1min;      // of two signs within this the second says nothing new
constexpr Duration kConfirm = 6h;     // before the end of a lease; who is there renews it earlier
constexpr Duration kConfirmAgain = 1h;
constexpr Duration kGrace = 3h;  // after a start: those who would stay if a guardian agreed, which is asked
constexpr Duration kPauses[] = {10s, 30s, 60s, 5min, 10min, 1h, 6h};  // between announcements

}  // namespace

Followers::Followers(const Config& config, Host& host) : config_(config), host_(host) {}

void Followers::load() {
  const MonoTime now = host_.clock.mono();
  const Duration longer = config_.limits.ward_life - config_.limits.follow_lease;
  host_.store.each_value(Table::followers, [&](std::string_view key, std::string_view value) {
    const auto follower = PubKey::from(bytes_of(key));
    const auto lease = take_u64(value);
    const auto behind = take_u64(value);
    if (!follower || !behind || followers_.size() >= config_.limits.followers) return;
    Follower state;
    state.lease_until = WallTime{static_cast<std::int64_t>(*lease)};
    if (*behind != kNotBehind) call_at(*follower, behind_.emplace(*follower, Behind{*behind, now}).first->second, now);
    for (; value.size() >= PubKey::size && state.guardians.size() < kMostGuardians; value.remove_prefix(PubKey::size)) {
      state.guardians.push_back(*PubKey::from(bytes_of(value.substr(0, PubKey::size))));
    }
    state.said = take_u64(value).value_or(0);  // an earlier version wrote none
    const auto agreed = take_u64(value);       // likewise, and took all of them at their word
    state.agreed = static_cast<std::uint8_t>(agreed.value_or(0) & ((1u << state.guardians.size()) - 1));
    if (!agreed && !state.guardians.empty()) state.lease_until = state.lease_until - longer;
    if (!state.guardians.empty() && state.agreed == 0) {
      const WallTime at_least = std::min(state.lease_until + longer, host_.clock.wall() + kGrace);
      state.lease_until = std::max(state.lease_until, at_least);
    }
    const WallTime since{static_cast<std::int64_t>(take_u64(value).value_or(0))};  // likewise none
    if (*behind != kNotBehind) behind_.at(*follower).since = since == WallTime{} ? host_.clock.wall() : since;
    followers_.emplace(*follower, std::move(state));
  });
}

bool Followers::add(const PubKey& follower, const std::vector<PubKey>& guardians, std::uint64_t said) {
  auto at = followers_.find(follower);
  if (at == followers_.end()) {
    if (followers_.size() >= config_.limits.followers) return false;
    at = followers_.emplace(follower, Follower{}).first;
  }
  const Limits& limits = config_.limits;
  change_guardians(at->second, guardians);
  at->second.lease_until = host_.clock.wall() + (at->second.agreed == 0 ? limits.follow_lease : limits.ward_life);
  at->second.said = std::max(at->second.said, said);
  if (first_end_) first_end_ = std::min(*first_end_, look_at(at->second, had_moved_));
  if (save(follower)) return true;
  not_behind(follower);
  followers_.erase(at);  // what would be gone after a restart is not promised
  return false;
}

bool Followers::has_said(const PubKey& follower, std::uint64_t number) const {
  const auto at = followers_.find(follower);
  return at != followers_.end() && number <= at->second.said && at->second.said != 0;
}

bool Followers::gets_copies(const PubKey& follower) const {
  const auto at = behind_.find(follower);
  return at == behind_.end() || !at->second.certain;
}

bool Followers::remove(const PubKey& follower) {
  if (followers_.erase(follower) == 0) return false;
  not_behind(follower);
  host_.store.erase_value(Table::followers, text_of(follower.view()));
  return true;
}

void Followers::missed(const PubKey& follower, std::uint64_t after) {
  if (!contains(follower)) return;
  const auto [at, fresh] = behind_.try_emplace(follower, Behind{after, {}});
  if (fresh) at->second.since = host_.clock.wall();
  if (fresh) call_at(follower, at->second, host_.clock.mono() + kPauses[0]);
  at->second.certain = true;
  if (!fresh && at->second.after <= after) return;
  at->second.after = after;
  save(follower);
}

void Followers::all_missed(std::uint64_t after) {
  for (const auto& [follower, state] : followers_) {
    const bool known = behind_.count(follower) != 0;
    missed(follower, after);
    Behind& behind = behind_.at(follower);
    behind.certain = known;
    call_at(follower, behind, host_.clock.mono());
  }
}

void Followers::knows(const PubKey& follower) {
  if (behind_.count(follower) == 0) return;
  not_behind(follower);
  save(follower);
}

void Followers::not_behind(const PubKey& follower) {
  const auto at = behind_.find(follower);
  if (at == behind_.end()) return;
  calls_.erase({at->second.announce_at, follower});
  behind_.erase(at);
}

void Followers::call_at(const PubKey& follower, Behind& state, MonoTime at) {
  calls_.erase({state.announce_at, follower});
  state.announce_at = at;
  calls_.emplace(at, follower);
}

void Followers::knows_until(const PubKey& follower, std::uint64_t seq) {
  const auto at = behind_.find(follower);
  if (at == behind_.end()) return;
  Behind& state = at->second;
  state.announced = 0;
  call_at(follower, state, std::min(state.announce_at, host_.clock.mono() + kSoon));
  if (state.after >= seq) return;
  state.after = seq;
  save(follower);
}

std::vector<PubKey> Followers::due(MonoTime now, std::size_t most) {
  std::vector<PubKey> found;
  for (const auto& [at, follower] : calls_) {
    if (at > now || found.size() >= most) break;
    found.push_back(follower);
  }
  for (const PubKey& follower : found) {
    Behind& state = behind_.at(follower);
    call_at(follower, state, now + kPauses[std::min<std::size_t>(state.announced, std::size(kPauses) - 1)]);
    ++state.announced;
  }
  return found;
}

void Followers::topology_changed(const Overlay& overlay) {
  const MonoTime now = host_.clock.mono();
  auto at = behind_.upper_bound(looked_at_);
  for (std::size_t i = 0; i < std::min(kLooks, behind_.size()); ++i, ++at) {
    if (at == behind_.end()) at = behind_.begin();
    auto& [follower, state] = *at;
    const bool reachable = overlay.reaches(follower);
    if (reachable && !state.reachable) call_at(follower, state, now);
    state.reachable = reachable;
    looked_at_ = follower;
  }
}

bool Followers::set_guardians(const PubKey& follower, std::vector<PubKey> guardians) {
  const auto at = followers_.find(follower);
  if (guardians.size() > kMostGuardians) guardians.resize(kMostGuardians);
  if (at == followers_.end() || guardians.empty() || at->second.guardians == guardians) return false;
  Follower& state = at->second;
  const bool was_longer = state.agreed != 0;
  change_guardians(state, std::move(guardians));
  if (was_longer && state.agreed == 0) {  // it had guardians, so there is time to ask these
    const Duration longer = config_.limits.ward_life - config_.limits.follow_lease;
    state.lease_until = std::max(state.lease_until - longer, std::min(state.lease_until, host_.clock.wall() + kGrace));
  }
  first_end_.reset();
  save(follower);
  return true;
}

void Followers::change_guardians(Follower& follower, std::vector<PubKey> guardians) {
  std::uint8_t agreed = 0;
  for (std::size_t i = 0; i < guardians.size() && i < kMostGuardians; ++i) {
    for (std::size_t before = 0; before < follower.guardians.size(); ++before) {
      const bool same = follower.guardians[before] == guardians[i];
      if (same && (follower.agreed >> before & 1) != 0) agreed = static_cast<std::uint8_t>(agreed | 1u << i);
    }
  }
  follower.guardians = std::move(guardians);
  follower.agreed = agreed;
}

bool Followers::names(const PubKey& follower, const PubKey& guardian) const {
  const auto at = followers_.find(follower);
  if (at == followers_.end()) return false;
  const auto& named = at->second.guardians;
  return std::find(named.begin(), named.end(), guardian) != named.end();
}

bool Followers::has_agreed(const PubKey& follower, const PubKey& guardian) const {
  const auto at = followers_.find(follower);
  if (at == followers_.end()) return false;
  const auto& named = at->second.guardians;
  const auto one = std::find(named.begin(), named.end(), guardian);
  return one != named.end() && (at->second.agreed >> (one - named.begin()) & 1) != 0;
}

bool Followers::agreed(const PubKey& follower, const PubKey& guardian) {
  if (!names(follower, guardian)) return false;
  Follower& state = followers_.at(follower);
  const Limits& limits = config_.limits;
  if (state.agreed == 0) state.lease_until = state.lease_until + (limits.ward_life - limits.follow_lease);
  const auto place = std::find(state.guardians.begin(), state.guardians.end(), guardian) - state.guardians.begin();
  state.agreed = static_cast<std::uint8_t>(state.agreed | 1u << place);
  save(follower);
  return true;
}

bool Followers::may_seek_guardians(const PubKey& follower) {
  const auto at = behind_.find(follower);
  if (at == behind_.end()) return false;
  const MonoTime now = host_.clock.mono();
  if (at->second.sought && now < *at->second.sought + kSeekAgain) return false;
  at->second.sought = now;
  return true;
}

bool Followers::shows_up(const PubKey& follower) {
  const auto at = behind_.find(follower);
  if (at == behind_.end()) return false;
  const MonoTime now = host_.clock.mono();
  Behind& state = at->second;
  if (state.seen && now < *state.seen + kSeen) return false;
  state.seen = now;
  state.reachable = false;  // once it is found it is told
  call_at(follower, state, std::min(state.announce_at, now + kSoon));
  return true;
}

// Where the user has moved from, nobody is waited for.
WallTime Followers::end_of(const Follower& follower, bool has_moved) const {
  const bool longer = has_moved && follower.agreed != 0;
  return longer ? follower.lease_until - config_.limits.ward_life + config_.limits.follow_lease : follower.lease_until;
}

// When there is something to do about its lease: to ask those whom it names, or to end it.
WallTime Followers::look_at(const Follower& follower, bool has_moved) const {
  const WallTime end = end_of(follower, has_moved);
  const bool asks = !has_moved && follower.agreed == 0 && !follower.guardians.empty();
  return asks ? std::min(end, std::max(end - kConfirm, follower.confirm_at)) : end;
}

std::vector<PubKey> Followers::expire(bool has_moved) {
  std::vector<PubKey> ended;
  const WallTime now = host_.clock.wall();
  if (first_end_ && now <= *first_end_ && has_moved == had_moved_) return ended;
  had_moved_ = has_moved;
  first_end_.reset();
  for (auto at = followers_.begin(); at != followers_.end();) {
    const WallTime end = end_of(at->second, has_moved);
    const bool over = end < now;
    if (over) {
      host_.store.erase_value(Table::followers, text_of(at->first.view()));
      not_behind(at->first);
      ended.push_back(at->first);
    } else {
      WallTime next = look_at(at->second, has_moved);
      if (next < end && next <= now) {
        unconfirmed_.push_back(at->first);
        at->second.confirm_at = now + kConfirmAgain;
        next = look_at(at->second, has_moved);
      }
      first_end_ = first_end_ ? std::min(*first_end_, next) : next;
    }
    at = over ? followers_.erase(at) : std::next(at);
  }
  return ended;
}

std::vector<std::pair<PubKey, WallTime>> Followers::longest_behind(std::size_t most) const {
  using Entry = std::pair<PubKey, WallTime>;
  const auto earlier = [](const Entry& a, const Entry& b) { return a.second < b.second; };
  std::vector<Entry> found;
  for (const auto& [follower, state] : behind_) {
    const Entry one{follower, state.since};
    if (found.size() == most && !earlier(one, found.back())) continue;
    found.insert(std::upper_bound(found.begin(), found.end(), one, earlier), one);
    if (found.size() > most) found.pop_back();
  }
  return found;
}

std::size_t Followers::bytes() const noexcept {
  std::size_t sum = heap_bytes(followers_) + heap_bytes(behind_) + heap_bytes(calls_);
  for (const auto& [follower, state] : followers_) sum += heap_bytes(state.guardians);
  return sum;
}

bool Followers::save(const PubKey& follower) {
  const Follower& state = followers_.at(follower);
  const auto behind = behind_.find(follower);
  std::string value;
  append_u64(value, static_cast<std::uint64_t>(state.lease_until.ns));
  append_u64(value, behind == behind_.end() ? kNotBehind : behind->second.after);
  for (const PubKey& guardian : state.guardians) value.append(text_of(guardian.view()));
  append_u64(value, state.said);
  append_u64(value, state.agreed);
  if (behind != behind_.end()) append_u64(value, static_cast<std::uint64_t>(behind->second.since.ns));
  return host_.store.set_value(Table::followers, text_of(follower.view()), value);
}

}  // namespace np2p
