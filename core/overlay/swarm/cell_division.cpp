#include "core/overlay/swarm/cell_division.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "core/overlay/swarm/coordinates.h"

namespace np2p::swarm {
namespace {

struct Group {  // who is served by one relay
  std::vector<std::size_t> places;
  std::int64_t x = 0;  // sums over those who know where they are
  std::int64_t y = 0;
  std::int64_t known = 0;
  std::uint32_t along = 0;
};

constexpr std::size_t kServed = 48;  // by one relay, if the others still have room

bool has_head(const std::vector<Dweller>& all, const std::vector<std::size_t>& cell) {
  return std::any_of(cell.begin(), cell.end(), [&](std::size_t place) { return all[place].reachable(); });
}

}  // namespace

// Distance along the curve of order 16 (Hilbert 1891; the usual descent through quadrants).
std::uint32_t along_hilbert(std::int16_t px, std::int16_t py) noexcept {
  auto x = static_cast<std::uint32_t>(px + 32768);
  auto y = static_cast<std::uint32_t>(py + 32768);
  std::uint32_t along = 0;
  for (std::uint32_t side = 1u << 15; side > 0; side >>= 1) {
    const std::uint32_t right = (x & side) != 0 ? 1 : 0;
    const std::uint32_t up = (y & side) != 0 ? 1 : 0;
    along += side * side * ((3 * right) ^ up);
    if (up != 0) continue;
    if (right != 0) {
      x = 0xFFFFu - x;
      y = 0xFFFFu - y;
    }
    std::swap(x, y);
  }
  return along;
}

std::vector<std::size_t> shared_vias(const std::vector<Dweller>& all) {
  std::map<NodeId, std::size_t> shared;
  for (const Dweller& one : all) {
    for (const NodeId& via : one.vias) ++shared[via];
  }
  std::map<NodeId, std::size_t> served;
  std::vector<std::size_t> chosen;
  chosen.reserve(all.size());
  for (const Dweller& one : all) {
    const auto better = [&](const NodeId& a, const NodeId& b) {
      const bool full = served[a] >= kServed;
      if (full != (served[b] >= kServed)) return !full;
      if (full) return std::pair(served[a], a) < std::pair(served[b], b);
      return std::pair(shared[b], a) < std::pair(shared[a], b);
    };
    const auto best = std::min_element(one.vias.begin(), one.vias.end(), better);
    if (best != one.vias.end()) ++served[*best];
    chosen.push_back(best == one.vias.end() ? 0 : static_cast<std::size_t>(best - one.vias.begin()));
  }
  return chosen;
}

std::vector<std::vector<std::size_t>> divide(const std::vector<Dweller>& all, std::size_t cells) {
  if (all.empty()) return {};
  const std::vector<std::size_t> chosen = shared_vias(all);
  std::map<NodeId, Group> by_relay;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Group& group = by_relay[all[i].vias.empty() ? all[i].node : all[i].vias[chosen[i]]];
    group.places.push_back(i);
    if (is_vague(all[i].at)) continue;
    group.x += all[i].at.x;
    group.y += all[i].at.y;
    ++group.known;
  }
  std::vector<std::pair<std::uint32_t, const Group*>> curve;
  for (auto& [relay, group] : by_relay) {
    const std::int64_t known = std::max<std::int64_t>(group.known, 1);
    curve.emplace_back(
        along_hilbert(static_cast<std::int16_t>(group.x / known), static_cast<std::int16_t>(group.y / known)), &group);
  }
  std::stable_sort(curve.begin(), curve.end(), [](const auto& a, const auto& b) { return a.first < b.first; });

  std::vector<std::vector<std::size_t>> pieces(1);
  std::size_t put = 0;
  std::size_t cuts = 1;
  for (const auto& [along, group] : curve) {
    for (const std::size_t place : group->places) pieces.back().push_back(place);
    put += group->places.size();
    if (put * cells < cuts * all.size() || put == all.size()) continue;
    while (put * cells >= cuts * all.size()) ++cuts;
    pieces.emplace_back();
  }
  // Who has nobody to be the head joins the neighbours along the curve.
  std::vector<std::vector<std::size_t>> made;
  for (auto& piece : pieces) {
    if (!made.empty() && (!has_head(all, piece) || !has_head(all, made.back()))) {
      made.back().insert(made.back().end(), piece.begin(), piece.end());
    } else {
      made.push_back(std::move(piece));
    }
  }
  return made;
}

}  // namespace np2p::swarm
