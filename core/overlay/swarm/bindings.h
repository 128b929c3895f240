// Users' BINDs (core/event/bind.h) in the overlay: as directory records, and the table of those that this node keeps
// for others. A record begins with its type, so that a node that does not know a later type counts and ignores it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/base/config.h"
#include "core/event/bind.h"
#include "core/host/host.h"
#include "core/overlay/swarm/evidence.h"
#include "core/overlay/swarm/ring.h"

namespace np2p::swarm {

enum class RecordType : std::uint8_t { contact = 1, bind = 2, voucher = 3, guardians = 4 };

struct Binding {
  Bind bind;
  EventPtr event;  // verified
};
using BindingPtr = std::shared_ptr<const Binding>;

// --- records
[[nodiscard]] bool is_of(RecordType type, ByteView record) noexcept;
ByteVec encode_bind(const EventPtr& event);
// What the record claims, not verified: the first look, before any crypto.
Result<Event> decode_bind_record(ByteView record, const Limits& limits);
// Through the gate.
Result<BindingPtr> verify_bind(Event claim, const Limits& limits, Verifier& verifier);
Result<BindingPtr> verify_bind_record(ByteView record, const Limits& limits, Verifier& verifier);

BindingPtr binding_of(const EventPtr& event);                 // null if it is no BIND
BindingPtr stored_binding(Store& store, const PubKey& user);  // what the store remembers of that user; null if nothing
// Bound to somebody else, revoked, or expired. A user without a BIND is served by whoever claims it first.
[[nodiscard]] bool forbids(const BindingPtr& binding, const NodeId& node, std::int64_t unix_now) noexcept;
// Which of two BINDs of one user counts; if both cannot be honest, they are kept as evidence.
[[nodiscard]] bool replaces(const BindingPtr& fresh, const BindingPtr& held, Evidence& evidence);

// By directory key, ascending; at most Limits::directory_binds. Claims never take a place here. Of too many BINDs the
// farthest from our own id goes: those near it are ours to keep, and whoever would push one out has to find as many
// keys that lie nearer.
class Bindings {
 public:
  Bindings(const Config& config, const NodeId& self) : config_(config), self_(self) {}
  [[nodiscard]] BindingPtr find(const Key& key) const;  // null if there is none
  bool put(const Key& key, const BindingPtr& binding);  // false: no room for one that is so far away
  void add_keys(std::vector<Key>& keys) const {
    for (const Held& one : held_) keys.push_back(one.key);
  }

 private:
  struct Held {
    Key key;
    BindingPtr binding;
  };
  const Config& config_;
  const NodeId& self_;
  std::vector<Held> held_;
};

}  // namespace np2p::swarm
