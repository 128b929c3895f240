#include "core/overlay/swarm/tunnels.h"

#include <algorithm>

namespace np2p::swarm {
namespace {

constexpr std::size_t kMostQueued = 1024 * 1024;  // unsent bytes of a link that is to carry more
constexpr std::size_t kMostWaiting = 512 * 1024;  // of a host that does not hold a tunnel when told to

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
  if (link) ends_.push_back({link, peer, via, number, {}, 0});
  return link;
}

// Half a burst to spare for records that come bunched and for what else the relay may count; and a sixteenth of the
// rate, as its clock is not ours.
Tunnels::Pace& Tunnels::pace_of(const NodeId& neighbour) {
  const MonoTime now = host_.clock.mono();
  for (Pace& one : paces_) {
    if (one.neighbour != neighbour) continue;
    one.used = now;
    return one;
  }
  if (paces_.size() >= config_.limits.tunnels) {
    paces_.erase(
        std::min_element(paces_.begin(), paces_.end(), [](const Pace& a, const Pace& b) { return a.used < b.used; }));
  }
  const std::uint32_t rate = config_.limits.relay_client_bytes_per_s;
  paces_.push_back({neighbour, TokenBucket(rate - rate / 16, config_.limits.relay_client_burst / 2), now, false});
  return paces_.back();
}

Tunnels::Passed Tunnels::pass(const End& end, const Waiting& what) {
  const LinkId onward = router_.carrier(end.via, end.peer, {});
  const Peer* neighbour = links_.find(onward);
  if (neighbour == nullptr) return Passed::nowhere;
  const MonoTime now = host_.clock.mono();
  const auto bytes = static_cast<std::uint32_t>(what.record.size());
  Pace& pace = pace_of(neighbour->id);
  if (pace.empty) return Passed::later;
  pace.empty = !pace.bytes.take(now, bytes);
  if (pace.empty) {
    const MonoTime at = now + pace.bytes.wait(now, bytes);
    if (!due_ || at < *due_) due_ = at;
    return Passed::later;
  }
  Carry message;
  message.via = end.via;
  message.to = end.peer;
  message.from = host_.node_key.id();
  message.from_via = router_.own_via();
  message.tunnel = end.number;
  message.record = what.record;
  links_.send(onward, message, Priority::bulk, what.traffic);
  return Passed::yes;
}

void Tunnels::carry(LinkId link, const Frame& record, Traffic traffic) {
  End* end = find(link);
  if (end == nullptr) return;
  const Passed passed = end->waiting.empty() ? pass(*end, {record, traffic}) : Passed::later;
  if (passed == Passed::yes) return;
  if (passed == Passed::nowhere || end->waiting_bytes + record.size() > kMostWaiting) {
    return links_.close(link, CloseReason::timed_out);
  }
  if (end->waiting.empty()) host_.network.hold(link, true);
  end->waiting.push_back({record, traffic});
  end->waiting_bytes += record.size();
}

// A record of each in turn: whoever got through goes to the end of the line.
void Tunnels::due(MonoTime now) {
  if (!due_ || *due_ > now) return;
  due_.reset();
  for (Pace& pace : paces_) pace.empty = false;
  for (std::size_t tried = 0; tried < ends_.size();) {
    End& end = ends_[tried];
    const Passed passed = end.waiting.empty() ? Passed::later : pass(end, end.waiting.front());
    if (passed == Passed::later) {
      ++tried;
    } else if (passed == Passed::nowhere) {
      end.waiting.clear();
      end.waiting_bytes = 0;
      links_.close(end.link, CloseReason::timed_out);
      ++tried;
    } else {
      end.waiting_bytes -= end.waiting.front().record.size();
      end.waiting.erase(end.waiting.begin());
      if (end.waiting.empty()) host_.network.hold(end.link, false);
      std::rotate(ends_.begin() + static_cast<std::ptrdiff_t>(tried),
                  ends_.begin() + static_cast<std::ptrdiff_t>(tried) + 1, ends_.end());
    }
  }
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
  relay_.ended(message);
  const LinkId onward =
      message.hops < config_.limits.hops ? router_.carrier(message.via, message.to, from.link) : LinkId{};
  if (!onward || onward == from.link) return;
  CarryEnd on_its_way = message;
  ++on_its_way.hops;
  links_.send(onward, on_its_way, Priority::control, Traffic::control);
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
