// Set reconciliation with whoever says anything at all (core/event/negentropy.h).
#pragma once

#include <algorithm>
#include <set>
#include <vector>

#include "core/base/assert.h"
#include "core/base/rng.h"
#include "core/event/negentropy.h"

namespace np2p::fuzz {

inline std::vector<Stamp> stamps(std::size_t count) {
  Rng rng(7, "stamps");
  std::vector<Stamp> set;
  for (std::size_t i = 0; i < count; ++i) {
    Stamp stamp;
    stamp.created_at = static_cast<std::int64_t>(1'700'000'000 + rng.below(50));  // several of one second
    for (std::uint8_t& byte : stamp.id.data) byte = static_cast<std::uint8_t>(rng.below(256));
    set.push_back(stamp);
  }
  return set;
}

// Whatever comes, an answer is no longer than its bound, names what is there, and is one that we understand ourselves.
inline void negentropy_message(ByteView bytes) {
  constexpr std::size_t kMost = Negentropy::kLeastMessage;
  for (const std::size_t count : {0u, 1u, 40u, 300u}) {
    const std::vector<Stamp> set = stamps(count);
    const Negentropy ours(set, kMost);
    const auto answer = ours.answer(bytes);
    if (answer.ok()) {
      NP2P_ASSERT(!answer->empty() && answer->size() <= kMost);
      // One byte says which version we speak, if theirs is none of ours.
      if (answer->size() > 1) NP2P_ASSERT(ours.answer(*answer).ok());
    } else {
      NP2P_ASSERT(!answer.error().reason.empty());
    }
    const auto step = ours.take(bytes);
    NP2P_ASSERT(step.ok() || !step.error().reason.empty());
    if (!step.ok()) continue;
    NP2P_ASSERT(step->message.size() <= kMost && (step->done || !step->message.empty()));
    std::set<EventId> there;
    for (const Stamp& stamp : set) there.insert(stamp.id);
    for (const EventId& id : step->have) NP2P_ASSERT(there.count(id) == 1);
    for (const EventId& id : step->need) NP2P_ASSERT(there.count(id) == 0);
    NP2P_ASSERT(step->need.size() * EventId::size <= bytes.size());
  }
}

}  // namespace np2p::fuzz
