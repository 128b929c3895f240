#include "realnet/http/http_server.h"

#include <algorithm>

#include "realnet/clock.h"
#include "realnet/http/http_connection.h"

namespace np2p::real {

namespace {

constexpr Duration kAcceptPause = 200ms;
constexpr Duration kSweep = 250ms;  // how late a deadline may be

}  // namespace

HttpServer::HttpServer(asio::io_context& io, RestApi& api, ClientSessions& sessions, HttpLimits limits,
                       std::optional<TlsContext> tls)
    : io_(io),
      api_(api),
      sessions_(sessions),
      limits_(limits),
      tls_(std::move(tls)),
      accept_pause_(io),
      sweep_(io),
      requests_(limits.requests_per_second, limits.requests_burst, limits.addresses),
      turns_(io) {}

HttpServer::~HttpServer() {
  for (const auto& connection : connections_) connection->close();
}

void HttpServer::serve(tcp::acceptor acceptor) {
  acceptor_ = std::move(acceptor);
  asio::co_spawn(
      io_, [this] { return accept_loop(); },
      [](const std::exception_ptr& bug) {
        if (bug) std::rethrow_exception(bug);
      });
}

asio::awaitable<void> HttpServer::accept_loop() {
  while (!stopping_) {
    SocketError failure;
    tcp::socket socket = co_await acceptor_->async_accept(asio::redirect_error(asio::use_awaitable, failure));
    if (failure == asio::error::operation_aborted || stopping_) co_return;
    if (failure) {
      ++counters_.accept_errors;
      SocketError ignored;
      accept_pause_.expires_after(kAcceptPause);
      co_await accept_pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      continue;
    }
    const Address remote = to_address(socket.remote_endpoint(failure));
    if (failure) continue;
    begin(std::move(socket), make_room(remote));
  }
}

void HttpServer::begin(tcp::socket socket, std::optional<HttpReply> no_room) {
  if (no_room) {
    ++counters_.refused;
    api_.refused(remote_of(socket), no_room->status, no_room->reason);
    if (!may_tell_more()) return;
  } else {
    ++counters_.accepted;
  }
  auto tls = tls_ ? std::make_unique<TlsSession>(*tls_, TlsSession::Side::server) : nullptr;
  tune(socket);
  auto connection = std::make_shared<HttpConnection>(*this, std::move(socket), std::move(tls));
  connections_.push_back(connection);
  connection->start(std::move(no_room));
  sweep_later();
}

void HttpServer::sweep_later() {
  if (sweeping_ || connections_.empty()) return;
  sweeping_ = true;
  sweep_.expires_after(kSweep);
  sweep_.async_wait([this](const SocketError& cancelled) {
    if (cancelled) return;
    sweeping_ = false;
    const auto open = connections_;
    for (const auto& connection : open) {
      if (connection->overdue(mono_now())) connection->expire();
    }
    sweep_later();
  });
}

bool HttpServer::may_tell_more() const {
  const auto leaving =
      std::count_if(connections_.begin(), connections_.end(), [](const auto& other) { return other->leaving(); });
  return static_cast<std::size_t>(leaving) < limits_.leaving;
}

bool HttpServer::evict(const std::function<bool(const HttpConnection&)>& may_go) {
  HttpConnection* victim = nullptr;
  for (const auto& other : connections_) {
    if (other->busy() || other->leaving() || !may_go(*other)) continue;
    if (victim == nullptr || other->waiting_since() < victim->waiting_since()) victim = other.get();
  }
  if (victim == nullptr) return false;
  ++counters_.evicted;
  victim->make_room(may_tell_more());
  return true;
}

std::optional<HttpReply> HttpServer::make_room(const Address& remote) {
  const AddressGroup group = group_of(remote);
  const auto is_from_there = [&](const HttpConnection& other) { return group_of(other.remote()) == group; };
  std::size_t open = 0;
  std::size_t from_there = 0;
  for (const auto& other : connections_) {
    if (other->web_socket() != nullptr || other->leaving()) continue;
    ++open;
    if (is_from_there(*other)) ++from_there;
  }
  const bool many_are_there = remote.is_loopback() || api_.is_proxy(remote);
  if (!many_are_there && from_there >= limits_.per_address) {
    if (evict([&](const HttpConnection& other) { return other.is_idle() && is_from_there(other); })) return {};
    return http_error(429, "too many connections from this address");
  }
  if (open < limits_.connections || evict([](const HttpConnection&) { return true; })) return {};
  return http_error(503, "the server is busy; try again");
}

std::optional<HttpReply> HttpServer::make_room_for_web_socket(const Address& client) {
  const AddressGroup group = group_of(client);
  std::size_t open = 0;
  std::size_t from_there = 0;
  HttpConnection* victim = nullptr;
  MonoTime useless_since{};
  for (const auto& connection : connections_) {
    const WebSocket* const other = connection->web_socket();
    if (other == nullptr || other->ending()) continue;
    ++open;
    if (group_of(connection->client()) == group) ++from_there;
    const auto since = other->useless_since();
    if (!since || (victim != nullptr && *since >= useless_since)) continue;
    victim = connection.get();
    useless_since = *since;
  }
  if (!client.is_loopback() && from_there >= limits_.web_sockets_per_address) {
    return http_error(429, "too many WebSocket connections from this address");
  }
  if (open < limits_.web_sockets) return {};
  if (victim == nullptr || mono_now() - useless_since < limits_.stall) {
    return http_error(503, "too many WebSocket connections");
  }
  ++counters_.evicted;
  victim->make_room(true);
  return {};
}

void HttpServer::ended(const HttpConnection* connection) {
  connections_.remove_if([&](const auto& other) { return other.get() == connection; });
  check_stopped();
}

void HttpServer::stop(std::function<void()> done) {
  stopping_ = true;
  stopped_ = std::move(done);
  SocketError ignored;
  if (acceptor_) acceptor_->close(ignored);
  accept_pause_.cancel();
  const auto open = connections_;
  for (const auto& connection : open) connection->close_gently();
  check_stopped();
}

void HttpServer::check_stopped() {
  if (!stopping_ || !connections_.empty()) return;
  sweep_.cancel();
  if (stopped_) asio::post(io_, std::exchange(stopped_, nullptr));
}

}  // namespace np2p::real
