// What a client may ask of its own server. Parsed requests in, answers out; HTTP and WebSocket fronts only translate.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/config.h"
#include "core/base/strong_int.h"
#include "core/event/event.h"
#include "core/event/filter.h"
#include "core/host/host.h"

namespace np2p {

class Feed;
class Overlay;

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
  };
  std::vector<Neighbour> neighbours;
  std::size_t reachable = 0;  // other users' servers with a route
  std::size_t stored_events = 0;
  std::size_t outbox = 0;  // events waiting for somebody
  std::size_t follows = 0;
  std::size_t followers = 0;
  std::map<std::string, std::uint64_t> rejected;  // "packet malformed" -> count
};

class Api {
 public:
  Api(const Config& config, Host& host, Feed& feed);
  ~Api();

  void publish(RequestId request, Event event);
  QueryAnswer query(const ClientQuery& query);
  void durable(Ticket ticket);  // answers the publishes that are safe now

 private:
  struct Pending {
    Ticket ticket;
    RequestId request;
  };
  const Config& config_;
  Host& host_;
  Feed& feed_;
  std::vector<Pending> pending_;                                      // ascending tickets
  std::map<std::pair<std::uint16_t, PubKey>, MonoTime> last_lookup_;  // rate limit of network requests
};

}  // namespace np2p
