// The tunnels of one host: links whose records other nodes carry. The host grants the proof and encrypts nothing, but
// each record has its real size and costs its real messages, and a record that was changed, repeated or left out breaks
// the tunnel as it would break TLS.
//
// Nobody acknowledges a record. So a tunnel is asked for a sign of life where a link of TCP would wait for an
// acknowledgement: after 50 s without a word from the other side, or 5 s after a record that nothing followed. It is
// dead 5 s after that.
#pragma once

#include <cstdint>
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
  void send(LinkId link, const Frame& frame, SimTime now);
  void close(LinkId link);
  void clear() noexcept;

  struct Input {  // for the node, in their order
    enum class Kind : std::uint8_t { carry, up, frame, down } kind;
    LinkInfo info;
    Frame frame;
    CloseReason reason = CloseReason::none;
  };
  std::optional<Input> next();
  [[nodiscard]] SimTime next_due() const noexcept;
  void due(SimTime now);

 private:
  static constexpr std::uint64_t kFirst = std::uint64_t{1} << 40;
  enum class Record : std::uint8_t { client_hello, server_flight, client_done, server_hello, more, last, ping, pong };
  struct Tunnel {
    LinkId link;
    NodeId peer;
    bool outbound = false;
    bool up = false;
    std::uint64_t sent = 0;  // records
    std::uint64_t received = 0;
    SimTime heard = 0;            // last record, or the beginning
    SimTime unanswered = kNever;  // first record since then
    SimTime deadline = kNever;    // of establishing, then of an answer to a ping
    ByteVec partial;              // of a frame
  };
  [[nodiscard]] Tunnel* find(LinkId link) noexcept;
  [[nodiscard]] PairMac mac_of(const Tunnel& tunnel, ByteView head, ByteView body) const;
  void put(Tunnel& tunnel, Record kind, ByteView body, std::size_t size, SimTime now);
  void come_up(Tunnel& tunnel, SimTime now);
  void take_down(LinkId link, CloseReason reason);
  bool handle(LinkId link, Record kind, ByteView body, SimTime now);
  [[nodiscard]] static SimTime ask_at(const Tunnel& tunnel) noexcept;

  NodeKey& key_;
  std::uint64_t made_ = 0;
  std::vector<Tunnel> tunnels_;
  std::vector<Input> inputs_;
  std::size_t taken_ = 0;
};

}  // namespace np2p::sim
