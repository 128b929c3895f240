// Our byte stream (TCP or TLS) as Beast wants one. Reads are asynchronous. What is written is only put together, at
// once, until it is flushed: a synchronous write of Beast's costs no coroutine and no round of the loop, and many small
// messages go out as one. What Beast writes by itself (a pong, a farewell) is flushed by itself. For web_socket.cpp
// only.
#pragma once

#include "realnet/net/asio.h"

#include <algorithm>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/role.hpp>
#include <memory>
#include <type_traits>
#include <utility>

#include "realnet/net/socket.h"

namespace np2p::real {

class BeastStream {
 public:
  using executor_type = asio::io_context::executor_type;

  // `early` are bytes that were read already.
  BeastStream(asio::io_context& io, ByteStream& stream, ByteVec& early)
      : io_(io), stream_(stream), in_(early), flushed_(io, asio::steady_timer::time_point::max()) {}
  BeastStream(const BeastStream&) = delete;
  BeastStream& operator=(const BeastStream&) = delete;

  [[nodiscard]] executor_type get_executor() const noexcept { return io_.get_executor(); }

  [[nodiscard]] std::size_t unflushed() const noexcept { return out_.size(); }
  // Returns when all that was written until now is with the kernel.
  asio::awaitable<SocketError> flush() {
    while (!out_.empty() || flushing_) {
      SocketError failure;
      if (flushing_) {
        co_await flushed_.async_wait(asio::redirect_error(asio::use_awaitable, failure));
        if (failed_) co_return failed_;
        continue;
      }
      flushing_ = true;
      const ByteVec bytes = std::exchange(out_, {});
      failed_ = co_await stream_.write(bytes);
      flushing_ = false;
      flushed_.cancel();
      if (failed_) co_return failed_;
    }
    co_return SocketError{};
  }
  void close() { stream_.transport().close(); }
  void end_sending() { stream_.transport().end_sending(); }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return initiate([this, buffers] { return read_waiting(buffers); }, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    const std::size_t size = append(buffers);
    return initiate([this, size] { return write_flushed(size); }, std::forward<Token>(token));
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, boost::beast::error_code& failure) {
    failure = failed_;
    return failure ? 0 : append(buffers);
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers) {
    return append(buffers);
  }
  // Beast wants them beside the synchronous writes; nobody reads like this.
  template <class Buffers>
  std::size_t read_some(const Buffers& /*buffers*/, boost::beast::error_code& failure) {
    failure = asio::error::operation_not_supported;
    return 0;
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& /*buffers*/) {
    throw boost::system::system_error(make_error_code(boost::system::errc::operation_not_supported));
  }

 private:
  using Outcome = std::pair<boost::beast::error_code, std::size_t>;

  template <class Buffers>
  std::size_t append(const Buffers& buffers) {
    const std::size_t size = asio::buffer_size(buffers);
    const std::size_t before = out_.size();
    out_.resize(before + size);
    asio::buffer_copy(asio::buffer(out_.data() + before, size), buffers);
    return size;
  }
  template <class Buffers>
  asio::awaitable<Outcome> read_waiting(Buffers buffers) {
    if (in_.empty()) {
      const SocketError failure = co_await stream_.read(in_);
      if (failure) co_return Outcome{failure, 0};
    }
    const std::size_t size = asio::buffer_copy(buffers, asio::buffer(in_.data(), in_.size()));
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(size));
    co_return Outcome{{}, size};
  }
  asio::awaitable<Outcome> write_flushed(std::size_t size) {
    const SocketError failure = co_await flush();
    co_return Outcome{failure, failure ? 0 : size};
  }

  // Runs a coroutine for Beast, which waits with a handler. Everything runs on the one thread of `io_`.
  template <class Start, class Token>
  auto initiate(Start start, Token&& token) {
    return asio::async_initiate<Token, void(boost::beast::error_code, std::size_t)>(
        [this](auto handler, Start begin) {
          asio::co_spawn(io_, std::move(begin),
                         [done = std::move(handler)](const std::exception_ptr& bug, Outcome outcome) mutable {
                           if (bug) std::rethrow_exception(bug);
                           done(outcome.first, outcome.second);
                         });
        },
        token, std::move(start));
  }

  asio::io_context& io_;
  ByteStream& stream_;
  ByteVec& in_;
  ByteVec out_;  // not flushed
  bool flushing_ = false;
  SocketError failed_;
  asio::steady_timer flushed_;  // cancelled after each
};

// What Beast calls at the end of a connection, whichever side said farewell last.
inline void teardown(boost::beast::role_type, BeastStream& stream, boost::beast::error_code& failure) {
  failure = {};
  stream.end_sending();
}

inline void beast_close_socket(BeastStream& stream) {  // when nothing has come for too long
  stream.close();
}

template <class Handler>
void async_teardown(boost::beast::role_type, BeastStream& stream, Handler&& handler) {
  stream.end_sending();
  asio::post(stream.get_executor(),
             [done = std::forward<Handler>(handler)]() mutable { done(boost::beast::error_code{}); });
}

}  // namespace np2p::real
