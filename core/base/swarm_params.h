// The numbers of the scalable overlay that experiments vary; bounds against peers are in base/limits.h.
#pragma once

#include <cstddef>

#include "core/base/time.h"

namespace np2p {

struct SwarmParams {
  // HyParView (Leitao, Pereira, Rodrigues 2007), with its names
  std::size_t active = 8;             // active view of a node behind NAT: servers that it dialled
  std::size_t active_reachable = 16;  // of a reachable node, not counting its clients
  std::size_t random_active = 3;      // of these are never swapped for nearer ones
  std::size_t passive = 64;
  unsigned arwl = 6;  // active random walk length
  unsigned prwl = 3;  // passive random walk length
  std::size_t shuffle_active = 3;
  std::size_t shuffle_passive = 4;
  unsigned shuffle_ttl = 6;
  Duration shuffle_every = 3min;  // jittered by a quarter
  std::size_t clients = 128;      // nodes behind NAT that a reachable node serves as neighbour
  std::size_t trees = 32;         // shortest-path trees for broadcasts; 0: only Plumtree's own
  bool eager_links = false;       // a new link starts eager in Plumtree's own tree, as in the paper
  Duration nearer_every = 15s;    // a nearer neighbour is looked for; pauses double while none is found; 0: never
  // A way is tried that might lead into another part of the network, by few nodes at a time if there are many; 0:
  // never.
  Duration guard_every = 5min;
};

}  // namespace np2p
