// NIP-01's canonical bytes: [0,pubkey,created_at,kind,tags,content] without spaces, where exactly seven characters are
// escaped (\n \" \\ \r \t \b \f) and every other byte stands as it is; other control characters as \u00XX, as the
// libraries that people sign with write them (the vectors of a real client decide).
#pragma once

#include <string>

#include "core/event/event.h"

namespace np2p {

std::string canonical_bytes(const Event& event);
EventId compute_id(const Event& event);  // SHA-256 of canonical_bytes

}  // namespace np2p
