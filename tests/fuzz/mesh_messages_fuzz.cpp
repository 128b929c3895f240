// libFuzzer target: any bytes as a mesh frame. What decodes must encode to a frame that decodes to the same.
#include "core/base/assert.h"
#include "core/wire/mesh_messages.h"

namespace {

using namespace np2p;

void topology(ByteView payload, const Limits& limits) {
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
    const std::size_t body = encoded.size() - list.size();
    NP2P_ASSERT(text_of(list) == text_of(ByteView(encoded).subspan(body)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Limits limits;
  const ByteView frame(data, size);
  if (auto map = mesh::decode_feature_map(frame, limits); map.ok()) {
    const Frame again = mesh::encode_feature_map(*map);
    NP2P_ASSERT(*mesh::decode_feature_map(again.view(), limits) == *map);
  }
  (void)mesh::decode_features(frame, limits);
  if (auto message = mesh::decode_message(frame, limits); message.ok()) {
    NP2P_ASSERT(text_of(mesh::encode_message(*message).view()) == text_of(frame));
    if (message->channel == mesh::kTopologyChannel) topology(message->payload, limits);
  }
  return 0;
}
