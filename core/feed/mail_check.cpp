#include "core/feed/mail_check.h"

#include <utility>
#include <vector>

#include "core/event/validation.h"
#include "core/feed/deletions.h"
#include "core/feed/routes.h"
#include "core/overlay/overlay.h"
#include "core/wire/packet.h"
#include "core/wire/stream.h"

namespace np2p {
namespace {

std::optional<std::vector<Event>> events_in(std::uint8_t channel, const Frame& payload, const Limits& limits) {
  Frame packet = payload;
  if (channel == static_cast<std::uint8_t>(Channel::stream)) {
    auto part = decode_stream_part(payload.view(), limits);
    if (!part.ok()) return std::nullopt;
    packet = part->packet;
    if (packet.empty()) return std::vector<Event>{};  // all of it is gone
  }
  auto decoded = decode_packet(packet.view(), limits);
  if (!decoded.ok()) return std::nullopt;
  return std::move(decoded->events);
}

}  // namespace

bool is_of(const MailStream& stream, const Letter& letter, const Limits& limits) {
  if (letter.channel != static_cast<std::uint8_t>(Channel::stream)) return true;
  const auto part = decode_stream_part(letter.payload.view(), limits);
  if (!part.ok()) return true;
  const StreamHead& head = part->head;
  return head.author == stream.author && head.incarnation == stream.incarnation && head.seq == letter.seq;
}

LetterFate fate_of(std::uint8_t channel, const Frame& payload, const Config& config, Host& host) {
  auto events = events_in(channel, payload, config.limits);
  if (!events) return LetterFate::junk;
  std::size_t bad = 0;
  const std::size_t all = events->size();
  for (Event& event : *events) {
    if (host.store.contains(event.id)) continue;
    const auto valid = ValidationGate::validate(std::move(event), config.limits, host.verifier);
    if (!valid) {
      ++bad;
      continue;
    }
    const Event& good = **valid;
    if (kind::class_of(good.kind) == kind::Class::ephemeral || deletion_of(good, host.store)) continue;
    if (good.created_at > unix_seconds(host.clock.wall() + config.limits.future_tolerance)) return LetterFate::refused;
    if (good.kind == kind::reaction && !target_of(good, host.store)) continue;
    // Superseded, or evicted right away: the store says the same again.
    const PutOutcome outcome = host.store.put(*valid);
    if (outcome == PutOutcome::refused || outcome == PutOutcome::trouble) return LetterFate::refused;
  }
  return bad > 0 && bad == all ? LetterFate::junk : LetterFate::taken;
}

}  // namespace np2p
