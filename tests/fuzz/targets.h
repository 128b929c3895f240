// What must hold for any bytes whatever. Each function is the body of a libFuzzer target (tests/fuzz/*_fuzz.cpp) and
// is also run over the corpus and mutations of it by an ordinary unit test (tests/core/wire/fuzz_corpus_test.cpp).
// A property that does not hold aborts through NP2P_ASSERT.
#pragma once

#include <vector>

#include "core/base/assert.h"
#include "core/event/canonical.h"
#include "core/event/client_message.h"
#include "core/event/filter.h"
#include "core/event/json.h"
#include "core/event/size_limits.h"
#include "core/event/validation.h"
#include "core/wire/packet.h"

namespace np2p::fuzz {

// Says yes to everything: fuzzing cannot find signatures, and is to get past them.
class TrustingVerifier final : public Verifier {
 public:
  bool verify(const EventId&, const PubKey&, const Signature&) override { return true; }
};

// The event with the id that belongs to it, through the gate; null if the gate refuses it.
inline EventPtr through_gate(Event event, const Limits& limits) {
  TrustingVerifier verifier;
  event.id = compute_id(event);
  auto valid = ValidationGate::validate(std::move(event), limits, verifier);
  return valid.ok() ? *valid : EventPtr();
}

// What passed the gate survives every encoding, within the same limits.
inline void check_encodings(const EventPtr& event, const Limits& limits) {
  const auto packet = decode_packet(encode_events({&event, 1}).view(), limits);
  NP2P_ASSERT(packet.ok() && packet->events.size() == 1 && packet->events[0] == *event);
  const std::string answer = encode_answer({&event, 1}, true);
  const auto answered = decode_answer(bytes_of(answer), limits);
  NP2P_ASSERT(answered.ok() && answered->size() == 1 && (*answered)[0] == *event);
  const auto parsed = parse_event_json(event_json(*event), limits);
  NP2P_ASSERT(parsed.ok() && *parsed == *event);
}

inline void packet_decode(ByteView bytes) {
  const Limits limits;
  (void)decode_answer(bytes, limits);
  const auto packet = decode_packet(bytes, limits);
  if (!packet.ok()) {
    NP2P_ASSERT(!packet.error().reason.empty());
    return;
  }
  NP2P_ASSERT(packet->events.size() <= limits.packet_events && packet->requests.size() <= limits.packet_requests);
  for (const Event& event : packet->events) {
    NP2P_ASSERT(event.content.size() <= limits.frame_bytes && event.tags.bytes() <= limits.frame_bytes);
    NP2P_ASSERT(event.tags.size() <= kMostTags && event.created_at >= 0);
    const EventPtr valid = through_gate(event, limits);
    if (!valid) continue;
    const SizeLimits most = size_limits(event.kind, limits);
    NP2P_ASSERT(event.content.size() <= most.bytes && event.tags.bytes() <= most.bytes);
    NP2P_ASSERT(event.tags.size() <= most.tags);
    check_encodings(valid, limits);
  }
  for (const Request& request : packet->requests) {
    const auto again = decode_packet(encode_request(request).view(), limits);
    NP2P_ASSERT(again.ok() && again->requests.size() == 1 && again->requests[0] == request);
  }
}

// What an event was written like, if that is to be sent on, says that very event, and comes back byte for byte.
inline void check_text(const Event& event, std::string_view text, const Limits& limits) {
  if (text.empty()) return;
  const auto again = parse_written_event(text, limits);
  NP2P_ASSERT(again.ok() && again->event == event && again->text == text);
  TrustingVerifier verifier;
  const auto valid = ValidationGate::validate(event, limits, verifier, text);
  if (valid.ok() && text.size() <= size_limits(event.kind, limits).bytes) NP2P_ASSERT(event_json(*valid) == text);
}

inline void event_json_parse(ByteView bytes) {
  const Limits limits;
  const auto written = parse_written_event(text_of(bytes), limits);
  if (!written.ok()) {
    NP2P_ASSERT(!written.error().reason.empty());
    return;
  }
  check_text(written->event, written->text, limits);
  if (const EventPtr valid = through_gate(written->event, limits)) check_encodings(valid, limits);
}

inline void filter_json_parse(ByteView bytes) {
  const auto filter = parse_filter_json(text_of(bytes));
  if (!filter.ok()) {
    NP2P_ASSERT(!filter.error().reason.empty());
    return;
  }
  Event event;
  event.created_at = 1'700'000'000;
  event.kind = kind::post;
  event.tags.add({"e", "x"});
  const bool found = matches(*filter, event);
  NP2P_ASSERT(!found || !filter->since || *filter->since <= event.created_at);
  NP2P_ASSERT(!found || !filter->until || *filter->until >= event.created_at);
}

inline void client_message_parse(ByteView bytes) {
  const Limits limits;
  const auto message = parse_client_message(text_of(bytes), limits);
  if (!message.ok()) {
    NP2P_ASSERT(!message.error().reason.empty());
  } else if (const auto* event = std::get_if<EventMessage>(&*message)) {
    NP2P_ASSERT(event->id.size() <= 2 * EventId::size);
    if (!event->event.ok()) return;
    check_text(*event->event, event->text, limits);
  } else if (const auto* question = std::get_if<AskMessage>(&*message)) {
    NP2P_ASSERT(!question->subscription.empty());
    NP2P_ASSERT(!question->filters.ok() || question->filters->size() <= limits.client.filters);
  }
}

}  // namespace np2p::fuzz
