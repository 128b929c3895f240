#include "core/feed/history.h"

#include <algorithm>

#include "core/feed/routes.h"

namespace np2p {

std::vector<EventPtr> sent_before(const Config& config, Store& store) {
  Filter own;
  own.authors = std::vector<PubKey>{config.owner};
  std::vector<EventPtr> events = store.query(own, Order::newest_first);
  std::erase_if(events, [&](const EventPtr& event) {
    return route_of(*event, config, FeedMode::broadcast, store).audience == Audience::nobody;
  });
  if (events.size() > config.limits.follower_history) events.resize(config.limits.follower_history);
  std::reverse(events.begin(), events.end());
  return events;
}

std::vector<EventPtr> profile_of(const Config& config, Store& store) {
  Filter own;
  own.authors = std::vector<PubKey>{config.owner};
  own.kinds = std::vector<std::uint32_t>{kind::profile};
  own.limit = 1;
  return store.query(own, Order::newest_first);
}

}  // namespace np2p
