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
    if (!make_room(remote)) {
      ++counters_.refused;
      continue;
    }
    ++counters_.accepted;
    auto tls = tls_ ? std::make_unique<TlsSession>(*tls_, TlsSession::Side::server) : nullptr;
    tune(socket);
    auto connection = std::make_shared<HttpConnection>(*this, std::move(socket), std::move(tls));
    connections_.push_back(connection);
    connection->start();
    sweep_later();
  }
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

bool HttpServer::make_room(const Address& remote) {
  const auto from_there = std::count_if(connections_.begin(), connections_.end(),
                                        [&](const auto& other) { return other->remote().ip == remote.ip; });
  if (!remote.is_loopback() && static_cast<std::size_t>(from_there) >= limits_.per_address) return false;
  const auto web_sockets = std::count_if(connections_.begin(), connections_.end(),
                                         [](const auto& other) { return other->web_socket() != nullptr; });
  if (connections_.size() - static_cast<std::size_t>(web_sockets) < limits_.connections) return true;
  auto victim = connections_.end();
  for (auto at = connections_.begin(); at != connections_.end(); ++at) {
    if ((*at)->busy()) continue;
    if (victim == connections_.end() || (*at)->waiting_since() < (*victim)->waiting_since()) victim = at;
  }
  if (victim == connections_.end()) return false;
  ++counters_.evicted;
  const auto closing = *victim;
  connections_.erase(victim);
  closing->make_room();
  return true;
}

bool HttpServer::make_room_for_web_socket() {
  std::size_t open = 0;
  HttpConnection* victim = nullptr;
  MonoTime useless_since{};
  for (const auto& connection : connections_) {
    const WebSocket* const other = connection->web_socket();
    if (other == nullptr || other->ending()) continue;
    ++open;
    const auto since = other->useless_since();
    if (!since || (victim != nullptr && *since >= useless_since)) continue;
    victim = connection.get();
    useless_since = *since;
  }
  if (open < limits_.web_sockets) return true;
  if (victim == nullptr || mono_now() - useless_since < limits_.stall) return false;
  ++counters_.evicted;
  victim->make_room();
  return true;
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
