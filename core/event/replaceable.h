// Replaceable and addressable events (NIP-01): of one address only the newest is kept; of the same second the lowest
// id. Of BINDs the highest epoch is kept (bind.h), so that no clock and no replay can bring an old one back.
#pragma once

#include <compare>
#include <optional>
#include <string>

#include "core/event/event.h"

namespace np2p {

// What identifies the slot that a replaceable or addressable event fills: author, kind and, if addressable, the d tag.
struct EventAddress {
  PubKey author;
  std::uint16_t kind = 0;
  std::string d;
  friend auto operator<=>(const EventAddress&, const EventAddress&) = default;
};

std::optional<EventAddress> address_of(const Event& event);  // nothing for regular and ephemeral kinds

// True if `candidate` takes the slot from `holder`.
bool replaces(const Event& candidate, const Event& holder) noexcept;

}  // namespace np2p
