#include "core/overlay/swarm/history.h"

#include <algorithm>
#include <utility>

#include "core/base/vectors.h"

namespace np2p::swarm {
namespace {

constexpr std::int64_t kYoung = 70;        // seconds; what is younger is on its way, or announced (Watch)
constexpr std::int64_t kStep = 10;         // seconds; digests made at about the same time are of the same span
constexpr Duration kGreetAgain = 90s;      // when what was young then is old enough
constexpr Duration kGreetLater = 3s;       // while others are learned from
constexpr Duration kSpread = 1s;           // what was learned from several is spread together
constexpr Duration kAnswer = 10s;          // for an answer, or the next part of it
constexpr Duration kTurn = 2min;           // one peer is learned from at most, before others may come
constexpr Duration kIgnored = 10min;       // who offered what it did not give
constexpr Duration kElsewhere = 2s;        // until what is asked for in another place may be here
constexpr Duration kCongested = 250ms;     // until a link with a queue is looked at again
constexpr std::size_t kLearning = 2;       // peers at a time
constexpr std::size_t kLeastCost = 1024;   // looking something up costs, however small it is
constexpr std::size_t kQueue = 64 * 1024;  // posts would wait behind more
constexpr std::int64_t kClockSkew = 600;   // seconds

// What is in `a` and not in `b`, in the order of `a`.
std::vector<std::uint64_t> without(const std::vector<std::uint64_t>& a, std::vector<std::uint64_t> b) {
  std::sort(b.begin(), b.end());
  std::vector<std::uint64_t> rest;
  for (const std::uint64_t one : a) {
    if (!std::binary_search(b.begin(), b.end(), one)) rest.push_back(one);
  }
  return rest;
}

std::vector<std::uint64_t> salted(std::vector<std::uint64_t> marks, std::uint64_t salt) {
  for (std::uint64_t& mark : marks) mark ^= salt;
  return marks;
}

}  // namespace

History::History(const Config& config, Host& host, Links& links, const Plumtree& plumtree)
    : config_(config),
      host_(host),
      links_(links),
      plumtree_(plumtree),
      marks_(config.limits.history_events, config.limits.history_age) {}

History::Talk* History::find(LinkId link) noexcept {
  for (Talk& one : talks_) {
    if (one.link == link) return &one;
  }
  return nullptr;
}

History::Talk& History::talk(LinkId link) {
  if (Talk* known = find(link)) return *known;
  forget_idle(host_.clock.mono());
  talks_.emplace_back().link = link;
  return talks_.back();
}

void History::reject(ErrorCode code, const char* why, LinkId link) {
  host_.observer.rejected("history", error(code, why), link);
}

std::optional<Span> History::own_span() const noexcept {
  const std::int64_t now = unix_now();
  const Span span{marks_.complete_since(now),
                  static_cast<std::uint32_t>(std::max<std::int64_t>((now - kYoung) / kStep * kStep, 0))};
  if (span.since >= span.until) return std::nullopt;
  return span;
}

// Lists of what can be remembered only; a digest costs what there is in the span.
bool History::is_fair(Span span, LinkId link) {
  const std::int64_t now = unix_now();
  const bool fair = span.until <= now + kClockSkew && span.since >= now - config_.limits.history_age / 1s - kClockSkew;
  if (!fair) reject(ErrorCode::bad_time, "a span that nobody remembers", link);
  return fair;
}

bool History::may_answer(Talk& one) {
  const Limits& limits = config_.limits;
  if (one.out.may(host_.clock.mono(), limits.history_bytes_per_second, limits.history_bytes_burst)) return true;
  reject(ErrorCode::rate_limited, "asked for too much", one.link);
  return false;
}

bool History::may_learn(Talk& one) {
  if (one.ignored_until) return false;
  if (one.learning || !is_busy()) return true;
  greet_by(one, host_.clock.mono() + kGreetLater);
  return false;
}

bool History::is_busy() const noexcept {
  const auto count = std::count_if(talks_.begin(), talks_.end(), [](const Talk& one) { return one.learning; });
  return static_cast<std::size_t>(count) >= kLearning;
}

void History::start_learning(Talk& one) {
  const MonoTime now = host_.clock.mono();
  if (!one.learning) one.ends = now + kTurn;
  one.learning = true;
  one.until = now + kAnswer;
}

void History::say(Talk& one, const Message& message) {
  const Frame frame = encode(message);
  one.out.spend(host_.clock.mono(), frame.size(), config_.limits.history_bytes_per_second);
  links_.send(one.link, frame, Priority::control, Traffic::control);
}

// --- digests

void History::neighbour_up(LinkId link) {
  Peer* peer = links_.find(link);
  if (peer == nullptr || peer->path == Path::tunnel || config_.swarm.trees == 0) return;
  if (std::exchange(peer->compared, true) || !peer->outbound) return;
  greet(link, false);
}

void History::greet(LinkId link, bool again) {
  const auto span = own_span();
  if (!span) return;
  links_.send(link, HistoryDigest{*span, marks_.digest(*span)}, Priority::control, Traffic::control);
  if (!again && marks_.any_from(span->until)) greet_by(talk(link), host_.clock.mono() + kGreetAgain);
}

void History::greet_by(Talk& one, MonoTime at) {
  if (!one.ignored_until && (!one.greet_at || at < *one.greet_at)) one.greet_at = at;
}

void History::on(Peer& from, const HistoryDigest& message) {
  const Span span = message.span;
  if (!is_fair(span, from.link)) return;
  const std::uint32_t since = marks_.complete_since(unix_now());
  const bool comparable = since <= span.since;
  if (comparable && marks_.digest(span) == message.digest) {
    // Who dialled may know nothing that is young where we do.
    if (!from.outbound && marks_.any_from(span.until)) greet_by(talk(from.link), host_.clock.mono() + kGreetAgain);
    return;
  }
  Talk& one = talk(from.link);
  if (one.ignored_until || !may_answer(one)) return;
  if (!comparable) {  // we have forgotten more than the other one, who can compare with what we know
    if (since < span.until) say(one, HistoryDigest{{since, span.until}, marks_.digest({since, span.until})});
  } else if (may_learn(one)) {
    say(one, HistoryParts{span, marks_.digests(span, from.salt)});
  }
}

void History::on(Peer& from, const HistoryParts& message) {
  if (!is_fair(message.span, from.link)) return;
  if (message.digests.size() != Marks::parts_of(message.span)) {
    return reject(ErrorCode::malformed, "not the digests of a span", from.link);
  }
  const auto own = marks_.digests(message.span, from.salt);
  std::uint32_t differ = 0;
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (own[i] != message.digests[i]) differ |= 1u << i;
  }
  Talk& one = talk(from.link);
  if (differ == 0 || !may_answer(one) || !may_learn(one)) return;
  start_learning(one);
  say(one, HistoryIds{message.span, differ, salted(marks_.in_parts(message.span, differ), from.salt)});
}

