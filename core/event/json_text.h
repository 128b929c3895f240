// Writing JSON text: the pieces that canonical bytes and event_json share, so that both escape alike.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/event/tags.h"

namespace np2p::json_text {

void append_string(std::string& out, std::string_view text);  // with quotes, escaped as canonical.h says
void append_number(std::string& out, std::int64_t value);
void append_hex(std::string& out, ByteView bytes);  // with quotes
void append_tags(std::string& out, const Tags& tags);

}  // namespace np2p::json_text
