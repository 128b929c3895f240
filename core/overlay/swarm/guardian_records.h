// GUARDIANS: who keeps mail for a user whose server is away. Signed by the user's node over the tagged hash
// "np2p/guardians/v1", like a CONTACT (contact.h), and like it good only for the node that the user bound; but for 30
// days, because it is wanted when that node cannot be asked. Of two by one node the higher rank counts: the epoch of
// the BIND, then the sequence. Guardians put it into the directory again while their ward is away.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/event/verifier.h"
#include "core/host/node_key.h"
#include "core/overlay/swarm/bindings.h"

namespace np2p::swarm {

inline constexpr std::size_t kMostGuardiansNamed = 3;
inline constexpr std::size_t kMostGuardianRecord = 384;  // bytes

struct GuardianRecord {
  PubKey owner;
  NodeId node;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::int64_t expires = 0;       // Unix seconds
  std::vector<PubKey> guardians;  // none: no longer
  friend bool operator==(const GuardianRecord&, const GuardianRecord&) = default;
};

ByteVec encode_guardians(const GuardianRecord& record, NodeKey& key, std::string_view network);
// Without looking at the signature.
Result<GuardianRecord> decode_guardians(ByteView record);
Result<GuardianRecord> verify_guardians(ByteView record, Verifier& verifier, std::string_view network);
[[nodiscard]] bool outranks(const GuardianRecord& a, const GuardianRecord& b) noexcept;

// Those that this node keeps for others: by key, at most Limits::claims of different nodes for one.
class GuardianShelf {
 public:
  struct Kept {
    Key key;
    GuardianRecord plain;
    ByteVec record;
  };
  explicit GuardianShelf(const Config& config) : config_(config) {}
  [[nodiscard]] const Kept* find(const Key& key, const NodeId& node) const;
  [[nodiscard]] bool has_room(const Key& key) const;               // for one of another node
  void put(const Key& key, GuardianRecord plain, ByteVec record);  // in the place of the one that is there
  template <class Visit>
  void each(const Key& key, Visit visit) const {
    for (auto at = first_of(key); at != kept_.end() && at->key == key; ++at) visit(*at);
  }
  template <class Which>
  void erase_if(Which which) {
    std::erase_if(kept_, which);
  }
  void add_keys(std::vector<Key>& keys) const {
    for (const Kept& one : kept_) keys.push_back(one.key);
  }
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  [[nodiscard]] std::vector<Kept>::const_iterator first_of(const Key& key) const;

  const Config& config_;
  std::vector<Kept> kept_;
};

}  // namespace np2p::swarm
