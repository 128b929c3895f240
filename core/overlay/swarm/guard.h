// The guard against a network that has come apart: two parts that both work, each with a directory of its own, do not
// notice that there is another one. So every reachable node now and then dials somebody whose address it knows (from -b
// or from its book) and with whom it has no link, and compares what the two of them know of the key space: the roots of
// the trees (paths.h) are the nodes nearest to 32 points of it, and who is linked says them unasked. In one network
// both know the same ones. In two parts they know hardly any in common: then the two become neighbours, and each part
// is told of the other.
//
// Who lies gets nothing out of it but a place that anybody can ask for.
#pragma once

#include <optional>

#include "core/overlay/swarm/entrance.h"
#include "core/overlay/swarm/fingers.h"
#include "core/overlay/swarm/links.h"
#include "core/overlay/swarm/paths.h"

namespace np2p::swarm {

class Guard {
 public:
  Guard(const Config& config, const SwarmParams& params, Host& host, Links& links, const Paths& paths,
        const Fingers& fingers, const Entrance& entrance);

  // Before `paths` hears it. True: the other side belongs to another part.
  [[nodiscard]] bool on(const Peer& from, const PathVector& message);
  void changed(const LinkChange& change);
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);
  [[nodiscard]] std::uint64_t lookups() const noexcept { return lookups_; }
  [[nodiscard]] std::uint64_t merged() const noexcept { return merged_; }

 private:
  void look(MonoTime now);
  void let_go(LinkId link);

  Host& host_;
  Links& links_;
  const Paths& paths_;
  const Fingers& fingers_;
  const Entrance& entrance_;
  Rng rng_;
  Duration every_;
  MonoTime at_;
  LinkId link_;  // to who is asked; 0: nobody is
  Address door_;
  MonoTime until_;
  bool answered_ = false;
  std::uint64_t lookups_ = 0;
  std::uint64_t merged_ = 0;
};

}  // namespace np2p::swarm
