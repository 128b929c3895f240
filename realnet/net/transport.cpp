#include "realnet/net/transport.h"

namespace np2p::real {

std::size_t SocketTransport::read_some(std::span<std::uint8_t> into, SocketError& failure) {
  return socket_.read_some(asio::buffer(into.data(), into.size()), failure);
}

asio::awaitable<SocketError> SocketTransport::readable() {
  SocketError failure;
  co_await socket_.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, failure));
  co_return failure;
}

asio::awaitable<SocketError> SocketTransport::write(ByteView bytes) {
  SocketError failure;
  co_await asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                             asio::redirect_error(asio::use_awaitable, failure));
  co_return failure;
}

void SocketTransport::write(ByteView bytes, Done done) {
  asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                    [done = std::move(done)](const SocketError& failure, std::size_t) { done(failure); });
}

void SocketTransport::when_drained(Done done) {
  socket_.async_wait(tcp::socket::wait_write, std::move(done));
}

void SocketTransport::end_sending() {
  SocketError ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void SocketTransport::close() {
  SocketError ignored;
  socket_.close(ignored);
}

}  // namespace np2p::real
