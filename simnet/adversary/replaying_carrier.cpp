#include "core/overlay/overlay.h"
#include "core/wire/extension.h"
#include "simnet/adversary/kinds.h"

namespace np2p::sim {
namespace {

constexpr Duration kEvery = 3s;
constexpr std::size_t kMost = 512;  // that it keeps

}  // namespace

void ReplayingCarrier::linked(LinkId link, const NodeId&) {
  links_.insert(link);
}

bool ReplayingCarrier::hears(LinkId link, const swarm::Message& message) {
  const auto* routed = std::get_if<swarm::Routed>(&message);
  if (routed != nullptr && heard_.size() < kMost) {
    const auto said = extension_in(message);
    if (said && (std::holds_alternative<Follow>(*said) || std::holds_alternative<Unfollow>(*said))) {
      heard_.push_back(*routed);
    }
  }
  links_.insert(link);
  replay();
  return true;
}

void ReplayingCarrier::replay() {
  const MonoTime now = means_.clock.mono();
  if (heard_.empty() || now < next_) return;
  next_ = now + kEvery;
  // Over any link: whoever gets it hands it on to the one it is for.
  const auto over = [&](const swarm::Routed& message) {
    auto at = links_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(means_.rng.below(links_.size())));
    means_.send(*at, message);
  };
  for (const swarm::Routed& one : heard_) {
    swarm::Routed again = one;
    again.hops = 0;
    over(again);
    const auto said = extension_in(swarm::Message(one));
    const auto* follow = said ? std::get_if<Follow>(&*said) : nullptr;
    if (follow == nullptr) continue;
    swarm::Routed forged = again;  // from this host, which does not serve that user
    forged.from = forged.from_via = means_.key.id();
    forged.payload = encode_extension(Unfollow{follow->follower});
    sign(forged, means_);
    over(forged);
    forged.from = one.from;  // and under the name of who does, whose key it has not got
    over(forged);
  }
}

}  // namespace np2p::sim
