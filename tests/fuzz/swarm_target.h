// What must hold for any bytes as a message of the scalable overlay: what decodes means the same after another round,
// within the limits, and is not larger than what came. The body of the libFuzzer target swarm_messages_fuzz.cpp;
// tests/core/wire/swarm_messages_test.cpp runs it over samples of every type and mutations of them.
#pragma once

#include "core/base/assert.h"
#include "core/wire/swarm_fields.h"
#include "core/wire/swarm_messages.h"

namespace np2p::fuzz {

inline void swarm_message(ByteView bytes) {
  const Limits limits;
  const auto message = swarm::decode(bytes, limits);
  if (!message.ok()) {
    NP2P_ASSERT(!message.error().reason.empty());
    return;
  }
  const Frame again = swarm::encode(*message);
  NP2P_ASSERT(again.size() <= bytes.size());
  const auto second = swarm::decode(again.view(), limits);
  NP2P_ASSERT(second.ok() && *second == *message);
  NP2P_ASSERT(swarm::encode(*second) == again);
}

}  // namespace np2p::fuzz
