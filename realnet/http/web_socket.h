// A Nostr client on a WebSocket (RFC 6455): text messages in, text messages out, kept alive by pings. Beast does the
// protocol; what a message means is core/api/sessions.
//
// Who does not read is not read from either, once enough waits to go out to him; and is closed when what is being
// written takes too long.
#pragma once

#include "realnet/net/asio.h"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/base/time.h"
#include "realnet/http/client_sessions.h"
#include "realnet/http/http_message.h"
#include "realnet/http/turns.h"
#include "realnet/net/socket.h"

namespace np2p::real {

struct WebSocketLimits {
  std::size_t message_bytes = 320 * 1024;  // of a client
  std::size_t busy_bytes = 256 * 1024;     // wait to go out: nothing is read meanwhile
  Duration idle = 60s;                     // without a word: a ping, and the end if as long nothing answers
  Duration write_deadline = 30s;           // for what is being written
  Duration farewell = 3s;                  // for the closing handshake
};

class WebSocket final : private SessionOutput {
 public:
  // `deadline(after)`: the connection is closed when that much time has passed; no time: it may take for ever.
  using Deadline = std::function<void(std::optional<Duration>)>;

  WebSocket(asio::io_context& io, ByteStream& stream, ByteVec& early, ClientSessions& sessions, Turns& turns,
            std::shared_ptr<Turns::Account> account, const WebSocketLimits& limits, Deadline deadline);
  ~WebSocket() override;  // here, because Stream is known only there

  // The whole life of the connection, from the answer to the upgrade on.
  asio::awaitable<void> run(const HttpRequest& request, const ClientOrigin& origin);
  void go_away();    // the server stops: what waits goes out, then a farewell
  void make_room();  // others need the place: a farewell, and the end
  // Since when it has been of no use to anybody: what is being written is not taken, or it has never said anything.
  // Nothing: it is of use.
  [[nodiscard]] std::optional<MonoTime> useless_since() const noexcept;
  [[nodiscard]] bool stalled() const noexcept { return write_began_.has_value(); }
  [[nodiscard]] bool ending() const noexcept { return close_code_ != 0; }
  [[nodiscard]] bool went_silent() const noexcept { return went_silent_; }  // it ended because no ping was answered

 private:
  class Stream;  // Beast's, over ours

  // SessionOutput
  void tell(std::string_view text) override;
  void hang_up(std::string_view reason) override;
  [[nodiscard]] std::size_t untold_bytes() const noexcept override { return untold_; }

  void hang_up_with(std::uint16_t code, std::string_view reason);
  asio::awaitable<void> read_all();
  asio::awaitable<void> write_all();
  std::size_t put_together(SocketError& failure);
  asio::awaitable<void> sleep(asio::steady_timer& timer);

  asio::io_context& io_;
  ClientSessions& sessions_;
  Turns& turns_;
  const std::shared_ptr<Turns::Account> account_;
  const WebSocketLimits limits_;
  const Deadline deadline_;
  std::unique_ptr<Stream> stream_;
  Address peer_;
  std::optional<SessionId> session_;
  std::deque<std::string> out_;
  std::size_t untold_ = 0;
  asio::steady_timer wake_writer_;
  asio::steady_timer wake_reader_;
  std::uint16_t close_code_ = 0;  // once it is to end, and why
  std::string close_reason_;
  MonoTime opened_{};
  std::optional<MonoTime> write_began_;  // of what is being written
  bool has_spoken_ = false;
  bool went_silent_ = false;
  bool writing_ = false;
  bool broken_ = false;
};

}  // namespace np2p::real
