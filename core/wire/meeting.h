// What two nodes tell each other when one wants a link to the other: what is known of either's NAT, and where to dial.
// Travels as a routed message (so it is known whom it comes from), in a channel of the overlay's own.
#pragma once

#include <string_view>

#include "core/wire/swarm_messages.h"

namespace np2p::swarm {

inline constexpr std::uint8_t kMeetingChannel = 2;  // beside those of core/overlay/overlay.h

// A NAT in the words of RFC 4787, as far as it could be found out.
enum class Mapping : std::uint8_t {
  unknown,
  none,         // can be dialled: no NAT, or one that forwards
  independent,  // one outer port, whoever is dialled
  dependent,    // another one for each: cannot be foretold ("symmetric")
  count_,
};
enum class Filtering : std::uint8_t {
  unknown,
  independent,  // anybody may come in by an open mapping
  address,      // whoever has been dialled, from any port
  port,         // only from the very port that has been dialled
  count_,
};
struct NatClass {
  Mapping mapping = Mapping::unknown;
  Filtering filtering = Filtering::unknown;
  friend bool operator==(const NatClass&, const NatClass&) = default;
};
std::uint8_t to_byte(NatClass nat) noexcept;
NatClass nat_class_of(std::uint8_t byte) noexcept;  // what a later version says more is unknown
std::string_view name(NatClass nat) noexcept;       // "port restricted", "symmetric", ...
// Can SYNs of both sides meet? What is not known is worth a try.
bool can_punch(NatClass a, NatClass b) noexcept;

struct Meeting {
  enum class Step : std::uint8_t {
    ask,    // "I want a link to you": opens the tunnel of that number, unless `listens` says where to dial me
    here,   // at once: what the other side has to know for the next steps
    ready,  // my mapping, for the punch
    start,  // my mapping, and: now
    sorry,  // no link, for now
    count_,
  } step = Step::ask;
  std::uint64_t tunnel = 0;
  NatClass nat;
  Address listens;  // where I can be dialled; unspecified: nowhere
  Address mapped;   // the outer side of the port from which I will dial; its IP address alone in ask and here
  Address lan;      // where I listen on the LAN
  friend bool operator==(const Meeting&, const Meeting&) = default;
};
Frame encode_meeting(const Meeting& meeting);
Result<Meeting> decode_meeting(ByteView bytes);

}  // namespace np2p::swarm
