#include "core/feed/lookup.h"

#include <algorithm>
#include <utility>

#include "core/event/references.h"
#include "core/feed/deletions.h"
#include "core/feed/packets.h"

namespace np2p {

namespace {

constexpr Duration kWorthwhile = 1min;
constexpr Duration kLate = 15s;  // then who asked asks again, or has lost interest
constexpr std::size_t kUnanswered = 64;
constexpr std::size_t kGuesses = 8;     // servers asked for one event of nobody knows whom
constexpr std::size_t kReferring = 8;   // stored events that are looked at for its author, of each tag
constexpr std::size_t kLatest = 64;     // posts whose authors may hold it
constexpr Duration kLongestPause = 1h;  // between two searches for one event

Filter latest_of(const PubKey& author, std::uint16_t kind) {
  Filter filter;
  filter.authors = std::vector<PubKey>{author};
  filter.kinds = std::vector<std::uint32_t>{kind};
  filter.limit = 1;
  return filter;
}

// An encrypted message is nobody's affair but theirs. On the mesh nobody proves who asks.
bool may_have(const Event& event, const PubKey& asker) {
  return event.kind != kind::message || event.pubkey == asker || named_users(event).count(asker) != 0;
}

}  // namespace

Lookup::Lookup(const Config& config, Host& host, Overlay& overlay, LinkJudge& judge, Askers& askers)
    : config_(config),
      host_(host),
      overlay_(overlay),
      judge_(judge),
      askers_(askers),
      rng_(config.seed, "lookup", static_cast<std::uint64_t>(host.clock.wall().ns)),  // others know the ids of before
      guesses_(config.limits.guesses_per_second, config.limits.guesses_burst),
      seen_(config.limits.recent_requests) {}

void Lookup::ask(std::uint16_t kind, const PubKey& author, const std::optional<EventId>& event, bool held) {
  if (author == config_.owner) return;
  const MonoTime now = host_.clock.mono();
  const Duration interval = held ? config_.limits.lookup_interval : config_.limits.lookup_retry;
  const Key key{kind, author, event.value_or(EventId{})};
  const auto at = asked_.find(key);
  if (at != asked_.end() && now - at->second < interval) return;
  if (asked_.size() >= config_.limits.lookups) forget_old(now);
  if (asked_.size() >= config_.limits.lookups) return;
  const Request request{rng_.next(), kind, event};
  if (overlay_.unicast(author, Channel::packets, encode_request(request), Priority::control)) {
    asked_[key] = now;
    unsent_.erase(key);
  } else {
    when_reachable(key, now);
  }
}

void Lookup::when_reachable(const Key& key, MonoTime now) {
  if (unsent_.size() < config_.limits.lookups) unsent_[key] = now;
}

void Lookup::find(std::span<const EventId> missing, std::span<const PubKey> authors) {
  std::vector<EventId> lost;
  for (const EventId& id : missing) {
    bool settled = false;
    for (const PubKey& author : authors) {
      const bool deleted = static_cast<bool>(deletion_of(id, author, host_.store));
      if (!deleted) ask(kind::post, author, id, false);
      settled = settled || deleted || overlay_.reaches(author);
    }
    if (!settled) lost.push_back(id);
  }
  search(lost);
}

void Lookup::search(std::span<const EventId> missing) {
  const MonoTime now = host_.clock.mono();
  std::optional<std::vector<PubKey>> others;
  for (const EventId& id : missing) {
    if (!may_search(id, now)) continue;
    std::set<PubKey> asked;
    const auto guess = [&](const PubKey& user) {
      if (user == config_.owner || asked.size() == kGuesses || asked.count(user) != 0 || !guesses_.take(now)) return;
      if (overlay_.unicast(user, Channel::packets, encode_request({rng_.next(), kind::post, id}), Priority::control)) {
        asked.insert(user);
      }
    };
    for (const PubKey& user : named_beside(id)) {
      if (overlay_.reaches(user)) {
        guess(user);
      } else {  // who may have been made up, and is looked for only as far as others' words go
        overlay_.seek(user);
        when_reachable({kind::post, user, id}, now);
      }
    }
    if (!others) others = readers();
    const std::size_t first = others->empty() ? 0 : static_cast<std::size_t>(rng_.below(others->size()));
    for (std::size_t i = 0; i < others->size(); ++i) guess((*others)[(first + i) % others->size()]);
  }
}

bool Lookup::may_search(const EventId& id, MonoTime now) {
  const auto at = searched_.find(id);
  if (at != searched_.end()) {
    if (now < at->second.until) return false;
    at->second.pause = std::min(at->second.pause * 3, kLongestPause);
    at->second.until = now + at->second.pause;
    return true;
  }
  if (searched_.size() >= config_.limits.lookups) {
    std::erase_if(searched_, [now](const auto& one) { return one.second.until <= now; });
  }
  if (searched_.size() >= config_.limits.lookups) return false;
  searched_[id] = {now + config_.limits.lookup_retry, config_.limits.lookup_retry};
  return true;
}

// Who wrote it, as events that are here say; who referred to it, and so has seen it; who else takes part.
std::vector<PubKey> Lookup::named_beside(const EventId& id) {
  std::vector<PubKey> authors;
  std::vector<PubKey> more;
  for (const char tag : {'e', 'q'}) {
    Filter filter;
    filter.tags.push_back({tag, {id.hex()}});
    filter.limit = kReferring;
    for (const EventPtr& event : host_.store.query(filter, Order::newest_first)) {
      for (const PubKey& author : said_authors(event.get(), id)) authors.push_back(author);
      more.push_back(event->pubkey);
      for (const PubKey& user : named_users(event.get())) more.push_back(user);
    }
  }
  authors.insert(authors.end(), more.begin(), more.end());
  std::vector<PubKey> found;
  for (const PubKey& user : authors) {
    if (found.size() == kGuesses) break;
    if (user != config_.owner && std::find(found.begin(), found.end(), user) == found.end()) found.push_back(user);
  }
  return found;
}

// Whom one can ask for what somebody else wrote.
std::vector<PubKey> Lookup::readers() {
  std::set<PubKey> users;
  for (const EventPtr& list : host_.store.query(latest_of(config_.owner, kind::follow_list), Order::newest_first)) {
    users = named_users(list.get());
  }
  Filter latest;
  latest.kinds = std::vector<std::uint32_t>{kind::post};
  latest.limit = kLatest;
  for (const EventPtr& event : host_.store.query(latest, Order::newest_first)) users.insert(event->pubkey);
  std::erase_if(users, [this](const PubKey& user) { return user == config_.owner || !overlay_.reaches(user); });
  return {users.begin(), users.end()};
}

bool Lookup::ask_for_own(std::span<const std::uint16_t> kinds, const PubKey& whom) {
  std::vector<Request> requests;
  for (const std::uint16_t kind : kinds) requests.push_back({rng_.next(), kind, {}, config_.owner});
  return overlay_.unicast(whom, Channel::packets, encode_packet({}, requests), Priority::control);
}

// The client's question is still open, or it would ask again anyway; an overlay may need a moment to find a server.
void Lookup::topology_changed() {
  const MonoTime now = host_.clock.mono();
  std::vector<Key> again;
  for (auto at = unsent_.begin(); at != unsent_.end();) {
    const bool old = now - at->second > kWorthwhile;
    const bool reached = !old && overlay_.reaches(std::get<PubKey>(at->first));
    if (reached) again.push_back(at->first);
    at = old || reached ? unsent_.erase(at) : std::next(at);
  }
  for (const auto& [kind, author, event] : again) {
    ask(kind, author, event == EventId{} ? std::nullopt : std::optional(event), false);
  }
  for (const Unanswered& one : std::exchange(unanswered_, {})) {
    if (now - one.since <= kLate) send_answer(one.request, one.asker, one.since);
  }
}

void Lookup::forget_old(MonoTime now) {
  for (auto at = asked_.begin(); at != asked_.end();) {
    at = now - at->second > config_.limits.lookup_interval ? asked_.erase(at) : std::next(at);
  }
}

bool Lookup::answer(const Request& request, const Delivery& delivery, std::set<std::uint16_t>& answered) {
  if (!seen_.insert(request.id)) return false;
  switch (request.kind) {
    case kind::profile:
    case kind::follow_list:
    case kind::relay_list:
    case kind::post:
    case kind::recent_data:
      break;
    default:
      host_.observer.rejected("request", error(ErrorCode::bad_kind, "a request of an unknown kind"), delivery.link);
      return false;
  }
  if (answered.insert(request.kind).second) {
    send_answer(request, {delivery.source, delivery.link}, host_.clock.mono());
  } else {
    host_.observer.rejected("request", error(ErrorCode::rate_limited, "one of this kind in a packet is enough"),
                            delivery.link);
  }
  return true;
}

// Newest first.
std::vector<EventPtr> Lookup::wanted(const Request& request, const PubKey& asker) {
  if (request.kind == kind::post) {
    EventPtr event = request.event_id ? host_.store.get(*request.event_id) : EventPtr();
    if (event && !may_have(event.get(), asker)) return {};
    if (!event && request.event_id) event = deletion_of(*request.event_id, config_.owner, host_.store);
    return event ? std::vector<EventPtr>{event} : std::vector<EventPtr>{};
  }
  if (request.kind != kind::recent_data) {
    return host_.store.query(latest_of(request.author.value_or(config_.owner), request.kind), Order::newest_first);
  }
  Filter own;
  own.authors = std::vector<PubKey>{config_.owner};
  own.kinds = std::vector<std::uint32_t>{kind::profile, kind::post, kind::deletion, kind::repost};
  own.since = unix_seconds(host_.clock.wall() - config_.limits.answered_age);
  own.limit = config_.limits.answered_events;
  return host_.store.query(own, Order::newest_first);
}

// Once for each asker and question, and no more than so many: the one who came first makes room.
void Lookup::answer_later(const Request& request, const Asker& asker, MonoTime since) {
  std::erase_if(unanswered_, [&](const Unanswered& one) {
    return since - one.since > kLate ||
           (one.asker.user == asker.user && one.request.kind == request.kind &&
            one.request.event_id == request.event_id && one.request.author == request.author);
  });
  if (unanswered_.size() >= kUnanswered) unanswered_.erase(unanswered_.begin());
  unanswered_.push_back({request, asker, since});
}

void Lookup::send_answer(const Request& request, const Asker& asker, MonoTime since) {
  if (!overlay_.reaches(asker.user)) {
    overlay_.seek(asker.user);
    return answer_later(request, asker, since);
  }
  if (host_.network.queued_bytes(asker.link) > config_.limits.answer_queue_bytes) {
    host_.observer.rejected("request", error(ErrorCode::full, "too much waits on its link already"), asker.link);
    return;
  }
  std::vector<EventPtr> events = wanted(request, asker.user);
  if (events.empty()) return;
  keep_what_fits(events, config_.limits.answered_bytes);
  const auto bytes = static_cast<std::uint32_t>(bytes_at_most(events));
  if (!judge_.may_be_answered(asker.link, bytes) || !askers_.may_get(asker.user, bytes, host_.clock.mono())) {
    host_.observer.rejected("request", error(ErrorCode::rate_limited, "more bytes asked for than its share"),
                            asker.link);
    return;
  }
  std::reverse(events.begin(), events.end());
  for (const Frame& packet : encode_packets(events, config_.limits)) {
    overlay_.unicast(asker.user, Channel::packets, packet, Priority::bulk);
  }
}

}  // namespace np2p
