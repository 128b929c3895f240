// What the owner of a server should know about the BIND of their key: it ends soon, or names somebody else.
#pragma once

#include <string>

#include "core/event/bind.h"
#include "core/host/store.h"

namespace np2p::real {

// One sentence for the log; empty if all is well, or if there is no BIND.
std::string bind_warning(const Bind& bind, const NodeId& self, std::int64_t unix_now);
// Of the BIND that the store keeps for that user.
std::string stored_bind_warning(Store& store, const PubKey& owner, const NodeId& self, std::int64_t unix_now);

}  // namespace np2p::real
