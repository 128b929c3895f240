// Broadcast: Plumtree (Leitao, Pereira, Rodrigues: "Epidemic broadcast trees", SRDS 2007) over the neighbours that
// HyParView names, with one tree per region of origin.
//
// Each link is eager or lazy per region cell of the source (64 masks, one bit each). What differs from the paper:
// * A new link starts lazy; a node without any eager link makes one eager in all cells. So joining grows every cell's
//   tree by one edge and nothing is sent twice, not even the first message of an author never heard of.
// * Announcements cost more than the posts if each lazy link carries them, so a node has them from a few neighbours
//   only, whom it tells (Watch).
// * Every copy and every announcement says how long its path is by the round trips measured on it. Who hears of a
//   clearly shorter one makes that link its parent: latency drives the tree, without clocks.
//
// Nothing is handed on before forward() says that it is good.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "core/overlay/overlay.h"
#include "core/overlay/swarm/links.h"
#include "core/overlay/swarm/recent_payloads.h"

namespace np2p::swarm {

class Plumtree {
 public:
  Plumtree(const Config& config, Host& host, Links& links);

  void neighbour_up(LinkId link);
  void neighbour_down(LinkId link);

  void broadcast(Channel channel, const Frame& payload);
  void forward(const Delivery& delivery, const Frame& payload);

  void on(Peer& from, const Gossip& message);
  void on(Peer& from, const IHave& message);
  void on(Peer& from, const Graft& message);
  void on(Peer& from, const Prune& message);
  void on(Peer& from, const Watch& message);

  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);
  std::optional<Delivery> next();
  [[nodiscard]] std::size_t neighbours() const noexcept { return neighbours_.size(); }
  [[nodiscard]] std::size_t eager_links(std::uint8_t cell) const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  static constexpr std::size_t kCells = 64;
  struct Neighbour {
    LinkId link;
    std::uint64_t eager = 0;           // bit per cell
    bool watched = false;              // it announces to us
    bool watches = false;              // we announce to it
    std::vector<Announced> announced;  // waiting to be sent
  };
  struct Missing {
    std::uint64_t head = 0;  // of the id
    std::uint8_t cell = 0;
    bool asked = false;
    MonoTime at;                 // when somebody (else) is asked
    std::vector<LinkId> places;  // who announced it and was not asked yet
  };
  struct Arrived {  // handed up, not judged yet
    PayloadId id;
    LinkId from;
    std::uint8_t cell = 0;
    std::uint8_t hops = 0;
    PathDelay delay = 0;
  };

  [[nodiscard]] Neighbour* find(LinkId link) noexcept;
  [[nodiscard]] Cells with_cold(std::uint8_t cell) const noexcept;
  void catch_up(LinkId link);
  void graft_somebody();  // for the cells in which no link is eager
  void watch_somebody();
  void watch_another();
  void push(const Gossip& message, const PayloadId& id, LinkId from);
  void announce(Neighbour& neighbour, std::uint64_t head, std::uint8_t cell, PathDelay delay);
  void flush(Neighbour& neighbour);
  void compare(Peer& from, Neighbour& neighbour, RecentPayloads::Entry& entry, const Announced& announced);
  void miss(Peer& from, std::uint64_t head, std::uint8_t cell);
  void ask(Missing& missing, MonoTime now);

  const Config& config_;
  Host& host_;
  Links& links_;
  Rng rng_;
  RecentPayloads recent_;
  std::vector<Neighbour> neighbours_;
  std::array<LinkId, kCells> parents_{};
  MonoTime alone_since_;         // when the last neighbour went
  unsigned since_rotation_ = 0;  // payloads
  Cells warm_ = 0;               // something came from there
  std::vector<Missing> missing_;
  std::vector<Arrived> arrived_;
  std::vector<Delivery> deliveries_;
  std::size_t taken_ = 0;
  std::optional<MonoTime> flush_at_;
  std::optional<MonoTime> forget_at_;
};

}  // namespace np2p::swarm
