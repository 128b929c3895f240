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
std::string event_json(const Event& event);  // one line, fields in NIP-01's order, the escapes of canonical bytes

// ids, authors, kinds, since, until, limit, search (NIP-50) and #<letter>; also what the original's client sends (tag
// as an array). Lenient where the original is: a negative since, until or limit means "not given", so does null, a
// float is rounded down. A field of a wrong type is an error (bad_field) that names it.
Result<Filter> parse_filter_json(std::string_view json, const Limits& limits = {});

}  // namespace np2p
