#include "core/overlay/swarm/tunnels.h"

#include <algorithm>

namespace np2p::swarm {
namespace {

constexpr std::size_t kMostQueued = 1024 * 1024;  // unsent bytes of a link that is to carry more

}  // namespace

Tunnels::Tunnels(const Config& config, Host& host, Links& links, Router& router)
    : config_(config), host_(host), links_(links), router_(router), relay_(config) {}

Tunnels::End* Tunnels::find(LinkId link) noexcept {
  for (End& end : ends_) {
    if (end.link == link) return &end;
  }
  return nullptr;
}

Tunnels::End* Tunnels::find(const NodeId& peer, std::uint64_t number) noexcept {
  for (End& end : ends_) {
    if (end.peer == peer && end.number == number) return &end;
  }
  return nullptr;
}

LinkId Tunnels::open(const NodeId& peer, const NodeId& via, std::uint64_t number, bool outbound, Use use) {
  if (ends_.size() >= config_.limits.tunnels || find(peer, number) != nullptr) return {};
  const LinkId link = links_.tunnel(peer, outbound, use);
  if (link) ends_.push_back({link, peer, via, number});
  return link;
}

void Tunnels::says(LinkId link, Traffic traffic) {
  if (End* end = find(link)) end->traffic = traffic;
}

void Tunnels::carry(LinkId link, const Frame& record) {
  End* end = find(link);
  if (end == nullptr) return;
  const LinkId onward = router_.carrier(end->via, end->peer, {});
  if (!onward) {
    links_.close(link, CloseReason::timed_out);
    return;
  }
  Carry message;
  message.via = end->via;
  message.to = end->peer;
  message.from = host_.node_key.id();
  message.from_via = router_.own_via();
  message.tunnel = end->number;
  message.record = record;
  links_.send(onward, message, Priority::bulk, std::exchange(end->traffic, Traffic::control));
}

void Tunnels::on(Peer& from, const Carry& message) {
  if (message.to == host_.node_key.id()) {
    const End* end = find(message.from, message.tunnel);
    if (end == nullptr) return stop(from, message);
    return host_.network.carried(end->link, message.record);
  }
  host_.observer.frame_was(Traffic::relay);
  const LinkId onward =
      message.hops < config_.limits.hops ? router_.carrier(message.via, message.to, from.link) : LinkId{};
  if (!onward || onward == from.link || host_.network.queued_bytes(onward) > kMostQueued) return stop(from, message);
  if (const Status admitted = relay_.admit(from, message, host_.clock.mono()); !admitted.ok()) {
    host_.observer.rejected("carry", admitted.error(), from.link);
    return stop(from, message);
  }
  Carry on_its_way = message;
  ++on_its_way.hops;
  links_.send(onward, on_its_way, Priority::bulk, Traffic::relay);
}

void Tunnels::stop(Peer& from, const Carry& message) {
  const CarryEnd end{message.from_via, message.from, message.to, message.tunnel, 0};
  links_.send(from.link, end, Priority::control, Traffic::control);
}

void Tunnels::on(Peer& from, const CarryEnd& message) {
  if (message.to == host_.node_key.id()) {
    const End* end = find(message.from, message.tunnel);
    if (end == nullptr) return;
    const LinkId link = end->link;
    ends_.erase(ends_.begin() + (end - ends_.data()));
    host_.network.close(link, CloseReason::peer_closed);
    links_.link_down(link, CloseReason::peer_closed);
    return;
  }
  host_.observer.frame_was(Traffic::relay);
  relay_.ended(message);
  const LinkId onward =
      message.hops < config_.limits.hops ? router_.carrier(message.via, message.to, from.link) : LinkId{};
  if (!onward || onward == from.link) return;
  CarryEnd on_its_way = message;
  ++on_its_way.hops;
  links_.send(onward, on_its_way, Priority::control, Traffic::relay);
}

void Tunnels::closed(LinkId link) {
  const End* end = find(link);
  if (end == nullptr) return;
  const CarryEnd message{end->via, end->peer, host_.node_key.id(), end->number, 0};
  ends_.erase(ends_.begin() + (end - ends_.data()));
  const LinkId onward = router_.carrier(message.via, message.to, {});
  if (onward) links_.send(onward, message, Priority::control, Traffic::control);
}

}  // namespace np2p::swarm
