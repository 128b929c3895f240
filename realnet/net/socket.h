// Small pieces around a TCP socket: addresses, options, why it failed, and a byte stream that is TLS or plain.
#pragma once

#include "realnet/net/asio.h"

#include <memory>
#include <optional>
#include <string_view>

#include "core/base/address.h"
#include "core/host/network.h"
#include "realnet/net/tls.h"
#include "realnet/net/transport.h"

namespace np2p::real {

Address to_address(const tcp::endpoint& endpoint);
tcp::endpoint to_endpoint(const Address& address);
// Unspecified where the connection is gone already.
Address remote_of(const tcp::socket& socket);
Address local_of(const tcp::socket& socket);
CloseReason close_reason(const SocketError& failure) noexcept;

// TCP_NODELAY; little unsent data in the kernel, so that priorities mean something; unacknowledged data for 30 s is
// the end. An option that the kernel does not know is no failure.
void tune(tcp::socket& socket);

// A port of one's own; or one that also dials leave from (RFC 5382: one mapping of a NAT then serves all of them).
enum class PortUse : std::uint8_t { exclusive, shared };

// An acceptor on `listen`, bound and listening; on [::] it takes IPv4 as well. The error says which address and why.
Result<tcp::acceptor> listen_on(asio::io_context& io, const Address& listen, PortUse use = PortUse::exclusive);

// Opens `socket` and binds it to `local`, beside an acceptor there that shares its port.
SocketError bind_beside(tcp::socket& socket, const Address& local);

// Reads without a buffer of its own while it waits: an idle connection costs no read buffer.
class ByteStream {
 public:
  ByteStream(std::shared_ptr<Transport> transport, std::unique_ptr<TlsSession> tls)
      : transport_(std::move(transport)), tls_(std::move(tls)) {}
  ByteStream(tcp::socket socket, std::unique_ptr<TlsSession> tls)
      : ByteStream(std::make_shared<SocketTransport>(std::move(socket)), std::move(tls)) {}

  // Nothing to do for a plain stream.
  asio::awaitable<SocketError> handshake(ByteVec& early);
  // Waits for bytes and appends at least one to `in`, or says why not (eof: orderly end).
  asio::awaitable<SocketError> read(ByteVec& in);
  asio::awaitable<SocketError> write(ByteView bytes);
  // The same for a last word that nobody waits for; nothing else may be being written.
  void write_last(std::string_view bytes);
  // Should this be the very first byte that comes, it is not part of the stream.
  void skip_first(std::uint8_t byte) noexcept { skipped_ = byte; }

  [[nodiscard]] Transport& transport() noexcept { return *transport_; }
  [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }
  [[nodiscard]] TlsSession* tls() noexcept { return tls_.get(); }

 private:
  asio::awaitable<SocketError> flush_tls();
  std::shared_ptr<Transport> transport_;
  std::unique_ptr<TlsSession> tls_;
  std::uint64_t bytes_read_ = 0;
  std::optional<std::uint8_t> skipped_;
};

}  // namespace np2p::real
