// HTTP/1.1 for the API: connections, limits and deadlines. Beast parses; what a request means is rest_api's.
// One connection is served in order, so pipelined requests get their answers in order. Slow clients cannot keep others
// out: when all places are taken, the connection that has been waiting longest without a whole request gives its up; of
// WebSockets one that does not take what it is sent, or never said anything. When an address has all that one address
// may have, the longest idle one of its own does. Who is turned away for all that is told why. A request that does not
// become whole in time is told so (408).
#pragma once

#include "realnet/net/asio.h"

#include <array>
#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "core/base/address_budgets.h"
#include "core/base/time.h"
#include "realnet/http/client_sessions.h"
#include "realnet/http/rest_api.h"
#include "realnet/http/turns.h"
#include "realnet/http/web_socket.h"
#include "realnet/net/socket.h"

namespace np2p::real {

struct HttpLimits {
  std::size_t connections = 64;
  // Of one address (AddressGroup); loopback and trusted proxies excepted, behind which are many. A browser opens 6
  // connections to a host, and a WebSocket for each tab; behind one address may be the devices of a household.
  std::size_t per_address = 16;
  std::size_t web_sockets_per_address = 24;
  // Requests of one address that is not trusted, and their burst: a page with its files is some ten, and each question
  // of an owner away from home two, with its nonce. So many addresses are remembered.
  std::uint32_t requests_per_second = 20;
  std::uint32_t requests_burst = 200;
  std::size_t addresses = 1024;
  std::uint32_t header_bytes = 8 * 1024;
  std::size_t body_bytes = 0;  // 0: ClientLimits::message_bytes
  Duration header_deadline = 10s;
  Duration body_deadline = 30s;
  Duration idle_deadline = 75s;  // between requests
  Duration write_deadline = 30s;
  Duration linger = 3s;           // reading on after an early refusal, so that its reason arrives
  std::size_t leaving = 64;       // connections that are told why they must go; more just end
  Duration stall = 5s;            // a WebSocket that takes nothing for so long makes room for another
  std::size_t web_sockets = 128;  // besides `connections`
  WebSocketLimits web_socket;
};

// What a connection is at. Each has a time limit; answer is from a whole request to the last byte of its answer.
enum class HttpPhase : std::uint8_t { handshake, idle, header, body, answer, linger, web_socket, count_ };

struct HttpCounters {
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;  // over a limit, and turned away
  std::uint64_t evicted = 0;  // made room for others
  std::uint64_t requests = 0;
  std::uint64_t malformed = 0;
  std::uint64_t accept_errors = 0;
  std::uint64_t web_sockets_refused = 0;                                              // there was no place
  std::uint64_t web_sockets_silent = 0;                                               // no answer to a ping
  std::array<std::uint64_t, static_cast<std::size_t>(HttpPhase::count_)> timeouts{};  // too long in this phase
};

class HttpConnection;

class HttpServer {
 public:
  HttpServer(asio::io_context& io, RestApi& api, ClientSessions& sessions, HttpLimits limits,
             std::optional<TlsContext> tls);
  ~HttpServer();

  void serve(tcp::acceptor acceptor);
  // Connections from now on are shown this certificate.
  void renew(TlsContext tls) { tls_ = std::move(tls); }
  // No new connections; idle ones close now, busy ones after their answer. `done` when none is left.
  void stop(std::function<void()> done);

  [[nodiscard]] const HttpCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::size_t open_count() const noexcept { return connections_.size(); }

 private:
  friend class HttpConnection;
  asio::awaitable<void> accept_loop();
  // Why there is no place for one more from there; nothing: there is one.
  std::optional<HttpReply> make_room(const Address& remote);
  std::optional<HttpReply> make_room_for_web_socket(const Address& client);
  bool evict(const std::function<bool(const HttpConnection&)>& may_go);  // the one that has been waiting longest
  void begin(tcp::socket socket, std::optional<HttpReply> no_room);
  [[nodiscard]] bool may_tell_more() const;  // of those that must go, why
  void sweep_later();                        // while there is a connection
  void ended(const HttpConnection* connection);
  void check_stopped();

  asio::io_context& io_;
  RestApi& api_;
  ClientSessions& sessions_;
  const HttpLimits limits_;
  std::optional<TlsContext> tls_;
  std::optional<tcp::acceptor> acceptor_;
  asio::steady_timer accept_pause_;
  asio::steady_timer sweep_;  // one for all: a timer for each request would cost as much as its answer
  bool sweeping_ = false;
  std::list<std::shared_ptr<HttpConnection>> connections_;  // in order of arrival
  bool stopping_ = false;
  std::function<void()> stopped_;
  HttpCounters counters_;
  AddressBudgets requests_;
  Turns turns_;  // last: who waits for one is gone before the rest
};

}  // namespace np2p::real
