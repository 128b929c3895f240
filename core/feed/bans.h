// What the owner does not want here: everything of a key, or one event. Nothing of it is taken from anybody, a client
// or another server, nor handed on; each refusal is counted. It is the owner's own affair and told nobody.
#pragma once

#include <cstddef>
#include <functional>

#include "core/event/event.h"
#include "core/host/store.h"

namespace np2p {

bool is_banned(const PubKey& author, Store& store);
bool is_banned(const Event& event, Store& store);
// Also erases everything that is held of it. False: there are too many bans.
bool ban(const PubKey& author, Store& store);
bool ban(const EventId& event, Store& store);
void unban(const PubKey& author, Store& store);
void unban(const EventId& event, Store& store);
// Erases the matches, the newest first, and says how many there were. `keep` says of an event that it stays.
std::size_t erase_matches(Filter filter, Store& store, const std::function<bool(const Event&)>& keep);

}  // namespace np2p
