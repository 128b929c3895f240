#include "core/overlay/swarm/reachability.h"

#include <gtest/gtest.h>

#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

struct Reach : ::testing::Test {
  test::World world;
  void grow(std::size_t n, std::size_t nat_every = 0) {
    world.add_many(n, nat_every);
    world.boot_all();
    world.run_for(1min);
  }
};

TEST_F(Reach, IsProvenByADialBackAndOnlySo) {
  grow(8, 4);
  for (std::size_t i = 0; i < world.size(); ++i) EXPECT_EQ(world[i].swarm->reachable(), !world[i].nat) << i;
  EXPECT_EQ(world[0].swarm->nat_class(), "public");
  EXPECT_NE(world[3].swarm->nat_class(), "public");
}

TEST_F(Reach, IsTakenBackWhenNobodyGetsInAnyMore) {
  grow(8);
  ASSERT_TRUE(world[5].swarm->reachable());
  world[5].nat = true;  // somebody closed the door; what stands, stands
  world.run_for(4h);
  EXPECT_FALSE(world[5].swarm->reachable());
  EXPECT_NE(world[5].swarm->nat_class(), "public");
  EXPECT_GE(world[5].swarm->membership().active_size(), 5u);
  for (const auto& machine : world.machines) {
    EXPECT_EQ(machine->swarm->reachable(), machine->index != 5) << machine->index;
  }
  world[5].nat = false;
  world.run_for(4h);
  EXPECT_TRUE(world[5].swarm->reachable()) << "found out again";
}

// What some peers tell machine 5 of where it is seen is altered on the way.
struct Misplaced : Reach {
  std::function<std::optional<Address>(std::size_t from)> says;
  const Address elsewhere = Address::v4(0x0C000001u, 0);
  void SetUp() override {
    grow(8);
    ASSERT_TRUE(world[5].swarm->reachable());
    world.loses = [this](std::size_t from, std::size_t to, const Frame& frame) {
      auto message = decode(frame.view(), Limits{});
      HelloEcho* echo = message.ok() ? std::get_if<HelloEcho>(&*message) : nullptr;
      const auto seen = to == 5 && echo != nullptr ? says(from) : std::nullopt;
      if (!seen) return false;
      echo->observed = *seen;
      const auto link = std::find_if(world[5].links.begin(), world[5].links.end(),
                                     [from](const auto& one) { return one.second.open && one.second.peer == from; });
      if (link == world[5].links.end()) return true;
      world.at(world.now + world.delay(from, 5), [this, to = link->first, altered = encode(*echo)] {
        world.input(5, [&](Swarm& s) { s.frame(to, altered); });
      });
      return true;
    };
  }
  // The machines at the other ends of links that machine 5 has dialled, or that came in.
  [[nodiscard]] std::vector<std::size_t> others(bool outbound) {
    std::vector<std::size_t> found;
    for (const Overlay::Peer& peer : world[5].swarm->peers()) {
      if (peer.outbound == outbound) found.push_back(world.far(5, peer.link)->first);
    }
    return found;
  }
  void expect_to_stay_reachable() {
    for (int minute = 0; minute < 240; ++minute) {
      world.run_for(1min);
      ASSERT_EQ(world[5].swarm->status().dialled_at, test::home(5)) << minute;
    }
  }
};

TEST_F(Misplaced, TwoLiarsAmongThoseItDialledChangeNothing) {
  const auto dialled = others(true);
  ASSERT_GE(dialled.size(), 3u);
  says = [&](std::size_t from) {
    return from == dialled[0] || from == dialled[1] ? std::optional(elsewhere) : std::nullopt;
  };
  expect_to_stay_reachable();
}

TEST_F(Misplaced, WhoCameInIsNotHeard) {
  const auto dialled = others(true);
  says = [&](std::size_t from) {
    const bool did = std::find(dialled.begin(), dialled.end(), from) != dialled.end();
    return did ? std::nullopt : std::optional(elsewhere);
  };
  world[5].dialled.clear();
  expect_to_stay_reachable();
}

TEST_F(Misplaced, TwoFamiliesOfAddressesDoNotContradictEachOther) {
  Address v6;
  v6.ip[0] = 0x20;
  v6.ip[15] = 1;
  says = [=](std::size_t from) { return from % 2 == 0 ? std::optional(v6) : std::nullopt; };
  expect_to_stay_reachable();
}

TEST_F(Misplaced, WhereAllSeeItItCanBeDialledFromThenOn) {
  says = [&](std::size_t) { return elsewhere; };
  world.run_for(1h);
  Address moved = elsewhere;
  moved.port = test::home(5).port;
  EXPECT_EQ(world[5].swarm->status().dialled_at, moved);
}

TEST_F(Misplaced, WhereNobodyGetsInIsGivenUpAtOnce) {
  says = [&](std::size_t) { return elsewhere; };
  world[5].nat = true;
  world.run_for(12min);  // two have measured the way to it
  EXPECT_FALSE(world[5].swarm->reachable());
}

}  // namespace
}  // namespace np2p::swarm
