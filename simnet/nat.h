// A NAT box: sessions and the rules by which packets pass it. A session is one conversation of an inner endpoint with a
// remote one; mapping behaviour says which sessions share an outer port, filtering which remotes may use it inwards.
// The box moves no packets and knows no links: it answers questions at the time of asking. Time out of a session that
// an established link holds is the link's business (idle links cost no events): it pins the session and releases it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/rng.h"
#include "simnet/base.h"
#include "simnet/nat_spec.h"

namespace np2p::sim {

class NatBox {
 public:
  NatBox(const NatSpec& spec, std::uint64_t seed, BoxIndex index);

  struct Outbound {
    std::uint16_t outer_port = 0;
    std::uint16_t session = 0;
  };
  // A packet from `inner` (the box's number of a machine inside) and its port to `remote`. Nothing if the box is full.
  std::optional<Outbound> outbound(std::uint16_t inner, std::uint16_t inner_port, Endpoint remote, SimTime now);

  struct Inbound {
    std::uint16_t inner = 0;
    std::uint16_t inner_port = 0;
    std::uint16_t session = 0;
  };
  // A packet from `remote` to our outer port: where it goes, or nothing if it is filtered.
  std::optional<Inbound> inbound(Endpoint remote, std::uint16_t outer_port, SimTime now);

  void pin(std::uint16_t session) noexcept;                   // a link holds it: no timeout of its own
  void release(std::uint16_t session, SimTime now) noexcept;  // the link is gone; the box forgets it after a while
  void forget(std::uint16_t session) noexcept;
  void forget_everything() noexcept;
  // The session of this conversation, if it lives.
  [[nodiscard]] std::optional<std::uint16_t> find(std::uint16_t inner, std::uint16_t inner_port, Endpoint remote,
                                                  SimTime now) const noexcept;
  [[nodiscard]] std::uint16_t outer_port(std::uint16_t session) const noexcept { return sessions_[session].outer_port; }
  [[nodiscard]] Endpoint remote(std::uint16_t session) const noexcept {
    return {sessions_[session].remote_ip, sessions_[session].remote_port};
  }

  [[nodiscard]] const NatSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return sizeof *this + sessions_.capacity() * sizeof(Session); }
  [[nodiscard]] std::size_t live_sessions(SimTime now) const noexcept;

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kPinned = 0xFFFF'FFFFu;
  static constexpr SimTime kTick = 10 * kMillisecond;
  struct Session {
    std::uint32_t remote_ip = 0;
    std::uint16_t remote_port = 0;
    std::uint16_t inner_port = 0;
    std::uint16_t outer_port = 0;
    std::uint16_t inner = 0;
    std::uint32_t expires = kFree;  // in ticks, rounded up; kFree: no session; kPinned: held by a link
  };
  static_assert(sizeof(Session) == 16);

  [[nodiscard]] static std::uint32_t tick(SimTime now) noexcept { return static_cast<std::uint32_t>(now / kTick); }
  [[nodiscard]] static bool lives(const Session& s, SimTime now) noexcept { return s.expires > tick(now); }
  [[nodiscard]] std::uint32_t expiry(SimTime now) const noexcept;
  [[nodiscard]] bool port_is_taken(std::uint16_t port, SimTime now) const noexcept;
  std::optional<std::uint16_t> allocate_port(std::uint16_t wanted, SimTime now);
  std::optional<std::uint16_t> add(const Session& session, SimTime now);

  NatSpec spec_;
  std::uint16_t next_port_ = 1024;  // sequential allocation
  std::uint64_t random_;            // random allocation
  std::vector<Session> sessions_;
};

}  // namespace np2p::sim
