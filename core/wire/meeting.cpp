#include "core/wire/meeting.h"

#include "core/wire/swarm_fields.h"

namespace np2p::swarm {

std::uint8_t to_byte(NatClass nat) noexcept {
  return static_cast<std::uint8_t>(static_cast<unsigned>(nat.mapping) | static_cast<unsigned>(nat.filtering) << 4);
}

NatClass nat_class_of(std::uint8_t byte) noexcept {
  NatClass nat;
  if ((byte & 0x0Fu) < static_cast<unsigned>(Mapping::count_)) nat.mapping = static_cast<Mapping>(byte & 0x0Fu);
  if (byte >> 4 < static_cast<int>(Filtering::count_)) nat.filtering = static_cast<Filtering>(byte >> 4);
  return nat;
}

std::string_view name(NatClass nat) noexcept {
  switch (nat.mapping) {
    case Mapping::none:
      return "public";
    case Mapping::dependent:
      return "symmetric";
    case Mapping::independent:
      break;
    case Mapping::unknown:
    case Mapping::count_:
      return "unknown";
  }
  switch (nat.filtering) {
    case Filtering::independent:
      return "full cone";
    case Filtering::address:
      return "restricted";
    case Filtering::port:
      return "port restricted";
    case Filtering::unknown:
    case Filtering::count_:
      break;
  }
  return "endpoint-independent";
}

bool can_punch(NatClass a, NatClass b) noexcept {
  const auto foretold = [](NatClass nat) {
    return nat.mapping == Mapping::independent || nat.mapping == Mapping::unknown;
  };
  const auto lets_in = [](NatClass to, NatClass from) {
    return from.mapping == Mapping::dependent && to.filtering != Filtering::port;
  };
  if (foretold(a) && foretold(b)) return true;
  return (foretold(a) && lets_in(a, b)) || (foretold(b) && lets_in(b, a));
}

namespace {

template <class Io, class M>
void fields(Io& io, M& m, std::uint8_t& nat) {
  io.choice(m.step, Meeting::Step::sorry);
  io.number(m.tunnel);
  io.number(nat);
  io.address(m.listens);
  io.address(m.mapped);
  io.address(m.lan);
}

}  // namespace

Frame encode_meeting(const Meeting& meeting) {
  FieldWriter out;
  std::uint8_t nat = to_byte(meeting.nat);
  fields(out, meeting, nat);
  return Frame(out.out());
}

Result<Meeting> decode_meeting(ByteView bytes) {
  FieldReader in(bytes);
  Meeting meeting;
  std::uint8_t nat = 0;
  fields(in, meeting, nat);
  if (!in.ok()) return error(ErrorCode::malformed, "a meeting that does not parse");
  meeting.nat = nat_class_of(nat);
  return meeting;
}

}  // namespace np2p::swarm
