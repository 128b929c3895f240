#include "core/feed/mailbox.h"

#include <algorithm>
#include <string>

#include "core/feed/follow_filter.h"
#include "core/feed/mail_join.h"
#include "core/feed/persist.h"

namespace np2p {
namespace {

constexpr Duration kTellAfter = 20s;      // letters that came: more come
constexpr Duration kTellAgain = 10min;    // at the earliest
constexpr Duration kHere = 2h + 15min;    // it would have said that it is there
constexpr Duration kRenew = 24h;          // of what a ward that is away has in the directory
constexpr Duration kBusy = 1s;            // the way to the ward is full
constexpr Duration kOldestSeen = 6h;      // a sign of life is written down at most this often
constexpr Duration kLifeCheck = 1h;       // how often wards that are gone for good are looked for
constexpr std::size_t kLetterCost = 128;  // bytes, besides the payload

void append_big_endian(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

std::uint64_t big_endian(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

constexpr std::size_t kKeyBytes = 2 * PubKey::size + 16;

std::string key_of(const PubKey& ward, const MailStream& stream, std::uint64_t seq) {
  std::string key(text_of(ward.view()));
  key.append(text_of(stream.author.view()));
  append_big_endian(key, stream.incarnation);
  append_big_endian(key, seq);
  return key;
}

// The first key that begins so.
PubKey beginning_with(std::uint32_t beginning) noexcept {
  PubKey key;
  for (std::size_t i = 0; i < 4; ++i) key.data[i] = static_cast<std::uint8_t>(beginning >> (24 - 8 * i));
  return key;
}

}  // namespace

Mailbox::Mailbox(const Config& config, Host& host, MailPost post)
    : config_(config), host_(host), post_(std::move(post)) {}

void Mailbox::load() {
  const Limits& limits = config_.limits;
  host_.store.each_value(Table::wards, [&](std::string_view key, std::string_view value) {
    const auto user = PubKey::from(bytes_of(key));
    const auto seen = take_u64(value);
    if (!user || !seen || wards_.size() >= limits.wards) return;
    Ward ward;
    ward.seen = WallTime{static_cast<std::int64_t>(*seen)};
    ward.answers = TokenBucket(limits.ward_answers_per_second, limits.ward_answers_burst);
    if (const auto size = take_u64(value); size && *size <= value.size()) {  // an earlier version wrote none
      const ByteView record = bytes_of(value.substr(0, static_cast<std::size_t>(*size)));
      const ByteView filter = bytes_of(value.substr(static_cast<std::size_t>(*size)));
      ward.record.assign(record.begin(), record.end());
      ward.filter.assign(filter.begin(), filter.end());
    }
    wards_.emplace(*user, std::move(ward));
  });
  std::vector<std::string> strays;
  host_.store.each_value(Table::mail, [&](std::string_view key, std::string_view value) {
    const auto user = PubKey::from(bytes_of(key.substr(0, PubKey::size)));
    const auto ward = key.size() == kKeyBytes && !value.empty() ? wards_.find(*user) : wards_.end();
    if (ward == wards_.end()) {
      strays.emplace_back(key);
      return;
    }
    key.remove_prefix(PubKey::size);
    const MailStream stream{*PubKey::from(bytes_of(key.substr(0, PubKey::size))),
                            big_endian(key.substr(PubKey::size, 8))};
    const Kept kept{static_cast<std::uint32_t>(value.size() - 1), false};
    ward->second.streams[stream].letters.emplace(big_endian(key.substr(PubKey::size + 8)), kept);
    ward->second.streams[stream].bytes += kept.bytes;
    ++ward->second.letters;
    ward->second.bytes += kept.bytes;
    ++letters_;
    mail_bytes_ += kept.bytes;
  });
  for (const std::string& key : strays) host_.store.erase_value(Table::mail, key);
}

void Mailbox::reject(std::string_view what, const Error& why, LinkId link) {
  host_.observer.rejected(what, why, link);
}

// --- wards

bool Mailbox::admit(const PubKey& user) {
  if (user == config_.owner || wards_.size() >= config_.limits.wards) return false;
  const Standing standing = host_.store.standing(user);
  if (standing >= Standing::followed) return true;
  if (standing != Standing::follower) return false;
  std::size_t others = 0;  // whom our user does not follow
  for (const auto& [ward, state] : wards_) others += host_.store.standing(ward) < Standing::followed ? 1 : 0;
  return others < config_.limits.wards / 2;
}

void Mailbox::on(const Guard& message, const Delivery& from) {
  if (message.ward != from.source || !from.from_server) {
    return reject("guard", error(ErrorCode::forbidden, "not from the server of whom it speaks for"), from.link);
  }
  auto at = wards_.find(message.ward);
  if (!message.on) {
    if (at != wards_.end()) forget(at);
    return;
  }
  if (at == wards_.end() && admit(message.ward)) {
    Ward fresh;
    fresh.answers = TokenBucket(config_.limits.ward_answers_per_second, config_.limits.ward_answers_burst);
    at = wards_.emplace(message.ward, std::move(fresh)).first;
  }
  Guarded answer{config_.owner, at != wards_.end(), 0, 0};
  if (at != wards_.end()) {
    see(message.ward, at->second);
    if (message.record != at->second.record || message.filter != at->second.filter) {
      at->second.record = message.record;
      at->second.filter = message.filter;
      save(message.ward, at->second);
    }
    answer.room = config_.limits.ward_mail_bytes;
    answer.letters = at->second.letters;
  } else {
    reject("guard", error(ErrorCode::full, "no place for another ward, or not for this one"), from.link);
  }
  answer_when_durable(message.ward, answer, from);
}

void Mailbox::see(const PubKey& user, Ward& ward) {
  ward.heard = host_.clock.mono();
  const WallTime now = host_.clock.wall();
  if (now - ward.seen < kOldestSeen && ward.seen <= now) return;
  ward.seen = now;
  save(user, ward);
}

void Mailbox::save(const PubKey& user, const Ward& ward) {
  std::string value;
  append_u64(value, static_cast<std::uint64_t>(ward.seen.ns));
  append_u64(value, ward.record.size());
  value.append(text_of(ward.record));
  value.append(text_of(ward.filter));
  if (host_.store.set_value(Table::wards, text_of(user.view()), value)) return;
  reject("guard", error(ErrorCode::unavailable, "the store does not keep the ward"), {});
}

bool Mailbox::is_here(const PubKey& user) const {
  const auto at = wards_.find(user);
  return at != wards_.end() && at->second.heard && host_.clock.mono() < *at->second.heard + kHere &&
         post_.reaches(user);
}

void Mailbox::forget(Wards::iterator at) {
  const auto& [user, ward] = *at;
  for (const auto& [stream, state] : ward.streams) {
    for (const auto& [seq, letter] : state.letters) host_.store.erase_value(Table::mail, key_of(user, stream, seq));
  }
  letters_ -= ward.letters;
  mail_bytes_ -= ward.bytes;
  host_.store.erase_value(Table::wards, text_of(user.view()));
  wards_.erase(at);
}

Mailbox::Ward* Mailbox::ward_of(std::string_view what, const Delivery& from) {
  const auto at = from.from_server ? wards_.find(from.source) : wards_.end();
  if (at == wards_.end()) {
    reject(what, error(ErrorCode::forbidden, "not from the server of a ward"), from.link);
    return nullptr;
  }
  see(at->first, at->second);
  return &at->second;
}

// --- letters

bool Mailbox::may_leave(const PubKey& author, std::size_t bytes) {
  auto at = senders_.find(author);
  if (at == senders_.end()) {
    if (sender_order_.size() >= config_.limits.mail_senders) {
      senders_.erase(sender_order_.front());
      sender_order_.pop_front();
    }
    const TokenBucket full(config_.limits.sender_mail_per_second, config_.limits.sender_mail_burst);
    at = senders_.emplace(author, full).first;
    sender_order_.push_back(author);
  }
  const auto cost = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, config_.limits.sender_mail_burst));
  return at->second.take(host_.clock.mono(), cost);
}

void Mailbox::on(const Mail& message, const Delivery& from) {
  if (!from.from_server) {
    return reject("mail", error(ErrorCode::forbidden, "not from its author's server"), from.link);
  }
  if (!brings_mail(message.channel)) {
    return reject("mail", error(ErrorCode::forbidden, "a channel on which no mail comes"), from.link);
  }
  if (unanswered_count_ >= config_.limits.unacknowledged) {  // it will come again
    return reject("mail", error(ErrorCode::full, "too much waits for the disk"), from.link);
  }
  if (!may_leave(from.source, message.wards.size() * (message.payload.size() + kLetterCost))) {
    return reject("mail", error(ErrorCode::rate_limited, "too much of one author"), from.link);  // likewise
  }
  Mailed answer{message.incarnation, message.seq, {}, {}, {}};
  for (const PubKey& user : message.wards) {
    (keep(from.source, message, user, from.link) ? answer.kept : answer.refused).push_back(user);
    if (is_here(user)) answer.here.push_back(user);
  }
  answer_when_durable(from.source, std::move(answer), from);
}

bool Mailbox::keep(const PubKey& author, const Mail& message, const PubKey& user, LinkId link) {
  const auto at = wards_.find(user);
  if (at == wards_.end()) {
    reject("mail", error(ErrorCode::forbidden, "for somebody who is no ward"), link);
    return false;
  }
  const Limits& limits = config_.limits;
  Ward& ward = at->second;
  if (!may_contain(ward.filter, author)) {
    reject("mail", error(ErrorCode::forbidden, "from an author whom the ward does not follow"), link);
    return false;
  }
  const MailStream stream{author, message.incarnation};
  const auto held = ward.streams.find(stream);
  if (held != ward.streams.end() && held->second.letters.count(message.seq) != 0) return true;  // it came before
  std::size_t of_author = 0;
  std::size_t bytes_of_author = 0;
  for (auto one = ward.streams.lower_bound({author, 0}); one != ward.streams.end() && one->first.author == author;
       ++one) {
    of_author += one->second.letters.size();
    bytes_of_author += one->second.bytes;
  }
  const std::size_t size = message.payload.size();
  const unsigned share = limits.sender_share_percent;
  const bool fits = ward.letters < limits.ward_letters && ward.bytes + size <= limits.ward_mail_bytes &&
                    of_author < limits.ward_letters * share / 100 &&
                    bytes_of_author + size <= limits.ward_mail_bytes * share / 100 && letters_ < limits.letters &&
                    mail_bytes_ + size <= limits.mail_bytes;
  std::string value(1, static_cast<char>(message.channel));
  value.append(text_of(message.payload.view()));
  if (!fits || !host_.store.set_value(Table::mail, key_of(user, stream, message.seq), value)) {
    reject("mail", error(ErrorCode::full, "no room for more mail"), link);
    return false;
  }
  Stream& into = ward.streams[stream];
  into.letters.emplace(message.seq, Kept{static_cast<std::uint32_t>(size), false});
  into.bytes += size;
  ++ward.letters;
  ward.bytes += size;
  ++letters_;
  mail_bytes_ += size;
  if (!ward.tell_at && ward.sending.over) {
    const MonoTime soon = host_.clock.mono() + kTellAfter;
    ward.tell_at = ward.told ? std::max(soon, *ward.told + kTellAgain) : soon;
  }
  return true;
}

void Mailbox::on(const AskWards& message, const Delivery& from) {
  if (!from.from_server) {
    return reject("ask wards", error(ErrorCode::forbidden, "not from an author's server"), from.link);
  }
  if (!may_leave(from.source, message.wards.size() * kLetterCost)) {
    return reject("ask wards", error(ErrorCode::rate_limited, "too much of one author"), from.link);  // it comes again
  }
  TellWards answer;
  for (const PubKey& user : message.wards) (guards(user) ? answer.agreed : answer.refused).push_back(user);
  post_.send(from.source, answer, Priority::control);
}

void Mailbox::erase(const PubKey& user, Ward& ward, const MailStream& stream, std::uint64_t seq, const Kept& kept) {
  host_.store.erase_value(Table::mail, key_of(user, stream, seq));
  --ward.letters;
  ward.bytes -= kept.bytes;
  --letters_;
  mail_bytes_ -= kept.bytes;
  if (kept.sent) ward.under_way -= kept.bytes;
}

// --- the ward is back

void Mailbox::on(const Collect& message, const Delivery& from) {
  Ward* ward = message.ward == from.source ? ward_of("collect", from) : nullptr;
  if (ward == nullptr) {
    if (message.ward != from.source) {
      reject("collect", error(ErrorCode::forbidden, "for somebody else"), from.link);
    } else if (from.from_server) {  // we have lost it, or given it up
      post_.send(from.source, Guarded{config_.owner, false, 0, 0}, Priority::control);
    }
    return;
  }
  ward->sending = {};
  tell(from.source, *ward);
}

void Mailbox::tell(const PubKey& user, const Ward& ward) {
  MailIndex index;
  for (const auto& [stream, state] : ward.streams) {
    const auto& letters = state.letters;
    if (index.ranges.size() >= config_.limits.mail_ranges) break;
    index.ranges.push_back(
        {beginning_of(stream.author), stream.incarnation, letters.begin()->first, letters.rbegin()->first});
  }
  post_.send(user, index, Priority::control);
}

void Mailbox::on(const MailWant& message, const Delivery& from) {
  Ward* ward = ward_of("mail want", from);
  if (ward == nullptr) return;
  // What was sent and not taken may be lost.
  for (auto& [stream, state] : ward->streams) {
    for (auto& [seq, kept] : state.letters) kept.sent = false;
  }
  ward->under_way = 0;
  ward->sending = {};
  ward->sending.wanted = message.ranges;
  ward->sending.joined = message.joined;
  ward->sending.over = false;
  ward->tell_at.reset();
  send_parts(from.source, *ward);
}

std::optional<std::pair<MailStream, std::uint64_t>> Mailbox::advance(Ward& ward) {
  Sending& at = ward.sending;
  for (; at.range < at.wanted.size(); ++at.range, at.stream.reset()) {
    const MailRange& range = at.wanted[at.range];
    auto stream =
        at.stream ? ward.streams.lower_bound(*at.stream) : ward.streams.lower_bound({beginning_with(range.author), 0});
    for (; stream != ward.streams.end() && beginning_of(stream->first.author) == range.author; ++stream) {
      if (stream->first.incarnation != range.incarnation) continue;
      const bool same = at.stream == stream->first;
      const auto letter = stream->second.letters.lower_bound(same ? std::max(at.next, range.first) : range.first);
      if (letter == stream->second.letters.end() || letter->first > range.last) continue;
      at.stream = stream->first;
      at.next = letter->first;
      return std::pair(stream->first, letter->first);
    }
  }
  return std::nullopt;
}

void Mailbox::send_parts(const PubKey& user, Ward& ward) {
  const Limits& limits = config_.limits;
  const MonoTime now = host_.clock.mono();
  Sending& at = ward.sending;
  at.again.reset();
  while (!at.over && ward.under_way < limits.mail_window) {
    const Sending begin = at;
    MailPart part;
    std::size_t bytes = 0;
    while (part.letters.size() < limits.mail_part_letters) {
      const auto next = advance(ward);
      if (!next) {
        part.last = true;
        break;
      }
      const auto& [stream, seq] = *next;
      const std::string value = host_.store.value(Table::mail, key_of(user, stream, seq));
      if (!part.letters.empty() && bytes + value.size() > limits.mail_part_bytes) break;
      at.next = seq + 1;
      if (at.next == 0) ++at.range, at.stream.reset();  // after the last number there is none
      if (value.empty()) continue;                      // the disk lost it
      if (part.streams.empty() || part.streams.back() != stream) part.streams.push_back(stream);
      bytes += value.size();
      part.letters.push_back({part.streams.size() - 1, seq, static_cast<std::uint8_t>(value[0]),
                              Frame(bytes_of(std::string_view(value).substr(1)))});
    }
    const auto cost = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, limits.ward_answers_burst));
    const Duration pause = ward.answers.wait(now, cost);
    MailPart sent = part;
    if (at.joined) sent.letters = join_letters(std::move(sent.letters), limits);
    if (pause > Duration{} || !post_.send(user, sent, Priority::bulk)) {
      at = begin;
      at.again = now + std::max(pause, kBusy);
      return;
    }
    ward.answers.take(now, cost);
    for (const Letter& letter : part.letters) {
      Kept& kept = ward.streams.at(part.streams[letter.stream]).letters.at(letter.seq);
      kept.sent = true;
      ward.under_way += kept.bytes;
    }
    at.over = part.last;
  }
}

