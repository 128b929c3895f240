// What a user's posts weigh in the mean: bytes a day, as they cost each server that gets them.
//
// Why not what servers declare of their users, nor what comes along? Whoever can invent servers can declare anything in
// their names, and whoever can post can post ten thousand times a day: either would flip the network at will. Counted
// is what this server's user has chosen: the own posts and those of the authors he follows, over the last seven days,
// as they stand in the store; of each no more than 50 a day, of 2 KiB. A spammer counts with those who follow him, and
// there as one busy author. A user who follows fewer than five authors known for three days knows too little: the
// missing ones count as if they posted 10 times a day, 800 bytes.
//
// What this costs in truth: people follow those who have something to say, so it is more than the mean of all users,
// rather than less, and a network goes over to followers somewhat earlier than the budget says.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/time.h"
#include "core/host/store.h"

namespace np2p {

inline constexpr std::uint64_t kUsualBytesPerDay = 10 * 800;

// Of many followed authors each call looks at some, from `turn` on: over a few calls all had theirs.
std::uint64_t mean_bytes_per_day(const PubKey& owner, Store& store, WallTime now, std::size_t turn);

}  // namespace np2p
