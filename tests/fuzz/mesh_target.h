// What must hold for any bytes as a mesh frame: what decodes means exactly its own bytes. The body of the libFuzzer
// target mesh_messages_fuzz.cpp; tests/core/wire/mesh_messages_test.cpp runs it over the corpus and mutations of it.
#pragma once

#include "core/base/assert.h"
#include "core/wire/mesh_messages.h"

namespace np2p::fuzz {

inline void mesh_topology(ByteView payload, const Limits& limits) {
  mesh::TopologyReader reader(payload, limits);
  mesh::PeerSummary peer;
  ByteView list;
  while (reader.next(peer, list)) {
    ByteVec summary;
    mesh::append_summary(summary, peer);
    mesh::ConnectionReader in(list, limits);
    std::vector<mesh::Connection> connections;
    for (mesh::Connection connection; in.next(connection);) connections.push_back(connection);
    if (!in.ok()) continue;
    ByteVec encoded;
    mesh::append_connections(encoded, connections);
    NP2P_ASSERT(text_of(mesh::connection_list(encoded)) == text_of(list));
  }
}

inline void mesh_message(ByteView frame) {
  const Limits limits;
  if (auto map = mesh::decode_feature_map(frame, limits); map.ok()) {
    const Frame again = mesh::encode_feature_map(*map);
    NP2P_ASSERT(*mesh::decode_feature_map(again.view(), limits) == *map);
  }
  if (auto features = mesh::decode_features(frame, limits); features.ok()) {
    NP2P_ASSERT(*mesh::decode_features(mesh::encode_features(*features).view(), limits) == *features);
  }
  if (auto message = mesh::decode_message(frame, limits); message.ok()) {
    NP2P_ASSERT(text_of(mesh::encode_message(*message).view()) == text_of(frame));
    if (message->channel == mesh::kTopologyChannel) mesh_topology(message->payload, limits);
  }
}

}  // namespace np2p::fuzz
