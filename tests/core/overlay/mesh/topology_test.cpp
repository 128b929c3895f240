#include "core/overlay/mesh/topology.h"

#include <gtest/gtest.h>

#include <map>

#include "core/base/rng.h"

namespace np2p::mesh {
namespace {

const Limits kLimits;

struct Said {
  PeerSummary peer;
  std::vector<Connection> connections;
};

ByteVec payload(const std::vector<Said>& all) {
  TopologyWriter writer;
  for (const Said& said : all) {
    ByteVec summary;
    append_summary(summary, said.peer);
    ByteVec list;
    append_connections(list, said.connections);
    writer.add(summary, list);
  }
  static const Limits limits;
  const Frame frame = writer.finish(Tag::gossip, 1);
  const auto message = decode_message(frame.view(), limits);
  return {message->payload.begin(), message->payload.end()};
}

Said said(Name name, std::uint64_t version, std::vector<Name> to) {
  Said result{{.name = name, .nick_name = {}, .uid = name, .version = version, .short_id = 0, .has_short_id = false},
              {}};
  for (const Name other : to) result.connections.push_back({.name = other, .address = "8.8.8.8:20000"});
  return result;
}

std::vector<Name> edges(const Topology& topology, Name name) {
  std::vector<Name> names;
  for (const Edge& edge : topology.at(topology.find(name)).edges) names.push_back(topology.at(edge.to).name);
  return names;
}

TEST(Topology, NewerVersionsReplaceOlderOnes) {
  Topology topology(100, 1, 5, kLimits);
  auto update = topology.apply(payload({said(1, 3, {2, 3})}));
  ASSERT_TRUE(update.ok());
  EXPECT_EQ(update->improved, std::vector<Name>{1});
  EXPECT_TRUE(update->edges_changed);
  EXPECT_EQ(topology.size(), 4u);
  EXPECT_EQ(topology.at(topology.find(2)).uid, 0u);
  EXPECT_TRUE(topology.apply(payload({said(1, 3, {2})}))->improved.empty());
  EXPECT_TRUE(topology.apply(payload({said(1, 2, {2})}))->improved.empty());
  update = topology.apply(payload({said(1, 4, {2, 3})}));
  EXPECT_EQ(update->improved, std::vector<Name>{1});
  EXPECT_FALSE(update->edges_changed);  // a version and nothing else
  update = topology.apply(payload({said(1, 5, {3})}));
  EXPECT_TRUE(update->edges_changed);
  EXPECT_EQ(edges(topology, 1), std::vector<Name>{3});
  Said reborn = said(1, 5, {2});
  reborn.peer.uid = 99;  // same version: the larger uid wins
  EXPECT_EQ(topology.apply(payload({reborn}))->improved, std::vector<Name>{1});
}

TEST(Topology, AnErrorChangesNothing) {
  Topology topology(100, 1, 5, kLimits);
  ByteVec bytes = payload({said(1, 1, {2}), said(3, 1, {4})});
  bytes.back() = 1;  // the end of the last connection
  EXPECT_FALSE(topology.apply(bytes).ok());
  bytes.pop_back();
  EXPECT_FALSE(topology.apply(bytes).ok());
  EXPECT_EQ(topology.size(), 1u);
}

TEST(Topology, HandsOnExactlyWhatItHeard) {
  Topology topology(100, 1, 5, kLimits);
  Said first = said(1, 3, {3, 2});  // any order
  first.peer.nick_name = "nick";
  first.connections[0].address = "not an address";
  first.connections[1].established = true;
  const Said second = said(2, 1, {});
  ASSERT_TRUE(topology.apply(payload({first, second})).ok());
  const std::vector<Name> names{1, 2};
  const std::vector<Frame> frames = topology.encode(names);
  ASSERT_EQ(frames.size(), 1u);
  const auto message = decode_message(frames[0].view(), kLimits);
  EXPECT_EQ(message->source, 100u);
  const ByteVec expected = payload({first, second});
  EXPECT_EQ(text_of(message->payload), text_of(expected));
}

TEST(Topology, ALargeOneTakesSeveralFrames) {
  Limits small;
  small.frame_bytes = 2000;
  Topology topology(100, 1, 5, small);
  Topology copy(101, 1, 5, small);
  for (Name name = 1; name < 60; ++name) ASSERT_TRUE(topology.apply(payload({said(name, 1, {100, name + 1})})).ok());
  const std::vector<Frame> frames = topology.encode(topology.names());
  EXPECT_GE(frames.size(), 3u);
  for (const Frame& frame : frames) {
    EXPECT_LE(frame.size(), small.frame_bytes);
    const auto message = decode_message(frame.view(), small);
    ASSERT_TRUE(message.ok());
    ASSERT_TRUE(copy.apply(message->payload).ok());
  }
  EXPECT_EQ(copy.size(), topology.size() + 1);
  EXPECT_EQ(edges(copy, 30), (std::vector<Name>{100, 31}));
}

TEST(Topology, CollectsWhatCannotBeReachedAndReusesItsPlace) {
  Topology topology(100, 1, 5, kLimits);
  ASSERT_TRUE(topology.apply(payload({said(1, 1, {2}), said(7, 1, {8})})).ok());
  topology.set_own(std::vector<Connection>{{.name = 1, .address = "8.8.8.8:1"}});
  EXPECT_EQ(topology.at(kOwn).version, 1u);
  std::vector<Slot> hop(topology.slots(), kNoSlot);
  for (const Name name : {100, 1, 2}) hop[topology.find(static_cast<Name>(name))] = kOwn;
  const std::size_t slots = topology.slots();
  EXPECT_EQ(topology.collect(hop), 2u);
  EXPECT_EQ(topology.find(7), kNoSlot);
  EXPECT_EQ(topology.names(), (std::vector<Name>{1, 2, 100}));
  ASSERT_TRUE(topology.apply(payload({said(9, 1, {1})})).ok());
  EXPECT_EQ(topology.slots(), slots);
}

TEST(Topology, AddressesOfInboundConnectionsLoseTheirPort) {
  Topology topology(100, 1, 5, kLimits);
  Said peer = said(1, 1, {2, 3});
  peer.connections[0] = {.name = 2, .address = "9.9.9.9:4000", .outbound = true, .established = true};
  peer.connections[1] = {.name = 3, .address = "9.9.9.9:4000", .outbound = false, .established = true};
  ASSERT_TRUE(topology.apply(payload({peer})).ok());
  const auto& found = topology.at(topology.find(1)).edges;
  EXPECT_EQ(topology.addresses()[found[0].address].text(), "9.9.9.9:4000");
  EXPECT_EQ(topology.addresses()[found[1].address].text(), "9.9.9.9:0");
}

// Many random updates; after each, the edges are what a plain map of the newest records says.
TEST(Topology, MergedEdgesEqualThoseReadAnew) {
  Rng rng(5, "topology");
  Topology topology(1000, 1, 5, kLimits);
  std::map<Name, Said> model;
  std::vector<std::string> addresses;
  for (std::uint32_t i = 0; i < 40; ++i) addresses.push_back(Address::v4(0x08080800 + i, 20000).text());
  std::map<Name, std::uint64_t> version;
  for (int round = 0; round < 2000; ++round) {
    const Name name = 1 + rng.below(20);
    Said next = said(name, ++version[name], {});
    const std::size_t count = rng.below(12);
    for (std::size_t i = 0; i < count; ++i) {
      Connection connection{.name = 1 + rng.below(30), .address = addresses[rng.below(40)]};
      connection.outbound = rng.chance(1, 2);
      connection.established = rng.chance(3, 4);
      const auto same = [&](const Connection& other) { return other.name == connection.name; };
      if (std::none_of(next.connections.begin(), next.connections.end(), same)) next.connections.push_back(connection);
    }
    if (rng.chance(3, 4))
      std::sort(next.connections.begin(), next.connections.end(),
                [](const Connection& a, const Connection& b) { return a.name < b.name; });
    ASSERT_TRUE(topology.apply(payload({next})).ok());
    model[name] = next;
    for (const auto& [author, record] : model) {
      const auto& found = topology.at(topology.find(author)).edges;
      ASSERT_EQ(found.size(), record.connections.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        const Connection& expected = record.connections[i];
        EXPECT_EQ(topology.at(found[i].to).name, expected.name);
        EXPECT_EQ(found[i].outbound, expected.outbound);
        EXPECT_EQ(found[i].established, expected.established);
        Address address = *Address::parse(expected.address);
        if (!expected.outbound) address.port = 0;
        EXPECT_EQ(topology.addresses()[found[i].address], address);
      }
    }
  }
}

}  // namespace
}  // namespace np2p::mesh
