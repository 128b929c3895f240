#include "realnet/net/hello.h"

#include <algorithm>

#include "core/crypto/node_key.h"

namespace np2p::real {

namespace {

constexpr std::size_t kFixedBytes = 2 + 8 + 1;

ByteVec signed_bytes(Role role, const NodeId& node, std::string_view network_id, const TlsSession::Exported& exported) {
  ByteVec bytes;
  bytes.reserve(2 + NodeId::size + network_id.size() + exported.size());
  bytes.push_back(static_cast<std::uint8_t>(role));
  bytes.insert(bytes.end(), node.data.begin(), node.data.end());
  bytes.push_back(static_cast<std::uint8_t>(network_id.size()));
  bytes.insert(bytes.end(), network_id.begin(), network_id.end());
  bytes.insert(bytes.end(), exported.begin(), exported.end());
  return bytes;
}

void append_big_endian(ByteVec& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint64_t big_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (const auto byte : bytes) value = value << 8 | byte;
  return value;
}

}  // namespace

ByteVec encode_hello(NodeKey& key, Role role, std::string_view network_id, const TlsSession::Exported& exported) {
  NP2P_ASSERT(network_id.size() <= 255);
  ByteVec bytes;
  bytes.reserve(kFixedBytes + network_id.size() + NodeId::size + Signature::size);
  append_big_endian(bytes, kHelloVersion, 2);
  append_big_endian(bytes, 0, 8);
  bytes.push_back(static_cast<std::uint8_t>(network_id.size()));
  bytes.insert(bytes.end(), network_id.begin(), network_id.end());
  bytes.insert(bytes.end(), key.id().data.begin(), key.id().data.end());
  const Signature signature = key.sign(kHelloTag, signed_bytes(role, key.id(), network_id, exported));
  bytes.insert(bytes.end(), signature.data.begin(), signature.data.end());
  return bytes;
}

Result<Hello> check_hello(ByteView bytes, Role role, std::string_view network_id, const NodeId& self,
                          const TlsSession::Exported& exported) {
  if (bytes.size() < kFixedBytes) return error(ErrorCode::malformed, "hello too short");
  Hello hello;
  hello.version = static_cast<std::uint16_t>(big_endian(bytes.first(2)));
  hello.features = big_endian(bytes.subspan(2, 8));
  if (hello.version != kHelloVersion) {
    return error(ErrorCode::wrong_version, "peer speaks link version " + std::to_string(hello.version));
  }
  const std::size_t name_bytes = bytes[10];
  bytes = bytes.subspan(kFixedBytes);
  if (bytes.size() < name_bytes + NodeId::size + Signature::size) {
    return error(ErrorCode::malformed, "hello too short");
  }
  hello.network_id = text_of(bytes.first(name_bytes));
  hello.node = *NodeId::from(bytes.subspan(name_bytes, NodeId::size));
  hello.signature = *Signature::from(bytes.subspan(name_bytes + NodeId::size, Signature::size));
  if (hello.network_id != network_id) return error(ErrorCode::forbidden, "peer belongs to another network");
  if (hello.node == self) return error(ErrorCode::forbidden, "the peer is this node itself");
  if (!SecpNodeKey::verify(hello.node, kHelloTag, signed_bytes(role, hello.node, network_id, exported),
                           hello.signature)) {
    return error(ErrorCode::bad_signature, "peer does not prove its node key");
  }
  return hello;
}

std::uint8_t bye_code(CloseReason reason) noexcept {
  switch (reason) {
    case CloseReason::protocol_error:
      return 1;
    case CloseReason::duplicate_link:
      return 2;
    case CloseReason::crowded:
      return 3;
    case CloseReason::shutting_down:
      return 4;
    case CloseReason::refused:
      return 5;
    default:
      return 0;
  }
}

CloseReason bye_reason(ByteView bytes) noexcept {
  static constexpr CloseReason kReasons[] = {CloseReason::peer_closed,    CloseReason::protocol_error,
                                             CloseReason::duplicate_link, CloseReason::crowded,
                                             CloseReason::shutting_down,  CloseReason::refused};
  if (bytes.empty() || bytes[0] >= std::size(kReasons)) return CloseReason::peer_closed;
  return kReasons[bytes[0]];
}

}  // namespace np2p::real
