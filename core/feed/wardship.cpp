#include "core/feed/wardship.h"

#include <algorithm>
#include <string>

#include "core/feed/follow_filter.h"
#include "core/feed/mail_check.h"
#include "core/feed/mail_join.h"
#include "core/feed/persist.h"

namespace np2p {
namespace {

constexpr std::string_view kName = "guardians";  // in Table::node
constexpr Duration kSettle = 30s;                // after the start followers and followees become known
constexpr Duration kLookAgain = 10min;           // for guardians that are still lacking
constexpr Duration kAgain = 2h;                  // we are told to be there
constexpr Duration kTell = 10s;                  // what has changed, to all of them
constexpr Duration kSilence = 24h;               // of a guardian, then another one is chosen
constexpr Duration kFirstGuard = 20s;  // after a start; who was asked for mail knows by then that we are there
constexpr Duration kConfirm = 1min;    // after the last letter; then it says if some are left
constexpr Duration kFirstIndex = 2s;   // to a Collect; who does not know yet that we serve our user finds out
constexpr Duration kFirstAnswer = 5s;  // the pause doubles
constexpr Duration kLongestPause = 10min;
constexpr unsigned kTries = 4;  // of who has never answered
constexpr Duration kAvoidRefusing = 24h;
constexpr Duration kAvoidSilent = 1h;
constexpr Duration kProof = 1s;
constexpr unsigned kFruitless = 6;  // questions without an answer; then Guarded says if there is something
constexpr unsigned kBarren = 4;     // indexes with nothing new in what they promise, likewise
constexpr Duration kNoWay = 1min;   // at most this long until the next attempt
constexpr std::size_t kAvoided = 256;

Duration pause_after(unsigned tries) noexcept {
  return std::min(kLongestPause, kFirstAnswer * (std::int64_t{1} << std::min(tries, 10u)));
}

}  // namespace

Wardship::Wardship(const Config& config, Host& host, const Follows& follows, const Followers& followers,
                   Position position, MailPost post)
    : config_(config),
      host_(host),
      follows_(follows),
      followers_(followers),
      position_(std::move(position)),
      post_(std::move(post)),
      rng_(config.seed, "guardians"),
      salt_(Rng(config.seed, "follow filter").next()) {}

void Wardship::load() {
  const MonoTime now = host_.clock.mono();
  const std::string stored = host_.store.value(Table::node, kName);
  std::string_view rest = stored;
  while (rest.size() >= PubKey::size && guardians_.size() < kMostGuardians) {
    Guardian known;
    known.accepted = true;
    known.heard = host_.clock.wall();  // what was before the start says nothing about it
    known.due = now + kFirstGuard;
    guardians_.emplace(*PubKey::from(bytes_of(rest.substr(0, PubKey::size))), known);
    rest.remove_prefix(PubKey::size);
  }
  choose_at_ = now + kSettle;
  news_ = !guardians_.empty();
  returned();
}

void Wardship::save() {
  std::string value;
  for (const PubKey& guardian : guardians()) value.append(text_of(guardian.view()));
  host_.store.set_value(Table::node, kName, value);
}

std::vector<PubKey> Wardship::guardians() const {
  std::vector<PubKey> agreed;
  for (const auto& [user, guardian] : guardians_) {
    if (guardian.accepted) agreed.push_back(user);
  }
  return agreed;
}

// --- who guards us

std::vector<PubKey> Wardship::candidates() const {
  std::vector<PubKey> both;
  std::vector<PubKey> followers;
  std::vector<PubKey> followees;
  const auto fits = [&](const PubKey& user) {
    return user != config_.owner && guardians_.count(user) == 0 && avoided_.count(user) == 0 && post_.reaches(user);
  };
  for (const auto& [user, state] : followers_.all()) {
    if (fits(user)) (follows_.contains(user) ? both : followers).push_back(user);
  }
  if (!both.empty()) return both;
  if (!followers.empty()) return followers;
  for (const PubKey& user : follows_.users()) {
    if (fits(user)) followees.push_back(user);
  }
  return followees;
}

void Wardship::choose(MonoTime now) {
  std::erase_if(avoided_, [now](const auto& entry) { return entry.second <= now; });
  while (guardians_.size() < kMostGuardians) {
    const std::vector<PubKey> found = candidates();
    if (found.empty()) break;
    const PubKey& user = found[static_cast<std::size_t>(rng_.below(found.size()))];
    ask(user, guardians_[user], now);
  }
  // At first more of those who could be asked become known every minute.
  choose_at_ = now + (++chosen_ < 5 ? kSettle * (1 << chosen_) : kLookAgain);
}

void Wardship::ask(const PubKey& user, Guardian& guardian, MonoTime now) {
  Guard message{config_.owner, true, {}, make_filter(follows_.users(), salt_, config_.limits)};
  if (post_.record) message.record = post_.record();
  const bool sent = post_.send(user, message, Priority::control);
  if (sent) ++guardian.unanswered;
  guardian.due = now + (sent ? pause_after(guardian.unanswered) : kLongestPause);
}

void Wardship::tell_soon() {
  const MonoTime now = host_.clock.mono();
  for (auto& [user, guardian] : guardians_) {
    if (guardian.accepted) guardian.due = std::min(guardian.due, now + rng_.between(kTell / 2, kTell * 3 / 2));
  }
}

void Wardship::follows_changed() {
  tell_soon();
}

void Wardship::drop(Guardians::iterator at, Duration avoid) {
  if (avoided_.size() < kAvoided) avoided_[at->first] = host_.clock.mono() + avoid;
  const bool was_named = at->second.accepted;
  guardians_.erase(at);
  choose_at_ = std::min(choose_at_, host_.clock.mono() + kFirstAnswer);
  if (!was_named) return;
  news_ = true;
  tell_soon();
  save();
}

Wardship::Guardian* Wardship::guardian_of(std::string_view what, const Delivery& from) {
  const auto at = guardians_.find(from.source);
  if (at != guardians_.end() && from.from_server) return &at->second;
  // It may well be: after a start the overlay has to find out first, and does so now.
  if (at != guardians_.end() && at->second.collecting && !at->second.fetching) {
    at->second.ask_at = std::min(at->second.ask_at, host_.clock.mono() + kProof);
  }
  host_.observer.rejected(what, error(ErrorCode::forbidden, "not from the server of a guardian"), from.link);
  return nullptr;
}

void Wardship::on(const Guarded& message, const Delivery& from) {
  Guardian* guardian = message.guardian == from.source ? guardian_of("guarded", from) : nullptr;
  if (guardian == nullptr) return;
  if (!message.accepted) return drop(guardians_.find(from.source), kAvoidRefusing);
  const MonoTime now = host_.clock.mono();
  guardian->heard = host_.clock.wall();
  guardian->unanswered = 0;
  guardian->due = now + rng_.between(kAgain * 4 / 5, kAgain);
  if (!std::exchange(guardian->accepted, true)) {
    news_ = true;
    tell_soon();
    save();
  }
  if (message.letters == 0) guardian->unconfirmed = false;
  if (message.letters > 0 && !guardian->collecting) collect(from.source, *guardian, now);
  fetch();
}

// --- what they have for us

void Wardship::returned() {
  const MonoTime now = host_.clock.mono();
  return_ = {host_.clock.wall(), 0, 0, 0};
  for (auto& [user, guardian] : guardians_) {
    guardian.answered = guardian.brought_some = false;
    if (guardian.fetching || !guardian.accepted) continue;
    stop(guardian);
    collect(user, guardian, now);
  }
}

std::pair<std::size_t, std::size_t> Wardship::answers() const noexcept {
  std::pair<std::size_t, std::size_t> counts;
  for (const auto& [user, guardian] : guardians_) {
    counts.first += guardian.accepted ? 1 : 0;
    counts.second += guardian.accepted && guardian.answered ? 1 : 0;
  }
  return counts;
}

void Wardship::topology_changed() {
  const MonoTime now = host_.clock.mono();
  for (auto& [user, guardian] : guardians_) {
    if (guardian.no_way > 0 && guardian.collecting && !guardian.fetching && post_.reaches(user)) guardian.ask_at = now;
  }
}

void Wardship::stop(Guardian& guardian) {
  guardian.collecting = guardian.fetching = false;
  guardian.asks = guardian.no_way = guardian.barren = 0;
  guardian.fresh = guardian.bytes = 0;
  guardian.share = 0;
  guardian.index.clear();
  guardian.asked.clear();
}

void Wardship::collect(const PubKey& user, Guardian& guardian, MonoTime now) {
  guardian.collecting = true;
  const bool sent = post_.send(user, Collect{config_.owner}, Priority::control);
  guardian.no_way = sent ? 0 : guardian.no_way + 1;
  if (sent) ++guardian.asks;
  const Duration answer = kFirstIndex * (std::int64_t{1} << std::min(guardian.asks, 10u)) / 2;
  guardian.ask_at = now + (sent ? answer : std::min(kNoWay, pause_after(guardian.no_way - 1)));
  if (guardian.asks >= kFruitless) stop(guardian);
}

void Wardship::on(const MailIndex& message, const Delivery& from) {
  Guardian* guardian = guardian_of("mail index", from);
  if (guardian == nullptr || guardian->fetching || guardian->finished) return;
  guardian->heard = host_.clock.wall();
  guardian->answered = true;
  guardian->unanswered = 0;
  guardian->due = std::max(guardian->due, host_.clock.mono() + rng_.between(kAgain * 4 / 5, kAgain));
  guardian->asks = 0;
  guardian->whole = message.ranges.size() < config_.limits.mail_ranges;
  guardian->unconfirmed = guardian->unconfirmed && !message.ranges.empty();
  if (message.ranges.empty() || ++guardian->barren > kBarren || guardian->fresh > config_.limits.ward_letters) {
    if (!message.ranges.empty()) {
      host_.observer.rejected("mail index", error(ErrorCode::rate_limited, "it promises more than comes"), from.link);
    }
    stop(*guardian);
  } else {
    guardian->index = message.ranges;
    guardian->collecting = true;
    guardian->ask_at = host_.clock.mono() + kPatience;
  }
  fetch();
}

void Wardship::fetch() {
  const MonoTime now = host_.clock.mono();
  if (std::none_of(guardians_.begin(), guardians_.end(), [](const auto& entry) {
        const Guardian& one = entry.second;
        return one.collecting || one.fetching || one.finished || one.unconfirmed;
      })) {
    for (auto& [user, guardian] : guardians_) {
      guardian.given.clear();
      guardian.given_spans = 0;
    }
    return;
  }
  std::optional<Authors> known;
  bool took = false;
  for (auto& [user, guardian] : guardians_) {
    if (guardian.fetching || guardian.finished || guardian.index.empty()) continue;
    if (!known) known = authors();
    const PubKey& self = user;
    const bool others = std::any_of(guardians_.begin(), guardians_.end(), [&self, now](const auto& entry) {
      return entry.first != self && entry.second.fetching && slow_at(entry.second) > now;
    });
    guardian.asked = lacking(user, guardian, *known, true);
    // What fills a gap proves what came behind it; only what is not proved then is asked for once more.
    if (guardian.asked.empty() && !others) guardian.asked = lacking(user, guardian, *known, false);
    // Offered again after it was taken: something else that begins with the same four bytes.
    if (guardian.asked.empty() && guardian.barren > 2) guardian.asked = guardian.index;
    guardian.ask_at = now + kPatience;
    guardian.asked_at = guardian.came_at = now;
    guardian.brought = 0;
    if (!guardian.asked.empty()) {
      next_share(guardian);
      guardian.fetching = true;
      if (!post_.send(user, MailWant{guardian.asked, true}, Priority::control)) guardian.ask_at = now + kFirstAnswer;
      continue;
    }
    if (others) continue;  // it may still be needed for what they do not deliver
    take_all(user, guardian, *known);
    took = true;
  }
  if (took) durable(host_.store.durable());
}

// There is nothing in it that is not here already.
void Wardship::take_all(const PubKey& user, Guardian& guardian, const Authors& authors) {
  std::vector<MailSpan> spans;
  for (const MailRange& range : guardian.index) {
    const auto author = authors.find(range.author);
    if (author == authors.end() || !author->second) continue;
    const SeqSet here = had(range, guardian, authors);
    for (const auto& [first, last] : here.common(range.first, range.last)) {
      spans.push_back({{*author->second, range.incarnation}, first, last});
    }
  }
  guardian.index.clear();
  guardian.finished = host_.store.flush();
  untaken_[*guardian.finished].emplace_back(user, std::move(spans));
}

std::vector<Delivery> Wardship::on(const MailPart& message, const Delivery& from) {
  Guardian* guardian = guardian_of("mail part", from);
  if (guardian == nullptr) return {};
  if (!guardian->fetching) {
    host_.observer.rejected("mail part", error(ErrorCode::forbidden, "nobody asked for it"), from.link);
    return {};
  }
  std::vector<Delivery> letters;
  const auto refuse = [&](ErrorCode code, const char* why) {
    host_.observer.rejected("mail part", error(code, why), from.link);
  };
  for (const Letter& letter : message.letters) {
    const MailStream& stream = message.streams[static_cast<std::size_t>(letter.stream)];
    // Of what came joined, the last number alone was certainly a letter of its own; the others it only says.
    const std::uint64_t covers = std::min(covered_by(letter, config_.limits), letter.seq);
    const auto spans = asked_of(*guardian, stream, letter.seq - (std::max<std::uint64_t>(covers, 1) - 1), letter.seq);
    if (spans.empty() ||
        std::none_of(spans.begin(), spans.end(), [&](const MailSpan& span) { return span.last == letter.seq; })) {
      refuse(ErrorCode::forbidden, "not what was asked for");
      continue;
    }
    const auto given = guardian->given.find(stream);
    if (given != guardian->given.end() && std::all_of(spans.begin(), spans.end(), [&](const MailSpan& span) {
          return given->second.lacking(span.first, span.last).empty();
        })) {
      guardian->got.insert(guardian->got.end(), spans.begin(), spans.end());
      continue;
    }
    // No more than a mailbox holds, whatever its index promised.
    if (guardian->fresh >= config_.limits.ward_letters ||
        guardian->bytes + letter.payload.size() > config_.limits.ward_mail_bytes) {
      refuse(ErrorCode::rate_limited, "more than a mailbox holds");
      stop(*guardian);
      return letters;
    }
    ++guardian->fresh;
    guardian->came_at = host_.clock.mono();
    guardian->bytes += letter.payload.size();
    guardian->brought += letter.payload.size();
    guardian->ask_at = host_.clock.mono() + kPatience;
    if (!brings_mail(letter.channel)) {
      refuse(ErrorCode::forbidden, "a channel on which no mail comes");
    } else if (!follows_.contains(stream.author)) {
      refuse(ErrorCode::forbidden, "of an author whom our user does not follow");
    } else if (!is_of(stream, letter, config_.limits)) {
      refuse(ErrorCode::bad_field, "a letter under another one's number");
    } else {
      guardian->came.push_back({spans, letter.channel, letter.payload});
      count(*guardian, guardian->came.back());
      Delivery inner = from;
      inner.channel = static_cast<Channel>(letter.channel);
      inner.payload = letter.payload;
      inner.asked = true;
      letters.push_back(std::move(inner));
      continue;
    }
    for (const MailSpan& span : spans) remember(*guardian, span);  // it can delete that
    guardian->got.insert(guardian->got.end(), spans.begin(), spans.end());
  }
  if (message.last) {
    guardian->fetching = false;
    guardian->ended = true;
  }
  return letters;
}

void Wardship::count(Guardian& guardian, const Came& letter) {
  for (const MailSpan& span : letter.spans) return_.events += span.last - span.first + 1;
  return_.bytes += letter.payload.size();
  return_.guardians += std::exchange(guardian.brought_some, true) ? 0 : 1;
}

void Wardship::taken(const Delivery& from) {
  const auto at = guardians_.find(from.source);
  if (at == guardians_.end()) return;
  Guardian& guardian = at->second;
  if (guardian.came.empty() && guardian.got.empty() && !guardian.ended) return;
  bool refused = false;
  for (const Came& letter : std::exchange(guardian.came, {})) {
    const LetterFate fate = fate_of(letter.channel, letter.payload, config_, host_);
    if (fate == LetterFate::refused) {
      refused = true;
      continue;
    }
    for (const MailSpan& span : letter.spans) remember(guardian, span);
    guardian.got.insert(guardian.got.end(), letter.spans.begin(), letter.spans.end());
    if (fate == LetterFate::junk) {
      host_.observer.rejected("mail part", error(ErrorCode::bad_signature, "nothing of it is its author's"), from.link);
      continue;
    }
    guardian.barren = 0;
    const PubKey& author = letter.spans.front().stream.author;
    if (authors_.empty() || authors_.back() != author) authors_.push_back(author);
  }
  const Ticket ticket = host_.store.flush();
  untaken_[ticket].emplace_back(from.source, std::exchange(guardian.got, {}));
  const bool ended = std::exchange(guardian.ended, false);
  if (ended) {
    guardian.whole = guardian.whole && !lacks_something(guardian);
    guardian.asked.clear();
    measure_share(guardian);
  }
  if (refused) {  // the store has no room, or its disk fails: it stays there, and we ask again
    stop(guardian);
    const Duration pause = kLongestPause * (std::int64_t{1} << std::min(guardian.refusals++, 10u));
    guardian.due = std::min(guardian.due, host_.clock.mono() + std::min(pause, kAgain));
    host_.observer.rejected("mail part", error(ErrorCode::full, "the store does not take it; it stays there"),
                            from.link);
  } else if (ended) {
    guardian.refusals = 0;
    if (guardian.index.empty()) guardian.finished = ticket;
  }
  durable(host_.store.durable());
  if (ended && !guardian.index.empty()) fetch();
}

void Wardship::say_taken(const PubKey& user, std::vector<MailSpan> spans) {
  MailTaken message;
  for (const MailSpan& span : spans) {
    if (!message.spans.empty()) {
      MailSpan& before = message.spans.back();
      if (before.stream == span.stream && before.last != UINT64_MAX && before.last + 1 == span.first) {
        before.last = span.last;
        continue;
      }
    }
    if (message.spans.size() >= config_.limits.mail_ranges) break;  // offered again, and then taken
    message.spans.push_back(span);
  }
  if (!message.spans.empty()) post_.send(user, message, Priority::control);
}

void Wardship::durable(Ticket ticket) {
  const MonoTime now = host_.clock.mono();
  bool finished = false;
  while (!untaken_.empty() && untaken_.begin()->first <= ticket) {
    for (auto& [user, spans] : untaken_.begin()->second) say_taken(user, std::move(spans));
    untaken_.erase(untaken_.begin());
  }
  for (auto& [user, guardian] : guardians_) {
    if (!guardian.finished || *guardian.finished > ticket) continue;
    guardian.finished.reset();
    guardian.asks = 0;
    finished = true;
    if (std::exchange(guardian.whole, false)) {
      stop(guardian);
      guardian.unconfirmed = true;
      guardian.due = std::min(guardian.due, now + rng_.between(kConfirm / 2, kConfirm));
    } else {
      collect(user, guardian, now);  // is that all?
    }
  }
  if (finished) fetch();
}

// --- time

std::optional<MonoTime> Wardship::next_due() const {
  if (followers_.all().empty() && follows_.size() == 0 && guardians_.empty()) return std::nullopt;
  MonoTime due = guardians_.size() < kMostGuardians ? choose_at_ : MonoTime{INT64_MAX};
  for (const auto& [user, guardian] : guardians_) {
    due = std::min(due, guardian.due);
    // Until the disk has what came there is nothing to do, however late it is.
    if ((guardian.collecting || guardian.fetching) && !guardian.finished) due = std::min(due, guardian.ask_at);
    if (guardian.fetching && slow_at(guardian) > host_.clock.mono()) due = std::min(due, slow_at(guardian));
  }
  return due;
}

void Wardship::due(MonoTime now) {
  for (auto at = guardians_.begin(); at != guardians_.end();) {
    const auto one = at++;
    auto& [user, guardian] = *one;
    const bool never = !guardian.accepted && guardian.unanswered >= kTries && guardian.due <= now;
    if (never || (guardian.accepted && host_.clock.wall() - guardian.heard > kSilence)) {
      drop(one, kAvoidSilent);
      continue;
    }
    if (guardian.due <= now) ask(user, guardian, now);
    if (!(guardian.collecting || guardian.fetching) || guardian.finished || guardian.ask_at > now) continue;
    if (guardian.fetching) {  // it has stopped sending
      guardian.fetching = false;
      guardian.asked.clear();
      guardian.index.clear();
    }
    if (guardian.index.empty()) collect(user, guardian, now);
  }
  fetch();
  if (guardians_.size() < kMostGuardians && choose_at_ <= now) choose(now);
}

std::size_t Wardship::bytes() const noexcept {
  std::size_t sum = heap_bytes(guardians_) + heap_bytes(avoided_) + heap_bytes(untaken_);
  for (const auto& [user, guardian] : guardians_) {
    sum += heap_bytes(guardian.index) + heap_bytes(guardian.asked) + heap_bytes(guardian.got);
    sum += heap_bytes(guardian.came) + heap_bytes(guardian.given);
    for (const auto& [stream, given] : guardian.given) sum += given.bytes();
  }
  return sum;
}

}  // namespace np2p
