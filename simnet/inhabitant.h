// Who lives on a host of the fabric. A nostrp2p node is one kind (simnet/host.h); tests and benchmarks bring smaller
// ones. All calls come from the fabric, one at a time, at the virtual time of the input.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/frame.h"
#include "core/host/network.h"

namespace np2p::sim {

class Inhabitant {
 public:
  virtual ~Inhabitant() = default;
  [[nodiscard]] virtual const NodeId& node_id() const noexcept = 0;
  // Those of another network are refused by the Hello.
  [[nodiscard]] virtual std::string_view network_id() const noexcept { return {}; }
  virtual void link_up(const LinkInfo& info) = 0;
  virtual void frame(LinkId link, const Frame& frame) = 0;
  virtual void writable(LinkId /*link*/) {}
  virtual void link_down(LinkId link, CloseReason reason) = 0;
  // What it asked for with Fabric::own_event_at.
  virtual void own_event(std::uint8_t /*tag*/, std::uint64_t /*payload*/) {}
};

}  // namespace np2p::sim
