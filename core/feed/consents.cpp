#include "core/feed/consents.h"

#include <algorithm>

namespace np2p {
namespace {

constexpr Duration kAnswer = 5s;  // who does not know yet that we serve our user refuses, and finds out
constexpr unsigned kTries = 3;
constexpr Duration kSilent = 10min;  // then it may be asked again
constexpr Duration kRefused = 6h;    // likewise; the follower may have come to terms with it
constexpr std::uint32_t kHour = 3600;

}  // namespace

Consents::Consents(const Config& config, Host& host, Followers& followers, MailPost post, Guards guards)
    : config_(config),
      host_(host),
      followers_(followers),
      post_(std::move(post)),
      guards_(std::move(guards)),
      messages_(config.limits.consents_per_second, config.limits.consents_burst),
      // One a second; a question costs as many as there are seconds between two.
      pace_(config.limits, 1, kHour / config.limits.consents_of_one_per_hour * config.limits.consents_of_one_burst) {}

Consents::State Consents::state(const PubKey& guardian, const PubKey& ward) const {
  if (followers_.has_agreed(ward, guardian)) return State::agreed;
  if (guardian == ward) return State::refused;
  const auto at = questions_.find({guardian, ward});
  return at == questions_.end() || at->second.stage == Stage::open ? State::unknown : State::refused;
}

bool Consents::is_alone(const PubKey& ward) const {
  const auto at = followers_.all().find(ward);
  if (at == followers_.all().end()) return true;
  const auto& named = at->second.guardians;
  return std::all_of(named.begin(), named.end(), [&](const PubKey& guardian) {
    const auto question = questions_.find({guardian, ward});
    return guardian == ward || (question != questions_.end() && question->second.stage == Stage::refused);
  });
}

void Consents::put(const Key& key, Stage stage, Duration until) {
  if (questions_.size() >= config_.limits.consents && questions_.count(key) == 0) {
    // What is open is waited for, so the verdict that would end first goes.
    const auto place = [](const auto& one) { return std::pair(one.second.stage == Stage::open, one.second.at); };
    questions_.erase(std::min_element(questions_.begin(), questions_.end(),
                                      [&](const auto& a, const auto& b) { return place(a) < place(b); }));
  }
  Question& question = questions_[key];
  question.asked += stage == Stage::open ? 1 : 0;
  question.stage = stage;
  question.at = host_.clock.mono() + until;
  next_due_ = next_due_ ? std::min(*next_due_, question.at) : question.at;
}

void Consents::strike(const PubKey& guardian, const PubKey& ward, LinkId link) {
  put({guardian, ward}, Stage::refused, kRefused);
  host_.observer.rejected("guardian", error(ErrorCode::forbidden, "named by a follower, and has not agreed"), link);
}

Consents::Asked Consents::send(const PubKey& guardian, const std::vector<PubKey>& wards) {
  if (!post_.reaches(guardian)) {  // it may not exist at all
    if (post_.seek) post_.seek(guardian);
    return Asked::no_way;
  }
  if (!messages_.take(host_.clock.mono())) {
    host_.observer.rejected("consent", error(ErrorCode::rate_limited, "too many guardians to be asked"), {});
    return Asked::later;
  }
  if (!post_.send(guardian, AskWards{wards}, Priority::control)) return Asked::no_way;
  for (const PubKey& ward : wards) put({guardian, ward}, Stage::open, kAnswer);
  return Asked::yes;
}

Consents::Asked Consents::ask(const PubKey& guardian, const std::vector<PubKey>& wards) {
  const MonoTime now = host_.clock.mono();
  const std::uint32_t cost = kHour / config_.limits.consents_of_one_per_hour;
  const bool is_known = post_.reaches(guardian);  // else it is looked for, and that costs the follower nothing
  std::vector<PubKey> unknown;
  for (const PubKey& ward : wards) {
    if (state(guardian, ward) != State::unknown || questions_.count({guardian, ward}) != 0) continue;
    if (guardian == config_.owner) {
      if (guards_(ward)) {
        followers_.agreed(ward, guardian);
      } else {
        strike(guardian, ward, {});
      }
      answered_.push_back(ward);
      continue;
    }
    unknown.push_back(ward);
  }
  for (std::size_t begin = 0; begin < unknown.size(); begin += config_.limits.wards) {
    std::vector<PubKey> some;
    for (std::size_t i = begin; i < std::min(unknown.size(), begin + config_.limits.wards); ++i) {
      if (!is_known || pace_.may_get(unknown[i], cost, now)) {
        some.push_back(unknown[i]);
        continue;
      }
      host_.observer.rejected("consent", error(ErrorCode::rate_limited, "a follower names too many guardians"), {});
      put({guardian, unknown[i]}, Stage::silent, kSilent);
      answered_.push_back(unknown[i]);
    }
    if (some.empty()) continue;
    if (const Asked asked = send(guardian, some); asked != Asked::yes) return asked;
  }
  return Asked::yes;
}

void Consents::confirm(const std::vector<PubKey>& wards) {
  std::map<PubKey, std::vector<PubKey>> by_guardian;
  for (const PubKey& ward : wards) {
    const auto at = followers_.all().find(ward);
    if (at == followers_.all().end()) continue;
    for (const PubKey& guardian : at->second.guardians) by_guardian[guardian].push_back(ward);
  }
  for (const auto& [guardian, theirs] : by_guardian) ask(guardian, theirs);
}

void Consents::on(const TellWards& message, const Delivery& from) {
  if (!from.from_server) {
    return host_.observer.rejected("tell wards", error(ErrorCode::forbidden, "not from a guardian's server"),
                                   from.link);
  }
  const auto was_asked = [&](const PubKey& ward) {
    const auto at = questions_.find({from.source, ward});
    if (at != questions_.end() && at->second.stage != Stage::refused) return true;
    host_.observer.rejected("tell wards", error(ErrorCode::forbidden, "an answer to no question"), from.link);
    return false;
  };
  for (const PubKey& ward : message.agreed) {
    if (!was_asked(ward)) continue;
    questions_.erase({from.source, ward});
    if (followers_.agreed(ward, from.source)) answered_.push_back(ward);
  }
  for (const PubKey& ward : message.refused) {
    if (!was_asked(ward)) continue;
    strike(from.source, ward, from.link);
    answered_.push_back(ward);
  }
}

void Consents::due(MonoTime now) {
  if (!next_due_ || now < *next_due_) return;
  next_due_.reset();
  std::map<PubKey, std::vector<PubKey>> again;
  for (auto at = questions_.begin(); at != questions_.end();) {
    auto& [key, question] = *at;
    if (question.at > now) {
      next_due_ = next_due_ ? std::min(*next_due_, question.at) : question.at;
      ++at;
      continue;
    }
    if (question.stage != Stage::open || !followers_.names(key.second, key.first)) {
      at = questions_.erase(at);
      continue;
    }
    if (question.asked < kTries) {
      again[key.first].push_back(key.second);
    } else {
      put(key, Stage::silent, kSilent);
      answered_.push_back(key.second);
    }
    ++at;
  }
  for (const auto& [guardian, wards] : again) {
    for (std::size_t begin = 0; begin < wards.size(); begin += config_.limits.wards) {
      const std::size_t end = std::min(wards.size(), begin + config_.limits.wards);
      const std::vector<PubKey> some(wards.begin() + static_cast<std::ptrdiff_t>(begin),
                                     wards.begin() + static_cast<std::ptrdiff_t>(end));
      if (send(guardian, some) == Asked::yes) continue;
      for (const PubKey& ward : some) put({guardian, ward}, Stage::open, kAnswer);  // a try that did not leave
    }
  }
}

}  // namespace np2p
