#include "realnet/http/http_connection.h"

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>

#include "realnet/clock.h"
#include "realnet/http/reading_cost.h"

namespace np2p::real {

namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;

constexpr std::size_t kKeptBytes = 4 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string text(boost::beast::string_view view) {
  return {view.data(), view.size()};
}

// Why Beast refused, as a status.
unsigned refusal(const boost::beast::error_code& failure) {
  if (failure == http::error::header_limit) return 431;
  if (failure == http::error::body_limit) return 413;
  return 400;
}

const char* refusal_reason(unsigned status) {
  return status == 431 ? "request header too large" : status == 413 ? "request body too large" : "malformed request";
}

// Of a header that may stand there several times, as one.
std::string all_of(const Parser::value_type& message, const char* name) {
  std::string all;
  const auto [first, last] = message.equal_range(name);
  for (auto at = first; at != last; ++at) all.append(all.empty() ? "" : ",").append(text(at->value()));
  return all;
}

HttpRequest request_of(Parser::value_type&& message) {
  HttpRequest request;
  request.method = text(message.method_string());
  request.target = text(message.target());
  request.host = text(message[http::field::host]);
  request.has_origin = message.count(http::field::origin) != 0;
  request.origin = text(message[http::field::origin]);
  request.content_type = text(message[http::field::content_type]);
  request.accept = text(message[http::field::accept]);
  request.accept_encoding = text(message[http::field::accept_encoding]);
  request.authorization = text(message[http::field::authorization]);
  request.if_none_match = text(message[http::field::if_none_match]);
  request.x_forwarded_for = all_of(message, "X-Forwarded-For");
  request.forwarded_header = all_of(message, "Forwarded");
  request.forwarded = message.count("X-Forwarded-For") + message.count("Forwarded") + message.count("X-Real-IP") > 0;
  if (message.method() == http::verb::get && http::token_list(message[http::field::connection]).exists("upgrade") &&
      http::token_list(message[http::field::upgrade]).exists("websocket")) {
    request.web_socket = HttpRequest::Upgrade{text(message[http::field::sec_websocket_key]),
                                              text(message[http::field::sec_websocket_version]),
                                              text(message[http::field::sec_websocket_extensions])};
  }
  request.requested_private_network = text(message["Access-Control-Request-Private-Network"]);
  request.body = std::move(message.body());
  return request;
}

std::string formatted(const HttpReply& answer, bool keep_alive, bool with_body) {
  std::string bytes = "HTTP/1.1 " + std::to_string(answer.status) + " ";
  bytes.append(http_reason(answer.status));
  if (answer.status != 304) {
    bytes.append("\r\nContent-Type: ").append(answer.content_type);
    bytes.append("\r\nContent-Length: ").append(std::to_string(answer.body.size()));
  }
  for (const auto& [name, value] : answer.headers) bytes.append("\r\n").append(name).append(": ").append(value);
  bytes.append("\r\nX-Content-Type-Options: nosniff\r\nCache-Control: ");
  bytes.append(answer.cache_control).append("\r\nConnection: ");
  bytes.append(keep_alive ? "keep-alive" : "close").append("\r\n\r\n");
  if (with_body) bytes.append(answer.body);
  return bytes;
}
}  // namespace

HttpConnection::HttpConnection(HttpServer& server, tcp::socket socket, std::unique_ptr<TlsSession> tls)
    : server_(server),
      remote_(remote_of(socket)),
      local_(local_of(socket)),
      client_(remote_),
      stream_(std::move(socket), std::move(tls)),
      waiting_since_(mono_now()),
      account_(server.turns_.account_for(remote_)) {}

void HttpConnection::start(std::optional<HttpReply> no_room) {
  leaving_ = no_room.has_value();
  asio::co_spawn(
      server_.io_, [self = shared_from_this(), no_room = std::move(no_room)] { return self->run(no_room); },
      [self = shared_from_this()](const std::exception_ptr& bug) {
        if (bug) std::rethrow_exception(bug);
        self->server_.ended(self.get());
      });
}

void HttpConnection::close() {
  stream_.transport().close();
}

void HttpConnection::close_gently() {
  last_ = true;
  if (web_socket_) return web_socket_->go_away();
  if (!busy_) close();
}