void Mailbox::on(const MailTaken& message, const Delivery& from) {
  Ward* ward = ward_of("mail taken", from);
  if (ward == nullptr) return;
  for (const MailSpan& span : message.spans) {
    const auto stream = ward->streams.find(span.stream);
    if (stream == ward->streams.end()) continue;
    auto& letters = stream->second.letters;
    auto letter = letters.lower_bound(span.first);
    while (letter != letters.end() && letter->first <= span.last) {
      erase(from.source, *ward, span.stream, letter->first, letter->second);
      stream->second.bytes -= letter->second.bytes;
      letter = letters.erase(letter);
    }
    if (letters.empty()) ward->streams.erase(stream);
  }
  if (ward->streams.empty()) ward->tell_at.reset();
  send_parts(from.source, *ward);
}

// --- time

void Mailbox::answer_when_durable(const PubKey& to, Extension message, const Delivery& from) {
  if (unanswered_count_ >= config_.limits.unacknowledged) {  // the question will come again
    return reject("guard", error(ErrorCode::full, "too much waits for the disk"), from.link);
  }
  ++unanswered_count_;
  unanswered_[host_.store.flush()].push_back({to, std::move(message)});
  durable(host_.store.durable());
}

void Mailbox::durable(Ticket ticket) {
  while (!unanswered_.empty() && unanswered_.begin()->first <= ticket) {
    for (const Answer& answer : unanswered_.begin()->second) post_.send(answer.to, answer.message, Priority::control);
    unanswered_count_ -= unanswered_.begin()->second.size();
    unanswered_.erase(unanswered_.begin());
  }
}