void History::on(Peer& from, const HistoryIds& message) {
  if (!is_fair(message.span, from.link)) return;
  Talk& one = talk(from.link);
  if (!may_answer(one)) return;
  const auto own = marks_.in_parts(message.span, message.parts);
  const auto theirs = salted(message.ids, from.salt);
  say(one, HistoryOffer{salted(without(own, theirs), from.salt)});
  const auto lacking = without(theirs, own);
  if (!lacking.empty() && may_learn(one)) want(one, lacking);
}

void History::on(Peer& from, const HistoryOffer& message) {
  Talk* one = find(from.link);
  if (one == nullptr || !one->learning)
    return reject(ErrorCode::forbidden, "an offer that nobody asked for", from.link);
  want(*one, salted(message.ids, from.salt));
}

// --- learning

void History::want(Talk& one, const std::vector<std::uint64_t>& marks) {
  if (marks.size() > config_.limits.history_events) {
    reject(ErrorCode::too_large, "more than anybody remembers", one.link);
    return ignore(one);
  }
  start_learning(one);
  one.wanted.assign(marks.rbegin(), marks.rend());
  if (one.asked.empty() && one.owed == 0) ask_next(one);
}

void History::ask_next(Talk& one) {
  const MonoTime now = host_.clock.mono();
  const Limits& limits = config_.limits;
  const Peer* peer = links_.find(one.link);
  if (peer == nullptr) return finish(one);
  if (one.ends <= now) {
    finish(one);
    return greet_by(one, now + kGreetLater);
  }
  if (const Duration pause = one.in.wait(now, limits.history_bytes_per_second, limits.history_bytes_burst);
      pause > Duration{}) {
    one.until = now + pause;
    return;
  }
  const auto asked_elsewhere = [&](std::uint64_t mark) {
    return std::any_of(talks_.begin(), talks_.end(), [&](const Talk& other) {
      return std::find(other.asked.begin(), other.asked.end(), mark) != other.asked.end();
    });
  };
  std::vector<std::uint64_t> later;
  HistoryAsk message;
  while (!one.wanted.empty() && message.ids.size() < limits.history_asked) {
    const std::uint64_t mark = one.wanted.back();
    one.wanted.pop_back();
    if (marks_.contains(mark)) continue;
    if (asked_elsewhere(mark)) {
      later.push_back(mark);
      continue;
    }
    one.asked.push_back(mark);
    message.ids.push_back(mark ^ peer->salt);
  }
  one.wanted.insert(one.wanted.end(), later.rbegin(), later.rend());
  if (message.ids.empty()) {
    if (one.wanted.empty()) return finish(one);
    one.until = now + kElsewhere;
    return;
  }
  one.owed = static_cast<unsigned>(message.ids.size());
  one.brought = one.filled = false;
  one.until = now + kAnswer;
  say(one, message);
}

