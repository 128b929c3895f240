// The way into the network and back into it: servers named by -b, then addresses remembered on disk, as long as there
// is no neighbour. Reachable peers are remembered while they are known, so that a network whose bootstrap servers are
// all gone can still be found.
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
  void remember(const PeerRef& ref);
  void inside(bool value);       // are there neighbours?
  std::optional<LinkId> next();  // links on which to ask for admission
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);
  [[nodiscard]] std::size_t bytes() const noexcept {
    return heap_bytes(book_) + heap_bytes(open_) + heap_bytes(ready_);
  }

 private:
  void knock();
  void let_go();
  const Config& config_;
  Host& host_;
  Links& links_;
  Rng rng_;
  std::vector<Address> book_;  // newest last
  std::vector<LinkId> open_;   // with Use::joining
  std::vector<LinkId> ready_;
  std::optional<MonoTime> retry_at_;
  std::optional<MonoTime> save_at_;  // what was remembered becomes durable then
  Duration pause_;
  bool inside_ = false;
};

}  // namespace np2p::swarm
