// What a NAT box does, in the words of RFC 4787 and RFC 5382. The settings are independent of each other; the classic
// names (full cone and so on) are only four points of that space.
#pragma once

#include <cstdint>

#include "core/base/time.h"

namespace np2p::sim {

// On what the answer depends: on nothing but the inner endpoint, on the remote address too, or on its port as well.
enum class NatRule : std::uint8_t { endpoint_independent, address_dependent, address_and_port_dependent };

enum class PortAllocation : std::uint8_t {
  preserving,  // the inner port if it is free, else the next free one
  sequential,
  random,
};

struct NatSpec {
  NatRule mapping = NatRule::endpoint_independent;
  NatRule filtering = NatRule::address_and_port_dependent;
  PortAllocation ports = PortAllocation::preserving;
  Duration mapping_timeout = std::chrono::minutes{124};  // idle TCP mappings live 2 h 4 min (RFC 5382, REQ-5)
  bool hairpin = false;                                  // true: inside hosts reach each other by their outer addresses
  bool refuses = false;  // true: a SYN that may not come in is answered with a reset, instead of silence
  friend bool operator==(const NatSpec&, const NatSpec&) = default;
};

NatSpec full_cone() noexcept;
NatSpec restricted() noexcept;
NatSpec port_restricted() noexcept;
NatSpec symmetric() noexcept;

}  // namespace np2p::sim
