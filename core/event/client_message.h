// What a Nostr client says over a WebSocket (NIP-01, 42, 45, 77): one JSON array, read strictly and within bounds.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/event/event.h"
#include "core/event/filter.h"

namespace np2p {

struct EventMessage {
  Result<Event> event;
  std::string id;  // as the client wrote it, if it did: its OK carries that; at most 64 characters
  // The event as the client wrote it, if that can be sent on as it is (WrittenEvent); valid as long as the message.
  std::string_view text;
  bool proves = false;  // AUTH: it is not to be stored
};
struct AskMessage {
  std::string subscription;
  Result<std::vector<Filter>> filters;
  bool count = false;  // COUNT: only how many
};
struct CloseMessage {
  std::string subscription;
  bool reconciling = false;  // NEG-CLOSE
};
struct ReconcileMessage {  // NEG-OPEN, or NEG-MSG, which goes on
  std::string subscription;
  // NEG-OPEN: of the set. NIP-77 has one; some clients send an array of them, as relays take it elsewhere.
  std::vector<Filter> filters;
  Result<ByteVec> step;  // of negentropy.h
};
using ClientMessage = std::variant<EventMessage, AskMessage, CloseMessage, ReconcileMessage>;

// An error (malformed, too_large, bad_field, unknown_type) is one to which nothing but a NOTICE can answer.
Result<ClientMessage> parse_client_message(std::string_view text, const Limits& limits);

}  // namespace np2p
