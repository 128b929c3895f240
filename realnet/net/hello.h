// The first message each side of a link sends, right after the TLS handshake: it proves the sender's node key for this
// very connection. Signed (BIP-340 over the tagged hash "np2p/hello/v1") are the sender's role, its NodeId, the network
// id and 32 bytes exported from the TLS session, so a Hello is worth nothing on another connection, in the other
// direction or in another network.
//
// Bytes: version (2, big endian), features (8), length of the network id (1), network id, NodeId (32), signature (64);
// what follows is ignored, as are unknown feature bits: newer nodes may say more.
#pragma once

#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/host/network.h"
#include "core/host/node_key.h"
#include "realnet/net/tls.h"

namespace np2p::real {

inline constexpr std::uint16_t kHelloVersion = 1;
inline constexpr std::string_view kHelloTag = "np2p/hello/v1";

enum class Role : std::uint8_t { dialler = 0, listener = 1 };

struct Hello {
  std::uint16_t version = kHelloVersion;
  std::uint64_t features = 0;
  std::string network_id;
  NodeId node;
  Signature signature;
};

ByteVec encode_hello(NodeKey& key, Role role, std::string_view network_id, const TlsSession::Exported& exported);

// What the peer, who plays `role`, sent. Errors: malformed; wrong_version; forbidden (another network, or ourselves);
// bad_signature.
Result<Hello> check_hello(ByteView bytes, Role role, std::string_view network_id, const NodeId& self,
                          const TlsSession::Exported& exported);

// Messages of the link layer's own stream: one byte of type, then its content.
// credit: in tunnels only, four bytes, big endian: so many bytes more have been read (net/tunnel.h).
enum class LinkMessage : std::uint8_t { hello = 1, ping = 2, pong = 3, bye = 4, credit = 5 };

// BYE says why a link ends, so that the other side need not guess. One byte each; unknown ones mean peer_closed.
std::uint8_t bye_code(CloseReason reason) noexcept;
CloseReason bye_reason(ByteView bytes) noexcept;

}  // namespace np2p::real
