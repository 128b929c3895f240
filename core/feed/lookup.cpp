#include "core/feed/lookup.h"

#include <algorithm>
#include <vector>

#include "core/feed/packets.h"

namespace np2p {

namespace {

constexpr Duration kWorthwhile = 1min;

}  // namespace

Lookup::Lookup(const Config& config, Host& host, Overlay& overlay)
    : config_(config),
      host_(host),
      overlay_(overlay),
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
}

void Lookup::forget_old(MonoTime now) {
  for (auto at = asked_.begin(); at != asked_.end();) {
    at = now - at->second > config_.limits.lookup_interval ? asked_.erase(at) : std::next(at);
  }
}

bool Lookup::answer(const Request& request, const Delivery& delivery) {
  if (!seen_.insert(request.id)) return false;
  std::vector<EventPtr> events;
  Filter own;
  own.authors = std::vector<PubKey>{config_.owner};
  switch (request.kind) {
    case kind::profile:
    case kind::follow_list:
      own.kinds = std::vector<std::uint32_t>{request.kind};
      own.limit = 1;
      events = host_.store.query(own, Order::newest_first);
      break;
    case kind::post:
      if (request.event_id) {
        if (auto event = host_.store.get(*request.event_id)) events.push_back(event);
      }
      break;
    case kind::recent_data:
      own.kinds = std::vector<std::uint32_t>{kind::profile, kind::post, kind::repost};
      own.since = unix_seconds(host_.clock.wall() - config_.limits.answered_age);
      own.limit = config_.limits.answered_events;
      events = host_.store.query(own, Order::oldest_first);
      break;
    default:
      host_.observer.rejected("request", error(ErrorCode::bad_kind, "a request of an unknown kind"), delivery.link);
      return false;
  }
  for (const Frame& packet : encode_packets(events, config_.limits)) {
    overlay_.unicast(delivery.source, Channel::packets, packet, Priority::bulk);
  }
  return true;
}

}  // namespace np2p
