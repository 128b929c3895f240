// NIP-01's canonical bytes: [0,pubkey,created_at,kind,tags,content] without spaces. Seven characters have a short
// escape
// (\n \" \\ \r \t \b \f), the other control characters below U+0020 are \u00xx in lower case, as the libraries that
// people sign with write them (the vectors of a real client decide), and every other byte stands as it is: DEL, U+2028
// and whatever is above are not escaped.
#pragma once

#include <string>
#include <string_view>

#include "core/event/event.h"

namespace np2p {

std::string canonical_bytes(const Event& event);
EventId id_of_canonical(std::string_view canonical);  // its SHA-256
EventId compute_id(const Event& event);               // SHA-256 of canonical_bytes

}  // namespace np2p
