// A small world in which everything happens that can: follows, mentions of people who are away, lookups, crashes, power
// cuts, a lost disk, a partition, NATs that rebind, changed addresses, unequal access links, loss. The determinism test
// compares it between runs and compilers, so that no part of a node or of the fabric escapes that comparison.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "simnet/world.h"

namespace np2p::sim {

class Eventful {
 public:
  static constexpr std::uint32_t kLeastNodes = 10;

  Eventful(World& world, OverlayKind overlay, std::uint32_t nodes, std::uint64_t seed)
      : world_(world), overlay_(overlay), nodes_(nodes), rng_(seed, "eventful") {}

  void run();

  [[nodiscard]] const std::vector<EventId>& posts() const noexcept { return posts_; }
  [[nodiscard]] std::size_t mentions() const noexcept { return mentions_.size(); }
  [[nodiscard]] std::size_t mentions_delivered() const;  // to the one they name
  [[nodiscard]] std::size_t lookups() const noexcept { return lookups_; }
  [[nodiscard]] std::size_t lookups_answered() const noexcept { return answered_; }

 private:
  void build();
  void introduce();
  void talk(std::uint32_t rounds);
  void lose_machines();
  void split();
  void move_about();
  void look_up();

  NodeIndex somebody() { return static_cast<NodeIndex>(rng_.below(nodes_)); }
  EventId publish(NodeIndex author, std::uint16_t kind, const Tags& tags, const std::string& text);
  void post(NodeIndex author);
  void mention(NodeIndex author, NodeIndex named);
  void react(NodeIndex author, NodeIndex named, const EventId& to);
  bool holds(NodeIndex node, NodeIndex author, std::uint16_t kind);

  World& world_;
  OverlayKind overlay_;
  std::uint32_t nodes_;
  Rng rng_;
  std::vector<EventId> posts_;
  std::vector<std::pair<EventId, NodeIndex>> mentions_;
  std::size_t lookups_ = 0;
  std::size_t answered_ = 0;
};

}  // namespace np2p::sim
