#include "realnet/http/turns.h"

#include <algorithm>

namespace np2p::real {

namespace {

constexpr Duration kHalfLife = 1s;
constexpr int kMostHalvings = 62;
// After a long turn those who were kept waiting meanwhile shall be in the queue before it is decided who is next: from
// the socket's readiness to a whole message it takes some rounds of the loop.
constexpr Duration kLong = 200us;
constexpr int kRounds = 8;

}  // namespace

Duration Turns::Account::fade(MonoTime now) noexcept {
  if (now - since_ < kHalfLife) return used_;
  const auto halvings = std::min<std::int64_t>((now - since_) / kHalfLife, kMostHalvings);
  used_ = Duration{used_.count() >> halvings};
  since_ = now;
  return used_;
}

Duration Turns::Account::used(MonoTime now) noexcept {
  return fade(now) + (group_ ? group_->used(now) : Duration{});
}

void Turns::Account::charge(Duration time, MonoTime now) noexcept {
  used_ = fade(now) + time;
  if (group_) group_->charge(time, now);
}

std::shared_ptr<Turns::Account> Turns::account_for(const Address& remote) {
  const AddressGroup key = group_of(remote);
  std::shared_ptr<Account> group = groups_[key].lock();
  if (!group) {
    std::erase_if(groups_, [](const auto& other) { return other.second.expired(); });
    group = std::make_shared<Account>();
    groups_[key] = group;
  }
  return std::make_shared<Account>(std::move(group));
}

void Turns::wait(const std::shared_ptr<Account>& account, std::function<void()> resume) {
  const MonoTime now = mono_now();
  waiting_.emplace(now + account->used(now), Waiting{account, std::move(resume)});
  if (!std::exchange(going_, true)) next_later();
}

void Turns::next_later() {
  asio::post(io_, [this] { next(); });
}

void Turns::next() {
  if (pause_ > 0 && --pause_ > 0) return next_later();
  if (waiting_.empty()) {
    going_ = false;
    return;
  }
  const auto first = waiting_.begin();
  const Waiting turn = std::move(first->second);
  waiting_.erase(first);
  const MonoTime begin = mono_now();
  turn.resume();
  const MonoTime end = mono_now();
  turn.account->charge(end - begin, end);
  if (end - begin >= kLong) pause_ = kRounds;
  next_later();
}

}  // namespace np2p::real
