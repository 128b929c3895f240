#include "realnet/net/socket.h"

#include <netinet/tcp.h>

#include <array>
#include <cstring>

namespace np2p::real {

namespace {

constexpr std::size_t kScratchBytes = 64 * 1024;
constexpr int kUnackedMs = 30'000;
constexpr int kUnsentBytes = 32 * 1024;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

// One read buffer for all streams of a thread: it is used between two suspensions only.
std::array<std::uint8_t, kScratchBytes>& scratch() {
  static thread_local std::array<std::uint8_t, kScratchBytes> buffer;
  return buffer;
}

SocketError tls_failure(TlsSession::State state) {
  if (state == TlsSession::State::closed) return asio::error::eof;
  if (state == TlsSession::State::failed) return boost::system::errc::make_error_code(boost::system::errc::bad_message);
  return {};
}

}  // namespace

Address to_address(const tcp::endpoint& endpoint) {
  Address address;
  const auto ip = endpoint.address();
  if (ip.is_v4()) return Address::v4(ip.to_v4().to_uint(), endpoint.port());
  address.ip = ip.to_v6().to_bytes();
  address.port = endpoint.port();
  return address;
}

tcp::endpoint to_endpoint(const Address& address) {
  if (address.is_v4()) return {asio::ip::address_v4(address.v4_host_order()), address.port};
  return {asio::ip::address_v6(address.ip), address.port};
}

Address remote_of(const tcp::socket& socket) {
  SocketError failure;
  const auto endpoint = socket.remote_endpoint(failure);
  return failure ? Address{} : to_address(endpoint);
}

Address local_of(const tcp::socket& socket) {
  SocketError failure;
  const auto endpoint = socket.local_endpoint(failure);
  return failure ? Address{} : to_address(endpoint);
}

CloseReason close_reason(const SocketError& failure) noexcept {
  namespace errc = boost::system::errc;
  if (failure == asio::error::eof) return CloseReason::peer_closed;
  if (failure == asio::error::connection_refused) return CloseReason::refused;
  if (failure == asio::error::timed_out || failure == asio::error::host_unreachable ||
      failure == asio::error::network_unreachable) {
    return CloseReason::timed_out;
  }
  if (failure == errc::bad_message) return CloseReason::protocol_error;
  return CloseReason::reset;
}

void tune(tcp::socket& socket) {
  SocketError ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  using Unacked = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;
  socket.set_option(Unacked(kUnackedMs), ignored);
  using Unsent = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;
  socket.set_option(Unsent(kUnsentBytes), ignored);
  socket.non_blocking(true, ignored);
}

Result<tcp::acceptor> listen_on(asio::io_context& io, const Address& listen, PortUse use) {
  const auto endpoint = to_endpoint(listen);
  tcp::acceptor acceptor(io);
  SocketError failure;
  acceptor.open(endpoint.protocol(), failure);
  if (!failure) acceptor.set_option(tcp::acceptor::reuse_address(true), failure);
  if (!failure && use == PortUse::shared) acceptor.set_option(ReusePort(true), failure);
  if (!failure && !listen.is_v4()) acceptor.set_option(asio::ip::v6_only(!listen.is_unspecified()), failure);
  if (!failure) acceptor.bind(endpoint, failure);
  if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
  if (failure) return error(ErrorCode::unavailable, "cannot listen on " + listen.text() + ": " + failure.message());
  return acceptor;
}

SocketError bind_beside(tcp::socket& socket, const Address& local) {
  const auto endpoint = to_endpoint(local);
  SocketError failure;
  socket.open(endpoint.protocol(), failure);
  if (!failure) socket.set_option(tcp::socket::reuse_address(true), failure);
  if (!failure) socket.set_option(ReusePort(true), failure);
  if (!failure) socket.bind(endpoint, failure);
  return failure;
}

asio::awaitable<SocketError> ByteStream::handshake(ByteVec& early) {
  SocketError failure;
  if (tls_ == nullptr) co_return failure;
  tls_->advance();
  for (;;) {
    failure = co_await flush_tls();
    if (failure) co_return failure;
    if (tls_->state() == TlsSession::State::open) co_return failure;
    failure = tls_failure(tls_->state());
    if (failure) co_return failure;
    failure = co_await read(early);
    if (failure) co_return failure;
  }
}

asio::awaitable<SocketError> ByteStream::read(ByteVec& in) {
  SocketError failure;
  if (tls_ != nullptr) failure = tls_failure(tls_->state());
  if (failure) co_return failure;
  const std::size_t before = in.size();
  const bool handshaking = tls_ != nullptr && tls_->state() == TlsSession::State::handshaking;
  while (in.size() == before) {
    auto& buffer = scratch();
    const std::size_t got = transport_->read_some(buffer, failure);
    if (failure == asio::error::would_block) {
      failure = co_await transport_->readable();
      if (failure) co_return failure;
      continue;
    }
    if (failure) co_return failure;
    bytes_read_ += got;
    ByteView bytes(buffer.data(), got);
    if (const auto first = std::exchange(skipped_, std::nullopt); first && bytes[0] == *first) bytes = bytes.subspan(1);
    if (bytes.empty()) continue;
    if (tls_ == nullptr) {
      in.insert(in.end(), bytes.begin(), bytes.end());
      break;
    }
    tls_->feed(bytes, in);
    if (handshaking || in.size() > before) break;
    failure = tls_failure(tls_->state());
    if (failure) co_return failure;
  }
  co_return SocketError{};
}

asio::awaitable<SocketError> ByteStream::flush_tls() {
  ByteVec out;
  tls_->take_output(out);
  if (out.empty()) co_return SocketError{};
  co_return co_await transport_->write(out);
}

asio::awaitable<SocketError> ByteStream::write(ByteView bytes) {
  if (tls_ == nullptr) co_return co_await transport_->write(bytes);
  tls_->write(bytes);
  co_return co_await flush_tls();
}

void ByteStream::write_last(std::string_view bytes) {
  const auto out = std::make_shared<ByteVec>();
  if (tls_ == nullptr) {
    out->assign(bytes.begin(), bytes.end());
  } else {
    tls_->write(bytes_of(bytes));
    tls_->take_output(*out);
  }
  transport_->write(*out, [out](const SocketError&) {});
}

}  // namespace np2p::real
