#include <algorithm>

#include "core/overlay/overlay.h"
#include "core/overlay/swarm/fanout.h"
#include "core/wire/extension.h"
#include "simnet/adversary/kinds.h"

namespace np2p::sim {
namespace {

constexpr std::int64_t kEvery = 20'000'000;  // ns: 50 FOLLOWs a second to each whom it follows
constexpr std::int64_t kMostAtOnce = 100;

PubKey invented(Rng& rng) {
  PubKey key;
  for (auto& byte : key.data) byte = static_cast<std::uint8_t>(rng.next());
  return key;
}

}  // namespace

bool SilentFollower::says(LinkId, swarm::Message& message) {
  if (std::holds_alternative<swarm::Receipt>(message)) return false;
  if (auto* receipts = std::get_if<swarm::Receipts>(&message)) {
    const auto self = swarm::short_node(means_.key.id());
    std::erase_if(receipts->got, [self](const swarm::Receipted& one) { return one.who == self; });
    return !receipts->got.empty() || !receipts->lost.empty();
  }
  const auto said = extension_in(message);
  return !said || !std::holds_alternative<Pull>(*said);
}

bool FloodingFollower::says(LinkId link, swarm::Message& message) {
  const auto said = extension_in(message);
  if (!said || !std::holds_alternative<Follow>(*said)) return true;
  const auto* routed = std::get_if<swarm::Routed>(&message);
  NodeId to;  // over a link of its own: whoever is there
  if (routed != nullptr) {
    to = routed->to;
  } else {
    for (std::size_t i = 0; i < sizeof link.value; ++i) to.data[i] = static_cast<std::uint8_t>(link.value >> 8 * i);
  }
  if (said_.empty()) last_ = means_.clock.mono();
  said_.insert_or_assign(to, std::pair(link, message));
  return true;
}

bool FloodingFollower::hears(LinkId, const swarm::Message&) {
  flood();
  return true;
}

// As often as it has time to: whenever anything comes.
void FloodingFollower::flood() {
  const std::int64_t due = (means_.clock.mono() - last_).count() / kEvery;
  if (said_.empty() || due <= 0) return;
  last_ = means_.clock.mono();
  for (auto& [to, one] : said_) {
    auto& [link, message] = one;
    const auto template_ = extension_in(message);
    if (!template_) continue;
    for (std::int64_t i = 0; i < std::min(due, kMostAtOnce); ++i) {
      Follow follow = std::get<Follow>(*template_);
      follow.position.reset();  // so that everything recent is due
      follow.since = 0;
      follow.said += floods_;
      const bool for_another = ++floods_ % 2 == 0;
      if (for_another) follow.follower = invented(means_.rng);
      swarm::Message flood = message;
      if (auto* routed = std::get_if<swarm::Routed>(&flood)) {
        if (for_another) routed->source = follow.follower;
        routed->counter += floods_;
      }
      say_instead(flood, encode_extension(follow), means_);
      means_.send(link, flood);
    }
  }
}

bool NamingFollower::hears(LinkId, const swarm::Message& message) {
  const auto* hello = std::get_if<swarm::Hello>(&message);
  const bool fresh =
      hello != nullptr && std::find(strangers_.begin(), strangers_.end(), hello->owner) == strangers_.end();
  if (fresh && strangers_.size() < kMostGuardians) strangers_.push_back(hello->owner);
  return true;
}

// Nobody guards it, so that the directory has nothing to say either.
bool NamingFollower::says(LinkId, swarm::Message& message) {
  const auto said = extension_in(message);
  if (!said) return true;
  if (std::holds_alternative<Guard>(*said)) return false;
  if (const auto* follow = std::get_if<Follow>(&*said)) {
    Follow lie = *follow;
    lie.guardians = strangers_;
    say_instead(message, encode_extension(lie), means_);
  }
  return true;
}

}  // namespace np2p::sim
