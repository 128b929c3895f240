#include "realnet/http/web_socket.h"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "realnet/clock.h"
#include "realnet/http/beast_stream.h"
#include "realnet/http/reading_cost.h"

namespace np2p::real {

namespace {

namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;

constexpr std::size_t kKeptBytes = 16 * 1024;  // of the buffer that a large message has left

// permessage-deflate (RFC 7692) for who offers it. Each message by itself: what a connection would remember of earlier
// ones for a better ratio is memory that hundreds of clients could claim. What is kept is some 30 kB to compress with,
// once something was sent, and at most 40 kB to expand with. Messages are counted expanded, so no bomb gets larger than
// WebSocketLimits::message_bytes.
websocket::permessage_deflate compression() {
  websocket::permessage_deflate options;
  options.server_enable = true;
  options.server_max_window_bits = 12;
  options.server_no_context_takeover = true;
  options.client_no_context_takeover = true;
  options.compLevel = 3;
  options.memLevel = 5;
  return options;
}
constexpr std::size_t kWrittenAtOnce = 64 * 1024;
constexpr std::size_t kFragmentBytes = 16 * 1024;  // a compressed message goes out in fragments of so many

websocket::close_reason farewell(std::uint16_t code, const std::string& reason) {
  return {static_cast<websocket::close_code>(code), reason};
}

}  // namespace

class WebSocket::Stream : public websocket::stream<BeastStream, true> {
 public:
  using Base = websocket::stream<BeastStream, true>;
  using Base::Base;
};

WebSocket::WebSocket(asio::io_context& io, ByteStream& stream, ByteVec& early, ClientSessions& sessions, Turns& turns,
                     std::shared_ptr<Turns::Account> account, const WebSocketLimits& limits, Deadline deadline)
    : io_(io),
      sessions_(sessions),
      turns_(turns),
      account_(std::move(account)),
      limits_(limits),
      deadline_(std::move(deadline)),
      stream_(std::make_unique<Stream>(io, stream, early)),
      wake_writer_(io, asio::steady_timer::time_point::max()),
      wake_reader_(io, asio::steady_timer::time_point::max()) {
  stream_->read_message_max(limits_.message_bytes);
  stream_->auto_fragment(false);
  stream_->write_buffer_bytes(kFragmentBytes);
  stream_->set_option(compression());
  stream_->text(true);
  stream_->set_option(websocket::stream_base::timeout{limits_.farewell, 2 * limits_.idle, true});
}

WebSocket::~WebSocket() = default;

asio::awaitable<void> WebSocket::run(const HttpRequest& request, const ClientOrigin& origin) {
  peer_ = origin.peer;
  http::request<http::empty_body> upgrade(http::verb::get, request.target, 11);
  upgrade.set(http::field::host, request.host);
  upgrade.set(http::field::upgrade, "websocket");
  upgrade.set(http::field::connection, "upgrade");
  upgrade.set(http::field::sec_websocket_key, request.web_socket->key);
  upgrade.set(http::field::sec_websocket_version, request.web_socket->version);
  if (!request.web_socket->extensions.empty()) {
    upgrade.set(http::field::sec_websocket_extensions, request.web_socket->extensions);
  }
  SocketError failure;
  deadline_(limits_.write_deadline);
  co_await stream_->async_accept(upgrade, asio::redirect_error(asio::use_awaitable, failure));
  deadline_(std::nullopt);
  if (failure) co_return;
  opened_ = mono_now();
  session_ = sessions_.open_session(origin, *this);
  if (!session_) {
    close_code_ = 1013;  // try again later
    close_reason_ = "too many clients";
  }
  writing_ = true;
  asio::co_spawn(
      io_, [this] { return write_all(); },
      [this](const std::exception_ptr& bug) {
        if (bug) std::rethrow_exception(bug);
        writing_ = false;
        wake_reader_.cancel();
      });
  co_await read_all();
  if (session_) sessions_.session_closed(*std::exchange(session_, std::nullopt));
  broken_ = true;
  wake_writer_.cancel();
  while (writing_) co_await sleep(wake_reader_);
}

asio::awaitable<void> WebSocket::sleep(asio::steady_timer& timer) {
  SocketError woken;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

asio::awaitable<void> WebSocket::read_all() {
  boost::beast::flat_buffer message;
  for (;;) {
    SocketError failure;
    co_await stream_->async_read(message, asio::redirect_error(asio::use_awaitable, failure));
    if (failure == boost::beast::websocket::error::message_too_big) {
      sessions_.message_refused(peer_, error(ErrorCode::too_large, "the message is larger than allowed"));
    }
    if (failure) {
      went_silent_ = failure == boost::beast::error::timeout;
      co_return;
    }
    has_spoken_ = true;
    account_->charge(reading_cost(message.size()), mono_now());
    co_await turns_.mine(account_);
    if (!stream_->got_text()) {
      hang_up_with(1003, "messages here are text");
    } else if (session_) {
      const auto bytes = message.cdata();
      sessions_.session_text(*session_, {static_cast<const char*>(bytes.data()), bytes.size()});
    }
    message.clear();
    if (message.capacity() > kKeptBytes) message.shrink_to_fit();
    while (untold_ > limits_.busy_bytes && !broken_ && close_code_ == 0) co_await sleep(wake_reader_);
  }
}

// Frames what waits, as much as is written at once; of how many bytes of what it was told.
std::size_t WebSocket::put_together(SocketError& failure) {
  std::size_t told = 0;
  while (!out_.empty() && !failure && stream_->next_layer().unflushed() < kWrittenAtOnce) {
    stream_->write(asio::buffer(out_.front()), failure);
    told += out_.front().size();
    out_.pop_front();
  }
  return told;
}

asio::awaitable<void> WebSocket::write_all() {
  SocketError failure;
  while (!broken_ && !failure) {
    if (out_.empty() && close_code_ != 0) break;
    if (out_.empty()) {
      co_await sleep(wake_writer_);
      continue;
    }
    const std::size_t told = put_together(failure);
    if (failure) break;
    write_began_ = mono_now();
    deadline_(limits_.write_deadline);
    failure = co_await stream_->next_layer().flush();
    deadline_(std::nullopt);
    write_began_.reset();
    const bool was_busy = untold_ > limits_.busy_bytes / 4;
    untold_ -= told;
    if (!was_busy || untold_ > limits_.busy_bytes / 4) continue;
    wake_reader_.cancel();
    // The next part of a long answer takes its turn as a request does.
    co_await turns_.mine(account_);
    if (session_) sessions_.session_writable(*session_);
  }
  if (broken_) co_return;
  deadline_(limits_.farewell);
  if (!failure) {
    co_await stream_->async_close(farewell(close_code_, close_reason_),
                                  asio::redirect_error(asio::use_awaitable, failure));
  }
  broken_ = true;
  stream_->next_layer().close();  // wakes the reader
}

void WebSocket::tell(std::string_view text) {
  if (close_code_ != 0) return;
  untold_ += text.size();
  out_.emplace_back(text);
  wake_writer_.cancel();
}

void WebSocket::hang_up(std::string_view reason) {
  session_.reset();  // the node has forgotten it
  out_.clear();
  hang_up_with(1008, reason);
}

void WebSocket::hang_up_with(std::uint16_t code, std::string_view reason) {
  if (close_code_ != 0) return;
  close_code_ = code;
  close_reason_ = reason;
  wake_writer_.cancel();
  wake_reader_.cancel();
}

void WebSocket::go_away() {
  hang_up_with(1001, "the server stops");
}

void WebSocket::make_room() {
  out_.clear();
  hang_up_with(1013, "others need the place");
}

std::optional<MonoTime> WebSocket::useless_since() const noexcept {
  if (write_began_) return write_began_;
  if (!has_spoken_) return opened_;
  return std::nullopt;
}

}  // namespace np2p::real
