// Small pieces around a TCP socket: addresses, options, why it failed, and a byte stream that is TLS or plain.
#pragma once

#include "realnet/net/asio.h"

#include <memory>

#include "core/base/address.h"
#include "core/host/network.h"
#include "realnet/net/tls.h"

namespace np2p::real {

Address to_address(const tcp::endpoint& endpoint);
tcp::endpoint to_endpoint(const Address& address);
CloseReason close_reason(const SocketError& failure) noexcept;

// TCP_NODELAY; little unsent data in the kernel, so that priorities mean something; unacknowledged data for 30 s is
// the end. An option that the kernel does not know is no failure.
void tune(tcp::socket& socket);

// An acceptor on `listen`, bound and listening. The error says which address and why.
Result<tcp::acceptor> listen_on(asio::io_context& io, const Address& listen);

// Reads without a buffer of its own while it waits: an idle connection costs no read buffer.
class ByteStream {
 public:
  ByteStream(tcp::socket socket, std::unique_ptr<TlsSession> tls) : socket_(std::move(socket)), tls_(std::move(tls)) {}

  // Nothing to do for a plain stream.
  asio::awaitable<SocketError> handshake(ByteVec& early);
  // Waits for bytes and appends at least one to `in`, or says why not (eof: orderly end).
  asio::awaitable<SocketError> read(ByteVec& in);
  asio::awaitable<SocketError> write(ByteView bytes);

  [[nodiscard]] tcp::socket& socket() noexcept { return socket_; }
  [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }
  [[nodiscard]] TlsSession* tls() noexcept { return tls_.get(); }

 private:
  asio::awaitable<SocketError> flush_tls();
  tcp::socket socket_;
  std::unique_ptr<TlsSession> tls_;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace np2p::real
