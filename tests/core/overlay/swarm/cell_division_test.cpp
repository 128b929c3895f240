#include "core/overlay/swarm/cell_division.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/base/rng.h"

namespace np2p::swarm {
namespace {

NodeId node(std::uint64_t number) {
  NodeId id;
  Rng rng(number, "node");
  for (auto& byte : id.data) byte = static_cast<std::uint8_t>(rng.next());
  return id;
}

Coordinates place(int x, int y) {
  return {static_cast<std::int16_t>(x), static_cast<std::int16_t>(y), 0, 100};
}

// `count` in four towns, a fifth of whom can be dialled; the others have two relays in their town, out of a few.
std::vector<Dweller> country(std::size_t count) {
  std::vector<Dweller> all;
  Rng rng(5, "country");
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t town = i % 4;
    Dweller one;
    one.node = node(i);
    one.at = place((town % 2 == 0 ? -8000 : 8000) + static_cast<int>(rng.below(500)),
                   (town / 2 == 0 ? -8000 : 8000) + static_cast<int>(rng.below(500)));
    if (i / 4 % 5 == 0) {
      one.vias = {one.node};
    } else {
      const std::uint64_t relay = rng.below(10);
      one.vias = {node(1000 + 20 * town + relay), node(1000 + 20 * town + 10 + relay)};
    }
    all.push_back(std::move(one));
  }
  return all;
}

TEST(CellDivision, TheCurveVisitsNeighboursOneAfterTheOther) {
  // All points of a corner of 16 x 16, each once, and each step goes to a neighbour.
  std::vector<std::pair<std::uint32_t, std::pair<int, int>>> points;
  for (int x = 0; x < 16; ++x) {
    for (int y = 0; y < 16; ++y) {
      points.push_back({along_hilbert(static_cast<std::int16_t>(x), static_cast<std::int16_t>(y)), {x, y}});
    }
  }
  std::sort(points.begin(), points.end());
  for (std::size_t i = 1; i < points.size(); ++i) {
    EXPECT_EQ(points[i].first, points[i - 1].first + 1);
    const auto [ax, ay] = points[i - 1].second;
    const auto [bx, by] = points[i].second;
    EXPECT_EQ(std::abs(ax - bx) + std::abs(ay - by), 1);
  }
  EXPECT_EQ(along_hilbert(-32768, -32768), 0u);
  EXPECT_EQ(along_hilbert(32767, -32768), 0xFFFFFFFFu);
}

TEST(CellDivision, EverybodyIsInOneCellOfAboutEqualSizeWithAHead) {
  const auto all = country(480);
  const auto cells = divide(all, 10);
  EXPECT_GE(cells.size(), 8u);
  EXPECT_LE(cells.size(), 10u);
  std::set<std::size_t> seen;
  for (const auto& cell : cells) {
    EXPECT_GE(cell.size(), 24u);
    EXPECT_LE(cell.size(), 96u);
    EXPECT_TRUE(std::any_of(cell.begin(), cell.end(), [&](std::size_t i) { return all[i].reachable(); }));
    seen.insert(cell.begin(), cell.end());
  }
  EXPECT_EQ(seen.size(), all.size());
}

TEST(CellDivision, NeighboursAndThoseOfOneRelayStayTogether) {
  const auto all = country(480);
  const auto chosen = shared_vias(all);
  std::set<std::pair<NodeId, std::size_t>> relays;  // and the cells in which they are needed
  std::size_t mixed = 0;
  const auto cells = divide(all, 10);
  for (std::size_t c = 0; c < cells.size(); ++c) {
    std::set<std::size_t> towns;
    for (const std::size_t i : cells[c]) {
      towns.insert(i % 4);
      relays.insert({all[i].vias[chosen[i]], c});
    }
    mixed += towns.size() > 1 ? 1u : 0u;
  }
  EXPECT_LE(mixed, 3u);  // cuts that happen to be between towns
  std::set<NodeId> distinct;
  for (const auto& [relay, cell] : relays) distinct.insert(relay);
  EXPECT_EQ(relays.size(), distinct.size()) << "a relay serves one cell";
}

TEST(CellDivision, WithoutAnybodyWhoCanBeDialledThereIsOneCell) {
  auto all = country(100);
  std::erase_if(all, [](const Dweller& one) { return one.reachable(); });
  EXPECT_EQ(divide(all, 4).size(), 1u);
  EXPECT_TRUE(divide({}, 4).empty());
  all.resize(1);
  EXPECT_EQ(divide(all, 4).size(), 1u);
}

}  // namespace
}  // namespace np2p::swarm