void HttpConnection::enter(HttpPhase phase, Duration longest) noexcept {
  phase_ = phase;
  deadline_ = mono_now() + longest;
}

bool HttpConnection::is_asking() const noexcept {
  return phase_ == HttpPhase::header || phase_ == HttpPhase::body;
}

void HttpConnection::expire() {
  if (phase_ != HttpPhase::linger) ++server_.counters_.timeouts[static_cast<std::size_t>(phase_)];
  if (!is_asking()) return close();
  give_up(408, "the request took too long to arrive");
}

void HttpConnection::make_room(bool told) {
  if (web_socket_ && !web_socket_->stalled()) return web_socket_->make_room();
  leaving_ = true;
  if (told && is_asking()) return give_up(503, "the server is busy; try again");
  close();
}

// Says why without waiting for anybody; what still comes is read for a moment and thrown away (see refuse()).
void HttpConnection::give_up(unsigned status, std::string_view reason) {
  last_ = true;
  stream_.write_last(formatted(http_error(status, reason), false, true));
  stream_.transport().end_sending();
  enter(HttpPhase::linger, server_.limits_.linger);
}

asio::awaitable<void> HttpConnection::run(std::optional<HttpReply> no_room) {
  enter(HttpPhase::handshake, server_.limits_.header_deadline);
  const SocketError failure = co_await stream_.handshake(in_);
  if (!failure && no_room) co_await turn_away(*no_room);
  while (!failure && !last_ && !leaving_) {
    Parsed parsed;
    const bool goes_on = co_await next_request(parsed);
    if (!goes_on) break;
  }
  if (stream_.tls() != nullptr) stream_.tls()->close();
  stream_.transport().end_sending();
  stream_.transport().close();
}

asio::awaitable<bool> HttpConnection::next_request(Parsed& parsed) {
  busy_ = false;
  waiting_since_ = mono_now();
  const bool alive = co_await read_request(parsed);
  if (!alive) co_return false;
  if (!parsed.request) {
    ++server_.counters_.malformed;
    server_.api_.refused(client_, parsed.refused, parsed.reason);
    co_await refuse(http_error(parsed.refused, parsed.reason));
    co_return false;
  }
  busy_ = true;
  ++server_.counters_.requests;
  phase_ = HttpPhase::answer;
  deadline_ = kNoDeadline;
  const auto no = admit(*parsed.request);
  account_->charge(reading_cost(parsed.request->body.size()), mono_now());
  co_await server_.turns_.mine(account_);
  if (!no) {
    const bool goes_on = co_await serve(parsed);
    co_return goes_on;
  }
  const bool sent = co_await reply(*no, parsed.keep_alive && !last_, parsed.request->method != "HEAD");
  co_return sent&& parsed.keep_alive;
}

// Who it is from, and whether that one asks too much; what is answered instead, if anything.
std::optional<HttpReply> HttpConnection::admit(HttpRequest& request) {
  request.peer = remote_;
  request.local = local_;
  request.secure = stream_.tls() != nullptr;
  if (auto no = server_.api_.find_client(request)) return no;
  if (group_of(request.peer) != group_of(client_)) account_ = server_.turns_.account_for(request.peer);
  client_ = request.peer;
  const MonoTime now = mono_now();
  if (server_.api_.is_trusted(request) || server_.requests_.take(client_, now)) return {};
  HttpReply no = http_error(429, "too many requests from this address; slow down");
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(server_.requests_.wait(client_, now)).count();
  no.headers.emplace_back("Retry-After", std::to_string(seconds));
  server_.api_.refused(client_, no.status, no.reason);
  return no;
}

asio::awaitable<bool> HttpConnection::serve(Parsed& parsed) {
  const HttpRequest& request = *parsed.request;
  if (request.web_socket) {
    co_await become_web_socket(request);
    co_return false;
  }
  const HttpReply answer = co_await server_.api_.handle(request);
  // RFC 9110, 9.3.2: what HEAD is told is as long as it would be, and is not sent.
  const bool sent = co_await reply(answer, parsed.keep_alive && !last_, request.method != "HEAD");
  co_return sent&& parsed.keep_alive;
}

