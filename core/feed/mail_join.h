// Letters of one stream that follow each other, as one: each came with a head of its own, and the last head proves all
// of them, so the others need not be sent.
#pragma once

#include <vector>

#include "core/base/limits.h"
#include "core/wire/extension.h"

namespace np2p {

// How many numbers of its stream a letter brings, its own being the last; 1 if it does not say.
[[nodiscard]] std::uint64_t covered_by(const Letter& letter, const Limits& limits);
// The same letters, as few as possible. What does not parse, or has lost an event, stays as it is.
[[nodiscard]] std::vector<Letter> join_letters(std::vector<Letter> letters, const Limits& limits);

}  // namespace np2p
