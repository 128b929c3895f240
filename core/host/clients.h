// Port: answers to clients that cannot be given at once. A publish is answered when it is durable; reads are answered
// by the call itself (core/api).
#pragma once

#include "core/base/result.h"
#include "core/base/strong_int.h"

namespace np2p {

class Clients {
 public:
  virtual ~Clients() = default;
  // Exactly once per accepted publish call. After this with ok(), the event survives any crash.
  virtual void published(RequestId request, const Status& outcome) = 0;
};

}  // namespace np2p
