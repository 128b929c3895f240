#include "core/feed/lookup.h"

#include <algorithm>
#include <utility>

#include "core/feed/deletions.h"
#include "core/feed/packets.h"

namespace np2p {

namespace {

constexpr Duration kWorthwhile = 1min;
constexpr Duration kLate = 15s;  // then who asked asks again, or has lost interest
constexpr std::size_t kUnanswered = 64;

}  // namespace

Lookup::Lookup(const Config& config, Host& host, Overlay& overlay, LinkJudge& judge, Askers& askers)
    : config_(config),
      host_(host),
      overlay_(overlay),
      judge_(judge),
      askers_(askers),
      rng_(config.seed, "lookup"),
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
  } else if (unsent_.size() < config_.limits.lookups) {
    unsent_[key] = now;
  }
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
std::vector<EventPtr> Lookup::wanted(const Request& request) {
  if (request.kind == kind::post) {
    EventPtr event = request.event_id ? host_.store.get(*request.event_id) : EventPtr();
    if (!event && request.event_id) event = deletion_of(*request.event_id, config_.owner, host_.store);
    return event ? std::vector<EventPtr>{event} : std::vector<EventPtr>{};
  }
  Filter own;
  own.authors = std::vector<PubKey>{config_.owner};
  if (request.kind == kind::recent_data) {
    own.kinds = std::vector<std::uint32_t>{kind::profile, kind::post, kind::deletion, kind::repost};
    own.since = unix_seconds(host_.clock.wall() - config_.limits.answered_age);
    own.limit = config_.limits.answered_events;
  } else {
    own.kinds = std::vector<std::uint32_t>{request.kind};
    own.limit = 1;
  }
  return host_.store.query(own, Order::newest_first);
}

// Once for each asker and question, and no more than so many: the one who came first makes room.
void Lookup::answer_later(const Request& request, const Asker& asker, MonoTime since) {
  std::erase_if(unanswered_, [&](const Unanswered& one) {
    return since - one.since > kLate || (one.asker.user == asker.user && one.request.kind == request.kind &&
                                         one.request.event_id == request.event_id);
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
  std::vector<EventPtr> events = wanted(request);
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
