#include "core/feed/postman.h"

#include <algorithm>
#include <utility>

namespace np2p {
namespace {

constexpr Duration kAnswer = 5s;      // of a guardian, including its disk
constexpr Duration kAgreement = 20s;  // likewise, with all that is tried for it; it is known earlier as a rule
constexpr unsigned kTries = 2;        // with each
constexpr unsigned kRounds = 4;       // through all of them
constexpr unsigned kRoundsForSecond = 2;

// Until the next round: whoever there was no way to is looked for now, so the first comes soon.
Duration pause_after(unsigned rounds) noexcept {
  return rounds <= 1 ? Duration{5s} : rounds == 2 ? Duration{1min} : Duration{10min};
}

constexpr Duration kRemembered = 2min;  // longer than receipts are waited for
constexpr Duration kSecond = 10s;       // until the second copy; what is urgent goes first

}  // namespace

Postman::Postman(const Config& config, Host& host, const Followers& followers, Consents& consents, MailPost post)
    : config_(config), host_(host), followers_(followers), consents_(consents), post_(std::move(post)) {}

void Postman::forget_sent(MonoTime now) {
  while (!sent_.empty() && (sent_.front().at + kRemembered <= now || sent_.size() > config_.limits.unposted ||
                            sent_bytes_ > config_.limits.unposted_bytes)) {
    sent_bytes_ -= sent_.front().posting.payload.size();
    sent_.pop_front();
  }
}

void Postman::sent(const Posting& posting) {
  const MonoTime now = host_.clock.mono();
  sent_.push_back({posting, copy_tag(posting.payload), now});
  sent_bytes_ += posting.payload.size();
  forget_sent(now);
}

void Postman::missed(std::uint64_t tag, const PubKey& follower) {
  if (!followers_.contains(follower)) return;
  absent(follower);
  for (const Sent& one : sent_) {
    if (one.tag != tag) continue;
    const Posting posting = one.posting;
    return leave(posting, {follower});
  }
}

// No more than there are followers: who is none is forgotten, and is not taken in.
void Postman::absent(const PubKey& follower) {
  if (followers_.contains(follower)) away_.insert(follower);
}

void Postman::received(const PubKey& follower) {
  away_.erase(follower);
}

void Postman::forget(const PubKey& user) {
  away_.erase(user);
  for (auto at = parcels_.begin(); at != parcels_.end();) {
    at->second.waiting.erase(user);
    at = at->second.waiting.empty() ? erase(at) : std::next(at);
  }
}

bool Postman::is_posted(const Parcel& parcel) {
  return std::all_of(parcel.waiting.begin(), parcel.waiting.end(),
                     [](const auto& entry) { return entry.second.kept_by.has_value(); });
}

Postman::Parcels::iterator Postman::erase(Parcels::iterator parcel) {
  parcel_bytes_ -= parcel->second.posting.payload.size();
  return parcels_.erase(parcel);
}

std::size_t Postman::unposted() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(parcels_.begin(), parcels_.end(), [](const auto& entry) { return !is_posted(entry.second); }));
}

// What one guardian has makes room for what none has.
bool Postman::make_room(std::size_t bytes) {
  const auto fits = [&] {
    return parcels_.size() < config_.limits.unposted && parcel_bytes_ + bytes <= config_.limits.unposted_bytes;
  };
  for (auto at = parcels_.begin(); at != parcels_.end() && !fits();) {
    at = is_posted(at->second) ? erase(at) : std::next(at);
  }
  return fits();
}

void Postman::leave(const Posting& posting, const std::vector<PubKey>& followers) {
  const MonoTime now = host_.clock.mono();
  forget_sent(now);
  std::vector<PubKey> waiting;
  for (const PubKey& follower : followers) {
    const auto state = followers_.all().find(follower);
    if (state == followers_.all().end()) continue;
    (consents_.is_alone(follower) ? lost_ : waiting).push_back(follower);
  }
  if (waiting.empty()) return;
  const auto key = std::pair(posting.incarnation, posting.seq);
  auto at = parcels_.find(key);
  if (at == parcels_.end()) {
    if (!make_room(posting.payload.size())) {
      host_.observer.rejected("mail", error(ErrorCode::full, "too much waits for guardians"), {});
      return;
    }
    at = parcels_.emplace(key, Parcel{posting, {}, now}).first;
    parcel_bytes_ += posting.payload.size();
  }
  for (const PubKey& ward : waiting) {
    if (at->second.waiting.try_emplace(ward, Waiting{0, 0, 0, now}).second) at->second.due = now;
  }
}

