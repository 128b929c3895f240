// Port: the node's own key. It signs for the node, never for the user.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/base/bytes.h"

namespace np2p {

using PairMac = std::array<std::uint8_t, 16>;

class NodeKey {
 public:
  virtual ~NodeKey() = default;
  [[nodiscard]] virtual const NodeId& id() const noexcept = 0;
  // BIP-340 signature over the tagged hash (BIP-340's construction) of `message` under `tag`, e.g. "np2p/contact/v1".
  virtual Signature sign(std::string_view tag, ByteView message) = 0;
  // Over `message` under the key that only this node and `peer` can compute (ECDH of the two node keys): both get the
  // same 16 bytes. All zero if `peer` is no key.
  virtual PairMac pair_mac(const NodeId& peer, ByteView message) = 0;
};

}  // namespace np2p
