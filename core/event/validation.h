// The one gate in. Every event from anywhere (a peer, a client, a file) passes validate() before anything else looks
// at it: limits first (cheap), then the id recomputed from the canonical bytes, then the signature. What comes out is
// an EventPtr, the only kind of event that stores, feeds and answers accept. It is here that an event is too large, or
// has too many tags, for its kind (size_limits.h), whoever it comes from.
#pragma once

#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/event/event.h"
#include "core/event/verifier.h"

namespace np2p {

class ValidationGate {
 public:
  // Errors: too_large, bad_kind (40000 is the original's request, never an event), bad_field (content or a tag is not
  // UTF-8, or a tag is empty: NIP-01 wants one or more strings; or a BIND that says nothing clear), bad_time (negative,
  // or beyond 2^53: not exact as the wire's float64), bad_id, bad_signature.
  // `written` is the JSON that it was read from, if that can be sent on as it is (WrittenEvent). The event keeps its
  // written_form(), of a text that is no longer than the event may be.
  static Result<EventPtr> validate(Event event, const Limits& limits, Verifier& verifier,
                                   std::string_view written = {});

  // For stores only: an event that passed validate() before it was written. Recomputes the id, which detects a rotten
  // row (the id is the hash of all the rest but the signature); does not verify the signature again.
  // `form` is its EventPtr::written().
  static Result<EventPtr> trusted(Event event, std::string_view form = {});
};

}  // namespace np2p
