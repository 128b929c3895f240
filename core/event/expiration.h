// When an event says that it ends (NIP-40). What is expired is neither taken nor shown.
#pragma once

#include <cstdint>
#include <optional>

#include "core/event/event.h"

namespace np2p {

// Unix seconds; nothing if it never does. Of several the earliest; what is no number says nothing.
std::optional<std::int64_t> expires_at(const Event& event) noexcept;

inline bool is_expired(const Event& event, std::int64_t unix_now) noexcept {
  const auto end = expires_at(event);
  return end && *end <= unix_now;
}

}  // namespace np2p
