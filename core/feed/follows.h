// Whom our user follows, read from the latest kind-3 list, and how far we are with registering at each followee's node:
// FOLLOW is sent when there is a route, sent again until answered, renewed at half its lease, and sent again when a
// followee's node comes back (it may have lost its disk).
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/base/rng.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"

namespace np2p {

class Follows {
 public:
  struct Change {
    std::vector<PubKey> added;
    std::vector<PubKey> removed;
  };

  Follows(const Config& config, Host& host, Overlay& overlay);

  // The new list, null if there is none any more. FOLLOW and UNFOLLOW go out at once; what changed is returned, because
  // the authors' standing follows it.
  Change set(const EventPtr& list);
  void registered(const PubKey& followee);  // its node answered
  void topology_changed();
  void timer();                             // asks whoever is due
  [[nodiscard]] MonoTime next_due() const;  // far future if nobody is followed

  [[nodiscard]] bool contains(const PubKey& user) const { return follows_.count(user) != 0; }
  [[nodiscard]] std::size_t size() const noexcept { return follows_.size(); }
  [[nodiscard]] std::size_t registered_count() const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(follows_); }

 private:
  struct Followee {
    MonoTime due;             // the next FOLLOW
    bool registered = false;  // answered since it was last seen away
    bool reachable = false;   // at the last look
  };
  void ask(const PubKey& followee, Followee& state);

  const Config& config_;
  Host& host_;
  Overlay& overlay_;
  Rng rng_;
  std::map<PubKey, Followee> follows_;
};

}  // namespace np2p