std::optional<MonoTime> Mailbox::next_due() const {
  if (wards_.empty()) return std::nullopt;
  MonoTime due = life_check_;
  for (const auto& [user, ward] : wards_) {
    if (ward.tell_at) due = std::min(due, *ward.tell_at);
    if (ward.sending.again) due = std::min(due, *ward.sending.again);
  }
  return due;
}

// The directory forgets: its nodes come and go. All guardians do it; one that is late only repeats what is there.
void Mailbox::renew(const PubKey& user, Ward& ward) {
  const MonoTime now = host_.clock.mono();
  if (ward.record.empty() || !post_.renew || is_here(user) || (ward.renewed && now < *ward.renewed + kRenew)) return;
  ward.renewed = now;
  if (!post_.renew(user, ward.record)) ByteVec().swap(ward.record);
}

void Mailbox::due(MonoTime now) {
  const bool check_life = life_check_ <= now;
  if (check_life) life_check_ = now + kLifeCheck;
  for (auto at = wards_.begin(); at != wards_.end();) {
    auto& [user, ward] = *at;
    if (ward.sending.again && *ward.sending.again <= now) send_parts(user, ward);
    if (ward.tell_at && *ward.tell_at <= now) {
      ward.tell_at.reset();
      ward.told = now;
      if (!ward.streams.empty() && post_.reaches(user)) tell(user, ward);
    }
    const auto one = at++;
    if (check_life) renew(one->first, one->second);
    if (!check_life || host_.clock.wall() - one->second.seen <= config_.limits.ward_life) continue;
    if (one->second.letters > 0) {
      reject("mail", error(ErrorCode::unreachable, "the ward did not come back for it"), {});
    }
    forget(one);
  }
}

std::size_t Mailbox::bytes() const noexcept {
  std::size_t sum = heap_bytes(wards_) + heap_bytes(senders_) + heap_bytes(sender_order_) + heap_bytes(unanswered_);
  for (const auto& [user, ward] : wards_) {
    sum +=
        heap_bytes(ward.record) + heap_bytes(ward.filter) + heap_bytes(ward.streams) + heap_bytes(ward.sending.wanted);
    for (const auto& [stream, state] : ward.streams) sum += heap_bytes(state.letters);
  }
  for (const auto& [ticket, answers] : unanswered_) sum += heap_bytes(answers);
  return sum;
}

}  // namespace np2p
