// The members of somebody's cell, as its head knows them: the beginnings of their ids and one or two relays of each. It
// changes by versions; who holds the list of a version keeps it whatever comes later.
#pragma once

#include <memory>
#include <vector>

#include "core/base/heap_bytes.h"
#include "core/wire/cell_messages.h"

namespace np2p::swarm {

class CellRoster {
 public:
  // The list that comes of this one and a change of it. Refused: a change of another version, of places that are not
  // there, relays that are not named, more than a cell may have, somebody twice.
  static Result<std::shared_ptr<const CellRoster>> changed(const std::shared_ptr<const CellRoster>& old,
                                                           const CellAssign& change);

  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
  [[nodiscard]] const CellMember& member(std::size_t place) const noexcept { return members_[place]; }
  // By whom it is reached: by its other relay on odd ways, if it has one.
  [[nodiscard]] const NodeId& via(std::size_t place, unsigned way) const noexcept;
  [[nodiscard]] bool has_other(std::size_t place) const noexcept { return members_[place].other != kNoVia; }
  [[nodiscard]] const std::vector<NodeId>& vias() const noexcept { return vias_; }
  // Where it stands; size() if it does not.
  [[nodiscard]] std::size_t place_of(ShortNode who) const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept {
    return sizeof *this + heap_bytes(members_) + heap_bytes(vias_) + heap_bytes(order_);
  }

 private:
  void drop_unused_vias();
  bool index();  // false: somebody stands there twice

  std::uint32_t version_ = 0;
  std::vector<CellMember> members_;
  std::vector<NodeId> vias_;
  std::vector<std::uint16_t> order_;  // places, ascending by who stands there
};

}  // namespace np2p::swarm
