// What is collected from which guardian (wardship.h).
#include <algorithm>

#include "core/feed/wardship.h"

namespace np2p {
namespace {

constexpr Duration kMostPatience = 110s;       // with one who sends slowly, or what is worth nothing
constexpr std::size_t kSlowest = 4 * 1024;     // bytes per second; of who is slower others may have the same
constexpr Duration kStill = 2s;                // nothing came for so long: an author is asked for the same
constexpr std::uint64_t kFirstShare = 512;     // numbers that a guardian is asked for at once, at first;
constexpr std::uint64_t kSmallestShare = 256;  // then as many as it brings in
constexpr std::uint64_t kLargestShare = std::uint64_t{1} << 32;
constexpr Duration kShareTime = 1s;

void append_spans(std::vector<MailRange>& out, const MailRange& of, const std::vector<SeqSet::Span>& spans) {
  for (const auto& [first, last] : spans) out.push_back({of.author, of.incarnation, first, last});
}

bool includes(const std::vector<MailRange>& ranges, const MailStream& stream, std::uint64_t seq) {
  const std::uint32_t author = beginning_of(stream.author);
  return std::any_of(ranges.begin(), ranges.end(), [&](const MailRange& one) {
    return one.author == author && one.incarnation == stream.incarnation && one.first <= seq && seq <= one.last;
  });
}

}  // namespace

Wardship::Authors Wardship::authors() const {
  Authors known;
  const auto add = [&known](const PubKey& author) {
    const auto [at, fresh] = known.try_emplace(beginning_of(author), author);
    if (!fresh && at->second != author) at->second.reset();
  };
  for (const PubKey& author : follows_.users()) add(author);
  for (const auto& [user, guardian] : guardians_) {
    for (const auto& [stream, have] : guardian.given) add(stream.author);
  }
  return known;
}

SeqSet Wardship::had(const MailRange& range, const Guardian& guardian, const Authors& authors) const {
  SeqSet have;
  const auto author = authors.find(range.author);
  if (author == authors.end() || !author->second) return have;
  const auto given = guardian.given.find({*author->second, range.incarnation});
  if (given != guardian.given.end()) {
    for (const auto& [first, last] : given->second.common(range.first, range.last)) have.add(first, last);
  }
  const auto position = position_(*author->second);
  if (position && position->incarnation == range.incarnation && position->seq >= range.first) {
    have.add(range.first, std::min(range.last, position->seq));
  }
  return have;
}

// Of what it has, what we have not got and do not wait for from another one.
std::vector<MailRange> Wardship::lacking(const PubKey& user, const Guardian& guardian, const Authors& authors,
                                         bool believing) const {
  const MonoTime now = host_.clock.mono();
  std::vector<MailRange> wanted;
  for (const MailRange& range : guardian.index) {
    SeqSet have = had(range, guardian, authors);
    for (const auto& [other, state] : guardians_) {
      if (other == user) continue;
      if (believing) {
        const SeqSet sent = had(range, state, authors);
        for (const auto& [first, last] : sent.common(range.first, range.last)) have.add(first, last);
      }
      if (!state.fetching || slow_at(state) <= now) continue;
      for (const MailRange& asked : state.asked) {
        if (asked.author != range.author || asked.incarnation != range.incarnation) continue;
        have.add(asked.first, asked.last);
      }
    }
    append_spans(wanted, range, have.lacking(range.first, range.last));
    if (wanted.size() > config_.limits.mail_ranges) wanted.resize(config_.limits.mail_ranges);
  }
  return wanted;
}

bool Wardship::lacks_something(const Guardian& guardian) const {
  const Authors known = authors();
  return std::any_of(guardian.asked.begin(), guardian.asked.end(), [&](const MailRange& range) {
    return !had(range, guardian, known).lacking(range.first, range.last).empty();
  });
}

MonoTime Wardship::slow_at(const Guardian& guardian) noexcept {
  const auto slow = static_cast<std::int64_t>(guardian.brought / kSlowest) * Duration{1s};
  return guardian.asked_at + kPatience + std::min<Duration>(slow, kMostPatience);
}

std::vector<MailSpan> Wardship::asked_of(const Guardian& guardian, const MailStream& stream, std::uint64_t first,
                                         std::uint64_t last) {
  std::vector<MailSpan> spans;
  for (const MailRange& asked : guardian.asked) {
    if (asked.author != beginning_of(stream.author) || asked.incarnation != stream.incarnation) continue;
    if (asked.first > last || asked.last < first) continue;
    spans.push_back({stream, std::max(first, asked.first), std::min(last, asked.last)});
  }
  return spans;
}

void Wardship::remember(Guardian& guardian, const MailSpan& span) {
  if (guardian.given_spans >= config_.limits.ward_letters) return;  // offered again it is fetched again
  SeqSet& given = guardian.given[span.stream];
  guardian.given_spans -= given.spans();
  given.add(span.first, span.last);
  guardian.given_spans += given.spans();
}

// --- shares: who is fast brings more of what several have

void Wardship::next_share(Guardian& guardian) {
  std::uint64_t left = guardian.share == 0 ? kFirstShare : guardian.share;
  guardian.share = left;
  std::size_t kept = 0;
  for (MailRange& range : guardian.asked) {
    if (left == 0) break;
    const std::uint64_t count = std::min(range.last - range.first, left - 1);  // besides the first
    range.last = range.first + count;
    left -= count + 1;
    ++kept;
  }
  guardian.asked.resize(kept);
  std::map<std::pair<std::uint32_t, std::uint64_t>, SeqSet> asked;
  for (const MailRange& range : guardian.asked) {
    asked[{range.author, range.incarnation}].add(range.first, range.last);
  }
  std::vector<MailRange> rest;
  for (const MailRange& range : std::exchange(guardian.index, {})) {
    const auto at = asked.find({range.author, range.incarnation});
    append_spans(rest, range,
                 at == asked.end() ? std::vector<SeqSet::Span>{{range.first, range.last}}
                                   : at->second.lacking(range.first, range.last));
  }
  guardian.index = std::move(rest);
}

void Wardship::measure_share(Guardian& guardian) {
  if (guardian.brought == 0) {  // numbers that it has not got: all the others at once
    guardian.share = UINT64_MAX;
    return;
  }
  const Duration took = std::max<Duration>(host_.clock.mono() - guardian.asked_at, 1ms);
  const std::uint64_t share = std::min(guardian.share, kLargestShare);
  const std::uint64_t brings =
      share * static_cast<std::uint64_t>(kShareTime / 1ms) / static_cast<std::uint64_t>(took / 1ms);
  guardian.share = std::clamp(brings, std::max(kSmallestShare, share / 4), std::max(kSmallestShare, share * 16));
}

bool Wardship::expects(const MailStream& stream, std::uint64_t seq) const {
  const MonoTime now = host_.clock.mono();
  bool moves = false;
  bool listed = false;
  for (const auto& [user, guardian] : guardians_) {
    const bool asked_just_now = guardian.collecting && !guardian.fetching && !guardian.answered && guardian.asks == 1;
    if (asked_just_now && now < guardian.ask_at) return true;
    const bool sends = guardian.fetching && now < guardian.came_at + kStill && now < slow_at(guardian);
    if (sends && includes(guardian.asked, stream, seq)) return true;
    moves = moves || sends;
    listed = listed || includes(guardian.index, stream, seq);
  }
  return moves && listed;
}

}  // namespace np2p
