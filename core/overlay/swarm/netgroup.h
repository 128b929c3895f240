// Who probably belongs to one owner: /16 of IPv4, /32 of IPv6; finer where tests live, never where one LAN is.
#pragma once

#include <cstdint>

#include "core/base/address.h"

namespace np2p::swarm {

// 0: of no group that would say anything (loopback, private).
inline std::uint64_t netgroup(const Address& address) noexcept {
  if (address.is_loopback() || address.is_private()) return 0;
  if (address.is_v4()) {
    const std::uint32_t ip = address.v4_host_order();
    return (ip >> 17 == 0xC612u >> 1 ? ip >> 8 : ip >> 16) + 1;
  }
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < 4; ++i) prefix = prefix << 8 | address.ip[i];
  return prefix + (std::uint64_t{1} << 40);
}

}  // namespace np2p::swarm
