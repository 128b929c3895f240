// What a client may ask of its own server. Parsed requests in, answers out; HTTP and WebSocket fronts only translate.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/base/strong_int.h"
#include "core/event/event.h"
#include "core/event/filter.h"
#include "core/feed/mail_status.h"
#include "core/feed/mode.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"

namespace np2p {

class Feed;

struct ClientQuery {
  Filter filter;
};

struct QueryAnswer {
  Status status;                 // not ok: the reason to tell the client
  std::vector<EventPtr> events;  // in the order to send
  bool with_signatures = true;   // the original leaves them out of single-event answers
};

// One page of truth about a running node, for status lines, pages and metrics.
struct NodeStatus {
  struct Neighbour {
    std::string name;  // mesh name, 12 hex digits
    Address remote;
    bool outbound = false;
    bool established = false;
    Path path = Path::direct;
  };
  std::vector<Neighbour> neighbours;
  OverlayStatus overlay;
  std::size_t reachable = 0;  // other users' servers with a route
  std::string nat_class;      // what is known of our NAT
  std::size_t stored_events = 0;
  std::size_t outbox = 0;  // events waiting for somebody
  std::size_t follows = 0;
  std::size_t followers = 0;
  std::size_t registered_follows = 0;  // of follows: whose node has us registered
  std::size_t followers_behind = 0;    // of followers: gave no receipt for something, and have not pulled it yet
  std::uint64_t posted = 0;            // the last number of our own stream
  std::size_t streams = 0;             // of those our user follows, whose numbers are known
  std::size_t streams_with_gaps = 0;   // of these: something is missing at the moment
  std::uint64_t forks = 0;             // two stories of one incarnation, seen since the start
  MailStatus mail;
  Identity identity;
  ModeStatus mode;
};

// What a node holds in memory, without its store.
struct NodeMemory {
  std::size_t overlay = 0;
  std::size_t feed = 0;  // with the api and the node itself
};

class Api {
 public:
  Api(const Config& config, Host& host, Feed& feed);
  ~Api();

  // Errors that reach the client: read_only, too_large, bad_*, forbidden (somebody else's event), full.
  void publish(RequestId request, Event event);
  QueryAnswer query(const ClientQuery& query);
  void durable(Ticket ticket);  // answers the publishes that are safe now
  [[nodiscard]] std::size_t bytes() const noexcept { return sizeof *this + heap_bytes(pending_); }

 private:
  Result<EventPtr> admit(Event event);
  Status admit_bind(const EventPtr& event);
  Status admit_deletion(const Event& event);
  QueryAnswer recent(Filter filter);
  QueryAnswer single(const Filter& filter);
  void look_up_missing(const Filter& filter, const std::vector<EventPtr>& held);
  struct Pending {
    Ticket ticket;
    RequestId request;
  };
  const Config& config_;
  Host& host_;
  Feed& feed_;
  std::deque<Pending> pending_;  // ascending tickets
};

}  // namespace np2p
