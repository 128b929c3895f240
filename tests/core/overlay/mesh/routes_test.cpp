#include "core/overlay/mesh/routes.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace np2p::mesh {
namespace {

using Graph = std::map<Name, std::set<Name>>;  // name -> neighbours, both ways

Graph random_graph(Rng& rng, std::size_t nodes, std::size_t extra) {
  Graph graph;
  const auto link = [&](Name a, Name b) {
    if (a == b) return;
    graph[a].insert(b);
    graph[b].insert(a);
  };
  for (Name name = 2; name <= nodes; ++name) link(name, 1 + rng.below(name - 1));  // connected
  for (std::size_t i = 0; i < extra; ++i) {
    const Name a = 1 + rng.below(nodes);
    const Name b = 1 + rng.below(nodes);
    link(a, b);
  }
  return graph;
}

// A node's view of the whole graph.
struct View {
  Limits limits;
  Topology topology;
  Routes routes;
  View(Name own, const Graph& graph) : topology(own, 1, 0, limits), routes(topology) {
    TopologyWriter writer;
    for (const auto& [name, neighbours] : graph) {
      std::vector<Connection> connections;
      for (const Name other : neighbours)
        connections.push_back({.name = other, .address = "8.8.8.8:1", .outbound = false, .established = true});
      if (name == own) {
        topology.set_own(connections);
        continue;
      }
      ByteVec summary;
      append_summary(summary, {.name = name, .nick_name = {}, .uid = 1, .version = 1});
      ByteVec list;
      append_connections(list, connections);
      writer.add(summary, list);
    }
    const Frame frame = writer.finish(Tag::gossip, own);
    EXPECT_TRUE(topology.apply(decode_message(frame.view(), limits)->payload).ok());
  }
};

std::map<Name, std::size_t> distances(const Graph& graph, Name from) {
  std::map<Name, std::size_t> distance{{from, 0}};
  std::vector<Name> queue{from};
  for (std::size_t i = 0; i < queue.size(); ++i)
    for (const Name next : graph.at(queue[i]))
      if (distance.emplace(next, distance[queue[i]] + 1).second) queue.push_back(next);
  return distance;
}

TEST(Routes, UnicastTakesAShortestPath) {
  Rng rng(1, "routes");
  for (int round = 0; round < 20; ++round) {
    const Graph graph = random_graph(rng, 30, 25);
    View view(1 + rng.below(30), graph);
    const Name own = view.topology.at(kOwn).name;
    const auto from_us = distances(graph, own);
    EXPECT_EQ(view.routes.reachable(), 29u);
    for (const auto& [name, distance] : from_us) {
      const Slot hop = view.routes.next_hop(view.topology.find(name));
      if (name == own) {
        EXPECT_EQ(hop, kOwn);
        continue;
      }
      const Name neighbour = view.topology.at(hop).name;
      EXPECT_TRUE(graph.at(own).count(neighbour));
      EXPECT_EQ(distances(graph, neighbour).at(name) + 1, distance);
      EXPECT_TRUE(view.routes.established(view.topology.find(name)));
    }
  }
}

TEST(Routes, BroadcastsReachEverybodyExactlyOnceOverShortestPaths) {
  Rng rng(2, "routes");
  for (int round = 0; round < 10; ++round) {
    const std::size_t nodes = 5 + rng.below(60);
    const Graph graph = random_graph(rng, nodes, rng.below(300));
    std::map<Name, std::unique_ptr<View>> views;
    for (const auto& [name, neighbours] : graph) views[name] = std::make_unique<View>(name, graph);
    const Name source = 1 + rng.below(nodes);
    std::map<Name, std::size_t> got{{source, 0}};
    std::vector<Name> queue{source};
    for (std::size_t i = 0; i < queue.size(); ++i) {
      View& view = *views.at(queue[i]);
      for (const Slot slot : view.routes.broadcast_hops(view.topology.find(source))) {
        const Name next = view.topology.at(slot).name;
        EXPECT_TRUE(got.emplace(next, got[queue[i]] + 1).second) << "twice to " << next;
        queue.push_back(next);
      }
    }
    EXPECT_EQ(got, distances(graph, source));
  }
}

TEST(Routes, RandomNeighboursAreAboutTwiceTheLogarithm) {
  Graph full;
  for (Name a = 1; a <= 64; ++a)
    for (Name b = 1; b <= 64; ++b)
      if (a != b) full[a].insert(b);
  View view(1, full);
  Rng rng(3, "routes");
  std::map<Slot, int> chosen;
  const Slot except = view.topology.find(2);
  for (int i = 0; i < 1000; ++i) {
    const auto some = view.routes.random_neighbours(except, rng);
    EXPECT_EQ(some.size(), 12u);
    EXPECT_EQ(std::set<Slot>(some.begin(), some.end()).size(), 12u);
    for (const Slot slot : some) ++chosen[slot];
  }
  EXPECT_EQ(chosen.size(), 62u);  // everybody but us and `except`
  EXPECT_EQ(chosen.count(except), 0u);
  for (const auto& [slot, count] : chosen) EXPECT_NEAR(count, 12'000 / 62, 70);
}

TEST(Routes, TheVersionRisesWithTheSetOfReachablePeersOnly) {
  View view(1, {{1, {2}}, {2, {1, 3}}, {3, {2}}});
  const std::uint64_t before = view.routes.version();
  view.routes.invalidate();
  EXPECT_EQ(view.routes.version(), before);
  view.topology.set_own({});
  view.routes.invalidate();
  EXPECT_EQ(view.routes.reachable(), 0u);
  EXPECT_GT(view.routes.version(), before);
  EXPECT_EQ(view.routes.next_hop(view.topology.find(3)), kNoSlot);
}

}  // namespace
}  // namespace np2p::mesh
