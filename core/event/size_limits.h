// How large an event may be, by its kind (Limits::event_bytes and the three beside it).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/limits.h"
#include "core/event/kinds.h"

namespace np2p {

struct SizeLimits {
  std::size_t bytes = 0;  // as event_json() writes it
  std::size_t tags = 0;
};

constexpr SizeLimits size_limits(std::uint16_t kind, const Limits& limits) noexcept {
  return kind::is_list(kind) ? SizeLimits{limits.list_bytes, limits.list_tags}
                             : SizeLimits{limits.event_bytes, limits.event_tags};
}

// Of one event, whatever its kind and whoever allows it. An event that is larger than we allow, or has more tags, is
// refused by the gate and by itself: another server may allow more, or have stored it when more was allowed, and what
// comes in one packet with it, or stands in one answer, is not to be lost for that. So a decoder goes by this.
inline constexpr std::size_t kMostTags = 20'000;

// While nobody knows the kind yet.
constexpr SizeLimits largest_size(const Limits& limits) noexcept {
  return {std::max(limits.event_bytes, limits.list_bytes), std::max(limits.event_tags, limits.list_tags)};
}

}  // namespace np2p
