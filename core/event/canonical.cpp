#include "core/event/canonical.h"

#include "core/event/json_text.h"
#include "core/event/sha256.h"

namespace np2p {
std::string canonical_bytes(const Event& event) {
  std::string out;
  // Room for the fixed parts, for quotes and commas, and for a few escapes: nearly always one allocation.
  out.reserve(128 + event.content.size() + event.content.size() / 16 + event.tags.bytes() + 3 * event.tags.values() +
              3 * event.tags.size());
  out.append("[0,");
  json_text::append_hex(out, event.pubkey.view());
  out.push_back(',');
  json_text::append_number(out, event.created_at);
  out.push_back(',');
  json_text::append_number(out, event.kind);
  out.push_back(',');
  json_text::append_tags(out, event.tags);
  out.push_back(',');
  json_text::append_string(out, event.content);
  out.push_back(']');
  return out;
}

EventId id_of_canonical(std::string_view canonical) {
  return EventId{sha256(bytes_of(canonical))};
}

EventId compute_id(const Event& event) {
  return id_of_canonical(canonical_bytes(event));
}

}  // namespace np2p
