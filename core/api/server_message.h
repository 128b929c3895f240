// What the server says to a Nostr client (NIP-01, 42, 45, 77), and the standard prefixes of its refusals.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace np2p::server_message {

// `subscription` is quoted already, `event` is JSON.
std::string event(std::string_view subscription, std::string_view event);
std::string end_of_stored(std::string_view subscription);
std::string closed(std::string_view subscription, std::string_view reason);
std::string count(std::string_view subscription, std::size_t events, bool at_least);
std::string reconcile(std::string_view subscription, ByteView step);
std::string not_reconciled(std::string_view subscription, std::string_view reason);
std::string ok(std::string_view id, bool accepted, std::string_view reason);
std::string notice(std::string_view text);
std::string auth(std::string_view challenge);

std::string quoted(std::string_view text);
// "invalid: the id is not the hash of the event"
std::string refusal(const Error& why);

}  // namespace np2p::server_message
