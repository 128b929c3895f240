// "Authorization: Nostr <base64>" (NIP-98): the event that it carries.
#pragma once

#include <string_view>

#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/event/event.h"

namespace np2p::real {

Result<Event> parse_authorization(std::string_view header, const Limits& limits);

}  // namespace np2p::real
