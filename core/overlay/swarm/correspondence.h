// Messages to single users, and over what they go: the open link if there is one; else they are routed, as long as they
// are small and few. Who keeps talking, and whoever gets something large, is worth a link (ladder.h). What is large
// waits for it, within bounds. A tunnel takes little at a time: while much waits on it only control messages are taken,
// and whoever is refused tries again when the version rises.
#pragma once

#include <optional>
#include <vector>

#include "core/overlay/swarm/ladder.h"
#include "core/overlay/swarm/locator.h"

namespace np2p::swarm {

class Correspondence {
 public:
  Correspondence(const Config& config, Host& host, Links& links, Locator& locator, Ladder& ladder);

  // False: not known where the user is, or not now. True: sent, or waiting for its link; nothing is acknowledged.
  bool send(const PubKey& user, Channel channel, const Frame& payload, Priority priority);
  void outcome(const Ladder::Outcome& outcome);
  void writable();                                                           // a tunnel, again
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }  // rises when who was refused may try again
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

 private:
  struct Talk {
    PubKey user;
    unsigned count = 0;
    MonoTime since;
  };
  struct Waiting {
    NodeId node;
    PubKey user;
    Channel channel = Channel::packets;
    Priority priority = Priority::bulk;
    Frame payload;
    MonoTime until;
  };
  bool keeps_talking(const PubKey& user);
  [[nodiscard]] bool is_busy(const NodeId& node) const noexcept;
  bool pass(const NodeId& node, const PubKey& user, Channel channel, const Frame& payload, Priority priority);
  bool wait(const Whereabouts& to, const PubKey& user, Channel channel, const Frame& payload, Priority priority);
  template <class Which>
  void release(Which which);

  const Config& config_;
  Host& host_;
  Links& links_;
  Locator& locator_;
  Ladder& ladder_;
  std::vector<Talk> talks_;  // oldest first
  std::vector<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::uint64_t version_ = 0;
};

}  // namespace np2p::swarm
