// Events and filters as JSON (NIP-01). Parsing is strict and bounded (simdjson): unknown fields are ignored, a wrong
// type or a duplicate of a known field is an error that names the field.
#pragma once

#include <string>
#include <string_view>

#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/event/event.h"
#include "core/event/filter.h"

namespace np2p {

// The id field may be missing or null, as the original allows: then it is computed. Missing or null `tags` count as
// empty, but not in a profile or a follow list (kinds 0 and 3): there a client that forgot them would wipe what it has.
// Errors: malformed (not JSON, not an object), too_large, bad_kind, bad_field.
Result<Event> parse_event_json(std::string_view json, const Limits& limits);

// The same, with the text itself if it can be sent on as it is: it has NIP-01's seven fields, and no other, with lower
// case hex. Then nothing in it is there that the signature does not vouch for, but white space and the choice of
// escapes. Otherwise the text is empty, and the event is written anew where it is sent.
struct WrittenEvent {
  Event event;
  std::string_view text;  // within `json`, without the white space around it
};
Result<WrittenEvent> parse_written_event(std::string_view json, const Limits& limits);

// One line without white space, fields in NIP-01's order, the escapes of canonical bytes.
std::string event_json(const Event& event);
std::string event_json(const EventPtr& event);  // as its client wrote it, if it came from one; else likewise
// What there is to keep of a WrittenEvent's text, so that event_json() can write it again byte for byte: nothing, if it
// is event_json()'s anyway; if only the order of the fields is another one, which most clients have, seven digits; or
// the text, unless it is longer than `most`, for then the event is written anew.
std::string written_form(const Event& event, std::string_view text, std::size_t most);

// As a line of a file: line breaks between the fields of what was written become spaces.
std::string event_line(const EventPtr& event);

// ids, authors, kinds, since, until, limit, search (NIP-50) and #<letter>; also what the original's client sends (tag
// as an array). Lenient where the original is: a negative since, until or limit means "not given", so does null, a
// float is rounded down. A field of a wrong type is an error (bad_field) that names it.
Result<Filter> parse_filter_json(std::string_view json, const Limits& limits = {});

}  // namespace np2p
