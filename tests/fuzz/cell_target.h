// What must hold for any bytes as a message about cells: what decodes means the same after another round, within the
// limits, and is not larger than what came; and no list of members comes of it that has more than a cell may have. The
// body of the libFuzzer target cell_messages_fuzz.cpp; tests/core/wire/cell_messages_test.cpp runs it over samples of
// every type and mutations of them.
#pragma once

#include "core/base/assert.h"
#include "core/overlay/swarm/cell_roster.h"
#include "core/wire/cell_messages.h"

namespace np2p::fuzz {

inline void cell_message(ByteView bytes) {
  const Limits limits;
  const auto message = swarm::decode_cell(bytes, limits);
  if (!message.ok()) {
    NP2P_ASSERT(!message.error().reason.empty());
    return;
  }
  const Frame again = swarm::encode_cell(*message);
  NP2P_ASSERT(again.size() <= bytes.size());
  const auto second = swarm::decode_cell(again.view(), limits);
  NP2P_ASSERT(second.ok() && *second == *message);
  if (const auto* list = std::get_if<swarm::CellAssign>(&*message)) {
    const auto roster = swarm::CellRoster::changed(nullptr, *list);
    NP2P_ASSERT(!roster.ok() || ((*roster)->size() == list->added.size() && list->base == 0));
  }
}

}  // namespace np2p::fuzz
