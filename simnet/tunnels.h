// The tunnels of one host: links whose records other nodes carry. The host grants the proof and encrypts nothing, but
// each record has its real size and costs its real messages, and a record that was changed, repeated or left out breaks
// the tunnel as it would break TLS.
//
// As in the real world (realnet/net/tunnel.h): frames wait in the link's queue, by priority, while the node holds the
// tunnel or as much as the window is on its way without credit; what goes out together shares records; after 50 s
// without a word from the other side it is asked for a sign of life, and is dead 5 s later.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "core/host/network.h"
#include "core/host/node_key.h"
#include "simnet/base.h"

namespace np2p::sim {

class Tunnels {
 public:
  explicit Tunnels(NodeKey& key) : key_(key) {}

  [[nodiscard]] static bool is_tunnel(LinkId link) noexcept { return link.value >= kFirst; }
  LinkId open(const NodeId& peer, bool outbound, SimTime now);
  void carried(LinkId link, const Frame& record, SimTime now);
  void send(LinkId link, Frame frame, Priority priority, Traffic traffic);
  void hold(LinkId link, bool held);
  [[nodiscard]] std::size_t queued_bytes(LinkId link) const noexcept;
  void close(LinkId link);
  void clear() noexcept;

  struct Input {  // for the node, in their order
    enum class Kind : std::uint8_t { carry, up, frame, writable, down } kind;
    LinkInfo info;
    Frame frame;
    CloseReason reason = CloseReason::none;
    Traffic traffic = Traffic::control;  // of a record
  };
  std::optional<Input> next();  // when there is none any more, the queues are looked into
  [[nodiscard]] SimTime next_due() const noexcept;
  void due(SimTime now);

 private:
  static constexpr std::uint64_t kFirst = std::uint64_t{1} << 40;
  enum class Record : std::uint8_t {
    client_hello,
    server_flight,
    client_done,
    server_hello,
    frames,
    ping,
    pong,
    credit
  };
  struct Queued {
    Frame frame;
    std::size_t sent = 0;
    Traffic traffic = Traffic::control;
  };
  struct Partial {
    ByteVec bytes;
    std::size_t rest = 0;  // of the frame; 0: none has begun
  };
  static constexpr std::size_t kPriorities = 3;
  struct Tunnel {
    LinkId link;
    NodeId peer;
    bool outbound = false;
    bool up = false;
    bool held = false;
    bool busy = false;       // was, and nobody has been told yet that it is not any more
    std::uint32_t sent = 0;  // records
    std::uint32_t received = 0;
    SimTime heard = 0;          // last record, or the beginning
    SimTime deadline = kNever;  // of establishing, then of an answer to a ping
    std::array<std::deque<Queued>, kPriorities> queues;
    std::size_t queued = 0;  // bytes
    std::array<Partial, kPriorities> partial;
    std::uint64_t outstanding = 0;  // sent, not credited
    std::uint64_t uncredited = 0;   // received, not credited
  };
  [[nodiscard]] Tunnel* find(LinkId link) noexcept;
  [[nodiscard]] PairMac mac_of(const Tunnel& tunnel, ByteView head, ByteView body) const;
  void put(Tunnel& tunnel, Record kind, ByteView body, std::size_t size, Traffic traffic = Traffic::control);
  void pump(Tunnel& tunnel);
  ByteVec fill(Tunnel& tunnel, Traffic& most);
  bool take_frames(Tunnel& tunnel, ByteView body);
  bool take_credit(Tunnel& tunnel, ByteView body);
  void come_up(Tunnel& tunnel, SimTime now);
  void take_down(LinkId link, CloseReason reason);
  bool handle(Tunnel& tunnel, Record kind, ByteView body, SimTime now);
  [[nodiscard]] static SimTime ask_at(const Tunnel& tunnel) noexcept;

  NodeKey& key_;
  std::uint64_t made_ = 0;
  std::vector<Tunnel> tunnels_;
  std::vector<Input> inputs_;
  std::size_t taken_ = 0;
};

}  // namespace np2p::sim
