// Set reconciliation (NIP-77's negentropy, protocol version 1): two sides find out which events only one of them has,
// with messages about as large as the difference. One side initiates with a message and learns the result; the other
// only answers, and keeps nothing but the set between two messages. Pure: bytes in, bytes out.
//
//   initiator   Negentropy ours(stamps, limit);  send(ours.initiate());
//               then for each reply: auto step = ours.take(reply);  step->have, step->need;  send(step->message) unless
//               step->done
//   responder   Negentropy ours(stamps, limit);  for each message: send(ours.answer(message))
//
// The set is a list of all ids with their times, divided by ranges: of each range a message has a fingerprint, all ids,
// or nothing because it is the same on both sides. What does not fit into one message comes with the next, and
// a later step may name again what an earlier one named.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/event/event.h"

namespace np2p {

class Negentropy {
 public:
  static constexpr std::size_t kLeastMessage = 4096;

  // In any order. No message of ours is longer than `message_bytes`, which is at least kLeastMessage.
  Negentropy(std::vector<Stamp> set, std::size_t message_bytes);

  [[nodiscard]] std::size_t size() const noexcept { return set_.size(); }

  [[nodiscard]] ByteVec initiate() const;
  struct Step {
    std::vector<EventId> have;  // that only we have
    std::vector<EventId> need;  // that only they have
    ByteVec message;            // the next one
    bool done = false;          // there is none
  };
  // Errors: malformed; wrong_version (they speak another one).
  [[nodiscard]] Result<Step> take(ByteView reply) const;

  // Error: malformed. To a version that we do not speak the answer says which one we do.
  [[nodiscard]] Result<ByteVec> answer(ByteView message) const;

 private:
  struct Bound;
  class Reader;
  class Message;

  [[nodiscard]] Result<ByteVec> reconcile(ByteView in, Step* step) const;
  void split(std::size_t from, std::size_t to, const Bound& end, Message& out) const;
  [[nodiscard]] std::array<std::uint8_t, 16> fingerprint(std::size_t from, std::size_t to) const;
  [[nodiscard]] std::size_t lower_bound(std::size_t from, const Bound& bound) const;

  std::vector<Stamp> set_;  // ascending
  std::size_t message_bytes_;
};

}  // namespace np2p
