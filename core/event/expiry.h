// When an event expires (NIP-40), as its author wishes.
#pragma once

#include <cstdint>
#include <optional>

#include "core/event/event.h"

namespace np2p {

// The time of its first `expiration` tag, in Unix seconds; nothing if there is none or it is no time.
std::optional<std::int64_t> expiration_of(const Event& event) noexcept;

inline bool has_expired(const Event& event, std::int64_t now) noexcept {
  const auto at = expiration_of(event);
  return at && *at <= now;
}

}  // namespace np2p
