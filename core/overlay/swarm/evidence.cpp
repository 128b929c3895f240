#include "core/overlay/swarm/evidence.h"

#include <algorithm>
#include <string>

namespace np2p::swarm {

void Evidence::found(What what, const std::array<std::uint8_t, 32>& signer, std::uint64_t number, ByteVec first,
                     ByteVec second) {
  const auto known = std::find_if(pairs_.begin(), pairs_.end(), [&](const Pair& one) {
    return one.what == what && one.signer == signer && one.number == number;
  });
  if (known != pairs_.end()) return;
  ++count_;
  const bool bind = what == What::bind;
  const std::string who = (bind ? "user " : "node ") + to_hex(signer).substr(0, 12);
  host_.observer.rejected("equivocation", error(ErrorCode::forbidden, who + " signed two different things"), {});
  host_.observer.noted(who + " signed two different " + (bind ? "BINDs for epoch " : "contacts with sequence ") +
                       std::to_string(number));
  if (pairs_.size() >= config_.limits.evidence) pairs_.erase(pairs_.begin());
  pairs_.push_back({what, signer, number, std::move(first), std::move(second)});
}

}  // namespace np2p::swarm
