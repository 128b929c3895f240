// Home routers that open a port when they are asked: NAT-PMP (RFC 6886, libnatpmp) and UPnP IGD (libminiupnpc). Both
// libraries block, so this is for a helper thread (net/port_mapping.h). Every call is over within a few seconds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "core/base/address.h"
#include "core/base/time.h"

namespace np2p::real {

class Gateway {
 public:
  struct Mapped {
    Address external;
    Duration lifetime;  // 0: for ever
  };
  virtual ~Gateway() = default;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  // Makes the mapping of this TCP port or renews it; nothing if there is no such router or it does not want to.
  virtual std::optional<Mapped> map(std::uint16_t port, Duration lifetime) = 0;
  virtual void unmap() = 0;  // what map() made, if anything
};

std::unique_ptr<Gateway> natpmp_gateway();
// `host`: the address of ours that the mapping leads to; unspecified: the one that the router is seen from.
std::unique_ptr<Gateway> upnp_gateway(const Address& host);

}  // namespace np2p::real
