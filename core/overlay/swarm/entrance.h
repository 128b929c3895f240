// The way into the network and back into it: servers named by -b, then addresses remembered on disk, as long as there
// is no neighbour. Reachable peers are remembered while they are known, so that a network whose bootstrap servers are
// all gone can still be found. Who dials us fills no more than half of that book.
//
// Anchors are remembered, too: the three neighbours that we dialled ourselves and that have stood longest. They are
// dialled before anybody else after a restart and become neighbours again, so that nobody can end a node in order to
// fill its view afresh.
#pragma once

#include <optional>
#include <vector>

#include "core/overlay/swarm/links.h"

namespace np2p::swarm {

class Entrance {
 public:
  Entrance(const Config& config, Host& host, Links& links);

  void start();
  void changed(const LinkChange& change, bool inside);
  void remember(const PeerRef& ref, bool dialled);
  static constexpr std::size_t kAnchors = 3;
  [[nodiscard]] bool wants_anchors(MonoTime now) const noexcept { return inside_ && anchors_at_ <= now; }
  void keep_anchors(const std::vector<PeerRef>& anchors);
  // An address of somebody we have no link with.
  [[nodiscard]] std::optional<Address> elsewhere(Rng& rng) const;
  void inside(bool value);       // are there neighbours?
  std::optional<LinkId> next();  // links on which to ask for admission
  [[nodiscard]] const std::vector<Address>& anchors() const noexcept { return anchors_; }
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);
  [[nodiscard]] std::size_t bytes() const noexcept {
    return heap_bytes(book_) + heap_bytes(anchors_) + heap_bytes(open_) + heap_bytes(ready_);
  }

 private:
  void knock();
  void let_go();
  const Config& config_;
  Host& host_;
  Links& links_;
  Rng rng_;
  [[nodiscard]] bool is_linked(const Address& address) const noexcept;

  std::vector<Address> book_;     // newest last
  std::vector<Address> anchors_;  // as they stand on disk
  MonoTime anchors_at_;           // when they are looked at again
  std::vector<LinkId> open_;      // with Use::joining
  std::vector<LinkId> ready_;
  std::optional<MonoTime> retry_at_;
  std::optional<MonoTime> save_at_;  // what was remembered becomes durable then
  Duration pause_;
  bool inside_ = false;
};

}  // namespace np2p::swarm
