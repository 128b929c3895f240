#include "core/feed/history.h"

#include <algorithm>
#include <string>

#include "core/feed/packets.h"
#include "core/feed/routes.h"

namespace np2p {
namespace {

// Our user's events that followers get, newest first.
std::vector<EventPtr> for_followers(std::int64_t since, std::size_t most, const Config& config, Store& store) {
  Filter own;
  own.authors = std::vector<PubKey>{config.owner};
  own.since = since;
  std::vector<EventPtr> events = store.query(own, Order::newest_first);
  std::erase_if(events,
                [&](const EventPtr& event) { return route_of(*event, config, store).audience == Audience::nobody; });
  if (events.size() > most) events.resize(most);
  return events;
}

std::vector<EventPtr> profile(const Config& config, Store& store) {
  Filter own;
  own.authors = std::vector<PubKey>{config.owner};
  own.kinds = std::vector<std::uint32_t>{kind::profile};
  own.limit = 1;
  return store.query(own, Order::newest_first);
}

// Reactions since then to these events.
std::vector<EventPtr> reactions_to(const std::vector<EventPtr>& events, std::int64_t since, const Config& config,
                                   Store& store) {
  Filter filter;
  filter.kinds = std::vector<std::uint32_t>{kind::reaction};
  filter.since = since;
  filter.limit = config.limits.reaction_batch;
  std::vector<std::string> ids;
  for (const EventPtr& event : events) ids.push_back(event->id.hex());
  if (ids.empty()) return {};
  filter.tags.push_back({'e', std::move(ids)});
  return store.query(filter, Order::newest_first);
}

void put_in_order(std::vector<EventPtr>& events) {
  std::sort(events.begin(), events.end(), [](const EventPtr& a, const EventPtr& b) { return newer(*b, *a); });
  events.erase(std::unique(events.begin(), events.end(), [](const auto& a, const auto& b) { return a->id == b->id; }),
               events.end());
}

}  // namespace

History recent_history(std::int64_t since, const Config& config, Store& store) {
  std::vector<EventPtr> events = for_followers(since, config.limits.follower_history, config, store);
  keep_what_fits(events, config.limits.answered_bytes);
  auto others = reactions_to(events, since, config, store);
  for (const EventPtr& event : profile(config, store)) {
    if (event->created_at >= since) events.push_back(event);
  }
  put_in_order(events);
  put_in_order(others);  // after what they are about
  events.insert(events.end(), others.begin(), others.end());
  return {std::move(events), std::nullopt};
}

History missed_history(std::int64_t since, const Config& config, Store& store) {
  std::vector<EventPtr> events = for_followers(since, config.limits.query_events, config, store);
  const auto about = for_followers(0, config.limits.follower_history, config, store);
  for (const EventPtr& reaction : reactions_to(about, since, config, store)) events.push_back(reaction);
  put_in_order(events);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    bytes += bytes_at_most(*events[i]);
    // The rest begins with a second of its own, or it would begin with the same for ever.
    if (i == 0 || bytes <= config.limits.answered_bytes || events[i]->created_at == events[i - 1]->created_at) continue;
    const std::int64_t rest = events[i]->created_at;
    events.resize(i);
    return {std::move(events), rest};
  }
  return {std::move(events), std::nullopt};
}

}  // namespace np2p
