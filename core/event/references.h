// What an event says in its tags of other events and users. Only what it says: nothing here knows whether it is true.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "core/event/event.h"
#include "core/event/replaceable.h"

namespace np2p {

// The users in its p tags, each once, in ascending order.
std::set<PubKey> named_users(const Event& event);
bool has_tag(const Event& event, std::string_view name);

// An event that another one is about: by id or by address, and whose it is, as far as the tag tells.
struct Citation {
  std::optional<EventId> id;
  std::optional<EventAddress> address;
  std::optional<PubKey> author;
};

// What a post quotes (q, NIP-18), a repost reposts (e, NIP-18), a reaction is a reaction to (the last e tag, NIP-25).
// Of other kinds nothing: an e tag of a post is a thread, whose people are in its p tags (NIP-10).
std::vector<Citation> cited(const Event& event);

// Who wrote another event, as the tags that name it say.
std::vector<PubKey> said_authors(const Event& event, const EventId& of);

// What a deletion (NIP-09) asks to delete, and of which kinds that is, as it says.
struct Deletes {
  std::set<EventId> ids;             // e tags
  std::set<EventAddress> addresses;  // a tags: every version up to the deletion's own time
  std::set<std::uint16_t> kinds;     // k tags
};
Deletes deletes(const Event& deletion);

// "kind:author:d" of an a tag.
std::optional<EventAddress> parse_address(std::string_view text);

}  // namespace np2p