asio::awaitable<void> HttpConnection::become_web_socket(const HttpRequest& request) {
  const auto who = server_.api_.upgrade(request);
  if (const auto* refusal = std::get_if<HttpReply>(&who)) {
    co_await reply(*refusal, false);
    co_return;
  }
  if (const auto no_room = server_.make_room_for_web_socket(client_)) {
    ++server_.counters_.web_sockets_refused;
    server_.api_.refused(client_, no_room->status, no_room->reason);
    co_await reply(*no_room, false);
    co_return;
  }
  const auto set_deadline = [this](std::optional<Duration> after) {
    deadline_ = after ? mono_now() + *after : kNoDeadline;
  };
  phase_ = HttpPhase::web_socket;
  web_socket_ = std::make_unique<WebSocket>(server_.io_, stream_, in_, server_.sessions_, server_.turns_, account_,
                                            server_.limits_.web_socket, set_deadline);
  if (!last_) co_await web_socket_->run(request, *std::get_if<ClientOrigin>(&who));
  if (web_socket_->went_silent()) ++server_.counters_.web_sockets_silent;
}

asio::awaitable<bool> HttpConnection::more() {
  for (;;) {
    const SocketError failure = co_await stream_.read(in_);
    if (failure || phase_ != HttpPhase::linger) co_return !failure;
    in_.clear();
  }
}

asio::awaitable<bool> HttpConnection::read_request(Parsed& parsed) {
  if (in_.empty()) {
    if (in_.capacity() > kKeptBytes) ByteVec().swap(in_);
    enter(HttpPhase::idle, server_.limits_.idle_deadline);
    const bool alive = co_await more();
    if (!alive) co_return false;
  }
  enter(HttpPhase::header, server_.limits_.header_deadline);
  Parser parser;
  parser.header_limit(server_.limits_.header_bytes);
  parser.body_limit(server_.limits_.body_bytes);
  bool greeted = false;  // the header is whole
  for (;;) {
    boost::beast::error_code failure;
    const std::size_t used = parser.put(asio::buffer(in_.data(), in_.size()), failure);
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(used));
    if (failure && failure != http::error::need_more) {
      parsed.refused = refusal(failure);
      parsed.reason = refusal_reason(parsed.refused);
      co_return true;
    }
    if (!greeted && parser.is_header_done()) {
      greeted = true;
      parser.eager(true);
      enter(HttpPhase::body, server_.limits_.body_deadline);
      if (!parser.is_done() && text(parser.get()[http::field::expect]) == "100-continue") {
        const SocketError broken = co_await stream_.write(bytes_of(kContinue));
        if (broken) co_return false;
      }
    }
    if (parser.is_done()) break;
    if (!failure && used > 0 && !in_.empty()) continue;
    const bool alive = co_await more();
    if (!alive) co_return false;
  }
  parsed.keep_alive = parser.keep_alive();
  parsed.request = request_of(parser.release());
  co_return true;
}

asio::awaitable<bool> HttpConnection::reply(const HttpReply& answer, bool keep_alive, bool with_body) {
  const std::string bytes = formatted(answer, keep_alive, with_body);
  enter(HttpPhase::answer, server_.limits_.write_deadline);
  const SocketError failure = co_await stream_.write(bytes_of(bytes));
  co_return !failure;
}

// Once its request comes: an answer that nobody has asked for yet is none to many clients.
asio::awaitable<void> HttpConnection::turn_away(const HttpReply& why) {
  enter(HttpPhase::linger, server_.limits_.linger);
  if (in_.empty()) {
    const SocketError failure = co_await stream_.read(in_);
    if (failure) co_return;
  }
  co_await refuse(why);
}

asio::awaitable<void> HttpConnection::refuse(const HttpReply& why) {
  const bool sent = co_await reply(why, false);
  if (!sent) co_return;
  // The client may still be sending what we refused. Closing now would reset the connection and destroy the answer
  // before it is read; so read on for a moment, keeping nothing.
  SocketError failure;
  stream_.transport().end_sending();
  enter(HttpPhase::linger, server_.limits_.linger);
  while (!failure) {
    in_.clear();
    failure = co_await stream_.read(in_);
  }
}

}  // namespace np2p::real
