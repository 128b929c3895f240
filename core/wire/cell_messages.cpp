#include "core/wire/cell_messages.h"

#include <type_traits>
#include <utility>

#include "core/wire/message_list.h"

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

struct Fields {
  template <class Io, class M>
  void operator()(Io& io, M& m, std::size_t room) const {
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
    } else if constexpr (std::is_same_v<T, CellHere>) {
      io.address(m.listens);
    }
  }
};

}  // namespace

Frame encode_cell(const CellMessage& message) {
  return encode_one_of(message, Fields{});
}

bool is_cell_copy(ByteView bytes) noexcept {
  static const std::size_t copy = CellMessage(CellCopy{}).index();
  return !bytes.empty() && bytes[0] == copy + 1;
}

Result<CellMessage> decode_cell(ByteView bytes, const Limits& limits) {
  return decode_one_of<CellMessage>(bytes, limits, Fields{});
}

}  // namespace np2p::swarm
