#include "core/wire/mesh_messages.h"

#include <algorithm>
#include <charconv>

namespace np2p::mesh {
namespace {

using gob::TypeDefinition;

// Go numbers its types in the order of first use: the same in every mesh process.
constexpr std::int64_t kFeaturesId = 64;
constexpr std::int64_t kSummaryId = 65;
constexpr std::int64_t kConnectionId = 66;
constexpr std::int64_t kConnectionsId = 67;

constexpr std::size_t kNameBytes = 6;
constexpr std::size_t kChannelBytes = 64;
constexpr std::size_t kFeatureEntries = 32;
constexpr unsigned kShortIdBits = 12;
constexpr std::string_view kFlavour = "mac";

constexpr TypeDefinition kFeaturesType{
    .kind = TypeDefinition::Kind::map, .id = kFeaturesId, .key = gob::kString, .element = gob::kString};
constexpr TypeDefinition kSummaryType{.kind = TypeDefinition::Kind::structure,
                                      .id = kSummaryId,
                                      .name = "peerSummary",
                                      .fields = {{{"NameByte", gob::kBytes},
                                                  {"NickName", gob::kString},
                                                  {"UID", gob::kUint},
                                                  {"Version", gob::kUint},
                                                  {"ShortID", gob::kUint},
                                                  {"HasShortID", gob::kBool}}},
                                      .field_count = 6};
constexpr TypeDefinition kConnectionType{.kind = TypeDefinition::Kind::structure,
                                         .id = kConnectionId,
                                         .name = "connectionSummary",
                                         .fields = {{{"NameByte", gob::kBytes},
                                                     {"RemoteTCPAddr", gob::kString},
                                                     {"Outbound", gob::kBool},
                                                     {"Established", gob::kBool}}},
                                         .field_count = 4};
constexpr TypeDefinition kConnectionsType{
    .kind = TypeDefinition::Kind::slice, .id = kConnectionsId, .element = kConnectionId};

const ByteVec& summary_definition() {
  static const ByteVec bytes = [] {
    ByteVec out;
    gob::append_definition(out, kSummaryType);
    return out;
  }();
  return bytes;
}

const ByteVec& connections_definition() {
  static const ByteVec bytes = [] {
    ByteVec out;
    gob::append_definition(out, kConnectionsType);
    gob::append_definition(out, kConnectionType);
    return out;
  }();
  return bytes;
}

bool same_shape(const TypeDefinition& a, const TypeDefinition& b) noexcept {
  return a.kind == b.kind && a.field_count == b.field_count && a.fields == b.fields;
}

std::array<std::uint8_t, kNameBytes> name_bytes(Name name) noexcept {
  std::array<std::uint8_t, kNameBytes> bytes{};
  for (std::size_t i = kNameBytes; i-- > 0; name >>= 8) bytes[i] = static_cast<std::uint8_t>(name);
  return bytes;
}

Name read_name(gob::Reader& in) noexcept {
  const ByteView bytes = in.bytes(kNameBytes);
  if (bytes.size() != kNameBytes) in.fail();
  Name name = 0;
  for (const std::uint8_t byte : bytes) name = name << 8 | byte;
  return name;
}

std::uint64_t nonzero(gob::Reader& in) noexcept {
  const std::uint64_t value = in.uint();
  if (value == 0) in.fail();
  return value;
}

std::string_view nonempty(gob::Reader& in, std::size_t limit) noexcept {
  const std::string_view text = in.text(limit);
  if (text.empty()) in.fail();
  return text;
}

bool parse_name(std::string_view text, Name& name) noexcept {
  if (text.size() != 3 * kNameBytes - 1) return false;
  std::array<std::uint8_t, kNameBytes> bytes{};
  for (std::size_t i = 0; i < kNameBytes; ++i) {
    if (i > 0 && text[3 * i - 1] != ':') return false;
    if (!from_hex(text.substr(3 * i, 2), std::span(bytes).subspan(i, 1))) return false;
  }
  name = 0;
  for (const std::uint8_t byte : bytes) name = name << 8 | byte;
  return true;
}

bool parse_number(std::string_view text, std::uint64_t limit, std::uint64_t& value) noexcept {
  if (text.empty() || text.front() < '0' || text.front() > '9') return false;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc{} && end == text.data() + text.size() && value <= limit;
}

Error malformed(std::string reason) {
  return error(ErrorCode::malformed, std::move(reason));
}

}  // namespace

std::string name_text(Name name) {
  std::string text;
  for (const std::uint8_t byte : name_bytes(name)) text += (text.empty() ? "" : ":") + to_hex({&byte, 1});
  return text;
}

Frame encode_feature_map(const FeatureMap& map) {
  ByteVec out;
  gob::append_definition(out, kFeaturesType);
  ByteVec body;
  gob::append_int(body, kFeaturesId);
  gob::append_uint(body, 0);
  gob::append_uint(body, map.size());
  for (const auto& [key, value] : map) {
    gob::append_bytes(body, bytes_of(key));
    gob::append_bytes(body, bytes_of(value));
  }
  gob::append_message(out, body);
  return Frame(out);
}

Result<FeatureMap> decode_feature_map(ByteView frame, const Limits& limits) {
  gob::Reader stream(frame);
  gob::Reader head = stream.message();
  const std::int64_t id = head.integer();
  if (!head.ok() || id > -gob::kFirstDefined) return malformed("features do not begin with a type definition");
  const auto type = gob::read_definition(head, -id);
  if (!type || type->kind != TypeDefinition::Kind::map || type->key != gob::kString || type->element != gob::kString)
    return malformed("features are not a map of strings");
  gob::Reader body = stream.message();
  if (body.integer() != -id || body.uint() != 0) return malformed("features are not of the type defined for them");
  const std::uint64_t count = body.uint();
  if (count > kFeatureEntries) return error(ErrorCode::too_large, "too many features");
  FeatureMap map;
  for (std::uint64_t i = 0; i < count && body.ok(); ++i) {
    const std::string_view key = body.text(limits.mesh_text_bytes);
    const std::string_view value = body.text(limits.mesh_text_bytes);
    map.emplace_back(key, value);
  }
  if (!body.finished() || !stream.finished()) return malformed("features are cut off or too long");
  for (std::size_t i = 0; i < map.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (map[i].first == map[j].first) return malformed("a feature is there twice");
  return map;
}

Frame encode_features(const Features& features) {
  FeatureMap map{{"PeerNameFlavour", std::string(kFlavour)},
                 {"Name", name_text(features.name)},
                 {"NickName", features.nick_name},
                 {"ShortID", std::to_string(features.short_id)},
                 {"UID", std::to_string(features.uid)},
                 {"ConnID", std::to_string(features.connection_id)},
                 {"Trusted", features.trusted ? "true" : "false"}};
  if (!features.has_short_id) map.erase(map.begin() + 3);
  return encode_feature_map(map);
}

Result<Features> decode_features(ByteView frame, const Limits& limits) {
  auto map = decode_feature_map(frame, limits);
  if (!map.ok()) return map.error();
  const auto find = [&](std::string_view key) -> const std::string* {
    for (const auto& [name, value] : *map)
      if (name == key) return &value;
    return nullptr;
  };
  const std::string* flavour = find("PeerNameFlavour");
  const std::string* name = find("Name");
  const std::string* nick_name = find("NickName");
  const std::string* uid = find("UID");
  const std::string* connection_id = find("ConnID");
  if (!flavour || !name || !nick_name || !uid || !connection_id)
    return error(ErrorCode::bad_field, "a feature is missing");
  if (*flavour != kFlavour) return error(ErrorCode::bad_field, "peer names of another flavour");

  Features features;
  features.nick_name = *nick_name;
  std::uint64_t short_id = 0;
  const std::string* short_text = find("ShortID");
  const std::string* trusted = find("Trusted");
  features.has_short_id = short_text != nullptr;
  if (!parse_name(*name, features.name) || !parse_number(*uid, UINT64_MAX, features.uid) ||
      !parse_number(*connection_id, UINT64_MAX, features.connection_id) ||
      (short_text != nullptr && !parse_number(*short_text, (1u << kShortIdBits) - 1, short_id)) ||
      (trusted != nullptr && *trusted != "true" && *trusted != "false"))
    return error(ErrorCode::bad_field, "a feature does not parse");
  features.short_id = static_cast<std::uint16_t>(short_id);
  features.trusted = trusted != nullptr && *trusted == "true";
  return features;
}

Frame encode_message(const Message& message) {
  ByteVec out;
  out.reserve(message.payload.size() + 64);
  out.push_back(static_cast<std::uint8_t>(message.tag));
  gob::append_string_value(out, message.channel);
  gob::append_uint_value(out, message.source);
  if (message.tag == Tag::unicast) gob::append_uint_value(out, message.destination);
  gob::append_bytes_value(out, message.payload);
  return Frame(out);
}

Result<Message> decode_message(ByteView frame, const Limits& limits) {
  if (frame.size() > limits.frame_bytes) return error(ErrorCode::too_large, "mesh message over the limit");
  Message message;
  if (frame.empty() || frame[0] < static_cast<std::uint8_t>(Tag::gossip) ||
      frame[0] > static_cast<std::uint8_t>(Tag::broadcast))
    return malformed("not a gossip message");
  message.tag = static_cast<Tag>(frame[0]);
  gob::Reader stream(frame.subspan(1));
  message.channel = gob::read_string_value(stream, kChannelBytes);
  message.source = gob::read_uint_value(stream);
  if (message.tag == Tag::unicast) message.destination = gob::read_uint_value(stream);
  message.payload = gob::read_bytes_value(stream, frame.size());
  if (!stream.finished()) return malformed("gossip does not parse");
  if (message.source > kNameMask || message.destination > kNameMask) return malformed("a peer name over 48 bits");
  return message;
}

void append_summary(ByteVec& out, const PeerSummary& peer) {
  const auto name = name_bytes(peer.name);
  ByteVec body;
  body.reserve(64 + peer.nick_name.size());
  gob::append_int(body, kSummaryId);
  unsigned last = 0;
  const auto field = [&](unsigned number) {
    gob::append_uint(body, number - last);
    last = number;
  };
  field(1);
  gob::append_bytes(body, name);
  if (!peer.nick_name.empty()) field(2), gob::append_bytes(body, bytes_of(peer.nick_name));
  if (peer.uid != 0) field(3), gob::append_uint(body, peer.uid);
  if (peer.version != 0) field(4), gob::append_uint(body, peer.version);
  if (peer.short_id != 0) field(5), gob::append_uint(body, peer.short_id);
  if (peer.has_short_id) field(6), gob::append_uint(body, 1);
  gob::append_uint(body, 0);
  gob::append_message(out, body);
}

void append_connections(ByteVec& out, std::span<const Connection> connections) {
  ByteVec body;
  body.reserve(8 + 32 * connections.size());
  gob::append_int(body, kConnectionsId);
  gob::append_uint(body, 0);
  gob::append_uint(body, connections.size());
  for (const Connection& connection : connections) {
    unsigned last = 0;
    const auto field = [&](unsigned number) {
      gob::append_uint(body, number - last);
      last = number;
    };
    field(1);
    gob::append_bytes(body, name_bytes(connection.name));
    if (!connection.address.empty()) field(2), gob::append_bytes(body, bytes_of(connection.address));
    if (connection.outbound) field(3), gob::append_uint(body, 1);
    if (connection.established) field(4), gob::append_uint(body, 1);
    gob::append_uint(body, 0);
  }
  gob::append_message(out, body);
}

ByteView connection_list(ByteView connections) noexcept {
  gob::Reader stream(connections);
  gob::Reader list = stream.message();
  list.integer();  // type
  list.uint();     // not a struct
  return list.rest();
}

void TopologyWriter::add(ByteView summary, ByteView connections) {
  const bool first = payload_.empty();
  const auto append = [this](ByteView bytes) { payload_.insert(payload_.end(), bytes.begin(), bytes.end()); };
  if (first) append(summary_definition());
  append(summary);
  if (first) append(connections_definition());
  append(connections);
}

Frame TopologyWriter::finish(Tag tag, Name source) const {
  return encode_message({.tag = tag, .channel = kTopologyChannel, .source = source, .payload = payload_});
}

bool TopologyReader::define(gob::Reader& message, std::int64_t id) noexcept {
  const auto type = gob::read_definition(message, id);
  if (!type) return false;
  if (summary_type_ == 0 && same_shape(*type, kSummaryType)) {
    summary_type_ = id;
  } else if (connection_type_ == 0 && same_shape(*type, kConnectionType)) {
    connection_type_ = id;
  } else if (connections_type_ == 0 && type->kind == TypeDefinition::Kind::slice) {
    connections_type_ = id;
    connections_element_ = type->element;
  } else {
    return false;
  }
  return true;
}

// The next value message, behind its type id; definitions on the way are taken in.
gob::Reader TopologyReader::value(std::int64_t& type) noexcept {
  while (true) {
    if (summary_type_ == 0 && stream_.skip(summary_definition())) summary_type_ = kSummaryId;
    if (connection_type_ == 0 && connections_type_ == 0 && stream_.skip(connections_definition())) {
      connections_type_ = kConnectionsId;
      connection_type_ = connections_element_ = kConnectionId;
    }
    gob::Reader message = stream_.message();
    type = message.integer();
    if (!message.ok() || type >= gob::kFirstDefined) return message;
    if (type > -gob::kFirstDefined || !define(message, -type)) {
      stream_.fail();
      message.fail();
      return message;
    }
  }
}

bool TopologyReader::next(PeerSummary& peer, ByteView& connections) noexcept {
  if (!stream_.ok() || stream_.at_end()) return false;
  std::int64_t type = 0;
  gob::Reader in = value(type);
  if (!in.ok() || type != summary_type_) return stream_.fail();
  peer = {};
  gob::Fields fields(in, 6);
  bool named = false;
  while (const unsigned field = fields.next()) {
    switch (field) {
      case 1:
        peer.name = read_name(in);
        named = true;
        break;
      case 2:
        peer.nick_name = nonempty(in, limits_.mesh_text_bytes);
        break;
      case 3:
        peer.uid = nonzero(in);
        break;
      case 4:
        peer.version = nonzero(in);
        break;
      case 5: {
        const std::uint64_t short_id = nonzero(in);
        if (short_id >= 1u << kShortIdBits) return stream_.fail();
        peer.short_id = static_cast<std::uint16_t>(short_id);
        break;
      }
      default:
        peer.has_short_id = in.true_field();
    }
  }
  if (!in.finished() || !named) return stream_.fail();
  gob::Reader list = value(type);
  if (!list.ok() || type != connections_type_ || connections_element_ != connection_type_ || list.uint() != 0)
    return stream_.fail();
  connections = list.rest();
  return true;
}

ConnectionReader::ConnectionReader(ByteView connections, const Limits& limits) noexcept
    : in_(connections), text_limit_(limits.mesh_text_bytes) {
  const std::uint64_t count = in_.uint();
  if (count > limits.mesh_peers) in_.fail();
  left_ = in_.ok() ? static_cast<std::size_t>(count) : 0;
  if (left_ == 0 && !in_.finished()) in_.fail();
}

bool ConnectionReader::next(Connection& connection) noexcept {
  if (left_ == 0 || !in_.ok()) return false;
  connection = {};
  gob::Fields fields(in_, 4);
  bool named = false;
  while (const unsigned field = fields.next()) {
    switch (field) {
      case 1:
        connection.name = read_name(in_);
        named = true;
        break;
      case 2:
        connection.address = nonempty(in_, text_limit_);
        break;
      case 3:
        connection.outbound = in_.true_field();
        break;
      default:
        connection.established = in_.true_field();
    }
  }
  --left_;
  if (!named || (left_ == 0 && !in_.at_end())) in_.fail();
  return in_.ok();
}

}  // namespace np2p::mesh
