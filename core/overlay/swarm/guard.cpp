#include "core/overlay/swarm/guard.h"

#include <algorithm>

namespace np2p::swarm {
namespace {

// Of so many nodes one looks each time: the more there are, the fewer of them are needed. A dial costs some 5 kB, both
// sides together.
constexpr std::size_t kMostBits = 4;
constexpr Duration kDialTime = 30s;
constexpr Duration kAnswerTime = 4s;  // who is linked says its roots after 2 s

}  // namespace

Guard::Guard(const Config& config, const SwarmParams& params, Host& host, Links& links, const Paths& paths,
             const Fingers& fingers, const Entrance& entrance)
    : host_(host),
      links_(links),
      paths_(paths),
      fingers_(fingers),
      entrance_(entrance),
      rng_(config.seed, "swarm/guard"),
      every_(params.trees == 0 ? Duration{} : params.guard_every),
      at_(host.clock.mono() + rng_.between(every_ / 2, every_ * 3 / 2)) {}

std::optional<MonoTime> Guard::next_due() const noexcept {
  if (link_) return until_;
  if (every_ == Duration{} || links_.listens().is_unspecified()) return std::nullopt;
  return at_;
}

void Guard::due(MonoTime now) {
  if (link_ && until_ <= now) let_go(link_);
  const std::optional<MonoTime> next = next_due();
  if (!link_ && next && *next <= now) look(now);
}

void Guard::look(MonoTime now) {
  at_ = now + rng_.between(every_ / 2, every_ * 3 / 2);
  if (rng_.below(std::uint64_t{1} << std::min(kMostBits, fingers_.shared_bits())) != 0) return;
  if (paths_.routes() == 0) return;  // we are in no part ourselves
  const std::optional<Address> door = entrance_.elsewhere(rng_);
  if (!door) return;
  link_ = links_.dial(*door, Use::probe);
  if (!link_) return;
  ++lookups_;
  door_ = *door;
  until_ = now + kDialTime;
  answered_ = false;
}

void Guard::let_go(LinkId link) {
  link_ = {};
  links_.drop_use(link, Use::probe);
}

void Guard::changed(const LinkChange& change) {
  if (!link_) return;
  const bool ready = change.kind == LinkChange::Kind::ready;
  if (change.link != link_) {
    // It was linked already and has that address, too.
    if (ready && change.address == door_) let_go(change.link);
  } else if (ready) {
    until_ = host_.clock.mono() + kAnswerTime;
  } else {
    link_ = {};
  }
}

bool Guard::on(const Peer& from, const PathVector& message) {
  if (from.link != link_ || answered_) return false;
  std::size_t same = 0;
  std::size_t other = 0;
  for (const PathEntry& entry : message.entries) {
    const std::uint32_t ours = paths_.root(entry.tree);
    if (entry.delay == kFar || entry.rank == kNoRank || ours == kNoRank) continue;
    ++(entry.rank == ours ? same : other);
  }
  if (same + other == 0) return false;
  answered_ = true;
  if (same >= other) return false;  // some roots may be changing just now
  ++merged_;
  host_.observer.noted("another part of the network was found at " + door_.text());
  return true;
}

}  // namespace np2p::swarm
