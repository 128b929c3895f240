// What a client may ask of its own server. Parsed requests in, answers out; HTTP and WebSocket fronts only translate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/api/access.h"
#include "core/api/publisher.h"
#include "core/api/reader.h"
#include "core/api/sessions.h"
#include "core/base/config.h"
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

// One page of truth about a running node, for status lines, pages and metrics.
struct NodeStatus {
  static constexpr std::size_t kMostNamed = 10;
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
  std::size_t sessions = 0;  // clients on WebSockets
  std::size_t outbox = 0;    // events waiting for somebody
  std::size_t follows = 0;
  std::size_t followers = 0;
  std::size_t registered_follows = 0;  // of follows: whose node has us registered
  std::size_t followers_behind = 0;    // of followers: gave no receipt for something, and have not pulled it yet
  std::vector<std::pair<PubKey, WallTime>> longest_behind;  // of these at most kMostNamed, and since when
  std::uint64_t posted = 0;                                 // the last number of our own stream
  std::size_t streams = 0;                                  // of those our user follows, whose numbers are known
  std::size_t streams_with_gaps = 0;                        // of these: something is missing at the moment
  std::uint64_t forks = 0;                                  // two stories of one incarnation, seen since the start
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

  // As REST wants it: answered through Clients::published. Errors that reach the client: read_only, too_large, bad_*,
  // forbidden (somebody else's event), unauthenticated, weak, deleted, expired, rate_limited, full.
  // `text` as WrittenEvent has it.
  void publish(RequestId request, Event event, const Visitor& by = {}, std::string_view text = {});
  QueryAnswer query(const ClientQuery& query);
  void durable(Ticket ticket);  // answers the publishes that are safe now
  void disk_failed();           // refuses those that wait

  // Clients on WebSockets. False: there are too many of them.
  bool session_opened(SessionId session, const ClientOrigin& origin);
  void session_text(SessionId session, std::string_view text);
  void session_writable(SessionId session);
  void session_closed(SessionId session);
  void arrived(const EventPtr& event);  // something new, to those who have subscribed

  [[nodiscard]] Access& access() noexcept { return access_; }
  [[nodiscard]] std::size_t sessions() const noexcept { return sessions_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return sizeof *this + access_.bytes() + publisher_.bytes() + sessions_.bytes();
  }

 private:
  Host& host_;
  Feed& feed_;
  Access access_;
  Publisher publisher_;
  Reader reader_;
  Sessions sessions_;
};

}  // namespace np2p
