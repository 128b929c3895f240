#include "core/event/validation.h"

#include <simdjson.h>

#include "core/event/bind.h"
#include "core/event/canonical.h"
#include "core/event/json.h"
#include "core/event/size_limits.h"

namespace np2p {
namespace {

// What the JSON of an event has beyond its canonical bytes: names, id and signature. MessagePack needs less, so what
// passes here is within its size in every encoding that we send, and no peer refuses what another accepted.
constexpr std::size_t kJsonOverhead = 253;
constexpr std::size_t kLongestEscape = 6;
constexpr std::int64_t kLastTime = std::int64_t{1} << 53;

bool is_utf8(std::string_view text) noexcept {
  return text.empty() || simdjson::validate_utf8(text.data(), text.size());
}

// All values at once: each is valid if their concatenation is and none begins in the middle of a character.
bool tags_are_utf8(const Tags& tags) noexcept {
  if (!is_utf8(tags.text())) return false;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const Tags::Tag tag = tags[i];
    for (std::size_t j = 0; j < tag.size(); ++j) {
      const std::string_view value = tag[j];
      if (!value.empty() && (static_cast<std::uint8_t>(value.front()) & 0xc0) == 0x80) return false;
    }
  }
  return true;
}

Error too_large() {
  return error(ErrorCode::too_large, "the event is larger than allowed");
}

Status check_size(const Event& event, const Limits& limits) {
  const SizeLimits most = size_limits(event.kind, limits);
  if (event.content.size() + event.tags.bytes() + kJsonOverhead > most.bytes) return too_large();
  if (event.tags.size() > most.tags) return error(ErrorCode::too_large, "the event has too many tags");
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    const std::size_t values = event.tags[i].size();
    if (values > limits.tag_values) return error(ErrorCode::too_large, "a tag has too many values");
    if (values == 0) return error(ErrorCode::bad_field, "a tag is empty");
  }
  return {};
}

Status check_fields(const Event& event) {
  if (event.kind == kind::recent_data) return error(ErrorCode::bad_kind, "kind 40000 is a request, not an event");
  if (event.created_at < 0 || event.created_at > kLastTime) {
    return error(ErrorCode::bad_time, "created_at is not a time in seconds since 1970");
  }
  if (!is_utf8(event.content)) return error(ErrorCode::bad_field, "content is not UTF-8");
  if (!tags_are_utf8(event.tags)) return error(ErrorCode::bad_field, "a tag is not UTF-8");
  if (event.kind == kind::bind) {
    if (const auto bind = decode_bind(event); !bind.ok()) return bind.error();
  }
  return {};
}

}  // namespace

Result<EventPtr> ValidationGate::validate(Event event, const Limits& limits, Verifier& verifier,
                                          std::string_view written) {
  if (const Status size = check_size(event, limits); !size.ok()) return size.error();
  const std::size_t most = size_limits(event.kind, limits).bytes;
  const std::string form = written_form(event, written, most);
  EventPtr known = verifier.known(event);
  // Others share what is known, and what one client wrote is nothing to them.
  const auto with_form = [&] {
    return EventPtr(std::shared_ptr<const ValidEvent>(new ValidEvent(std::move(event), form)));
  };
  // The limits are each node's own. An escape takes at most six bytes for one, so this one is within them.
  const bool small = (event.content.size() + event.tags.bytes()) * kLongestEscape + kJsonOverhead <= most;
  if (known && small) return form.empty() ? known : with_form();
  if (const Status fields = check_fields(event); !fields.ok()) return fields.error();
  const std::string canonical = canonical_bytes(event);
  if (canonical.size() + kJsonOverhead > most) return too_large();
  if (id_of_canonical(canonical) != event.id) return error(ErrorCode::bad_id, "the id is not the hash of the event");
  if (!verifier.verify(event.id, event.pubkey, event.sig)) {
    return error(ErrorCode::bad_signature, "the signature is not the author's");
  }
  if (!form.empty()) return with_form();
  if (known) return known;
  known = EventPtr(std::shared_ptr<const ValidEvent>(new ValidEvent(std::move(event))));
  verifier.keep(known);
  return known;
}

Result<EventPtr> ValidationGate::trusted(Event event, std::string_view form) {
  if (compute_id(event) != event.id) return error(ErrorCode::bad_id, "the id is not the hash of the event");
  return EventPtr(std::shared_ptr<const ValidEvent>(new ValidEvent(std::move(event), form)));
}

}  // namespace np2p
