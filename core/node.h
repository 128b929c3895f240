// The node: one user's server as a single-threaded state machine. It composes overlay, feed and api, routes inputs to
// them and decides nothing itself. A host (simnet or realnet) calls the inputs below, one at a time, from one thread;
// everything the node does in answer goes out through the ports of core/host. The same inputs and port answers give the
// same outputs, byte for byte: that is what the trace digest checks.
#pragma once

#include <memory>

#include "core/api/api.h"
#include "core/base/config.h"
#include "core/host/host.h"

namespace np2p {

class Overlay;
class Feed;

class Node {
 public:
  Node(const Config& config, const Host& host);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // --- inputs from the host
  void start();  // after a (re)start: loads its state from the store, dials, arms timers
  void stop();   // orderly end: closes links, flushes the store
  void link_up(const LinkInfo& info);
  void frame(LinkId link, const Frame& frame);
  void writable(LinkId link);
  void link_down(LinkId link, CloseReason reason);
  // The host has got a port of the router passed on to the listen port, or lost it (unspecified). Peers say if it
  // works.
  void port_mapped(const Address& outside);
  void carry(LinkId tunnel, const Frame& record,
             Traffic traffic);  // a record of a tunnel, to be taken to its other end
  void timer(Timer timer);
  void durable(Ticket ticket);
  // The disk has refused writes for a while: clients that wait for it are told so.
  void disk_failed();

  // --- inputs from clients
  // Exactly one Clients::published(request, outcome) follows, later or within the call (refusals).
  // `text`: the JSON that it was read from, if it is to be sent on like that (WrittenEvent).
  void publish(RequestId request, Event event, const Visitor& by = {}, std::string_view text = {});
  // Answers at once from the store; what is missing is asked for in the network and shows up in a later answer.
  QueryAnswer query(const ClientQuery& query);
  // A client on a WebSocket; false: there are too many. What it is told goes through Clients::tell.
  bool session_opened(SessionId session, const ClientOrigin& origin);
  void session_text(SessionId session, std::string_view text);
  void session_writable(SessionId session);
  void session_closed(SessionId session);
  // Who may do what, for fronts that have to know before they call.
  [[nodiscard]] Access& access() noexcept;

  [[nodiscard]] const Config& config() const noexcept;
  [[nodiscard]] NodeStatus status() const;
  [[nodiscard]] std::optional<NodeId> server_of(const PubKey& user) const;
  [[nodiscard]] std::vector<NodeId> active_view() const;
  [[nodiscard]] NodeMemory memory() const noexcept;

 private:
  void expire();
  void drain();  // overlay deliveries to the feed, what is good of broadcasts back; news of the topology
  Host host_;
  Config config_;
  std::unique_ptr<Overlay> overlay_;
  std::unique_ptr<Feed> feed_;
  std::unique_ptr<Api> api_;
  std::uint64_t topology_seen_ = 0;
};

}  // namespace np2p
