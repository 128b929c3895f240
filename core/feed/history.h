// What a follower gets of what our user published before: the newest when it is new, everything since when it was away.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/config.h"
#include "core/event/event.h"
#include "core/host/store.h"

namespace np2p {

struct History {
  std::vector<EventPtr> events;            // oldest first
  std::optional<std::int64_t> rest_since;  // created_at of the first that did not fit into one answer
};

// For a new follower: the profile, the newest Limits::follower_history events from `since` on that go to followers, and
// what others said to these.
History recent_history(std::int64_t since, const Config& config, Store& store);
// For one who was away: everything from `since` on, part by part.
History missed_history(std::int64_t since, const Config& config, Store& store);

}  // namespace np2p
