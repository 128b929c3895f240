#include "core/overlay/swarm/bindings.h"

#include <algorithm>

#include "core/event/validation.h"
#include "core/wire/packet.h"

namespace np2p::swarm {

bool is_of(RecordType type, ByteView record) noexcept {
  return !record.empty() && record[0] == static_cast<std::uint8_t>(type);
}

// The type, then a packet with this event alone.
ByteVec encode_bind(const EventPtr& event) {
  const Frame bytes = encode_events({&event, 1});
  ByteVec record{static_cast<std::uint8_t>(RecordType::bind)};
  record.insert(record.end(), bytes.view().begin(), bytes.view().end());
  return record;
}

Result<Event> decode_bind_record(ByteView record, const Limits& limits) {
  if (!is_of(RecordType::bind, record)) return error(ErrorCode::unknown_type, "a record that is no BIND");
  auto packet = decode_packet(record.subspan(1), limits);
  if (!packet.ok()) return packet.error();
  if (packet->events.size() != 1 || !packet->requests.empty()) {
    return error(ErrorCode::bad_field, "a BIND record holds one event");
  }
  if (const auto bind = decode_bind(packet->events[0]); !bind.ok()) return bind.error();
  return std::move(packet->events[0]);
}

Result<BindingPtr> verify_bind(Event claim, const Limits& limits, Verifier& verifier) {
  auto event = ValidationGate::validate(std::move(claim), limits, verifier);
  if (!event.ok()) return event.error();
  BindingPtr binding = binding_of(*event);
  if (!binding) return error(ErrorCode::bad_kind, "a BIND is of kind 10848");
  return binding;
}

Result<BindingPtr> verify_bind_record(ByteView record, const Limits& limits, Verifier& verifier) {
  auto claim = decode_bind_record(record, limits);
  if (!claim.ok()) return claim.error();
  return verify_bind(std::move(*claim), limits, verifier);
}

BindingPtr binding_of(const EventPtr& event) {
  const auto bind = decode_bind(event.get());
  if (!bind.ok()) return nullptr;
  return std::make_shared<const Binding>(Binding{*bind, event});
}

BindingPtr stored_binding(Store& store, const PubKey& user) {
  Filter filter;
  filter.authors = {user};
  filter.kinds = {kind::bind};
  filter.limit = 1;
  const auto found = store.query(filter, Order::newest_first);
  return found.empty() ? nullptr : binding_of(found[0]);
}

bool forbids(const BindingPtr& binding, const NodeId& node, std::int64_t unix_now) noexcept {
  return binding != nullptr && !serves(binding->bind, node, unix_now);
}

bool replaces(const BindingPtr& fresh, const BindingPtr& held, Evidence& evidence) {
  if (held == nullptr) return true;
  if (equivocates(fresh->bind, held->bind)) {
    evidence.found(Evidence::What::bind, fresh->bind.user.data, fresh->bind.epoch, encode_bind(held->event),
                   encode_bind(fresh->event));
  }
  return outranks(fresh->bind, held->bind);
}

BindingPtr Bindings::find(const Key& key) const {
  const auto at =
      std::lower_bound(held_.begin(), held_.end(), key, [](const Held& a, const Key& b) { return a.key < b; });
  return at != held_.end() && at->key == key ? at->binding : nullptr;
}

bool Bindings::put(const Key& key, const BindingPtr& binding) {
  const auto place = [&] {
    return std::lower_bound(held_.begin(), held_.end(), key, [](const Held& a, const Key& b) { return a.key < b; });
  };
  if (const auto at = place(); at != held_.end() && at->key == key) {
    at->binding = binding;
    return true;
  }
  if (held_.size() >= config_.limits.directory_binds) {
    const auto farthest = std::max_element(held_.begin(), held_.end(), [&](const Held& a, const Held& b) {
      return nearer(a.key.data, b.key.data, self_.data);
    });
    if (farthest == held_.end() || !nearer(key.data, farthest->key.data, self_.data)) return false;
    held_.erase(farthest);
  }
  held_.insert(place(), {key, binding});
  return true;
}

}  // namespace np2p::swarm
