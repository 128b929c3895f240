// Of whom events are taken in from the network (Config::inbox), and whose keys count as the owner's.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/base/config.h"
#include "core/event/event.h"
#include "core/host/store.h"

namespace np2p {

struct InboxRefusal {
  std::string_view what;  // a counter's name
  const char* why;
};
// What the owner does not want of an event that is well signed; nothing if it is welcome.
std::optional<InboxRefusal> inbox_refusal(const Event& event, const Config& config, Store& store);

// Gives the owner and the writers the standing of the owner. The answer: who was a writer at the last start and is none
// any more, whose standing has to be found out.
std::vector<PubKey> mark_own_keys(const Config& config, Store& store);

}  // namespace np2p
