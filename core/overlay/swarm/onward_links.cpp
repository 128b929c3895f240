#include "core/overlay/swarm/onward_links.h"

#include <algorithm>

namespace np2p::swarm {
namespace {

constexpr Duration kOften = 10min;
constexpr unsigned kWorthIt = 2;  // payloads within that
// Who gave no answer, cannot be reached, or had no room for us for long, is asked again after growing pauses.
constexpr Duration kFirstPause = 1min;
constexpr Duration kLongestPause = 16min;

}  // namespace

OnwardLinks::Held* OnwardLinks::find(const NodeId& node) noexcept {
  const auto at = std::find_if(held_.begin(), held_.end(), [&](const Held& one) { return one.node == node; });
  return at == held_.end() ? nullptr : &*at;
}

OnwardLinks::Held* OnwardLinks::remember(const NodeId& node, const NodeId& author) {
  if (Held* known = find(node)) return known;
  const auto his = std::count_if(held_.begin(), held_.end(), [&](const Held& one) { return one.author == author; });
  const std::size_t most = config_.limits.onward_links;
  if (held_.size() >= most || static_cast<std::size_t>(his) * 2 >= most) {
    host_.observer.rejected("onward link", error(ErrorCode::full, "too many whom cells are sent on to"), {});
    return nullptr;
  }
  return &held_.emplace_back(Held{node, author, {}, host_.clock.mono(), kFirstPause});
}

void OnwardLinks::to_head(const NodeId& node, const NodeId& author) {
  if (Held* held = remember(node, author)) sent(*held, config_.limits.cell_lease, 1);
}

void OnwardLinks::to_relay(const NodeId& node, const NodeId& author) {
  // A link that is there for another reason, as with a neighbour, needs none.
  Held* held = links_.find(node) == nullptr ? remember(node, author) : find(node);
  if (held != nullptr) sent(*held, kOften, kWorthIt);
}

void OnwardLinks::sent(Held& held, Duration stays, unsigned worth) {
  const MonoTime now = host_.clock.mono();
  held.until = std::max(held.until, now + stays);
  held.sent = std::min(held.sent + 1, kWorthIt);
  if (held.sent < worth) return;
  if (const Peer* peer = links_.find(held.node)) {
    held.pause = kFirstPause;
    return links_.add_use(peer->link, Use::onward);
  }
  if (held.ask_at > now) return;
  held.ask_at = now + held.pause;
  held.pause = std::min(2 * held.pause, kLongestPause);
  held.awaited = true;
  router_.send(held.node, held.node, static_cast<Channel>(kCellChannel), encode_cell(CellWhere{}), Priority::control,
               Traffic::control);
}

void OnwardLinks::on(const Arrival& arrival, const CellWhere&) {
  if (!config_.relay || links_.listens().is_unspecified()) {
    return host_.observer.rejected("cell where", error(ErrorCode::forbidden, "this server carries nothing for others"),
                                   arrival.delivery.link);
  }
  router_.send(arrival.via, arrival.node, static_cast<Channel>(kCellChannel), encode_cell(CellHere{links_.listens()}),
               Priority::control, Traffic::control);
}

void OnwardLinks::on(const Arrival& arrival, const CellHere& message) {
  Held* held = find(arrival.node);
  if (held == nullptr || !held->awaited) {
    return host_.observer.rejected("cell here", error(ErrorCode::not_found, "nobody asked"), arrival.delivery.link);
  }
  held->awaited = false;
  links_.connect({arrival.node, message.listens, {}}, Use::onward);
}

std::optional<MonoTime> OnwardLinks::next_due() const noexcept {
  std::optional<MonoTime> first;
  for (const Held& one : held_) {
    if (!first || one.until < *first) first = one.until;
  }
  return first;
}

void OnwardLinks::due(MonoTime now) {
  const std::size_t before = held_.size();
  std::erase_if(held_, [&](const Held& one) {
    if (one.until > now) return false;
    if (const Peer* peer = links_.find(one.node)) links_.drop_use(peer->link, Use::onward);
    return true;
  });
  if (before != 0 && held_.empty()) held_ = {};
}

}  // namespace np2p::swarm
