#include "simnet/nat.h"

#include <algorithm>

#include "core/base/hash.h"

namespace np2p::sim {

namespace {

constexpr std::uint32_t kFirstPort = 1024;
constexpr std::uint32_t kPorts = 65536 - kFirstPort;
constexpr std::size_t kMaxSessions = 65'535;
constexpr Duration kTransitory = std::chrono::minutes{4};  // RFC 5382, REQ-5: not (or no longer) established

bool same_remote(NatRule rule, Endpoint a, Endpoint b) noexcept {
  switch (rule) {
    case NatRule::endpoint_independent:
      return true;
    case NatRule::address_dependent:
      return a.ip == b.ip;
    case NatRule::address_and_port_dependent:
      return a == b;
  }
  return false;
}

}  // namespace

NatBox::NatBox(const NatSpec& spec, std::uint64_t seed, BoxIndex index)
    : spec_(spec), random_(Rng(seed, "nat box", index).next()) {}

std::uint32_t NatBox::expiry(SimTime now) const noexcept {
  const Duration life = std::min(spec_.mapping_timeout, kTransitory);
  return static_cast<std::uint32_t>((now + life.count() + kTick - 1) / kTick);
}

bool NatBox::port_is_taken(std::uint16_t port, SimTime now) const noexcept {
  for (const Session& s : sessions_) {
    if (s.outer_port == port && lives(s, now)) return true;
  }
  return false;
}

std::optional<std::uint16_t> NatBox::allocate_port(std::uint16_t wanted, SimTime now) {
  std::uint32_t candidate = wanted;
  if (spec_.ports == PortAllocation::sequential) candidate = next_port_;
  for (std::uint32_t tries = 0; tries < kPorts; ++tries) {
    if (spec_.ports == PortAllocation::random) {
      random_ += 0x9E3779B97F4A7C15ull;
      candidate = kFirstPort + static_cast<std::uint32_t>((mix64(random_) >> 32) * kPorts >> 32);
    } else if (candidate < kFirstPort || candidate > 65535) {
      candidate = kFirstPort;
    }
    const auto port = static_cast<std::uint16_t>(candidate);
    if (!port_is_taken(port, now)) {
      next_port_ = static_cast<std::uint16_t>(port == 65535 ? kFirstPort : port + 1u);
      return port;
    }
    ++candidate;
  }
  return std::nullopt;
}

std::optional<std::uint16_t> NatBox::add(const Session& session, SimTime now) {
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    if (lives(sessions_[i], now)) continue;
    sessions_[i] = session;
    return static_cast<std::uint16_t>(i);
  }
  if (sessions_.size() >= kMaxSessions) return std::nullopt;
  // Homes hold few sessions, and there are many homes: grow by a little, then in proportion.
  if (sessions_.size() == sessions_.capacity()) sessions_.reserve(sessions_.size() + 4 + sessions_.size() / 8);
  sessions_.push_back(session);
  return static_cast<std::uint16_t>(sessions_.size() - 1);
}

std::optional<std::uint16_t> NatBox::find(std::uint16_t inner, std::uint16_t inner_port, Endpoint remote,
                                          SimTime now) const noexcept {
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    const Session& s = sessions_[i];
    if (lives(s, now) && s.inner == inner && s.inner_port == inner_port &&
        Endpoint{s.remote_ip, s.remote_port} == remote) {
      return static_cast<std::uint16_t>(i);
    }
  }
  return std::nullopt;
}

std::optional<NatBox::Outbound> NatBox::outbound(std::uint16_t inner, std::uint16_t inner_port, Endpoint remote,
                                                 SimTime now) {
  std::optional<std::uint16_t> port;
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    Session& s = sessions_[i];
    if (!lives(s, now) || s.inner != inner || s.inner_port != inner_port) continue;
    const Endpoint other{s.remote_ip, s.remote_port};
    if (other == remote) {
      if (s.expires != kPinned) s.expires = expiry(now);
      return Outbound{s.outer_port, static_cast<std::uint16_t>(i)};
    }
    if (!port && same_remote(spec_.mapping, other, remote)) port = s.outer_port;
  }
  if (!port) port = allocate_port(inner_port, now);
  if (!port) return std::nullopt;
  const auto index = add({remote.ip, remote.port, inner_port, *port, inner, expiry(now)}, now);
  if (!index) return std::nullopt;
  return Outbound{*port, *index};
}

std::optional<NatBox::Inbound> NatBox::inbound(Endpoint remote, std::uint16_t outer_port, SimTime now) {
  const Session* open = nullptr;
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    const Session& s = sessions_[i];
    if (!lives(s, now) || s.outer_port != outer_port) continue;
    const Endpoint other{s.remote_ip, s.remote_port};
    if (other == remote) return Inbound{s.inner, s.inner_port, static_cast<std::uint16_t>(i)};
    if (open == nullptr && same_remote(spec_.filtering, other, remote)) open = &s;
  }
  if (open == nullptr) return std::nullopt;
  const Session fresh{remote.ip, remote.port, open->inner_port, outer_port, open->inner, expiry(now)};
  const auto index = add(fresh, now);
  if (!index) return std::nullopt;
  return Inbound{fresh.inner, fresh.inner_port, *index};
}

void NatBox::pin(std::uint16_t session) noexcept {
  sessions_[session].expires = kPinned;
}

void NatBox::release(std::uint16_t session, SimTime now) noexcept {
  if (sessions_[session].expires == kPinned) sessions_[session].expires = expiry(now);
}

void NatBox::forget(std::uint16_t session) noexcept {
  sessions_[session].expires = kFree;
}

void NatBox::forget_everything() noexcept {
  for (Session& s : sessions_) s.expires = kFree;
}

std::size_t NatBox::live_sessions(SimTime now) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(sessions_.begin(), sessions_.end(), [&](const Session& s) { return lives(s, now); }));
}

NatSpec full_cone() noexcept {
  NatSpec spec;
  spec.filtering = NatRule::endpoint_independent;
  return spec;
}

NatSpec restricted() noexcept {
  NatSpec spec;
  spec.filtering = NatRule::address_dependent;
  return spec;
}

NatSpec port_restricted() noexcept {
  return {};
}

NatSpec symmetric() noexcept {
  NatSpec spec;
  spec.mapping = NatRule::address_and_port_dependent;
  spec.ports = PortAllocation::random;
  return spec;
}

}  // namespace np2p::sim
