// What carries the bytes of a stream: a TCP socket, or a tunnel that other nodes carry (net/tunnel.h). TLS and messages
// lie above and do not know which.
#pragma once

#include "realnet/net/asio.h"

#include <functional>
#include <span>

#include "core/base/bytes.h"

namespace np2p::real {

class Transport {
 public:
  using Done = std::function<void(const SocketError&)>;
  virtual ~Transport() = default;

  // What is there now; failure would_block: nothing, wait with readable(). eof: orderly end.
  virtual std::size_t read_some(std::span<std::uint8_t> into, SocketError& failure) = 0;
  virtual asio::awaitable<SocketError> readable() = 0;

  virtual asio::awaitable<SocketError> write(ByteView bytes) = 0;
  // The same for those who do not wait; the bytes stay where they are until `done`, which is never called inside.
  virtual void write(ByteView bytes, Done done) = 0;
  // Little of what was written is still unsent, so that what is urgent can overtake.
  virtual void when_drained(Done done) = 0;

  virtual void end_sending() = 0;  // the other side reads an orderly end
  virtual void close() = 0;        // whoever waits is woken with a failure
};

class SocketTransport final : public Transport {
 public:
  explicit SocketTransport(tcp::socket socket) : socket_(std::move(socket)) {}
  std::size_t read_some(std::span<std::uint8_t> into, SocketError& failure) override;
  asio::awaitable<SocketError> readable() override;
  asio::awaitable<SocketError> write(ByteView bytes) override;
  void write(ByteView bytes, Done done) override;
  void when_drained(Done done) override;
  void end_sending() override;
  void close() override;

 private:
  tcp::socket socket_;
};

}  // namespace np2p::real
