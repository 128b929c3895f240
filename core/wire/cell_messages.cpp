#include "core/wire/cell_messages.h"

#include <string>
#include <type_traits>
#include <utility>

#include "core/wire/swarm_fields.h"

namespace np2p::swarm {
namespace {

constexpr std::size_t kMostBits = kMostOfCell / 8;

void places(FieldWriter& out, const PlaceSet& set) {
  out.number(static_cast<std::uint16_t>(set.bits().size()));
  out.bytes(set.bits());
}

void places(FieldReader& in, PlaceSet& set) {
  ByteVec bits;
  in.list(bits, 1, [&](std::uint8_t& byte) { in.number(byte); });
  if (bits.size() > kMostBits || (!bits.empty() && bits.back() == 0)) return in.fail();
  set = PlaceSet(std::move(bits));
}

// As in swarm_messages.cpp: once for both directions.
template <class Io, class M>
void fields(Io& io, M& m, std::size_t room) {
  using T = std::remove_const_t<M>;
  if constexpr (std::is_same_v<T, CellAssign>) {
    io.number(m.cell);
    io.number(m.base);
    io.number(m.version);
    io.list(m.vias, NodeId::size, [&](auto& via) { io.fixed(via); });
    io.list(m.removed, sizeof(std::uint16_t), [&](auto& place) { io.number(place); });
    io.list(m.added, sizeof(ShortNode) + 2 * sizeof(std::uint16_t), [&](auto& one) {
      io.number(one.who);
      io.number(one.via);
      io.number(one.other);
    });
  } else if constexpr (std::is_same_v<T, CellCopy>) {
    io.fixed(m.origin);
    io.number(m.cell);
    io.number(m.version);
    io.number(m.turn);
    io.number(m.channel);
    io.number(m.tag);
    places(io, m.to);
    io.blob(m.payload, room);
  } else if constexpr (std::is_same_v<T, CellTrouble>) {
    io.choice(m.kind, CellTrouble::Kind::refused);
    io.number(m.cell);
    io.number(m.tag);
  } else if constexpr (std::is_same_v<T, CellReceipts>) {
    io.number(m.cell);
    io.number(m.version);
    io.number(m.tag);
    places(io, m.got);
    io.array(m.mac);
  } else if constexpr (std::is_same_v<T, CellAsk>) {
    io.number(m.cell);
    io.number(m.version);
    io.number(m.tag);
    places(io, m.which);
  } else if constexpr (std::is_same_v<T, CellMacs>) {
    io.number(m.cell);
    io.number(m.version);
    io.number(m.tag);
    io.list(m.macs, sizeof(std::uint16_t) + sizeof(CellMac), [&](auto& one) {
      io.number(one.place);
      io.array(one.mac);
    });
  }
}

template <std::size_t I = 0>
Result<CellMessage> decode_as(std::size_t type, ByteView body, const Limits& limits) {
  if constexpr (I == std::variant_size_v<CellMessage>) {
    return error(ErrorCode::unknown_type, "a message about cells of the unknown type " + std::to_string(type));
  } else {
    if (type != I + 1) return decode_as<I + 1>(type, body, limits);
    std::variant_alternative_t<I, CellMessage> message{};
    FieldReader in(body);
    fields(in, message, limits.frame_bytes);
    if (!in.ok()) return error(ErrorCode::malformed, "a message about cells that does not parse");
    return CellMessage{std::move(message)};
  }
}

}  // namespace

// The type byte is the place in CellMessage's list, from 1: new types are added at its end.
Frame encode_cell(const CellMessage& message) {
  FieldWriter out;
  out.number(static_cast<std::uint8_t>(message.index() + 1));
  std::visit([&](const auto& m) { fields(out, m, 0); }, message);
  return Frame(out.out());
}

Result<CellMessage> decode_cell(ByteView bytes, const Limits& limits) {
  if (bytes.empty()) return error(ErrorCode::malformed, "an empty message about cells");
  return decode_as(bytes[0], bytes.subspan(1), limits);
}

}  // namespace np2p::swarm
