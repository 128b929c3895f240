#include "core/overlay/swarm/relay.h"

#include <algorithm>

namespace np2p::swarm {
namespace {

constexpr Duration kIdle = 2min;  // a slot that nothing comes through is free again; tunnels ping more often
constexpr std::uint32_t kBurstSeconds = 8;

Address without_port(Address address) noexcept {
  address.port = 0;
  return address;
}

}  // namespace

Relay::Relay(const Config& config)
    : config_(config), total_(config.relay_bytes_per_s, config.relay_bytes_per_s * kBurstSeconds) {}

Status Relay::admit(const Peer& from, const Carry& record, MonoTime now) {
  if (!config_.relay) return error(ErrorCode::forbidden, "this server carries nothing for others");
  if (!from.reachable() && record.from != from.id) {
    return error(ErrorCode::forbidden, "a record of somebody else's tunnel");
  }
  const NodeId& a = std::min(record.from, record.to);
  const NodeId& b = std::max(record.from, record.to);
  auto slot = std::find_if(slots_.begin(), slots_.end(),
                           [&](const Slot& one) { return one.tunnel == record.tunnel && one.a == a && one.b == b; });
  if (slot == slots_.end()) {
    if (const Status opened = open(from, record, now); !opened.ok()) return opened;
    slot = slots_.end() - 1;
  }
  const auto bytes = static_cast<std::uint32_t>(record.record.size());
  if (!from.reachable() && !bucket_of(from.id, now).take(now, bytes)) {
    return error(ErrorCode::rate_limited, "more than one neighbour may send through tunnels");
  }
  if (!total_.take(now, bytes)) return error(ErrorCode::rate_limited, "more than this server carries for others");
  slot->used = now;
  return {};
}

Status Relay::admit_copies(const NodeId& from, std::size_t bytes, MonoTime now) {
  if (!config_.relay) return error(ErrorCode::forbidden, "this server carries nothing for others");
  const auto charged = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, UINT32_MAX));
  if (!bucket_of(from, now).take(now, charged)) {
    return error(ErrorCode::rate_limited, "more copies than one neighbour may have made");
  }
  if (!total_.take(now, charged)) return error(ErrorCode::rate_limited, "more than this server carries for others");
  return {};
}

Status Relay::open(const Peer& from, const Carry& record, MonoTime now) {
  std::erase_if(slots_, [now](const Slot& one) { return one.used + kIdle <= now; });
  const Limits& limits = config_.limits;
  if (slots_.size() >= limits.relay_slots) return error(ErrorCode::full, "no slot for a tunnel");
  const Address address = without_port(from.remote);
  if (!from.reachable()) {
    std::size_t of_client = 0;
    std::size_t at_address = 0;
    for (const Slot& one : slots_) {
      of_client += one.client == from.id ? 1u : 0u;
      at_address += one.address == address ? 1u : 0u;
    }
    if (of_client >= limits.relay_slots_per_client || at_address >= limits.relay_slots_per_address) {
      return error(ErrorCode::full, "no further tunnel for this neighbour");
    }
  }
  const NodeId& a = std::min(record.from, record.to);
  const NodeId& b = std::max(record.from, record.to);
  slots_.push_back({a, b, record.tunnel, from.id, from.reachable() ? Address{} : address, now});
  return {};
}

TokenBucket& Relay::bucket_of(const NodeId& client, MonoTime now) {
  for (Client& one : clients_) {
    if (one.id != client) continue;
    one.used = now;
    return one.bytes;
  }
  // A full bucket is forgotten before one that is in use: whoever comes back later would have it full as well.
  if (clients_.size() >= config_.limits.relay_slots) {
    clients_.erase(std::min_element(clients_.begin(), clients_.end(),
                                    [](const Client& a, const Client& b) { return a.used < b.used; }));
  }
  const Limits& limits = config_.limits;
  clients_.push_back({client, TokenBucket(limits.relay_client_bytes_per_s, limits.relay_client_burst), now});
  return clients_.back().bytes;
}

void Relay::ended(const CarryEnd& end) {
  const NodeId& a = std::min(end.from, end.to);
  const NodeId& b = std::max(end.from, end.to);
  std::erase_if(slots_, [&](const Slot& one) { return one.tunnel == end.tunnel && one.a == a && one.b == b; });
}

}  // namespace np2p::swarm