void History::on(Peer& from, const Recalled& message) {
  Talk* one = find(from.link);
  if (one == nullptr || one->owed == 0) return reject(ErrorCode::forbidden, "nobody asked for it", from.link);
  const MonoTime now = host_.clock.mono();
  one->in.spend(now, message.payload.size(), config_.limits.history_bytes_per_second);
  // After the last one it is time to see what came of them, once they are judged.
  one->until = --one->owed > 0 ? now + kAnswer : now;
  if (message.payload.empty()) return;
  one->filled = true;
  Delivery delivery;
  delivery.channel = static_cast<Channel>(message.channel);
  delivery.cast = Delivery::Cast::broadcast;
  delivery.source = from.owner;
  delivery.payload = message.payload;
  delivery.link = from.link;
  delivery.past = true;
  deliveries_.push_back(std::move(delivery));
}

void History::remember(const Past& past) {
  marks_.insert(past, unix_now());
  for (Talk& one : talks_) {
    if (std::erase(one.asked, past.mark) != 0) one.brought = one.gained = true;
  }
}

void History::asked_long_enough(Talk& one) {
  // It may say that it does not keep something any more, but not be silent or send other things.
  const bool in_vain = !one.asked.empty() && !one.brought && (one.owed > 0 || one.filled);
  one.asked.clear();
  one.owed = 0;
  if (in_vain) {
    reject(ErrorCode::not_found, "offered and not given", one.link);
    return ignore(one);
  }
  ask_next(one);
}

void History::ignore(Talk& one) {
  finish(one);
  one.greet_at.reset();
  one.ignored_until = host_.clock.mono() + kIgnored;
}

void History::finish(Talk& one) {
  one.learning = false;
  one.owed = 0;
  clear_out(one.wanted);
  clear_out(one.asked);
  if (std::exchange(one.gained, false) && !spread_at_) spread_at_ = host_.clock.mono() + kSpread;
}

// --- giving

void History::on(Peer& from, const HistoryAsk& message) {
  Talk& one = talk(from.link);
  const Limits& limits = config_.limits;
  if (message.ids.size() > limits.history_asked || one.serving.size() + message.ids.size() > limits.history_serving) {
    return reject(ErrorCode::rate_limited, "asked for too much at once", from.link);
  }
  std::vector<Past> fresh;
  for (const ShortId id : message.ids) {
    const auto past = marks_.find(id ^ from.salt);
    if (past) {
      fresh.push_back(*past);
    } else {
      say(one, Recalled{});
    }
  }
  one.serving.insert(one.serving.begin(), fresh.rbegin(), fresh.rend());
}

