// How a link comes up: a connection or a tunnel, the roles, TLS, the Hellos.
#include <netinet/tcp.h>

#include <algorithm>

#include "realnet/clock.h"
#include "realnet/net/link.h"

namespace np2p::real {

namespace {

// A refusal ends only the SYN that it answers, so a punch has three tries of its own at these times after its moment.
// Where nothing answers, the kernel repeats the SYN of the first try at the same times.
constexpr Duration kPunchTries[] = {0s, 1s, 3s};
constexpr int kRepeatedSyns = 2;

SocketError broken_rule() {
  return boost::system::errc::make_error_code(boost::system::errc::bad_message);
}

// Another connection between these two ends is there, or was a moment ago.
bool is_taken(const SocketError& failure) {
  return failure == asio::error::address_in_use || failure == boost::system::errc::address_not_available;
}

}  // namespace

void Link::dial(const Address& to, const std::optional<Address>& from) {
  origin_ = Origin::dialled;
  info_.outbound = true;
  info_.remote = to;
  from_ = from;
  start(settings_.dial_timeout);
}

void Link::punch(const Address& from, const Address& to, const NodeId& peer, MonoTime at) {
  origin_ = Origin::punched;
  info_.path = Path::punched;
  info_.outbound = settings_.key.id() < peer;
  info_.remote = to;
  from_ = from;
  expected_ = peer;
  punch_at_ = std::max(at, mono_now());
  start(punch_at_ - mono_now() + kPunchTime);
}

void Link::tunnel(const NodeId& peer, bool client) {
  origin_ = Origin::tunnel;
  info_.path = Path::tunnel;
  info_.outbound = client;
  expected_ = peer;
  tunnel_ = std::make_shared<Tunnel>(
      io_, [this](const Frame& record, Traffic traffic) { owner_.link_record(*this, record, traffic); });
  start_session();
  start(settings_.handshake_deadline);
}

void Link::accept(tcp::socket socket, Path path) {
  origin_ = Origin::accepted;
  info_.path = path;
  info_.remote = remote_of(socket);
  tune(socket);
  socket_ = std::move(socket);
  start(settings_.handshake_deadline);
}

void Link::carried(ByteView record) {
  if (!tunnel_ || phase_ == Phase::over || tunnel_->take(record)) return;
  // Not from here: this is a call of the node.
  asio::post(io_, [self = shared_from_this()] {
    if (self->phase_ != Phase::establishing && self->phase_ != Phase::up) return;
    self->reject(error(ErrorCode::rate_limited, "more records than the window of a tunnel"));
    self->shut();
  });
}

void Link::hold(bool held) noexcept {
  if (tunnel_) tunnel_->hold(held);
}

// The role is settled: the stream takes the transport.
void Link::start_session() {
  auto tls =
      std::make_unique<TlsSession>(tls_context_, info_.outbound ? TlsSession::Side::client : TlsSession::Side::server);
  if (tunnel_) {
    stream_.emplace(tunnel_, std::move(tls));
  } else {
    stream_.emplace(std::move(socket_), std::move(tls));
  }
}

asio::awaitable<SocketError> Link::connect() {
  SocketError failure = origin_ == Origin::punched ? co_await connect_punching() : co_await connect_once();
  if (failure) {
    if (from_ && is_taken(failure)) fate_ = fate_.value_or(CloseReason::duplicate_link);
    co_return failure;
  }
  tune(socket_);
  arm_deadline(settings_.handshake_deadline);
  co_return failure;
}

asio::awaitable<SocketError> Link::connect_once() {
  SocketError failure;
  if (from_) failure = bind_beside(socket_, *from_);
  if (failure) co_return failure;
  if (origin_ == Origin::punched) {
    using Repeats = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_SYNCNT>;
    socket_.set_option(Repeats(kRepeatedSyns), failure);
  }
  co_await socket_.async_connect(to_endpoint(info_.remote), asio::redirect_error(asio::use_awaitable, failure));
  co_return failure;
}

asio::awaitable<SocketError> Link::connect_punching() {
  SocketError failure;
  for (const Duration after : kPunchTries) {
    failure = co_await pause_until(punch_at_ + after);
    if (failure) co_return failure;
    failure = co_await connect_once();
    if (fate_ || phase_ != Phase::establishing) failure = asio::error::operation_aborted;
    if (!failure || failure == asio::error::operation_aborted || is_taken(failure)) co_return failure;
    SocketError ignored;
    socket_.close(ignored);
  }
  co_return failure;
}

asio::awaitable<SocketError> Link::pause_until(MonoTime at) {
  SocketError failure;
  if (at > mono_now()) {
    pause_.expires_at(std::chrono::steady_clock::time_point(Duration(at.ns)));
    co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, failure));
  }
  if (fate_ || phase_ != Phase::establishing) failure = asio::error::operation_aborted;
  co_return failure;
}

// Waits for the first byte and takes it if it is a mark.
asio::awaitable<SocketError> Link::take_mark(bool& there) {
  SocketError failure = asio::error::would_block;
  std::uint8_t first = 0;
  while (failure == asio::error::would_block) {
    co_await socket_.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, failure));
    if (!failure) socket_.receive(asio::buffer(&first, 1), tcp::socket::message_peek, failure);
  }
  there = !failure && first == kPunchMark;
  if (there) socket_.receive(asio::buffer(&first, 1), 0, failure);
  co_return failure;
}

// Who is the TLS client (see link.h); the stream is there when this returns without a failure.
asio::awaitable<SocketError> Link::settle_role() {
  SocketError failure;
  bool mark = false;
  if (origin_ == Origin::accepted) {
    failure = co_await take_mark(mark);
    if (mark) {
      info_.path = Path::punched;
      info_.outbound = true;
    }
  }
  if (!failure && origin_ == Origin::punched && !info_.outbound) {
    socket_.send(asio::buffer(&kPunchMark, 1), 0, failure);
  }
  if (failure) co_return failure;
  start_session();
  if (origin_ == Origin::punched && info_.outbound) stream_->skip_first(kPunchMark);
  co_return failure;
}

asio::awaitable<SocketError> Link::establish() {
  SocketError failure;
  if (origin_ == Origin::dialled || origin_ == Origin::punched) failure = co_await connect();
  if (!failure && !tunnel_) failure = co_await settle_role();
  if (failure) co_return failure;
  ByteVec early;
  failure = co_await stream_->handshake(early);
  if (failure) {
    if (failure == broken_rule()) owner_.link_rejected(*this, error(ErrorCode::malformed, "TLS handshake failed"));
    co_return failure;
  }
  const Role mine = info_.outbound ? Role::dialler : Role::listener;
  say(LinkMessage::hello, encode_hello(settings_.key, mine, settings_.network_id, stream_->tls()->exported()));
  pump();
  if (!early.empty()) failure = take(early);
  if (!failure) failure = co_await exchange_hello();
  co_return failure;
}

asio::awaitable<SocketError> Link::exchange_hello() {
  SocketError failure;
  while (!greeted_ && !failure && phase_ == Phase::establishing) {
    ByteVec plain;
    failure = co_await stream_->read(plain);
    if (!failure) failure = take(plain);
  }
  co_return failure;
}

}  // namespace np2p::real
