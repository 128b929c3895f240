#include "core/overlay/swarm/correspondence.h"

#include <algorithm>

namespace np2p::swarm {
namespace {

constexpr std::size_t kLarge = 4 * 1024;  // above, a payload is not routed if a link can be had
constexpr unsigned kTalks = 4;            // messages to one user within
constexpr Duration kTalkTime = 2min;      // are a conversation
constexpr Duration kPatience = 20s;       // with a link that does not come

}  // namespace

Correspondence::Correspondence(const Config& config, Host& host, Links& links, Locator& locator, Ladder& ladder)
    : config_(config), host_(host), links_(links), locator_(locator), ladder_(ladder) {}

bool Correspondence::send(const PubKey& user, Channel channel, const Frame& payload, Priority priority) {
  const auto to = locator_.find_alive(user);
  if (!to) return locator_.send(user, channel, payload, priority);  // looks for it
  if (priority != Priority::control && is_busy(to->node)) return false;
  if (links_.find(to->node) == nullptr) {
    const bool large = payload.size() > kLarge;
    const bool talks = keeps_talking(user);
    if ((large || talks) && ladder_.want(*to) == Ladder::Answer::climbing && large &&
        wait(*to, user, channel, payload, priority)) {
      return true;
    }
  }
  return pass(to->node, user, channel, payload, priority);
}

// Does enough wait for it already, in its tunnel or for one?
bool Correspondence::is_busy(const NodeId& node) const noexcept {
  const Peer* peer = links_.find(node);
  if (peer != nullptr) return peer->path == Path::tunnel && host_.network.queued_bytes(peer->link) > kBusyBytes;
  std::size_t bytes = 0;
  for (const Waiting& one : waiting_) bytes += one.node == node ? one.payload.size() : 0;
  return bytes > kBusyBytes;
}

void Correspondence::writable() {
  ++version_;
}

bool Correspondence::pass(const NodeId& node, const PubKey& user, Channel channel, const Frame& payload,
                          Priority priority) {
  ladder_.used(node);
  return locator_.send(user, channel, payload, priority);
}

bool Correspondence::keeps_talking(const PubKey& user) {
  const MonoTime now = host_.clock.mono();
  std::erase_if(talks_, [now](const Talk& one) { return one.since + kTalkTime <= now; });
  const auto talk = std::find_if(talks_.begin(), talks_.end(), [&](const Talk& one) { return one.user == user; });
  if (talk != talks_.end()) return ++talk->count >= kTalks;
  if (talks_.size() < config_.limits.talking) talks_.push_back({user, 1, now});
  return false;
}

bool Correspondence::wait(const Whereabouts& to, const PubKey& user, Channel channel, const Frame& payload,
                          Priority priority) {
  const Limits& limits = config_.limits;
  if (waiting_.size() >= limits.waiting_payloads || waiting_bytes_ + payload.size() > limits.waiting_bytes) {
    host_.observer.rejected("unicast", error(ErrorCode::full, "too much waits for links: routed"), {});
    return false;
  }
  waiting_.push_back({to.node, user, channel, priority, payload, host_.clock.mono() + kPatience});
  waiting_bytes_ += payload.size();
  return true;
}

// In the order in which they came; without a link in the old way, hop by hop.
template <class Which>
void Correspondence::release(Which which) {
  std::vector<Waiting> going;
  for (Waiting& one : waiting_) {
    if (which(one)) going.push_back(one);
  }
  std::erase_if(waiting_, which);
  for (const Waiting& one : going) {
    waiting_bytes_ -= one.payload.size();
    if (pass(one.node, one.user, one.channel, one.payload, one.priority)) continue;
    host_.observer.rejected("unicast", error(ErrorCode::unreachable, "no way there any more"), {});
  }
}

void Correspondence::outcome(const Ladder::Outcome& outcome) {
  release([&](const Waiting& one) { return one.node == outcome.node; });
  ++version_;
}

std::optional<MonoTime> Correspondence::next_due() const noexcept {
  std::optional<MonoTime> first;
  for (const Waiting& one : waiting_) {
    if (!first || one.until < *first) first = one.until;
  }
  return first;
}

void Correspondence::due(MonoTime now) {
  release([now](const Waiting& one) { return one.until <= now; });
}

}  // namespace np2p::swarm
