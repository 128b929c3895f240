#include "realnet/net/tunnel.h"

#include <algorithm>

namespace np2p::real {

namespace {

// What an honest end may have on its way: the window, the batch that crossed its edge, and the link layer's own words.
constexpr std::size_t kKept = kTunnelWindow + 64 * 1024;

}  // namespace

Tunnel::Tunnel(asio::io_context& io, Emit emit)
    : io_(io), emit_(std::move(emit)), arrival_(io, asio::steady_timer::time_point::max()) {}

bool Tunnel::take(ByteView record) {
  if (closed_) return true;
  if (in_.size() - in_read_ + record.size() > kKept) return false;
  in_.insert(in_.end(), record.begin(), record.end());
  arrival_.cancel();
  return true;
}

bool Tunnel::credited(std::uint64_t bytes) {
  if (bytes > outstanding_) return false;
  outstanding_ -= bytes;
  return true;
}

std::uint32_t Tunnel::credit_due() noexcept {
  if (uncredited_ < kTunnelCredit) return 0;
  return static_cast<std::uint32_t>(std::exchange(uncredited_, 0));
}

std::size_t Tunnel::read_some(std::span<std::uint8_t> into, SocketError& failure) {
  failure = {};
  if (closed_) failure = asio::error::operation_aborted;
  if (!failure && in_.size() == in_read_) failure = asio::error::would_block;
  if (failure) return 0;
  const std::size_t n = std::min(into.size(), in_.size() - in_read_);
  std::copy_n(in_.begin() + static_cast<std::ptrdiff_t>(in_read_), n, into.begin());
  in_read_ += n;
  uncredited_ += n;
  if (in_read_ == in_.size()) {
    ByteVec().swap(in_);
    in_read_ = 0;
  }
  return n;
}

asio::awaitable<SocketError> Tunnel::readable() {
  const auto self = shared_from_this();
  while (!closed_ && in_.empty()) {
    SocketError woken;
    co_await arrival_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
  co_return closed_ ? SocketError(asio::error::operation_aborted) : SocketError();
}

void Tunnel::queue(ByteView bytes) {
  if (closed_ || bytes.empty()) return;
  outstanding_ += bytes.size();
  // Parts of equal size, so that none is tiny.
  const std::size_t parts = (bytes.size() + kTunnelRecordBytes - 1) / kTunnelRecordBytes;
  for (std::size_t left = parts; left > 0; --left) {
    const std::size_t n = (bytes.size() + left - 1) / left;
    out_.push_back({Frame(bytes.first(n)), traffic_});
    bytes = bytes.subspan(n);
  }
  if (std::exchange(emitting_, true)) return;
  asio::post(io_, [self = shared_from_this()] { self->emit_all(); });
}

// The node may close this tunnel while it takes a record.
void Tunnel::emit_all() {
  while (!closed_ && !out_.empty()) {
    const Record record = std::move(out_.front());
    out_.pop_front();
    emit_(record.bytes, record.traffic);
  }
  emitting_ = false;
}

asio::awaitable<SocketError> Tunnel::write(ByteView bytes) {
  queue(bytes);
  co_return closed_ ? SocketError(asio::error::operation_aborted) : SocketError();
}

void Tunnel::write(ByteView bytes, Done done) {
  queue(bytes);
  when_drained(std::move(done));
}

void Tunnel::when_drained(Done done) {
  asio::post(io_, [self = shared_from_this(), done = std::move(done)] {
    done(self->closed_ ? SocketError(asio::error::operation_aborted) : SocketError());
  });
}

void Tunnel::close() {
  closed_ = true;
  out_.clear();
  ByteVec().swap(in_);
  in_read_ = 0;
  arrival_.cancel();
}

}  // namespace np2p::real
