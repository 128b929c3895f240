#include "core/feed/positions.h"

#include <algorithm>
#include <string>

#include "core/feed/packets.h"
#include "core/feed/persist.h"
#include "core/feed/speaks_for.h"
#include "core/host/node_signature.h"

namespace np2p {
namespace {

constexpr Duration kOnItsWay = 1s;    // what is missing may come by itself
constexpr Duration kBroadcast = 10s;  // likewise what goes to everybody, from those who remember it
constexpr Duration kPauses[] = {5s, 10s, 30s, 60s, 5min, 10min, 1h, 6h};
constexpr std::size_t kMostRanges = 16;
constexpr Duration kOthers = 1h;  // between two rounds of questions to those who follow an author who is away
constexpr Duration kOtherPauses[] = {5s, 30s, 2min};  // within one: who does not know us yet refuses, and finds out
constexpr Duration kWitness = 20h;                    // likewise, what they have heard of one who is there
constexpr std::string_view kFork = "fork ";           // and the author: two signed heads

Duration pause_after(unsigned pulls) noexcept {
  return kPauses[std::min<std::size_t>(pulls, std::size(kPauses) - 1)];
}

bool is_known(const Chain& chain) noexcept {
  return chain != Chain{};
}

}  // namespace

void Positions::load() {
  host_.store.each_value(Table::follows, [&](std::string_view key, std::string_view value) {
    const auto author = PubKey::from(bytes_of(key));
    State state;
    const auto epoch = take_u64(value);
    const auto incarnation = take_u64(value);
    const auto seq = take_u64(value);
    const std::size_t fixed = state.chain.size() + NodeId::size;
    if (!author || !seq || value.size() < fixed || states_.size() >= config_.limits.follows) return;
    state.epoch = *epoch;
    state.incarnation = *incarnation;
    state.seq = state.known = *seq;
    std::copy_n(value.begin(), state.chain.size(), state.chain.begin());
    state.node = *NodeId::from(bytes_of(value.substr(state.chain.size(), NodeId::size)));
    for (value.remove_prefix(fixed); value.size() >= PubKey::size; value.remove_prefix(PubKey::size)) {
      state.guardians.push_back(*PubKey::from(bytes_of(value.substr(0, PubKey::size))));
    }
    const auto until = take_u64(value);  // an earlier version wrote none
    const auto told = take_u64(value);
    if (told) state.lease = Lease{WallTime{static_cast<std::int64_t>(*until)}, *told};
    states_.emplace(*author, std::move(state));
  });
}

void Positions::save(const PubKey& author, const State& state) {
  std::string value;
  append_u64(value, state.epoch);
  append_u64(value, state.incarnation);
  append_u64(value, state.seq);
  value.append(text_of(state.chain));
  value.append(text_of(state.node.view()));
  for (const PubKey& guardian : state.guardians) value.append(text_of(guardian.view()));
  if (state.lease) {
    append_u64(value, static_cast<std::uint64_t>(state.lease->until.ns));
    append_u64(value, state.lease->told);
  }
  host_.store.set_value(Table::follows, text_of(author.view()), value);
}

void Positions::forget(const PubKey& author) {
  const auto at = states_.find(author);
  if (at == states_.end()) return;
  heard_.forget(author, at->second.seq);
  host_.store.erase_value(Table::node, std::string(kFork) + author.hex());
  host_.store.erase_value(Table::follows, text_of(author.view()));
  states_.erase(at);
}

std::optional<StreamPosition> Positions::of(const PubKey& author) const {
  const auto at = states_.find(author);
  if (at == states_.end()) return std::nullopt;
  return StreamPosition{at->second.incarnation, at->second.seq};
}

bool Positions::is_ahead(const StreamPart& part) const {
  const auto at = states_.find(part.head.author);
  return at != states_.end() && part.head.seq - part.covers > at->second.seq;
}

std::optional<Positions::Lease> Positions::lease(const PubKey& author) const {
  const auto at = states_.find(author);
  return at == states_.end() ? std::nullopt : at->second.lease;
}

void Positions::set_lease(const PubKey& author, const Lease& lease) {
  const auto at = states_.find(author);
  if (at == states_.end()) return;
  at->second.lease = lease;
  save(author, at->second);
}

bool Positions::is_signed(const StreamHead& head, const State& state) const {
  if (head.sig == Signature{}) return false;
  const NodeId node = overlay_.server_of(head.author).value_or(state.node);
  return node != NodeId{} &&
         is_signed_by(node, kStreamTag, config_.network_id, signed_part(head), head.sig, host_.verifier);
}

// --- what comes

void Positions::arrived(const StreamPart& part, std::span<const EventId> events, const Delivery& delivery) {
  const auto at = states_.find(part.head.author);
  if (at == states_.end()) return;  // not followed, or the answer to our FOLLOW is still on its way
  State& state = at->second;
  const bool from_author = delivery.cast == Delivery::Cast::unicast && delivery.from_server &&
                           speaks_for(delivery, part.head.author, config_.overlay);
  if (!from_author && !is_signed(part.head, state)) {
    host_.observer.rejected("stream", error(ErrorCode::bad_signature, "a head that its author's server did not sign"),
                            delivery.link);
    return;
  }
  const Incarnation incarnation = enter(state, part.head);
  if (incarnation == Incarnation::earlier) return;
  if (incarnation == Incarnation::later) return close_or_pull(part.head.author, state, kOnItsWay);
  if (!from_author && events.size() != part.covers) return close_or_pull(part.head.author, state, kOnItsWay);
  const std::uint64_t before = state.seq;
  take(state, part, events, from_author);
  take_what_is_held(part.head.author, state);
  if (state.seq != before) save(part.head.author, state);
  // A whole answer came and there is more: no reason to wait.
  const bool answered = state.gap && state.gap->asked_until != 0 && state.seq >= state.gap->asked_until;
  if (state.gap && state.seq != before) state.gap->pulls = 0;
  close_or_pull(part.head.author, state, answered ? Duration{} : kOnItsWay);
}

Positions::Incarnation Positions::enter(State& state, const StreamHead& head) {
  const bool over = head.epoch == state.epoch ? head.incarnation < state.incarnation : head.epoch < state.epoch;
  if (over) return Incarnation::earlier;
  if (head.incarnation != state.incarnation) {
    // Only where the two meet are our numbers those of the later one, too.
    const bool known = head.base == 0 || (head.previous != 0 && head.previous <= state.incarnation);
    if (state.seq != head.base || !known) {
      state.unsure = true;
      return Incarnation::later;
    }
    begin(state, head, head.base);
    state.chain = first_chain(head.author, head.incarnation, head.base);
  }
  state.epoch = head.epoch;
  state.known = std::max(state.known, head.seq);
  return Incarnation::current;
}

void Positions::begin(State& state, const StreamHead& head, std::uint64_t seq) {
  heard_.jumped(head.author, state.seq, seq);
  state.epoch = head.epoch;
  state.incarnation = head.incarnation;
  state.seq = seq;
  state.known = head.seq;
  state.chain = {};
  state.unsure = false;
  state.gap.reset();  // numbers behind the position may have been given again
}

void Positions::take(State& state, const StreamPart& part, std::span<const EventId> events, bool from_author) {
  const StreamHead& head = part.head;
  const std::uint64_t before = head.seq - part.covers;
  if (head.seq <= state.seq) return compare(state, head);
  if (before > state.seq) return remember(state, part, events, from_author);
  if (events.size() != part.covers) {  // the author says that some are gone
    heard_.jumped(head.author, state.seq, head.seq);
    state.seq = head.seq;
    state.chain = head.chain;
    return;
  }
  const auto fresh = events.subspan(static_cast<std::size_t>(state.seq - before));
  Chain chain = state.chain;
  for (const EventId& event : fresh) chain = next_chain(chain, event);
  const bool fits = is_known(state.chain) && chain == head.chain;
  if (!fits && !from_author) {  // others' word for what is under that head; it is pulled
    if (is_known(state.chain)) {
      host_.observer.rejected("stream", error(ErrorCode::bad_field, "not the events of the head they came with"), {});
    }
    return;
  }
  if (!fits && is_known(state.chain)) forked({}, head);
  for (const EventId& event : fresh) {
    advance(head.author, state, event, state.seq + 1 == head.seq ? &head : nullptr);
  }
  state.chain = head.chain;
}

void Positions::compare(State& state, const StreamHead& head) {
  if (head.seq > state.seq) return;
  const auto entry = heard_.get(head.author, head.seq);
  const bool both = entry && entry->head && entry->head->epoch == head.epoch &&
                    entry->head->incarnation == head.incarnation && entry->head->chain != head.chain;
  if (both) forked(*entry->head, head);
  if (head.seq != state.seq || head.chain == state.chain) return;
  if (is_known(state.chain) && !both) forked({}, head);
  state.chain = head.chain;
}

void Positions::forked(const StreamHead& one, const StreamHead& other) {
  ++forks_;
  host_.observer.rejected("stream", error(ErrorCode::forbidden, "two stories of one incarnation"), {});
  if (one.sig == Signature{} || other.sig == Signature{}) return;
  std::string value;
  msgpack::Writer out(value);
  write_head(out, one);
  write_head(out, other);
  if (!host_.store.set_value(Table::node, std::string(kFork) + other.author.hex(), value)) return;
  host_.observer.noted("the server of " + other.author.hex() +
                       " tells two stories: both heads, which it signed, are kept");
}

void Positions::remember(State& state, const StreamPart& part, std::span<const EventId> events, bool from_author) {
  const StreamHead& head = part.head;
  Range range{head.seq - part.covers + 1, head, {}, from_author};
  if (!state.gap) state.gap = std::make_unique<Gap>();
  auto& beyond = state.gap->beyond;
  if (range.first > range.last()) return;
  const auto overlaps = [&](const Range& one) { return one.last() >= range.first && one.first <= range.last(); };
  if (from_author) {  // its word counts before that of others
    std::erase_if(beyond, [&](const Range& one) { return overlaps(one) && !one.from_author; });
  }
  if (beyond.size() >= kMostRanges || std::any_of(beyond.begin(), beyond.end(), overlaps)) return;  // it came before
  std::size_t room = config_.limits.ahead_events;
  for (const Range& one : beyond) room -= std::min(room, one.events.size());
  const bool fits = events.size() == part.covers && events.size() <= room;
  if (!fits && !from_author) return;  // it comes again, by its ids
  if (fits) range.events.assign(events.begin(), events.end());
  beyond.insert(std::find_if(beyond.begin(), beyond.end(), [&](const Range& one) { return one.first > range.last(); }),
                std::move(range));
}

void Positions::advance(const PubKey& author, State& state, const EventId& event, const StreamHead* head) {
  ++state.seq;
  if (is_known(state.chain)) state.chain = next_chain(state.chain, event);
  heard_.put(author, state.seq, event, head != nullptr && head->sig != Signature{} ? head : nullptr);
}

// A range that came before what is in front of it.
bool Positions::join(const PubKey& author, State& state, const Range& range) {
  const StreamHead& head = range.head;
  const bool whole = !range.events.empty();
  const std::size_t known = whole ? static_cast<std::size_t>(state.seq + 1 - range.first) : 0;
  Chain chain = whole ? state.chain : Chain{};
  for (std::size_t i = known; i < range.events.size() && is_known(chain); ++i) {
    chain = next_chain(chain, range.events[i]);
  }
  if (chain != head.chain && !range.from_author) {
    host_.observer.rejected("stream", error(ErrorCode::bad_field, "not the events of the head they came with"), {});
    return false;
  }
  if (chain != head.chain && is_known(chain)) forked({}, {});
  for (std::size_t i = known; i < range.events.size(); ++i) {
    advance(author, state, range.events[i], i + 1 == range.events.size() ? &head : nullptr);
  }
  if (!whole) heard_.jumped(author, state.seq, head.seq);
  state.seq = head.seq;
  state.chain = head.chain;
  return true;
}

// What follows the position and is there already: ranges that came before, and events that came without a number.
void Positions::take_what_is_held(const PubKey& author, State& state) {
  if (!state.gap) return;
  Gap& gap = *state.gap;
  for (bool more = true; more;) {
    more = false;
    while (!gap.beyond.empty() && gap.beyond.front().first <= state.seq + 1) {
      const Range range = std::move(gap.beyond.front());
      gap.beyond.erase(gap.beyond.begin());
      if (range.last() > state.seq && join(author, state, range)) more = true;
    }
    const std::uint64_t next = state.seq - std::min(state.seq, gap.news_after);
    if (state.seq >= gap.news_after && next < gap.news.size() &&
        host_.store.contains(gap.news[static_cast<std::size_t>(next)])) {
      advance(author, state, gap.news[static_cast<std::size_t>(next)], nullptr);
      more = true;
    }
  }
}

void Positions::news(const StreamNews& news, bool announced) {
  const PubKey& author = news.head.author;
  auto at = states_.find(author);
  if (at == states_.end()) {
    if (states_.size() >= config_.limits.follows) return;
    at = states_.emplace(author, State{}).first;
    begin(at->second, news.head, news.after);
  }
  State& state = at->second;
  const Incarnation incarnation = enter(state, news.head);
  // Of itself its server knows better than we do: its clock may have been wrong.
  if (incarnation == Incarnation::earlier) {
    if (news.head.epoch < state.epoch || announced) return;
    begin(state, news.head, news.after);
  }
  // Whoever was told our position knows what of it is still true, and what of the stream is gone.
  const bool knows_us = !announced || (state.gap && state.gap->asked_ids);
  if (incarnation == Incarnation::later && !knows_us) return close_or_pull(author, state, Duration{});
  if (incarnation == Incarnation::later) {
    begin(state, news.head, std::min(news.after, state.seq));
  } else if (news.after > state.seq && knows_us) {
    begin(state, news.head, news.after);
  }
  if (const auto node = overlay_.server_of(author)) state.node = *node;
  state.guardians = news.guardians;
  if (state.seq < state.known) {
    if (!state.gap) state.gap = std::make_unique<Gap>();
    state.gap->news_after = news.after;
    state.gap->news = news.ids;
    state.gap->pulls = 0;
    const auto held = [&](const EventId& id) { return host_.store.contains(id); };
    state.gap->asked_ids = false;
    state.gap->by_itself = std::any_of(news.ids.begin(), news.ids.end(), held);
    take_what_is_held(author, state);
  }
  compare(state, news.head);
  if (state.seq == news.head.seq && state.seq > news.after) {  // so that we can prove it to others
    if (const auto entry = heard_.get(author, state.seq)) heard_.put(author, state.seq, entry->event, &news.head);
  }
  save(author, state);
  if (state.gap) state.gap->announced = announced || state.gap->announced;
  const bool was_open = state.gap != nullptr;
  close_or_pull(author, state, config_.mode != FeedMode::multicast ? kBroadcast : Duration{});
  if (!announced) return;
  if (state.gap) {
    state.gap->announced = true;
  } else if (!was_open) {
    say_all_is_here(author, state);
  }
}

// Else it says again and again what we lack.
void Positions::say_all_is_here(const PubKey& author, const State& state) {
  const Pull none{config_.owner, author, state.incarnation, state.seq, state.seq, false};
  overlay_.unicast(author, Channel::extension, encode_extension(none), Priority::control);
}

// --- pulling

void Positions::close(const PubKey& author, State& state) {
  const bool announced = state.gap && state.gap->announced;
  state.gap.reset();
  if (announced) say_all_is_here(author, state);
}

void Positions::close_or_pull(const PubKey& author, State& state, Duration pause) {
  if (state.seq >= state.known && !state.unsure) return close(author, state);
  const MonoTime due = host_.clock.mono() + pause;
  if (!state.gap) state.gap = std::make_unique<Gap>();
  if (state.gap->pulls > 0) return;  // it has its pauses
  if (state.gap->due == MonoTime{} || due < state.gap->due || pause == Duration{}) state.gap->due = due;
}

// The last number of the first that are missing.
std::uint64_t Positions::missing_until(const State& state) const {
  const Gap& gap = *state.gap;
  const std::uint64_t known = std::max(state.known, state.seq);
  std::uint64_t until = gap.beyond.empty() ? known : std::min(known, gap.beyond.front().first - 1);
  const std::uint64_t news_until = gap.news_after + gap.news.size();
  if (gap.by_itself && news_until > state.seq) until = std::min(until, news_until);
  // Only where ids are known: a head may name any number.
  const std::uint64_t end = std::min(until, news_until);
  for (std::uint64_t seq = std::max(state.seq + 1, gap.news_after); seq < end; ++seq) {
    if (host_.store.contains(gap.news[static_cast<std::size_t>(seq - gap.news_after)])) return seq;
  }
  return until;
}

bool Positions::pull(const PubKey& author, State& state) {
  Gap& gap = *state.gap;
  Pull message{config_.owner, author, state.incarnation, state.seq, missing_until(state), false};
  if (state.unsure) {  // nobody else knows how far we are
    message.ids_only = gap.asked_ids = true;
    return overlay_.unicast(author, Channel::extension, encode_extension(message), Priority::control);
  }
  const Frame frame = encode_extension(message);
  const bool are_ids_known = state.seq >= gap.news_after && state.seq < gap.news_after + gap.news.size();
  if (gap.by_itself && !are_ids_known && gap.pulls == 0) {
    message.ids_only = gap.asked_ids = true;
    if (overlay_.unicast(author, Channel::extension, encode_extension(message), Priority::control)) return true;
  }
  const std::size_t targets = 1 + state.guardians.size();
  for (std::size_t i = 0; i < targets; ++i) {
    const std::size_t turn = (gap.pulls + i) % targets;
    const PubKey& target = turn == 0 ? author : state.guardians[turn - 1];
    if (target == config_.owner || !overlay_.unicast(target, Channel::extension, frame, Priority::control)) continue;
    gap.asked_until = message.until;
    if (turn == 0) gap.announced = false;  // it knows now what we lack
    return true;
  }
  return false;
}

bool Positions::ask_others(const PubKey& author, State& state, std::uint64_t after, const std::vector<PubKey>& whom) {
  const std::uint64_t until = after + config_.limits.stream_events;  // as far as they have got
  const Pull message{config_.owner, author, state.incarnation, after, until, false};
  const Frame frame = encode_extension(message);
  for (std::size_t i = 0; i < whom.size(); ++i) {
    const PubKey& target = whom[++state.others % whom.size()];
    if (target == config_.owner || target == author) continue;
    if (overlay_.unicast(target, Channel::extension, frame, Priority::control)) return true;
  }
  return false;
}

void Positions::author_is_away(const PubKey& author) {
  const auto at = states_.find(author);
  if (at == states_.end()) return;
  State& state = at->second;
  const MonoTime now = host_.clock.mono();
  if (state.others_asked != MonoTime{} && now < state.others_asked + kOthers) return;
  state.others_asked = state.others_due = now;
  state.asked = 0;
}

void Positions::ask_witness(const PubKey& author, const std::vector<PubKey>& friends) {
  const auto at = states_.find(author);
  if (at == states_.end() || at->second.gap || at->second.seq == 0) return;
  State& state = at->second;
  const MonoTime now = host_.clock.mono();
  if (state.witness_asked == MonoTime{}) state.witness_asked = now;  // not at a start, when all are asked much
  if (now < state.witness_asked + kWitness) return;
  std::vector<PubKey> whom = friends;
  whom.insert(whom.end(), state.guardians.begin(), state.guardians.end());
  if (ask_others(author, state, state.seq - 1, whom)) state.witness_asked = now;
}

void Positions::topology_changed() {
  const MonoTime now = host_.clock.mono();
  for (auto& [author, state] : states_) {
    if (!state.gap || !state.gap->away || !overlay_.reaches(author)) continue;
    state.gap->away = false;
    state.gap->due = std::min(state.gap->due, now + kOnItsWay);
  }
}

void Positions::timer() {
  const MonoTime now = host_.clock.mono();
  for (auto& [author, state] : states_) {
    if (state.others_due != MonoTime{} && state.others_due <= now) {
      ask_others(author, state, state.seq, state.guardians);
      state.others_due = state.asked < std::size(kOtherPauses) ? now + kOtherPauses[state.asked++] : MonoTime{};
    }
    if (!state.gap || state.gap->due > now) continue;
    take_what_is_held(author, state);
    if (state.seq >= state.known && !state.unsure) {
      save(author, state);
      close(author, state);
      continue;
    }
    if (!state.unsure && is_coming_({author, state.incarnation}, state.seq + 1)) {
      state.gap->due = now + kOnItsWay;
      continue;
    }
    state.gap->away = !pull(author, state);
    state.gap->due = now + pause_after(state.gap->pulls);
    ++state.gap->pulls;
  }
}

std::optional<MonoTime> Positions::next_due() const {
  std::optional<MonoTime> first;
  for (const auto& [author, state] : states_) {
    if (state.gap && (!first || state.gap->due < *first)) first = state.gap->due;
    const bool asks = state.others_due != MonoTime{};
    if (asks && (!first || state.others_due < *first)) first = state.others_due;
  }
  return first;
}

std::vector<StreamPart> Positions::answer(const Pull& pull) {
  const auto at = states_.find(pull.author);
  std::vector<StreamPart> parts;
  if (at == states_.end()) return parts;
  const std::uint64_t until = std::min(pull.until, at->second.seq);
  std::vector<EventPtr> events;
  std::size_t bytes = 0;
  std::size_t all = 0;
  const std::uint64_t last = at->second.seq;
  const std::uint64_t first = std::max(pull.after, last - std::min<std::uint64_t>(last, heard_.most())) + 1;
  for (std::uint64_t seq = first; seq <= until; ++seq) {
    const auto entry = heard_.get(pull.author, seq);
    const EventPtr event = entry ? host_.store.get(entry->event) : EventPtr();
    if (!event) {  // what follows is of use, too, as long as nothing is left out in between
      if (events.empty() && parts.empty()) continue;
      break;
    }
    bytes += bytes_at_most(*event);
    all += bytes_at_most(*event);
    const bool full = bytes > config_.limits.frame_bytes / 2 || events.size() >= config_.limits.packet_events;
    if (all > config_.limits.pulled_bytes || (full && !events.empty())) {  // one always fits
      break;
    }
    events.push_back(event);
    if (!entry->head) continue;
    parts.push_back({*entry->head, events.size(), encode_events(events)});
    events.clear();
    bytes = 0;
  }
  return parts;
}

std::size_t Positions::with_gaps() const noexcept {
  std::size_t count = 0;
  for (const auto& [author, state] : states_) count += state.gap ? 1 : 0;
  return count;
}

std::size_t Positions::bytes() const noexcept {
  std::size_t sum = heap_bytes(states_);
  for (const auto& [author, state] : states_) {
    sum += heap_bytes(state.guardians);
    if (!state.gap) continue;
    sum += sizeof(Gap) + kAllocationBytes + heap_bytes(state.gap->beyond) + heap_bytes(state.gap->news);
    for (const Range& range : state.gap->beyond) sum += heap_bytes(range.events);
  }
  return sum;
}

}  // namespace np2p