bool Postman::next_guardian(const PubKey& ward, Waiting& waiting) {
  const auto state = followers_.all().find(ward);
  if (state == followers_.all().end()) return false;
  waiting.tries = 0;
  if (++waiting.guardian < state->second.guardians.size()) return true;
  waiting.guardian = 0;
  ++waiting.rounds;
  return waiting.rounds < (waiting.kept_by ? kRoundsForSecond : kRounds);
}

void Postman::attempt(Parcel& parcel, MonoTime now) {
  const Posting& posting = parcel.posting;
  std::set<PubKey> without_way;
  // Whoever has no way to one guardian goes on to the next at once; so all are sorted by theirs, until nobody is left.
  using Ward = std::pair<PubKey, Waiting>;
  std::vector<Ward> todo;
  for (auto at = parcel.waiting.begin(); at != parcel.waiting.end();) {
    if (at->second.due <= now) {
      todo.emplace_back(*at);
      at = parcel.waiting.erase(at);
    } else {
      ++at;
    }
  }
  while (!todo.empty()) {
    std::map<PubKey, std::vector<Ward>> by_guardian;
    for (auto& [ward, one] : todo) {
      const auto state = followers_.all().find(ward);
      if (state == followers_.all().end() || state->second.guardians.empty()) continue;
      if (one.guardian >= state->second.guardians.size()) one.guardian = 0;
      one.asked = false;
      by_guardian[state->second.guardians[one.guardian]].emplace_back(ward, one);
    }
    todo.clear();
    for (auto& [guardian, wards] : by_guardian) {
      std::vector<Ward> ready;
      std::vector<Ward> unknown;  // whether it has agreed
      for (auto& [ward, one] : wards) {
        const Consents::State consent = consents_.state(guardian, ward);
        const bool usable = guardian != config_.owner && consent != Consents::State::refused &&
                            guardian != one.kept_by && one.tries < kTries;
        if (usable && without_way.count(guardian) == 0) {
          (consent == Consents::State::agreed ? ready : unknown).emplace_back(ward, one);
          continue;
        }
        const unsigned round = one.rounds;
        if (!next_guardian(ward, one)) {
          if (one.kept_by) continue;  // there is no second one
          host_.observer.rejected("mail", error(ErrorCode::unreachable, "no guardian takes it"), {});
          lost_.push_back(ward);
        } else if (one.rounds == round) {
          todo.emplace_back(ward, one);
        } else {
          if (one.rounds == 1 && !one.kept_by) lost_.push_back(ward);  // it may have others by now
          one.due = now + pause_after(one.rounds);
          parcel.waiting.emplace(ward, one);
        }
      }
      if (!unknown.empty()) {
        std::vector<PubKey> asked;
        for (const auto& [ward, one] : unknown) asked.push_back(ward);
        const bool no_way = consents_.ask(guardian, asked) == Consents::Asked::no_way;
        if (no_way) without_way.insert(guardian);
        for (auto& [ward, one] : unknown) {
          if (no_way) {
            todo.emplace_back(ward, one);
          } else {
            one.due = now + kAgreement;
            one.asked = true;
            parcel.waiting.emplace(ward, one);
          }
        }
      }
      for (std::size_t begin = 0; begin < ready.size(); begin += config_.limits.wards) {
        const std::size_t end = std::min(ready.size(), begin + config_.limits.wards);
        Mail mail{posting.incarnation, posting.seq, static_cast<std::uint8_t>(posting.channel), {}, posting.payload};
        Priority priority = Priority::bulk;
        for (std::size_t i = begin; i < end; ++i) {
          mail.wards.push_back(ready[i].first);
          if (!ready[i].second.kept_by) priority = Priority::post;
        }
        if (!post_.send(guardian, mail, priority)) {
          without_way.insert(guardian);
          todo.insert(todo.end(), ready.begin() + static_cast<std::ptrdiff_t>(begin), ready.end());
          break;
        }
        for (std::size_t i = begin; i < end; ++i) {
          ++ready[i].second.tries;
          ready[i].second.due = now + kAnswer;
          parcel.waiting.emplace(ready[i]);
        }
      }
    }
  }
  parcel.due = MonoTime{INT64_MAX};
  for (const auto& [ward, one] : parcel.waiting) parcel.due = std::min(parcel.due, one.due);
}

