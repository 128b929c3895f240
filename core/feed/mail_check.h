// What a letter turned out to be, once it has passed the gate.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/config.h"
#include "core/base/frame.h"
#include "core/host/host.h"
#include "core/wire/guardian_messages.h"

namespace np2p {

enum class LetterFate : std::uint8_t {
  taken,    // everything in it is in the store, or nothing that our user wants (deleted, superseded)
  refused,  // some of it is good and the store did not take it, or it lies in the future: it may be taken later
  junk,     // nothing in it is what its author signed
};

// It is asked of the store, which alone is believed.
[[nodiscard]] LetterFate fate_of(std::uint8_t channel, const Frame& payload, const Config& config, Host& host);
// Does it belong to the stream, and the number, under which it came? What is no part of a stream says nothing of it.
[[nodiscard]] bool is_of(const MailStream& stream, const Letter& letter, const Limits& limits);

}  // namespace np2p
