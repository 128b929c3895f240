// What an author and the heads of its cells tell each other (core/overlay/swarm/cells.h). These travel as routed
// messages in a channel of their own, so it is known whom they come from. The members of a cell stand in an order that
// both sides know; a message names them by their places in it.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <variant>
#include <vector>

#include "core/wire/swarm_messages.h"

namespace np2p::swarm {

inline constexpr std::uint8_t kCellChannel = 4;  // beside kMeetingChannel and those of core/overlay/overlay.h
inline constexpr std::size_t kMostOfCell = 32'768;
inline constexpr std::size_t kMembersTold = 2048;  // in one message
inline constexpr std::uint16_t kFirstPart = 256;   // numbers from here on are of parts into which heads divide cells
inline constexpr std::uint16_t kNoVia = 0xFFFF;

// A set of places, bit by place; none of its last byte is zero, so that equal sets are equal bytes.
class PlaceSet {
 public:
  PlaceSet() = default;
  explicit PlaceSet(ByteVec bits) : bits_(std::move(bits)) {}
  void add(std::size_t place) {
    if (bits_.size() <= place / 8) bits_.resize(place / 8 + 1);
    bits_[place / 8] = static_cast<std::uint8_t>(bits_[place / 8] | 1u << place % 8);
  }
  [[nodiscard]] bool has(std::size_t place) const noexcept {
    return place / 8 < bits_.size() && (bits_[place / 8] >> place % 8 & 1u) != 0;
  }
  [[nodiscard]] bool empty() const noexcept { return bits_.empty(); }
  [[nodiscard]] std::size_t count() const noexcept {
    std::size_t sum = 0;
    for (const std::uint8_t byte : bits_) sum += static_cast<std::size_t>(std::popcount(byte));
    return sum;
  }
  // All places are below this.
  [[nodiscard]] std::size_t end() const noexcept { return bits_.size() * 8; }
  [[nodiscard]] const ByteVec& bits() const noexcept { return bits_; }
  friend bool operator==(const PlaceSet&, const PlaceSet&) = default;

 private:
  ByteVec bits_;
};

struct CellMember {
  ShortNode who = 0;
  std::uint16_t via = 0;         // place of its relay, or of itself if it can be dialled, in the list of relays
  std::uint16_t other = kNoVia;  // of another relay
  friend bool operator==(const CellMember&, const CellMember&) = default;
};
// "These are the members of that cell of mine, and you are its head, or its backup."
struct CellAssign {
  std::uint16_t cell = 0;
  std::uint32_t base = 0;              // the version that this changes; 0: it is the beginning of a list
  std::uint32_t version = 0;           // then
  std::vector<NodeId> vias;            // of those added
  std::vector<std::uint16_t> removed;  // places, ascending
  std::vector<CellMember> added;       // behind those that stay
  friend bool operator==(const CellAssign&, const CellAssign&) = default;
};
struct CellCopy {  // for the members of a cell
  NodeId origin;   // whose payload it is
  std::uint16_t cell = 0;
  std::uint32_t version = 0;
  std::uint8_t turn = 0;  // 1: by their other relays first
  std::uint8_t channel = 0;
  std::uint64_t tag = 0;
  PlaceSet to;  // empty: all
  Frame payload;
  friend bool operator==(const CellCopy&, const CellCopy&) = default;
};
struct CellTrouble {  // with a copy
  enum class Kind : std::uint8_t {
    unknown,  // "I do not have that version of your cell"
    refused,  // "I carry nothing for you, now"
  } kind = Kind::unknown;
  std::uint16_t cell = 0;
  std::uint64_t tag = 0;
  friend bool operator==(const CellTrouble&, const CellTrouble&) = default;
};
using CellMac = std::array<std::uint8_t, 16>;
struct CellReceipts {  // what came since the last: an aggregate MAC (Katz and Lindell 2008)
  std::uint16_t cell = 0;
  std::uint32_t version = 0;
  std::uint64_t tag = 0;
  PlaceSet got;
  CellMac mac{};  // those of the members under the origin's key, XORed
  friend bool operator==(const CellReceipts&, const CellReceipts&) = default;
};
struct CellAsk {  // "their MACs do not add up: each alone, please"
  std::uint16_t cell = 0;
  std::uint32_t version = 0;
  std::uint64_t tag = 0;
  PlaceSet which;
  friend bool operator==(const CellAsk&, const CellAsk&) = default;
};
struct PlacedMac {
  std::uint16_t place = 0;
  CellMac mac{};
  friend bool operator==(const PlacedMac&, const PlacedMac&) = default;
};
struct CellMacs {
  std::uint16_t cell = 0;
  std::uint32_t version = 0;
  std::uint64_t tag = 0;
  std::vector<PlacedMac> macs;
  friend bool operator==(const CellMacs&, const CellMacs&) = default;
};

struct CellWhere {  // "you lead a part of a cell of mine: where can you be dialled?"
  friend bool operator==(const CellWhere&, const CellWhere&) = default;
};
struct CellHere {
  Address listens;
  friend bool operator==(const CellHere&, const CellHere&) = default;
};

using CellMessage =
    std::variant<CellAssign, CellCopy, CellTrouble, CellReceipts, CellAsk, CellMacs, CellWhere, CellHere>;

Frame encode_cell(const CellMessage& message);
// Whether it carries somebody's payload, without reading it: the type stands first.
[[nodiscard]] bool is_cell_copy(ByteView bytes) noexcept;
Result<CellMessage> decode_cell(ByteView bytes, const Limits& limits);

}  // namespace np2p::swarm
