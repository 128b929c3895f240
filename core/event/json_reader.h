// Events and filters out of JSON that is parsed already; for json.cpp and client_message.cpp only, because it shows the
// parser.
#pragma once

#include <simdjson.h>

#include <string_view>

#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/event/event.h"
#include "core/event/filter.h"

namespace np2p::json_reader {

// What may be left out: by the original's clients (json.h), or nothing, as NIP-01 has it; whose hex is lower case, too.
enum class Style : std::uint8_t { original, nip01 };

Result<simdjson::dom::element> parse(simdjson::dom::parser& parser, std::string_view json, std::string_view what);
struct ReadEvent {
  Event event;
  bool plain = false;  // NIP-01's seven fields as NIP-01 has them, and no other
};
Result<ReadEvent> read_event(simdjson::dom::object object, const Limits& limits, Style style);
// `text` is the JSON of an event and white space around it; empty if it is to be written anew.
std::string_view sendable(std::string_view text, const ReadEvent& read) noexcept;
Result<Filter> read_filter(simdjson::dom::object object, const Limits& limits, Style style);

}  // namespace np2p::json_reader
