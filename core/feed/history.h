// What our user has published so far, for followers who come later.
#pragma once

#include <vector>

#include "core/base/config.h"
#include "core/event/event.h"
#include "core/host/store.h"

namespace np2p {

// What goes to followers, oldest first; the newest Limits::follower_history.
std::vector<EventPtr> sent_before(const Config& config, Store& store);
std::vector<EventPtr> profile_of(const Config& config, Store& store);  // at most one

}  // namespace np2p
