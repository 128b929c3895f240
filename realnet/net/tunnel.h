// The transport of a link that has no socket: other nodes carry its bytes, in order and without loss, as records of at
// most kTunnelRecordBytes. TCP's flow control is missing on such a path, so it is here: at most kTunnelWindow bytes are
// on their way; the reader gives credit for what it has read (LinkMessage::credit), and frames wait meanwhile in the
// link's queue, where they count and are bounded as on any other link; and so they do while the node holds the tunnel,
// which keeps to what relays let through. What the link layer itself says is little and
// does not wait, or two ends that send at once would wait for each other's credit.
#pragma once

#include "realnet/net/asio.h"

#include <deque>
#include <memory>

#include "core/base/frame.h"
#include "core/host/network.h"
#include "realnet/net/transport.h"

namespace np2p::real {

inline constexpr std::size_t kTunnelRecordBytes = 16 * 1024 + 256;  // a record of TLS
inline constexpr std::size_t kTunnelWindow = 256 * 1024;
inline constexpr std::size_t kTunnelCredit = 64 * 1024;  // given at once

class Tunnel final : public Transport, public std::enable_shared_from_this<Tunnel> {
 public:
  // `emit` takes each record to the node. It is called by the io_context only, never inside a call of ours.
  using Emit = std::function<void(const Frame&, Traffic)>;
  Tunnel(asio::io_context& io, Emit emit);

  // A record from the other end. False: it sent more than the window lets it, nothing was kept.
  bool take(ByteView record);

  // --- the window
  [[nodiscard]] bool may_send() const noexcept { return !held_ && outstanding_ < kTunnelWindow; }
  void hold(bool held) noexcept { held_ = held; }
  void says(Traffic traffic) noexcept { traffic_ = traffic; }  // what most of the next write is for
  // The other end has read so many bytes more. False: more than were sent.
  bool credited(std::uint64_t bytes);
  // Credit to be given now, which then counts as given; 0: not yet.
  std::uint32_t credit_due() noexcept;

  std::size_t read_some(std::span<std::uint8_t> into, SocketError& failure) override;
  asio::awaitable<SocketError> readable() override;
  asio::awaitable<SocketError> write(ByteView bytes) override;
  void write(ByteView bytes, Done done) override;
  void when_drained(Done done) override;
  void end_sending() override {}  // a node that closes a tunnel says so itself
  void close() override;

 private:
  void queue(ByteView bytes);
  void emit_all();
  asio::io_context& io_;
  Emit emit_;
  asio::steady_timer arrival_;  // never expires; cancelled when something comes
  ByteVec in_;
  std::size_t in_read_ = 0;
  struct Record {
    Frame bytes;
    Traffic traffic;
  };
  std::deque<Record> out_;  // within one turn of the io_context
  Traffic traffic_ = Traffic::control;
  bool emitting_ = false;
  bool held_ = false;
  bool closed_ = false;
  std::uint64_t outstanding_ = 0;  // sent, not credited
  std::uint64_t uncredited_ = 0;   // read, not credited
};

}  // namespace np2p::real
