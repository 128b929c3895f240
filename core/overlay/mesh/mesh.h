// The baseline overlay: weaveworks/mesh as the original NostrP2P configures it. Every node knows the whole topology,
// connects to whomever it can reach up to the connection limit, gossips changes of the topology, hands unicasts on
// along shortest paths and broadcasts along the tree rooted at their source. README.md here tells what that costs.
//
// A peer is who its features frame says it is: names are the low 48 bits of a claimed public key. One connection per
// peer; of two, both sides keep the one with the smaller (xor of both sides') connection id.
#pragma once

#include <deque>
#include <unordered_set>

#include "core/base/fault_score.h"
#include "core/overlay/mesh/connection_maker.h"
#include "core/overlay/mesh/routes.h"
#include "core/overlay/overlay.h"

namespace np2p::mesh {

class Mesh {
 public:
  Mesh(const Config& config, Host& host);

  void start();
  void stop();

  void link_up(const LinkInfo& info);
  void frame(LinkId link, const Frame& frame);
  void writable(LinkId link);
  void link_down(LinkId link, CloseReason reason);
  void timer(Timer timer);

  void broadcast(Channel channel, const Frame& payload, Priority priority);
  void forward(const Delivery& delivery, const Frame& payload);
  void close_link(LinkId link, CloseReason reason);
  bool unicast(Name to, Channel channel, const Frame& payload, Priority priority);
  bool reaches(Name name);
  std::size_t reachable() { return routes_.reachable(); }
  std::uint64_t version() { return routes_.version(); }
  [[nodiscard]] std::vector<Overlay::Peer> peers() const;
  [[nodiscard]] std::size_t bytes() const noexcept;
  std::optional<Delivery> next();

 private:
  struct Link {
    LinkId id;
    Address remote;  // as dialled, or as observed
    std::string address_text;
    bool outbound = false;
    bool joined = false;        // it has introduced itself and counts as a connection
    std::uint64_t uid = 0;      // of the connection; ours xor theirs once joined
    Slot slot = kNoSlot;        // of the peer, once joined
    FaultScore faults;          // messages of no known type
    std::vector<Name> pending;  // topology waiting for the link to drain: names, ascending
  };
  enum class Again : std::uint8_t { later, never };

  // Links and connections (mesh.cpp)
  [[nodiscard]] Link* find(LinkId link) noexcept;
  [[nodiscard]] Link* connection(Slot slot) noexcept;
  void introduce(Link& link, const Frame& frame);
  bool settle_duplicate(const Link& link, Slot slot);
  void join(Link& link, Slot slot, bool restarted);
  void drop(LinkId link, CloseReason reason, Again again = Again::later);
  void forget(LinkId link, Again again);
  void own_changed(std::optional<Name> other);
  void publish_own();
  void renew_short_id();
  void collect();
  void connect();
  void want_connect(Duration delay);
  void arm();

  // Gossip and payloads (gossip.cpp)
  void refuse(LinkId link, std::string_view what, const Error& why);
  void on_topology(const Link& link, const Message& message, const Frame& frame);
  void on_broadcast(const Link& link, const Message& message, const Frame& frame);
  void on_unicast(const Link& link, const Message& message, const Frame& frame);
  void on_unknown_gossip(const Link& link, const Message& message);
  void deliver(const Link& link, const Message& message, Channel channel, const Frame& frame);
  void spread(const std::vector<Name>& names, Slot except);
  void gossip(Link& link, const std::vector<Name>& names, std::vector<Frame>& encoded);
  void flush(Link& link);
  void send_down(const Frame& frame, Slot source, Priority priority, Traffic traffic);
  bool first_time(std::uint64_t hash);
  void send(const Link& link, const Frame& frame, Priority priority, Traffic traffic);
  void gossip_timer();

  const Config& config_;
  Host& host_;
  Rng rng_;
  Name own_name_;
  Topology topology_;
  Routes routes_;
  ConnectionMaker maker_;
  std::vector<Link> links_;          // ascending ids
  std::vector<LinkId> connections_;  // by slot of the peer; 0: none
  std::size_t joined_ = 0;
  std::deque<Delivery> deliveries_;
  Frame delivered_frame_;  // the last broadcast delivered, as it came: what is forwarded whole is not encoded again
  Frame delivered_payload_;
  Name delivered_source_ = 0;

  std::vector<Name> changed_;  // peers to gossip with our next update, besides ourselves
  std::optional<MonoTime> update_at_;
  std::optional<MonoTime> collect_at_;
  std::optional<MonoTime> gossip_at_;
  std::optional<MonoTime> connect_at_;
  std::optional<MonoTime> armed_connect_;  // what the host was told last
  std::optional<MonoTime> armed_gossip_;

  struct Seen {
    MonoTime at;
    std::uint64_t hash = 0;
  };
  std::deque<Seen> recent_;  // on channels that we do not know, of the last half minute; oldest first
  std::unordered_set<std::uint64_t> recent_set_;
};

}  // namespace np2p::mesh
