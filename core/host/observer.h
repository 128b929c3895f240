// Port: what the node says about its own work. Hosts count, log or draw it; it never comes back as an input, so an
// implementation that does nothing is always right.
#pragma once

#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/base/strong_int.h"
#include "core/host/network.h"

namespace np2p {

class Observer {
 public:
  virtual ~Observer() = default;
  // An event reached this node for the first time, over `link` (0: its own client).
  virtual void event_accepted(const EventId& /*id*/, LinkId /*link*/) {}
  // What the frame being handled turned out to be; without a call it counts as what its sender said.
  virtual void frame_was(Traffic /*traffic*/) {}
  // Input refused; counted by code. `what` names the kind of input ("packet", "event", "gossip", ...).
  virtual void rejected(std::string_view /*what*/, const Error& /*why*/, LinkId /*link*/) {}
  // A state change worth one line in a log, e.g. "peer 1d844d0aa1d8 joined".
  virtual void noted(std::string_view /*line*/) {}
};

}  // namespace np2p
