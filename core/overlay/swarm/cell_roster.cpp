#include "core/overlay/swarm/cell_roster.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace np2p::swarm {

const NodeId& CellRoster::via(std::size_t place, unsigned way) const noexcept {
  const CellMember& one = members_[place];
  return vias_[way % 2 == 1 && one.other != kNoVia ? one.other : one.via];
}

std::size_t CellRoster::place_of(ShortNode who) const noexcept {
  const auto at = std::lower_bound(order_.begin(), order_.end(), who,
                                   [&](std::uint16_t place, ShortNode sought) { return members_[place].who < sought; });
  return at != order_.end() && members_[*at].who == who ? *at : members_.size();
}

Result<std::shared_ptr<const CellRoster>> CellRoster::changed(const std::shared_ptr<const CellRoster>& old,
                                                              const CellAssign& change) {
  if (change.base != 0 && (old == nullptr || old->version_ != change.base)) {
    return error(ErrorCode::not_found, "a change of a list that is not here");
  }
  auto made = std::make_shared<CellRoster>();
  if (change.base != 0) *made = *old;
  made->version_ = change.version;
  const auto& gone = change.removed;
  if (change.version == 0 || std::adjacent_find(gone.begin(), gone.end(), std::greater_equal<>{}) != gone.end() ||
      (!gone.empty() && gone.back() >= made->members_.size())) {
    return error(ErrorCode::malformed, "a change of places that are not there");
  }
  for (auto place = gone.rbegin(); place != gone.rend(); ++place) {
    made->members_.erase(made->members_.begin() + *place);
  }
  if (made->members_.size() + change.added.size() > kMostOfCell || made->vias_.size() + change.vias.size() >= kNoVia) {
    return error(ErrorCode::too_large, "more than a cell may have");
  }
  const auto first = static_cast<std::uint16_t>(made->vias_.size());
  made->vias_.insert(made->vias_.end(), change.vias.begin(), change.vias.end());
  for (CellMember one : change.added) {
    if (one.via >= change.vias.size() || (one.other != kNoVia && one.other >= change.vias.size())) {
      return error(ErrorCode::malformed, "a member with a relay that is not named");
    }
    one.via = static_cast<std::uint16_t>(one.via + first);
    if (one.other != kNoVia) one.other = static_cast<std::uint16_t>(one.other + first);
    made->members_.push_back(one);
  }
  made->drop_unused_vias();
  if (!made->index()) return error(ErrorCode::malformed, "a member that stands there twice");
  return std::shared_ptr<const CellRoster>(std::move(made));
}

// Each relay once, and only those that some member has.
void CellRoster::drop_unused_vias() {
  std::vector<NodeId> used;
  used.reserve(2 * members_.size());
  for (const CellMember& one : members_) {
    used.push_back(vias_[one.via]);
    if (one.other != kNoVia) used.push_back(vias_[one.other]);
  }
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  const auto renamed = [&](std::uint16_t via) {
    return static_cast<std::uint16_t>(std::lower_bound(used.begin(), used.end(), vias_[via]) - used.begin());
  };
  for (CellMember& one : members_) {
    one.via = renamed(one.via);
    if (one.other != kNoVia) one.other = renamed(one.other);
  }
  used.shrink_to_fit();
  vias_ = std::move(used);
}

bool CellRoster::index() {
  members_.shrink_to_fit();
  order_.resize(members_.size());
  std::iota(order_.begin(), order_.end(), std::uint16_t{0});
  std::sort(order_.begin(), order_.end(),
            [&](std::uint16_t a, std::uint16_t b) { return members_[a].who < members_[b].who; });
  return std::adjacent_find(order_.begin(), order_.end(), [&](std::uint16_t a, std::uint16_t b) {
           return members_[a].who == members_[b].who;
         }) == order_.end();
}

}  // namespace np2p::swarm
