// CONTACT: where a user's server is now. Signed by the node over the tagged hash "np2p/contact/v1" of the network's
// name and the record, so that whoever stores or hands it on cannot change it or carry it into another network; of two
// by the same node the higher sequence counts, of two with one sequence the first that came.
#pragma once

#include <string_view>
#include <vector>

#include "core/event/verifier.h"
#include "core/host/node_key.h"
#include "core/wire/meeting.h"
#include "core/wire/swarm_messages.h"

namespace np2p::swarm {

inline constexpr std::size_t kHomeRelays = 3;

struct Contact {
  PubKey owner;
  NodeId node;
  Address listens;              // unspecified: only through its relays
  std::vector<PeerRef> relays;  // at most kHomeRelays
  Coordinates at;
  std::uint64_t sequence = 0;
  std::int64_t expires = 0;  // Unix seconds
  NatClass nat;              // unknown in records of an earlier version
  friend bool operator==(const Contact&, const Contact&) = default;
};

Key directory_key(const PubKey& user);
ByteVec encode_contact(const Contact& contact, NodeKey& key, std::string_view network);
// Do two records say the same? Signatures may differ.
bool same_contact(ByteView a, ByteView b) noexcept;
// Without looking at the signature: for who only stores it.
Result<Contact> decode_contact(ByteView record);
// Checks the signature, too.
Result<Contact> verify_contact(ByteView record, Verifier& verifier, std::string_view network);

}  // namespace np2p::swarm
