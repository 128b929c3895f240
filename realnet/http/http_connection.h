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
  void start(std::optional<HttpReply> no_room);  // if there is none for it, it is told that and ends
  void close();                                  // at once
  void expire();                                 // its time is up: it is told so, if it can be
  void make_room(bool told);                     // others need the place; `told`: if it asks, it is told so
  void close_gently();                           // at once if no request is being answered, else after it
  [[nodiscard]] bool busy() const noexcept { return busy_; }  // a whole request is here, its answer is not out
  [[nodiscard]] const WebSocket* web_socket() const noexcept { return web_socket_.get(); }  // null: it is none
  [[nodiscard]] MonoTime waiting_since() const noexcept { return waiting_since_; }
  [[nodiscard]] bool overdue(MonoTime now) const noexcept { return now >= deadline_; }
  [[nodiscard]] const Address& remote() const noexcept { return remote_; }
  [[nodiscard]] const Address& client() const noexcept { return client_; }  // of the last request, if a proxy says so
  [[nodiscard]] bool is_idle() const noexcept { return phase_ == HttpPhase::idle; }
  [[nodiscard]] bool leaving() const noexcept { return leaving_; }  // it has no place any more, or never had one

 private:
  struct Parsed {
    std::optional<HttpRequest> request;  // else refused, or the connection ended
    unsigned refused = 0;                // status of the refusal; 0: the connection just ended
    const char* reason = "";
    bool keep_alive = false;
  };
  asio::awaitable<void> run(std::optional<HttpReply> no_room);
  asio::awaitable<bool> next_request(Parsed& parsed);  // reads one and has it answered; false: no further one
  std::optional<HttpReply> admit(HttpRequest& request);
  asio::awaitable<bool> read_request(Parsed& parsed);
  asio::awaitable<bool> more();  // reads more bytes; false: ended
  asio::awaitable<bool> reply(const HttpReply& reply, bool keep_alive, bool with_body = true);
  asio::awaitable<bool> serve(Parsed& parsed);  // false: no further request
  asio::awaitable<void> become_web_socket(const HttpRequest& request);
  asio::awaitable<void> turn_away(const HttpReply& why);
  asio::awaitable<void> refuse(const HttpReply& why);
  void enter(HttpPhase phase, Duration longest) noexcept;
  void give_up(unsigned status, std::string_view reason);
  [[nodiscard]] bool is_asking() const noexcept;  // part of a request is here

  HttpServer& server_;
  const Address remote_;
  const Address local_;
  Address client_;
  ByteStream stream_;
  MonoTime deadline_ = kNoDeadline;  // the server closes what is overdue
  ByteVec in_;                       // bytes not parsed yet
  bool busy_ = false;
  bool last_ = false;  // no further request
  bool leaving_ = false;
  HttpPhase phase_ = HttpPhase::handshake;
  MonoTime waiting_since_;
  std::shared_ptr<Turns::Account> account_;
  std::unique_ptr<WebSocket> web_socket_;  // once it has become one
};

}  // namespace np2p::real
