#include "core/overlay/swarm/swarm.h"

#include <algorithm>
#include <string>
#include <type_traits>

namespace np2p::swarm {
namespace {

// Larger for each later start, on whatever disk: the clock does not stand still between two starts.
std::uint64_t boot_number(const Host& host) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(host.clock.wall().ns, 1));
}

}  // namespace

Swarm::Swarm(const Config& config, Host& host)
    : config_(config),
      host_(host),
      params_(config.swarm),
      links_(config, host, boot_number(host)),
      entrance_(config, host, links_),
      reachability_(config, host, links_),
      hyparview_(config, params_, host, links_),
      plumtree_(config, host, links_) {}

void Swarm::start() {
  reachability_.start();
  entrance_.start();
  settle();
}

void Swarm::stop() {
  links_.close_all(CloseReason::shutting_down);
}

void Swarm::link_up(const LinkInfo& info) {
  if (reachability_.came_in(info)) {
    host_.network.close(info.link, CloseReason::duplicate_link);
    hyparview_.became_reachable();
  } else {
    links_.link_up(info);
  }
  settle();
}

void Swarm::frame(LinkId link, const Frame& frame) {
  auto message = decode(frame.view(), config_.limits);
  if (!message.ok()) {
    host_.observer.rejected("message", message.error(), link);
    if (message.error().code != ErrorCode::unknown_type) links_.close(link, CloseReason::protocol_error);
  } else if (const Hello* hello = std::get_if<Hello>(&*message)) {
    links_.hello(link, *hello);
    if (const Peer* peer = links_.find(link)) hyparview_.peer_updated(*peer);
  } else if (Peer* peer = links_.find(link)) {
    handle(*peer, *message);
  } else {
    host_.observer.rejected("message", error(ErrorCode::forbidden, "before a Hello"), link);
  }
  settle();
}

void Swarm::handle(Peer& from, const Message& message) {
  std::visit(
      [&](const auto& m) {
        using T = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<T, HelloEcho>) {
          links_.echo(from.link, m);
        } else if constexpr (std::is_same_v<T, Unused>) {
          links_.unused(from.link, m);
        } else if constexpr (std::is_same_v<T, DialBack>) {
          reachability_.on(from, m);
        } else if constexpr (requires { hyparview_.on(from, m); }) {
          hyparview_.on(from, m);
        } else if constexpr (requires { plumtree_.on(from, m); }) {
          plumtree_.on(from, m);
        }
      },
      message);
}

void Swarm::link_down(LinkId link, CloseReason reason) {
  links_.link_down(link, reason);
  settle();
}

void Swarm::timer(Timer timer) {
  const MonoTime now = host_.clock.mono();
  if (timer == Timer::overlay_connect) {
    armed_connect_.reset();
    links_.due(now);
    entrance_.due(now);
    hyparview_.due(now);
  } else if (timer == Timer::overlay_gossip) {
    armed_gossip_.reset();
    plumtree_.due(now);
  }
  settle();
}

void Swarm::settle() {
  bool more = true;
  while (more) {
    more = false;
    while (const auto change = links_.next()) {
      more = true;
      if (change->kind == LinkChange::Kind::lost) plumtree_.neighbour_down(change->link);
      hyparview_.changed(*change);
      entrance_.changed(*change, hyparview_.active_size() > 0);
      reachability_.changed(*change);
    }
    while (const auto change = hyparview_.next()) {
      more = true;
      if (change->up) {
        plumtree_.neighbour_up(change->link);
        const Peer* peer = links_.find(change->link);
        if (peer != nullptr && peer->reachable()) entrance_.remember(peer->ref());
      } else {
        plumtree_.neighbour_down(change->link);
      }
    }
    entrance_.inside(hyparview_.active_size() > 0);
    while (const auto door = entrance_.next()) {
      more = true;
      hyparview_.join(*door);
    }
  }
  std::optional<MonoTime> connect = hyparview_.next_due();
  for (const auto& at : {links_.next_due(), entrance_.next_due()}) {
    if (at && *at < *connect) connect = at;
  }
  arm(Timer::overlay_connect, connect, armed_connect_);
  arm(Timer::overlay_gossip, plumtree_.next_due(), armed_gossip_);
}

void Swarm::arm(Timer timer, std::optional<MonoTime> at, std::optional<MonoTime>& armed) {
  if (at == armed) return;
  armed = at;
  if (at) {
    host_.timers.arm(timer, *at);
  } else {
    host_.timers.cancel(timer);
  }
}

void Swarm::broadcast(Channel channel, const Frame& payload) {
  plumtree_.broadcast(channel, payload);
  settle();
}

void Swarm::forward(const Delivery& delivery, const Frame& payload) {
  plumtree_.forward(delivery, payload);
  settle();
}

void Swarm::close_link(LinkId link, CloseReason reason) {
  links_.close(link, reason);
  settle();
}

std::vector<Overlay::Peer> Swarm::peers() const {
  std::vector<Overlay::Peer> list;
  for (const Peer& peer : links_.ready()) {
    list.push_back({mesh_name(peer.owner), peer.link, peer.remote, peer.outbound, true});
  }
  return list;
}

}  // namespace np2p::swarm
