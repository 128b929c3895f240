#include "core/wire/mesh_messages.h"

#include <gtest/gtest.h>

#include "core/base/rng.h"
#include "tests/core/wire/mesh_capture.h"
#include "tests/fuzz/mesh_target.h"

namespace np2p::mesh {
namespace {

const Limits kLimits;

// Decodes everything in a topology payload and builds it again.
Result<Frame> rebuild_topology(const Message& message) {
  TopologyWriter writer;
  TopologyReader reader(message.payload, kLimits);
  PeerSummary peer;
  ByteView list;
  while (reader.next(peer, list)) {
    ByteVec summary;
    append_summary(summary, peer);
    ConnectionReader in(list, kLimits);
    std::vector<Connection> connections;
    for (Connection connection; in.next(connection);) connections.push_back(connection);
    if (!in.ok()) return error(ErrorCode::malformed, "connections");
    ByteVec encoded;
    append_connections(encoded, connections);
    writer.add(summary, encoded);
  }
  if (!reader.ok()) return error(ErrorCode::malformed, "topology");
  return writer.finish(message.tag, message.source);
}

Result<Frame> rebuild(ByteView frame) {
  if (frame.empty() || frame[0] > 7) {
    auto map = decode_feature_map(frame, kLimits);
    if (!map.ok()) return map.error();
    return encode_feature_map(*map);
  }
  auto message = decode_message(frame, kLimits);
  if (!message.ok()) return message.error();
  return message->channel == kTopologyChannel ? rebuild_topology(*message) : Result<Frame>(encode_message(*message));
}

TEST(MeshMessages, EveryCapturedFrameComesBackByteForByte) {
  const auto frames = captured_frames();
  ASSERT_EQ(frames.size(), 9u);
  for (const ByteVec& bytes : frames) {
    const auto again = rebuild(bytes);
    ASSERT_TRUE(again.ok()) << to_hex(bytes);
    EXPECT_EQ(to_hex(again->view()), to_hex(bytes));
  }
}

TEST(MeshMessages, CapturedFeatures) {
  const auto frames = captured_frames();
  const auto features = decode_features(frames.at(0), kLimits);
  ASSERT_TRUE(features.ok());
  EXPECT_EQ(name_text(features->name), "1d:84:4d:0a:a1:d8");
  EXPECT_EQ(features->short_id, 1854);
  EXPECT_EQ(features->uid, 14682963693427168190u);
  EXPECT_EQ(features->connection_id, 12742020496444370855u);
  EXPECT_FALSE(features->trusted);
  EXPECT_EQ(encode_features(*features).size(), frames.at(0).size());
  EXPECT_EQ(*decode_features(encode_features(*features).view(), kLimits), *features);
}

TEST(MeshMessages, CapturedTopology) {
  const auto frames = captured_frames();
  const auto message = decode_message(frames.at(3), kLimits);
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->tag, Tag::gossip);
  EXPECT_EQ(message->channel, "topology");
  EXPECT_EQ(name_text(message->source), "1d:84:4d:0a:a1:d8");
  TopologyReader reader(message->payload, kLimits);
  PeerSummary peer;
  ByteView list;
  ASSERT_TRUE(reader.next(peer, list));
  EXPECT_EQ(name_text(peer.name), "1d:84:4d:0a:a1:d8");
  EXPECT_EQ(peer.version, 1u);
  ConnectionReader in(list, kLimits);
  EXPECT_EQ(in.left(), 1u);
  Connection connection;
  ASSERT_TRUE(in.next(connection));
  EXPECT_EQ(name_text(connection.name), "24:70:99:b7:ef:24");
  EXPECT_EQ(connection.address, "127.0.1.1:20000");
  EXPECT_TRUE(connection.outbound);
  EXPECT_TRUE(connection.established);
  EXPECT_FALSE(in.next(connection));
  EXPECT_TRUE(in.ok());
  ASSERT_TRUE(reader.next(peer, list));
  EXPECT_EQ(peer.version, 0u);
  EXPECT_FALSE(reader.next(peer, list));
  EXPECT_TRUE(reader.ok());
}

TEST(MeshMessages, CapturedUnicastAndBroadcast) {
  const auto frames = captured_frames();
  const auto broadcast = decode_message(frames.at(6), kLimits);
  ASSERT_TRUE(broadcast.ok());
  EXPECT_EQ(broadcast->tag, Tag::broadcast);
  EXPECT_EQ(broadcast->channel, "nostrp2p");
  EXPECT_EQ(broadcast->payload.size(), 0xecu);
  const auto unicast = decode_message(frames.at(7), kLimits);
  ASSERT_TRUE(unicast.ok());
  EXPECT_EQ(unicast->tag, Tag::unicast);
  EXPECT_EQ(name_text(unicast->destination), "1d:84:4d:0a:a1:d8");
}

TEST(MeshMessages, OtherTypeIdsAreUnderstood) {
  // The same definitions under ids 80, 81 and 82, as another Go program would number them.
  ByteVec stream;
  gob::TypeDefinition summary{.id = 80, .name = "peerSummary", .field_count = 6};
  summary.fields = {{{"NameByte", 5}, {"NickName", 6}, {"UID", 3}, {"Version", 3}, {"ShortID", 3}, {"HasShortID", 1}}};
  gob::TypeDefinition connection{.id = 81, .name = "connectionSummary", .field_count = 4};
  connection.fields = {{{"NameByte", 5}, {"RemoteTCPAddr", 6}, {"Outbound", 1}, {"Established", 1}}};
  gob::TypeDefinition list{.kind = gob::TypeDefinition::Kind::slice, .id = 82, .element = 81};
  gob::append_definition(stream, summary);
  ByteVec body;
  gob::append_int(body, 80);
  gob::append_uint(body, 1);
  gob::append_bytes(body, ByteVec{0, 0, 0, 0, 0, 9});
  gob::append_uint(body, 0);
  gob::append_message(stream, body);
  gob::append_definition(stream, connection);
  gob::append_definition(stream, list);
  body.clear();
  gob::append_int(body, 82);
  gob::append_uint(body, 0);
  gob::append_uint(body, 0);
  gob::append_message(stream, body);

  TopologyReader reader(stream, kLimits);
  PeerSummary peer;
  ByteView connections;
  ASSERT_TRUE(reader.next(peer, connections));
  EXPECT_EQ(peer.name, 9u);
  EXPECT_FALSE(reader.next(peer, connections));
  EXPECT_TRUE(reader.ok());
}

TEST(MeshMessages, FeaturesThatAreRefused) {
  const Features good{.name = 1, .nick_name = "", .short_id = 5, .uid = 6, .connection_id = 7};
  const auto map = decode_feature_map(encode_features(good).view(), kLimits);
  ASSERT_TRUE(map.ok());
  const auto with = [&](std::string_view key, const char* value) {
    FeatureMap changed = *map;
    for (std::size_t i = 0; i < changed.size(); ++i) {
      if (changed[i].first != key) continue;
      if (value == nullptr) {
        changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        changed[i].second = value;
      }
      break;
    }
    return decode_features(encode_feature_map(changed).view(), kLimits);
  };
  EXPECT_TRUE(with("ShortID", nullptr).ok());
  EXPECT_TRUE(with("Trusted", nullptr).ok());
  for (const char* key : {"PeerNameFlavour", "Name", "NickName", "UID", "ConnID"})
    EXPECT_EQ(with(key, nullptr).error().code, ErrorCode::bad_field) << key;
  EXPECT_FALSE(with("ShortID", "4096").ok());
  EXPECT_FALSE(with("UID", "18446744073709551616").ok());
  EXPECT_FALSE(with("UID", "-1").ok());
  EXPECT_FALSE(with("Name", "1:2:3:4:5:6").ok());
  EXPECT_FALSE(with("Name", "00:00:00:00:00:0g").ok());
  EXPECT_FALSE(with("PeerNameFlavour", "hash").ok());
  EXPECT_FALSE(with("Trusted", "maybe").ok());
  EXPECT_FALSE(with("NickName", std::string(256, 'x').c_str()).ok());
  FeatureMap twice = *map;
  twice.push_back(twice.front());
  EXPECT_FALSE(decode_features(encode_feature_map(twice).view(), kLimits).ok());
  FeatureMap many;
  for (int i = 0; i < 33; ++i) many.emplace_back(std::to_string(i), "");
  EXPECT_EQ(decode_feature_map(encode_feature_map(many).view(), kLimits).error().code, ErrorCode::too_large);
}

TEST(MeshMessages, LimitsAndNames) {
  Limits small;
  small.frame_bytes = 100;
  const ByteVec payload(200, 1);
  const Message message{.tag = Tag::broadcast, .channel = "nostrp2p", .source = 1, .payload = payload};
  EXPECT_EQ(decode_message(encode_message(message).view(), small).error().code, ErrorCode::too_large);
  Message wide = message;
  wide.source = kNameMask + 1;
  EXPECT_FALSE(decode_message(encode_message(wide).view(), kLimits).ok());
  ByteVec list;
  append_connections(list, std::vector<Connection>(5, Connection{.name = 1, .address = "1.2.3.4:5"}));
  small.mesh_peers = 4;
  gob::Reader stream(list);
  gob::Reader body = stream.message();
  body.integer();
  body.uint();
  EXPECT_TRUE(ConnectionReader(body.rest(), kLimits).ok());
  EXPECT_FALSE(ConnectionReader(body.rest(), small).ok());
}

// Whatever is accepted after a mutation must mean exactly its own bytes; nothing may read outside its view (ASan).
TEST(MeshMessages, MutationsAreRefusedOrUnderstoodExactly) {
  const auto frames = captured_frames();
  Rng rng(1, "mutations");
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (int round = 0; round < 30'000; ++round) {
    ByteVec bytes = frames[rng.below(frames.size())];
    const std::uint64_t changes = 1 + rng.below(3);
    for (std::uint64_t i = 0; i < changes && !bytes.empty(); ++i) {
      const std::size_t at = rng.below(bytes.size());
      switch (rng.below(4)) {
        case 0:
          bytes[at] = static_cast<std::uint8_t>(rng.next());
          break;
        case 1:
          bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1u << rng.below(8)));
          break;
        case 2:
          bytes.resize(at);
          break;
        default:
          bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(rng.next()));
      }
    }
    fuzz::mesh_message(bytes);
    const auto again = rebuild(bytes);
    if (!again.ok()) {
      ++refused;
      continue;
    }
    ++accepted;
    const auto twice = rebuild(again->view());
    ASSERT_TRUE(twice.ok());
    EXPECT_EQ(*twice, *again) << to_hex(bytes);
  }
  EXPECT_GT(accepted, 100u);
  EXPECT_GT(refused, 10'000u);
}

}  // namespace
}  // namespace np2p::mesh
