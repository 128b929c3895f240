#include "core/overlay/swarm/cell_roster.h"

#include <gtest/gtest.h>

#include "tests/core/wire/swarm_samples.h"

namespace np2p::swarm {
namespace {

const NodeId kA = filled<NodeId>(1);
const NodeId kB = filled<NodeId>(2);
const NodeId kC = filled<NodeId>(3);

std::shared_ptr<const CellRoster> begin() {
  const auto made = CellRoster::changed(nullptr, {0, 0, 5, {kA, kB}, {}, {{30, 0, 1}, {10, 1, kNoVia}, {20, 0, 1}}});
  EXPECT_TRUE(made.ok());
  return *made;
}

TEST(CellRosters, KnowWhoStandsWhereAndByWhomTheyAreReached) {
  const auto roster = begin();
  EXPECT_EQ(roster->version(), 5u);
  ASSERT_EQ(roster->size(), 3u);
  EXPECT_EQ(roster->member(0).who, 30u);
  EXPECT_EQ(roster->place_of(20), 2u);
  EXPECT_EQ(roster->place_of(21), 3u);
  EXPECT_EQ(roster->via(0, 0), kA);
  EXPECT_EQ(roster->via(0, 1), kB);
  EXPECT_EQ(roster->via(1, 1), kB) << "it has one relay only";
}

TEST(CellRosters, ChangeByVersionsAndTheOldOneStays) {
  const auto old = begin();
  const auto changed = CellRoster::changed(old, {0, 5, 6, {kC}, {0, 2}, {{40, 0, kNoVia}}});
  ASSERT_TRUE(changed.ok());
  const auto& roster = *changed;
  ASSERT_EQ(roster->size(), 2u);
  EXPECT_EQ(roster->place_of(10), 0u);
  EXPECT_EQ(roster->place_of(40), 1u);
  EXPECT_EQ(roster->via(0, 0), kB);
  EXPECT_EQ(roster->via(1, 0), kC);
  EXPECT_EQ(roster->vias().size(), 2u) << "nobody is reached by the first relay any more";
  EXPECT_EQ(old->size(), 3u);
  const auto anew = CellRoster::changed(roster, {0, 0, 9, {kA}, {}, {{1, 0, kNoVia}}});
  ASSERT_TRUE(anew.ok());
  EXPECT_EQ((*anew)->size(), 1u);
}

TEST(CellRosters, RefuseWhatDoesNotFit) {
  const auto old = begin();
  const auto why = [&](const CellAssign& change, bool with = true) {
    const auto made = CellRoster::changed(with ? old : nullptr, change);
    EXPECT_FALSE(made.ok());
    return made.ok() ? ErrorCode::count_ : made.error().code;
  };
  EXPECT_EQ(why({0, 4, 6, {}, {}, {}}), ErrorCode::not_found);
  EXPECT_EQ(why({0, 5, 6, {}, {}, {}}, false), ErrorCode::not_found);
  EXPECT_EQ(why({0, 5, 6, {}, {3}, {}}), ErrorCode::malformed);
  EXPECT_EQ(why({0, 5, 6, {}, {1, 1}, {}}), ErrorCode::malformed);
  EXPECT_EQ(why({0, 0, 6, {}, {0}, {}}), ErrorCode::malformed);
  EXPECT_EQ(why({0, 5, 0, {}, {0}, {}}), ErrorCode::malformed);
  EXPECT_EQ(why({0, 5, 6, {kC}, {}, {{40, 1, kNoVia}}}), ErrorCode::malformed);
  EXPECT_EQ(why({0, 5, 6, {kC}, {}, {{40, 0, 1}}}), ErrorCode::malformed);
  EXPECT_EQ(why({0, 5, 6, {kC}, {}, {{20, 0, kNoVia}}}), ErrorCode::malformed) << "stands there already";
  // A cell that grows without end.
  auto roster = old;
  std::uint32_t version = 5;
  ShortNode who = 1000;
  for (;;) {
    CellAssign more{0, version, version + 1, {kA}, {}, {}};
    for (int i = 0; i < 4096; ++i) more.added.push_back({++who, 0, kNoVia});
    auto grown = CellRoster::changed(roster, more);
    if (!grown.ok()) {
      EXPECT_EQ(grown.error().code, ErrorCode::too_large);
      break;
    }
    roster = *grown;
    ++version;
    ASSERT_LE(roster->size(), kMostOfCell);
  }
  EXPECT_GT(roster->size(), kMostOfCell / 2);
}

}  // namespace
}  // namespace np2p::swarm
