// What an idle mesh sends, against what servers of the original were measured to send (full mesh, wire bytes).
#include <gtest/gtest.h>

#include "tests/core/overlay/fake_world.h"

namespace np2p::fake {
namespace {

std::uint64_t idle_bytes_per_node_and_second(std::size_t n) {
  World world;
  world.add_many(n);
  world.boot_all();
  world.run_for(2min);
  EXPECT_TRUE(world.complete());
  for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(world.degree(i), n - 1) << i;
  std::uint64_t before = 0;
  for (const auto& machine : world.machines) before += machine->wire_out;
  world.run_for(10min);
  std::uint64_t after = 0;
  for (const auto& machine : world.machines) after += machine->wire_out;
  // The link layer's heartbeats: 4 bytes of length, 1 of tag, 52 of headers, and 52 for acknowledging the other side's.
  const std::uint64_t heartbeats = (n - 1) * (4 + 1 + 52 + 52) / 30;
  return (after - before) / n / 600 + heartbeats;
}

TEST(MeshCost, IdleCostIsTheOriginals) {
  const std::uint64_t at16 = idle_bytes_per_node_and_second(16);
  const std::uint64_t at32 = idle_bytes_per_node_and_second(32);
  const std::uint64_t at64 = idle_bytes_per_node_and_second(64);
  std::printf("idle bytes per node and second: %d at 16 nodes, %d at 32, %d at 64\n", static_cast<int>(at16),
              static_cast<int>(at32), static_cast<int>(at64));
  EXPECT_NEAR(static_cast<double>(at16), 2163.0, 2163.0 * 0.25);
  EXPECT_NEAR(static_cast<double>(at32), 10548.0, 10548.0 * 0.25);
  EXPECT_GE(at64, 43'000u);
  EXPECT_LE(at64, 64'000u);
}

}  // namespace
}  // namespace np2p::fake
