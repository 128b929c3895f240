// Deletions (kind 5, NIP-09) stick: who holds one gives up what it deletes and does not take it again, whichever comes
// first. Only an author deletes, and only what is theirs. A deletion is kept and served like any other event; as the
// store gives up the oldest first, what it deletes (which is older) finds no room either once the deletion is gone.
//
// What no deletion takes back: another deletion (NIP-09), and a BIND, for without the newest one an older BIND or a
// mere claim would count again; a BIND without a node revokes it.
#pragma once

#include <vector>

#include "core/event/event.h"
#include "core/host/store.h"

namespace np2p {

constexpr bool can_be_deleted(std::uint16_t k) noexcept {
  return k != kind::deletion && k != kind::bind && kind::class_of(k) != kind::Class::ephemeral;
}

// The events in the store that this deletion takes back.
std::vector<EventPtr> deleted_by(const Event& deletion, Store& store);
// The deletion in the store that takes this event back; null if there is none.
EventPtr deletion_of(const Event& event, Store& store);
// Likewise of an event of which nothing but this is known.
EventPtr deletion_of(const EventId& event, const PubKey& author, Store& store);

}  // namespace np2p
