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

// The id field may be missing, as the original allows: then it is computed. `tags` null counts as missing (empty).
Result<Event> parse_event_json(std::string_view json, const Limits& limits);
std::string event_json(const Event& event);  // one line, fields in NIP-01's order, the escapes of canonical bytes

// ids, authors, kinds, since, until, limit and #<letter>; also what the original's client sends (tag as an array).
// Lenient where the original is: a negative since, until or limit means "not given", a float is rounded down, a field
// of a wrong type is an error.
Result<Filter> parse_filter_json(std::string_view json);

}  // namespace np2p
