// One client's connection: reads a request, has it answered, writes the answer, again.
#pragma once

#include <limits>

#include "realnet/http/http_server.h"
#include "realnet/http/web_socket.h"

namespace np2p::real {

constexpr MonoTime kNoDeadline{std::numeric_limits<std::int64_t>::max()};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(HttpServer& server, tcp::socket socket, std::unique_ptr<TlsSession> tls);
  void start();
  void close();                                               // at once
  void expire();                                              // its time is up: it is told so, if it can be
  void make_room();                                           // others need the place
  void close_gently();                                        // at once if no request is being answered, else after it
  [[nodiscard]] bool busy() const noexcept { return busy_; }  // a whole request is here, its answer is not out
  [[nodiscard]] const WebSocket* web_socket() const noexcept { return web_socket_.get(); }  // null: it is none
  [[nodiscard]] MonoTime waiting_since() const noexcept { return waiting_since_; }
  [[nodiscard]] bool overdue(MonoTime now) const noexcept { return now >= deadline_; }
  [[nodiscard]] const Address& remote() const noexcept { return remote_; }

 private:
  struct Parsed {
    std::optional<HttpRequest> request;  // else refused, or the connection ended
    unsigned refused = 0;                // status of the refusal; 0: the connection just ended
    const char* reason = "";
    bool keep_alive = false;
  };
  asio::awaitable<void> run();
  asio::awaitable<bool> read_request(Parsed& parsed);
  asio::awaitable<bool> more();  // reads more bytes; false: ended
  asio::awaitable<bool> reply(const HttpReply& reply, bool keep_alive, bool with_body = true);
  asio::awaitable<bool> serve(Parsed& parsed);  // false: no further request
  asio::awaitable<void> become_web_socket(const HttpRequest& request);
  asio::awaitable<void> refuse(unsigned status, std::string_view reason);
  void enter(HttpPhase phase, Duration longest) noexcept;
  void give_up(unsigned status, std::string_view reason);
  [[nodiscard]] bool is_asking() const noexcept;  // part of a request is here

  HttpServer& server_;
  Address remote_;
  Address local_;
  ByteStream stream_;
  MonoTime deadline_ = kNoDeadline;  // the server closes what is overdue
  ByteVec in_;                       // bytes not parsed yet
  bool busy_ = false;
  bool last_ = false;  // no further request
  HttpPhase phase_ = HttpPhase::handshake;
  MonoTime waiting_since_;
  const std::shared_ptr<Turns::Account> account_;
  std::unique_ptr<WebSocket> web_socket_;  // once it has become one
};

}  // namespace np2p::real
