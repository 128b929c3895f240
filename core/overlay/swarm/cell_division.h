// How the followers of an author are divided into cells: those who share a home relay stay together, so that one copy
// to it serves them all, and cells are neighbours in the plane of coordinates: their relays are put along a Hilbert
// curve, which is cut into pieces of equal size. Each cell has somebody who can be dialled, to be its head.
#pragma once

#include <vector>

#include "core/base/bytes.h"
#include "core/wire/swarm_messages.h"

namespace np2p::swarm {

struct Dweller {  // who is to be put into a cell
  NodeId node;
  std::vector<NodeId> vias;  // through whom it can be reached, itself if it can be dialled
  Coordinates at;
  [[nodiscard]] bool reachable() const noexcept { return vias.size() == 1 && vias.front() == node; }
};

// The place of a point along the curve through all of them.
std::uint32_t along_hilbert(std::int16_t x, std::int16_t y) noexcept;

// For each the place in its own vias of that relay which most of the others have, too, unless it serves many already:
// a relay pays with its uplink for each.
std::vector<std::size_t> shared_vias(const std::vector<Dweller>& all);

// At most `cells` lists of places in `all`, each along the curve; none is empty. One list if nobody can be dialled.
std::vector<std::vector<std::size_t>> divide(const std::vector<Dweller>& all, std::size_t cells);

}  // namespace np2p::swarm
