#include "core/event/replaceable.h"

#include "core/event/bind.h"
#include "core/event/filter.h"

namespace np2p {

std::optional<EventAddress> address_of(const Event& event) {
  const kind::Class kind_class = kind::class_of(event.kind);
  if (kind_class == kind::Class::replaceable) return EventAddress{event.pubkey, event.kind, {}};
  if (kind_class != kind::Class::addressable) return std::nullopt;
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    const Tags::Tag tag = event.tags[i];
    if (tag.name() == "d") return EventAddress{event.pubkey, event.kind, std::string(tag.first())};
  }
  return EventAddress{event.pubkey, event.kind, {}};  // no d tag means an empty one
}

bool replaces(const Event& candidate, const Event& holder) noexcept {
  if (candidate.kind == kind::bind && holder.kind == kind::bind) {
    const auto a = decode_bind(candidate);
    const auto b = decode_bind(holder);
    if (a.ok() && b.ok()) return outranks(*a, *b);
    if (a.ok() != b.ok()) return a.ok();
  }
  return newer(candidate, holder);
}

}  // namespace np2p
