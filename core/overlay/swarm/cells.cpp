// Who is in which cell, and who is its head; what becomes of copies is in cells_copies.cpp.
#include "core/overlay/swarm/cells.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "core/base/heap_bytes.h"
#include "core/overlay/swarm/coordinates.h"

namespace np2p::swarm {
namespace {

constexpr std::uint32_t kVersionStep = kMostOfCell / kMembersTold;

bool reachable(const Receiver& one) noexcept {
  return one.vias.size() == 1 && one.vias.front() == one.node;
}

// Relays change their places in the list with each message that comes from there.
bool is_same_way(const Receiver& a, const Receiver& b) {
  return a.node == b.node && a.vias.size() == b.vias.size() &&
         std::is_permutation(a.vias.begin(), a.vias.end(), b.vias.begin());
}

}  // namespace

Cells::Cells(const Config& config, Host& host, Router& router, Fanout& fanout)
    : config_(config), host_(host), router_(router), fanout_(fanout) {}

const Receiver* Cells::find(const PubKey& user) const noexcept {
  const auto known = members_.find(user);
  return known == members_.end() ? nullptr : &known->second.receiver;
}

void Cells::learn(const Receiver& receiver, const Coordinates& at) {
  if (members_.size() >= config_.limits.followers || receiver.vias.empty()) return;
  if (members_.count(receiver.user) != 0) return moved(receiver, at);
  Member fresh;
  fresh.receiver = receiver;
  std::erase(fresh.receiver.vias, host_.node_key.id());  // our own clients are not for others to reach through us
  fresh.at = at;
  fresh.named = host_.clock.mono();
  members_.emplace(receiver.user, std::move(fresh));
  changed_ = true;
}

void Cells::moved(const Receiver& receiver, const Coordinates& at) {
  const auto known = members_.find(receiver.user);
  if (known == members_.end() || receiver.vias.empty()) return;
  Member& member = known->second;
  if (!is_vague(at)) member.at = at;
  member.receiver.way = receiver.way;
  Receiver now = receiver;
  std::erase(now.vias, host_.node_key.id());
  if (is_same_way(member.receiver, now)) return;
  if (member.receiver.node != now.node) member.faults = 0;
  member.receiver = std::move(now);
  member.moved = changed_ = true;
}

void Cells::forget(const PubKey& user, const NodeId& node) {
  const auto known = members_.find(user);
  if (known == members_.end() || known->second.receiver.node != node) return;
  members_.erase(known);
  changed_ = true;
}

NodeId Cells::node_of(const PubKey& user) const {
  const Receiver* known = find(user);
  return known == nullptr ? NodeId{} : known->node;
}

Cells::Cell* Cells::find_cell(std::uint16_t number) noexcept {
  return number < cells_.size() ? &cells_[number] : nullptr;
}

std::size_t Cells::largest() const noexcept {
  std::size_t most = 0;
  for (const Cell& one : cells_) most = std::max(most, one.seats->size());
  return most;
}

std::vector<PubKey> Cells::heads() const {
  std::vector<PubKey> found;
  for (const Cell& one : cells_) {
    if (one.head != PubKey{}) found.push_back(one.head);
  }
  return found;
}

// --- who is where

void Cells::settle(MonoTime now) {
  drop_unnamed(now);
  if (!changed_) return;
  changed_ = false;
  if (members_.size() <= config_.limits.direct_copies / 2) {
    cells_.clear();
    return;
  }
  if (cells_.empty() || members_.size() >= 2 * divided_ || 2 * members_.size() <= divided_) return divide_all(now);
  const Newcomers newcomers = seat_newcomers();
  for (Cell& cell : cells_) {
    const auto here = newcomers.find(cell.number);
    change(cell, here == newcomers.end() ? std::vector<PubKey>{} : here->second);
  }
}

// Who is named no more does not follow any longer.
void Cells::drop_unnamed(MonoTime now) {
  const std::size_t before = members_.size();
  std::erase_if(members_, [&](const auto& one) { return one.second.named + config_.limits.cell_lease <= now; });
  changed_ = changed_ || members_.size() != before;
}

void Cells::divide_all(MonoTime now) {
  std::vector<Dweller> dwellers;
  std::vector<PubKey> users;
  std::set<NodeId> seated;
  for (auto& [user, member] : members_) {
    member.moved = false;
    member.cell = kNone;
    if (member.receiver.vias.empty() || !seated.insert(member.receiver.node).second) continue;
    dwellers.push_back({member.receiver.node, member.receiver.vias, member.at});
    users.push_back(user);
  }
  const Limits& limits = config_.limits;
  const std::size_t wanted = (dwellers.size() + limits.cell_members - 1) / limits.cell_members;
  const auto pieces = divide(dwellers, std::min(limits.cells, wanted));
  divided_ = members_.size();
  cells_.clear();
  for (const auto& piece : pieces) {
    if (piece.size() > kMostOfCell) continue;
    Cell cell;
    cell.number = static_cast<std::uint16_t>(cells_.size());
    cell.version = next_version();
    cell.used = now;
    Seats seats;
    for (const std::size_t place : piece) {
      members_.find(users[place])->second.cell = cell.number;
      seats.push_back({users[place], dwellers[place].node});
    }
    cell.seats = std::make_shared<const Seats>(std::move(seats));
    choose(cell);
    cells_.push_back(std::move(cell));
  }
}

Cells::Newcomers Cells::seat_newcomers() {
  Newcomers newcomers;
  std::map<NodeId, std::uint16_t> by_relay;
  std::vector<NodeId> seated;
  for (auto& [user, member] : members_) {
    if (std::exchange(member.moved, false)) member.cell = kNone;
    if (member.cell == kNone) continue;
    by_relay.emplace(member.receiver.vias.front(), member.cell);
    seated.push_back(member.receiver.node);
  }
  std::sort(seated.begin(), seated.end());
  std::set<NodeId> fresh;
  std::vector<Coordinates> centers;
  for (const Cell& cell : cells_) centers.push_back(center(*cell.seats));
  for (auto& [user, member] : members_) {
    const NodeId& node = member.receiver.node;
    if (member.cell != kNone || member.receiver.vias.empty()) continue;
    if (std::binary_search(seated.begin(), seated.end(), node) || !fresh.insert(node).second) continue;
    const Cell* chosen = nullptr;
    for (const NodeId& via : member.receiver.vias) {
      const auto there = by_relay.find(via);
      if (there != by_relay.end() && chosen == nullptr) chosen = &cells_[there->second];
    }
    for (std::size_t i = 0; i < cells_.size() && chosen == nullptr; ++i) {
      const Coordinates& here = member.at;
      const auto nearest = std::min_element(centers.begin(), centers.end(), [&here](const auto& a, const auto& b) {
        return predicted_rtt(a, here) < predicted_rtt(b, here);
      });
      chosen = &cells_[static_cast<std::size_t>(nearest - centers.begin())];
    }
    if (chosen == nullptr || chosen->seats->size() + newcomers[chosen->number].size() >= kMostOfCell) continue;
    member.cell = chosen->number;
    newcomers[chosen->number].push_back(user);
  }
  return newcomers;
}

bool Cells::stays(const Cell& cell, const Seat& seat) const {
  const auto member = members_.find(seat.user);
  return member != members_.end() && member->second.cell == cell.number && member->second.receiver.node == seat.node;
}

void Cells::change(Cell& cell, const std::vector<PubKey>& newcomers) {
  CellAssign message;
  message.cell = cell.number;
  message.base = cell.version;
  Seats seats;
  for (std::size_t place = 0; place < cell.seats->size(); ++place) {
    const Seat& seat = (*cell.seats)[place];
    const bool again = std::binary_search(newcomers.begin(), newcomers.end(), seat.user);
    if (!again && stays(cell, seat)) {
      seats.push_back(seat);
    } else {
      message.removed.push_back(static_cast<std::uint16_t>(place));
    }
  }
  if (message.removed.empty() && newcomers.empty()) return;
  const std::size_t stayed = seats.size();
  for (const PubKey& user : newcomers) seats.push_back({user, node_of(user)});
  cell.seats = std::make_shared<const Seats>(std::move(seats));
  cell.version = message.version = next_version();
  const auto sits = [&](const PubKey& user) {
    return user != PubKey{} &&
           std::any_of(cell.seats->begin(), cell.seats->end(), [&](const Seat& seat) { return seat.user == user; });
  };
  // Much is told as a whole, and so is what somebody new has to know.
  if (!sits(cell.head) || !sits(cell.backup) || newcomers.size() > kMembersTold ||
      message.removed.size() > kMembersTold) {
    return choose(cell);
  }
  add_members(message, *cell.seats, stayed, cell.seats->size());
  for (const PubKey& user : {cell.head, cell.backup}) {
    tell(node_of(user), message, Priority::control, Traffic::control);
  }
}

std::uint32_t Cells::next_version() {
  const auto now =
      static_cast<std::uint32_t>(unix_seconds(host_.clock.wall()));  // beyond what we said before a restart
  version_ = std::max(version_ + kVersionStep, now);
  return version_;
}

// --- heads

void Cells::choose(Cell& cell) {
  cell.head = best(cell, {});
  cell.backup = best(cell, cell.head);
  assign(cell, cell.head);
  cell.backup_told = false;  // it may never need the list: behind the payload that is to be sent
}

// Who can be dialled, failed least, and is nearest to all.
PubKey Cells::best(const Cell& cell, const PubKey& not_this) const {
  const Coordinates middle = center(*cell.seats);
  PubKey best;
  std::pair<unsigned, Duration> least{std::numeric_limits<unsigned>::max(), Duration{}};
  for (const Seat& seat : *cell.seats) {
    const auto found = members_.find(seat.user);
    if (found == members_.end() || seat.user == not_this || !reachable(found->second.receiver)) continue;
    const std::pair<unsigned, Duration> cost{found->second.faults, predicted_rtt(middle, found->second.at)};
    if (cost < least) {
      least = cost;
      best = seat.user;
    }
  }
  return best;
}

Coordinates Cells::center(const Seats& seats) const {
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::int64_t known = 0;
  for (const Seat& seat : seats) {
    const auto member = members_.find(seat.user);
    if (member == members_.end() || is_vague(member->second.at)) continue;
    x += member->second.at.x;
    y += member->second.at.y;
    ++known;
  }
  if (known == 0) return {};
  return {static_cast<std::int16_t>(x / known), static_cast<std::int16_t>(y / known), 0, 0};
}

void Cells::blame(std::uint16_t number, const PubKey& head, unsigned faults) {
  Cell* cell = find_cell(number);
  if (cell == nullptr) return;
  const auto member = members_.find(head);
  if (member != members_.end()) {
    member->second.faults = static_cast<std::uint8_t>(std::min(255u, member->second.faults + faults));
  }
  if (head != cell->head && head != cell->backup) return;
  if (head == cell->head && cell->backup != PubKey{}) cell->head = cell->backup;
  cell->backup = best(*cell, cell->head);
  assign(*cell, cell->backup, Priority::bulk);
}

void Cells::assign(const Cell& cell, const PubKey& to, Priority priority) const {
  if (to == PubKey{}) return;
  const std::size_t size = cell.seats->size();
  const std::size_t messages = size == 0 ? 1 : (size + kMembersTold - 1) / kMembersTold;
  std::uint32_t base = 0;
  for (std::size_t i = 0; i < messages; ++i) {
    CellAssign message;
    message.cell = cell.number;
    message.base = base;
    message.version = cell.version - static_cast<std::uint32_t>(messages - 1 - i);
    add_members(message, *cell.seats, i * kMembersTold, std::min(size, (i + 1) * kMembersTold));
    base = message.version;
    tell(node_of(to), message, priority, Traffic::control);
  }
}

// Each with that relay first which most of them have.
void Cells::add_members(CellAssign& message, const Seats& seats, std::size_t begin, std::size_t end) const {
  std::vector<Dweller> dwellers;
  for (std::size_t place = begin; place < end; ++place) {
    const auto member = members_.find(seats[place].user);
    Dweller one{seats[place].node, {seats[place].node}, {}};
    if (member != members_.end() && member->second.receiver.node == one.node) one.vias = member->second.receiver.vias;
    dwellers.push_back(std::move(one));
  }
  const std::vector<std::size_t> first = shared_vias(dwellers);
  std::map<NodeId, std::uint16_t> named;
  const auto name = [&](const NodeId& via) {
    const auto [at, fresh] = named.emplace(via, static_cast<std::uint16_t>(message.vias.size()));
    if (fresh) message.vias.push_back(via);
    return at->second;
  };
  for (std::size_t i = 0; i < dwellers.size(); ++i) {
    const auto& vias = dwellers[i].vias;
    CellMember member{short_node(dwellers[i].node), name(vias[first[i]]), kNoVia};
    if (vias.size() > 1) member.other = name(vias[(first[i] + 1) % vias.size()]);
    message.added.push_back(member);
  }
}

void Cells::tell(const NodeId& to, const CellMessage& message, Priority priority, Traffic traffic) const {
  if (to == NodeId{}) return;
  router_.send(to, to, static_cast<Channel>(kCellChannel), encode_cell(message), priority, traffic);
}

std::size_t Cells::bytes() const noexcept {
  std::size_t vias = 0;
  for (const auto& [user, member] : members_) vias += heap_bytes(member.receiver.vias);
  return heap_bytes(members_) + vias + heap_bytes(cells_, [](const Cell& one) { return heap_bytes(*one.seats); }) +
         heap_bytes(flights_, [](const Flight& one) { return heap_bytes(one.parts); });
}

}  // namespace np2p::swarm
