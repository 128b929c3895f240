#include <utility>

#include "core/overlay/overlay.h"
#include "core/wire/extension.h"
#include "simnet/adversary/kinds.h"

namespace np2p::sim {
namespace {

constexpr Duration kEvery = 3s;
constexpr std::size_t kMost = 512;  // that it keeps
constexpr std::size_t kLinks = 16;

}  // namespace

void ReplayingCarrier::linked(LinkId link, const NodeId&) {
  links_.push_back(link);
  if (links_.size() > kLinks) links_.erase(links_.begin());
}

bool ReplayingCarrier::hears(LinkId, const swarm::Message& message) {
  const auto* routed = std::get_if<swarm::Routed>(&message);
  if (routed != nullptr && heard_.size() < kMost) {
    const auto said = extension_in(message);
    if (said && (std::holds_alternative<Follow>(*said) || std::holds_alternative<Unfollow>(*said))) {
      heard_.push_back(*routed);
    }
  }
  replay();
  return true;
}

// Its own node, which is an honest carrier, finds the way, as if it had come in over some link.
void ReplayingCarrier::replay() {
  const MonoTime now = means_.clock.mono();
  if (heard_.empty() || links_.empty() || now < next_) return;
  next_ = now + kEvery;
  const auto carry = [&](const swarm::Routed& message) {
    means_.hand(links_[static_cast<std::size_t>(means_.rng.below(links_.size()))], message);
  };
  // In any order: whichever of them counted last would count.
  for (std::size_t left = heard_.size(); left > 1; --left) {
    std::swap(heard_[left - 1], heard_[static_cast<std::size_t>(means_.rng.below(left))]);
  }
  for (const swarm::Routed& one : heard_) {
    swarm::Routed again = one;
    again.hops = 0;
    carry(again);
    const auto said = extension_in(swarm::Message(one));
    const auto* follow = said ? std::get_if<Follow>(&*said) : nullptr;
    if (follow == nullptr) continue;
    swarm::Routed forged = again;  // from this host, which does not serve that user
    forged.from = forged.from_via = means_.key.id();
    forged.payload = encode_extension(Unfollow{follow->follower});
    sign(forged, means_);
    carry(forged);
    forged.from = one.from;  // and under the name of who does, whose key it has not got
    carry(forged);
  }
}

}  // namespace np2p::sim