std::optional<Recall> History::next_recall() {
  if (talks_.empty()) return std::nullopt;
  const MonoTime now = host_.clock.mono();
  const Limits& limits = config_.limits;
  if (!upload_.may(now, limits.history_upload_per_second, limits.history_upload_burst)) return std::nullopt;
  for (Talk& one : talks_) {
    if (one.serving.empty() || host_.network.queued_bytes(one.link) > kQueue ||
        !one.out.may(now, limits.history_bytes_per_second, limits.history_bytes_burst)) {
      continue;
    }
    const Recall recall{one.link, one.serving.back()};
    one.serving.pop_back();
    return recall;
  }
  return std::nullopt;
}

void History::recalled(const Recall& recall, const Frame& payload) {
  Talk* one = find(recall.link);
  if (one == nullptr) return;
  const MonoTime now = host_.clock.mono();
  const std::size_t cost = std::max(payload.size(), kLeastCost);
  one->out.spend(now, cost, config_.limits.history_bytes_per_second);
  upload_.spend(now, cost, config_.limits.history_upload_per_second);
  links_.send(recall.link, Recalled{static_cast<std::uint8_t>(Channel::packets), payload}, Priority::bulk,
              payload.empty() ? Traffic::control : Traffic::payload);
}

std::optional<Delivery> History::next() {
  if (deliveries_.empty()) return std::nullopt;
  Delivery delivery = std::move(deliveries_.front());
  deliveries_.erase(deliveries_.begin());
  return delivery;
}

// --- time

void History::link_down(LinkId link) {
  std::erase_if(talks_, [&](Talk& one) {
    if (one.link == link) finish(one);
    return one.link == link;
  });
}

std::optional<MonoTime> History::next_due() const noexcept {
  std::optional<MonoTime> first = spread_at_;
  const auto sooner = [&first](MonoTime at) { first = first ? std::min(*first, at) : at; };
  const Limits& limits = config_.limits;
  const MonoTime now = talks_.empty() ? MonoTime{} : host_.clock.mono();
  for (const Talk& one : talks_) {
    if (one.greet_at) sooner(*one.greet_at);
    if (one.learning) sooner(one.until);
    if (one.serving.empty()) continue;
    const Duration pause = std::max(one.out.wait(now, limits.history_bytes_per_second, limits.history_bytes_burst),
                                    upload_.wait(now, limits.history_upload_per_second, limits.history_upload_burst));
    sooner(now + std::max<Duration>(pause, kCongested));
  }
  return first;
}

void History::due(MonoTime now) {
  for (std::size_t i = 0; i < talks_.size(); ++i) {
    Talk& one = talks_[i];
    if (one.learning && one.until <= now) {
      if (one.asked.empty() && one.owed == 0 && one.wanted.empty()) {
        finish(one);
      } else {
        asked_long_enough(one);
      }
    }
    if (one.greet_at && *one.greet_at <= now) {
      one.greet_at.reset();
      if (is_busy()) {
        greet_by(one, now + kGreetLater);
      } else {
        greet(one.link, true);
      }
    }
  }
  if (spread_at_ && *spread_at_ <= now) {
    spread_at_.reset();
    for (const Peer& peer : std::vector<Peer>(links_.ready())) {
      const Talk* one = find(peer.link);
      if (plumtree_.is_neighbour(peer.link) && (one == nullptr || !one->ignored_until)) greet(peer.link, true);
    }
  }
  forget_idle(now);
}

void History::forget_idle(MonoTime now) {
  for (Talk& one : talks_) {
    if (one.ignored_until && *one.ignored_until <= now) one.ignored_until.reset();
  }
  std::erase_if(talks_, [&](const Talk& one) {
    return !one.learning && !one.ignored_until && !one.greet_at && one.serving.empty() && one.out.is_full(now) &&
           one.in.is_full(now);
  });
  if (talks_.empty()) clear_out(talks_);
}

std::size_t History::bytes() const noexcept {
  return marks_.bytes() + heap_bytes(deliveries_) + heap_bytes(talks_, [](const Talk& one) {
           return heap_bytes(one.wanted) + heap_bytes(one.asked) + heap_bytes(one.serving);
         });
}

}  // namespace np2p::swarm
