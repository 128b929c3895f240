// Small messages to any node: greedily towards the node's relay (or the node itself, if it can be dialled), which hands
// it over. The end points share a key that nobody on the way has, so a message says who sent it; repetition is noticed
// by counter. Nothing is acknowledged here.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "core/overlay/overlay.h"
#include "core/overlay/swarm/fingers.h"

namespace np2p::swarm {

struct Arrival {  // a routed or direct message for this node
  NodeId node;
  NodeId via;  // where answers go
  Delivery delivery;
};

struct Whereabouts {  // of a user's server
  NodeId node;
  Address listens;           // unspecified: cannot be dialled
  std::vector<NodeId> vias;  // through whom it can be reached
};

class Router {
 public:
  Router(const Config& config, Host& host, Links& links, const Fingers& fingers, std::uint64_t boot);

  // False if no link leads there. `turn`: 0 for the shortest way known; each further turn over another first hop, as
  // far as there are some, and with another of our relays for the answer.
  bool send(const NodeId& via, const NodeId& to, Channel channel, const Frame& payload, Priority priority,
            Traffic traffic, unsigned turn = 0);
  void set_vias(std::vector<NodeId> vias) { own_vias_ = std::move(vias); }  // our relays, or ourselves; at least one
  [[nodiscard]] const NodeId& own_via() const noexcept { return own_vias_.front(); }
  // The next link for the record of a tunnel: never a tunnel itself. 0: none.
  [[nodiscard]] LinkId carrier(const NodeId& via, const NodeId& to, LinkId from, const NodeId& avoid = {}) {
    return hop(via, to, from, avoid, [](const Peer& peer) { return peer.path != Path::tunnel; });
  }

  // Where a message of our own begins its way, by turns over several neighbours. 0: nowhere. On the shortest way over
  // who is to be avoided only if there is no other.
  [[nodiscard]] LinkId first_hop(const NodeId& via, const NodeId& to, unsigned turn, const NodeId& avoid = {});

  void on(Peer& from, const Routed& message);
  void on(Peer& from, const Undelivered& message);
  void on(Peer& from, const Direct& message);
  std::optional<Arrival> next();
  [[nodiscard]] std::size_t bytes() const noexcept {
    return heap_bytes(own_vias_) + heap_bytes(windows_) + (forgotten_ ? sizeof *forgotten_ : 0) +
           (counts_ ? sizeof *counts_ : 0) + heap_bytes(arrivals_) + heap_bytes(lost_);
  }
  std::optional<NodeId> next_lost();  // could not be reached, as somebody on the way says

 private:
  struct Window {  // of one source: which counters came already
    NodeId node;
    std::uint64_t boot = 0;
    std::uint64_t highest = 0;
    std::uint64_t seen = 0;  // bit i: highest - i
  };
  [[nodiscard]] PairMac mac_of(Routed message, const NodeId& peer);
  template <class Fits>
  [[nodiscard]] LinkId hop(const NodeId& via, const NodeId& to, LinkId from, const NodeId& avoid, Fits fits);
  [[nodiscard]] LinkId hop(const NodeId& via, const NodeId& to, LinkId from, const NodeId& avoid = {}) {
    return hop(via, to, from, avoid, [](const Peer&) { return true; });
  }
  bool is_new(const Routed& message, LinkId link);
  bool opens_window(const Routed& message, LinkId link);
  void forget_one();
  [[nodiscard]] std::int64_t& forgotten_until(const NodeId& node);
  [[nodiscard]] std::uint64_t next_counter(const NodeId& to);

  const Config& config_;
  Host& host_;
  Links& links_;
  const Fingers& fingers_;
  std::uint64_t boot_;
  std::uint64_t ticks_ = 0;  // of the last message
  // Who sends more than the clock ticks counts for each receiver by itself, as far as these go; none before it does.
  static constexpr std::size_t kCounts = 256;
  std::unique_ptr<std::array<std::uint64_t, kCounts>> counts_;
  std::uint64_t salt_;
  std::vector<NodeId> own_vias_;
  std::vector<Window> windows_;  // used last at the end
  // When what those sent was old already whose windows are gone, in ns; shared by all sources with the same hash. None
  // before the first has to go.
  static constexpr std::size_t kForgotten = 1024;
  std::unique_ptr<std::array<std::int64_t, kForgotten>> forgotten_;
  std::vector<Arrival> arrivals_;
  std::vector<NodeId> lost_;
};

// Straight to the target if there is a link, else to its relay, else nearer to that.
template <class Fits>
LinkId Router::hop(const NodeId& via, const NodeId& to, LinkId from, const NodeId& avoid, Fits fits) {
  if (const Peer* peer = links_.find(to); peer != nullptr && fits(*peer)) return peer->link;
  if (via == host_.node_key.id()) return {};
  if (const Peer* peer = links_.find(via); peer != nullptr && fits(*peer)) return peer->link;
  const LinkId link = fingers_.toward(via.data, avoid);
  return link == from ? LinkId{} : link;
}

}  // namespace np2p::swarm
