// A keeper's word for its answer: its signature over the number of the question and the records, as one more record of
// the answer. The number is random and chosen by who asks, so a voucher is good for one answer, and nobody on the way
// can make one in a keeper's name. A node of an earlier version counts it as an unknown record and ignores it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/event/verifier.h"
#include "core/host/node_key.h"
#include "core/overlay/swarm/bindings.h"

namespace np2p::swarm {

void vouch(std::vector<ByteVec>& records, std::uint64_t query, NodeKey& key, std::string_view network);
// Takes the voucher out of the answer, if it has one. Who gave it; nothing if there is none or it is not good.
std::optional<NodeId> take_voucher(std::vector<ByteVec>& records, std::uint64_t query, Verifier& verifier,
                                   std::string_view network);

}  // namespace np2p::swarm
