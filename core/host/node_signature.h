// Records that a node signs, and how others check them: BIP-340 over the tagged hash of the network's name and the
// record, so that what was signed for one network or one purpose says nothing in another.
#pragma once

#include <string_view>

#include "core/event/sha256.h"
#include "core/event/verifier.h"
#include "core/host/node_key.h"

namespace np2p {

inline ByteVec covered_by_node(std::string_view network, ByteView record) {
  ByteVec bytes(network.begin(), network.end());
  bytes.push_back(0);
  bytes.insert(bytes.end(), record.begin(), record.end());
  return bytes;
}

inline Signature sign_as_node(NodeKey& key, std::string_view tag, std::string_view network, ByteView record) {
  return key.sign(tag, covered_by_node(network, record));
}

inline bool is_signed_by(const NodeId& node, std::string_view tag, std::string_view network, ByteView record,
                         const Signature& signature, Verifier& verifier) {
  const Sha256 purpose = sha256(bytes_of(tag));
  const EventId hash{sha256({purpose, purpose, covered_by_node(network, record)})};
  return verifier.verify(hash, PubKey{node.data}, signature);
}

// A record whose last bytes are the signature of all before them.
inline bool ends_with_signature_of(const NodeId& node, std::string_view tag, std::string_view network, ByteView record,
                                   Verifier& verifier) {
  if (record.size() < Signature::size) return false;
  const std::size_t covered = record.size() - Signature::size;
  return is_signed_by(node, tag, network, record.first(covered), *Signature::from(record.subspan(covered)), verifier);
}

}  // namespace np2p