void Postman::consented(const std::vector<PubKey>& wards) {
  const MonoTime now = host_.clock.mono();
  for (auto& [key, parcel] : parcels_) {
    for (const PubKey& ward : wards) {
      const auto one = parcel.waiting.find(ward);
      const auto state = followers_.all().find(ward);
      if (one == parcel.waiting.end() || state == followers_.all().end()) continue;
      Waiting& waiting = one->second;
      const auto& named = state->second.guardians;
      if (!waiting.asked || waiting.guardian >= named.size()) continue;
      if (consents_.state(named[waiting.guardian], ward) == Consents::State::unknown) continue;
      waiting.due = now;
      parcel.due = std::min(parcel.due, now);
    }
  }
}

void Postman::on(const Mailed& message, const Delivery& from) {
  const auto at = parcels_.find({message.incarnation, message.seq});
  if (at == parcels_.end()) return;  // said before
  if (!from.from_server) {
    host_.observer.rejected("mailed", error(ErrorCode::forbidden, "not from a guardian's server"), from.link);
    return;
  }
  Parcel& parcel = at->second;
  const auto is_guardian = [&](const PubKey& ward) { return followers_.has_agreed(ward, from.source); };
  const MonoTime now = host_.clock.mono();
  for (const PubKey& ward : message.kept) {
    if (!is_guardian(ward)) {
      host_.observer.rejected("mailed", error(ErrorCode::forbidden, "not from a guardian of that user"), from.link);
      continue;
    }
    const auto one = parcel.waiting.find(ward);
    if (one == parcel.waiting.end() || one->second.kept_by == from.source) continue;
    const bool is_first = !one->second.kept_by;
    posted_ += is_first ? 1 : 0;
    if (is_first && followers_.all().at(ward).guardians.size() > 1) {
      one->second = Waiting{0, 0, 0, now + kSecond, from.source};
      parcel.due = std::min(parcel.due, one->second.due);
    } else {
      parcel.waiting.erase(one);
    }
  }
  for (const PubKey& ward : message.here) {
    if (is_guardian(ward)) seen_.push_back(ward);
  }
  for (const PubKey& ward : message.refused) {
    const auto one = parcel.waiting.find(ward);
    const auto state = followers_.all().find(ward);
    if (one == parcel.waiting.end() || state == followers_.all().end()) continue;
    const auto& named = state->second.guardians;
    if (one->second.guardian >= named.size() || named[one->second.guardian] != from.source) continue;
    one->second.tries = kTries;  // on to the next
    one->second.due = parcel.due = now;
  }
  if (parcel.waiting.empty()) erase(at);
}

std::optional<MonoTime> Postman::next_due() const {
  std::optional<MonoTime> due;
  for (const auto& [key, parcel] : parcels_) {
    if (!due || parcel.due < *due) due = parcel.due;
  }
  return due;
}

void Postman::due(MonoTime now) {
  for (auto at = parcels_.begin(); at != parcels_.end();) {
    if (at->second.due <= now) attempt(at->second, now);
    at = at->second.waiting.empty() ? erase(at) : std::next(at);
  }
}

std::size_t Postman::bytes() const noexcept {
  std::size_t sum = heap_bytes(sent_) + heap_bytes(away_) + heap_bytes(parcels_);
  for (const auto& [key, parcel] : parcels_)
    sum += heap_bytes(parcel.waiting) + parcel.posting.payload.share_of_bytes();
  for (const Sent& one : sent_) sum += one.posting.payload.share_of_bytes();
  return sum;
}

}  // namespace np2p
