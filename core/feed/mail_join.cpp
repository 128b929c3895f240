#include "core/feed/mail_join.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "core/overlay/overlay.h"
#include "core/wire/packet.h"
#include "core/wire/stream.h"

namespace np2p {
namespace {

// A letter with all the events that its head says.
struct Whole {
  StreamPart part;
  std::vector<Event> events;
};

std::optional<StreamPart> part_of(const Letter& letter, const Limits& limits) {
  if (letter.channel != static_cast<std::uint8_t>(Channel::stream)) return std::nullopt;
  auto part = decode_stream_part(letter.payload.view(), limits);
  if (!part.ok() || part->head.seq != letter.seq || part->covers == 0) return std::nullopt;
  return std::move(*part);
}

std::optional<Whole> whole(const Letter& letter, const Limits& limits) {
  auto part = part_of(letter, limits);
  if (!part || part->packet.empty()) return std::nullopt;
  auto packet = decode_packet(part->packet.view(), limits);
  if (!packet.ok() || !packet->requests.empty() || packet->events.size() != part->covers) return std::nullopt;
  return Whole{std::move(*part), std::move(packet->events)};
}

bool continues(const Whole& before, const Whole& next, const Limits& limits) {
  const StreamHead& a = before.part.head;
  const StreamHead& b = next.part.head;
  return a.author == b.author && a.epoch == b.epoch && a.incarnation == b.incarnation && a.base == b.base &&
         b.seq - next.part.covers == a.seq && before.events.size() + next.events.size() <= limits.packet_events;
}

}  // namespace

std::uint64_t covered_by(const Letter& letter, const Limits& limits) {
  const auto part = part_of(letter, limits);
  return part ? part->covers : 1;
}

std::vector<Letter> join_letters(std::vector<Letter> letters, const Limits& limits) {
  std::vector<Letter> joined;
  std::optional<Whole> open;  // the last of them, as far as it may go on
  std::size_t bytes = 0;      // of it
  for (Letter& letter : letters) {
    auto next = whole(letter, limits);
    const bool same = open && next && joined.back().stream == letter.stream && continues(*open, *next, limits) &&
                      bytes + letter.payload.size() <= limits.letter_bytes;
    if (!same) {
      bytes = letter.payload.size();
      joined.push_back(std::move(letter));
      open = std::move(next);
      continue;
    }
    bytes += letter.payload.size();
    std::move(next->events.begin(), next->events.end(), std::back_inserter(open->events));
    open->part.covers += next->part.covers;
    open->part.head = next->part.head;
    open->part.packet = encode_claims(open->events);
    joined.back().seq = letter.seq;
    joined.back().payload = encode_stream_part(open->part);
  }
  return joined;
}

}  // namespace np2p
