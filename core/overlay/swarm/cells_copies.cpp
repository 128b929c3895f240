// What becomes of a copy that went to the heads of cells.
#include <algorithm>

#include "core/overlay/swarm/cells.h"

namespace np2p::swarm {
namespace {

constexpr Duration kSilence = 1500ms;    // until a head is given up that said nothing at all
constexpr Duration kRest = 1s;           // that it has after this for the rest
constexpr Duration kLine = 30s;          // that our own line may take for lists and copies, besides;
constexpr Duration kLook = 50ms;         // so often it is looked at
constexpr unsigned kReports = 64;        // of one head about one payload, that are looked at
constexpr unsigned kRefusal = 4;         // faults: who refuses will do so the next time
constexpr std::size_t kMostMissing = 4;  // a quarter of a cell, in one payload or in several, without a fault

}  // namespace

void Cells::send(const std::vector<PubKey>& users, Channel channel, const Frame& payload, Priority priority) {
  const MonoTime now = host_.clock.mono();
  ++calls_;
  for (const PubKey& user : users) {
    const auto member = members_.find(user);
    if (member == members_.end()) continue;
    member->second.named = now;
    member->second.call = calls_;
  }
  settle(now);
  std::vector<Receiver> direct;
  std::vector<Receiver> in_cells;
  for (const PubKey& user : users) {
    const auto member = members_.find(user);
    if (member == members_.end()) continue;
    const Cell* cell = find_cell(member->second.cell);
    const bool led = cell != nullptr && cell->head != PubKey{};
    (led ? in_cells : direct).push_back(member->second.receiver);
  }
  const std::uint64_t tag = copy_tag(payload);
  if (!direct.empty()) fanout_.send(std::move(direct), channel, payload, priority);
  if (in_cells.empty()) return;
  fanout_.expect(std::move(in_cells), channel, payload, priority);
  std::erase_if(flights_, [&](const Flight& one) { return fanout_.awaited(one.tag) == nullptr; });
  Flight* flight = find_flight(tag);
  if (flight == nullptr) flight = &flights_.emplace_back(Flight{tag, channel, priority, {}});
  // Our line is busy for a while with all of them: the largest first, in which the way is longest.
  std::vector<Cell*> order;
  for (Cell& cell : cells_) {
    if (cell.head != PubKey{}) order.push_back(&cell);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const Cell* a, const Cell* b) { return a->seats->size() > b->seats->size(); });
  for (Cell* each : order) {
    Cell& cell = *each;
    Part part;
    part.cell = cell.number;
    part.version = cell.version;
    part.seats = cell.seats;
    part.head = node_of(cell.head);
    part.backup = node_of(cell.backup);
    part.head_user = cell.head;
    part.backup_user = cell.backup;
    part.at = now + kSilence;
    part.patience = now + kLine;
    std::size_t named = 0;
    for (std::size_t place = 0; place < cell.seats->size(); ++place) {
      if (members_.find((*cell.seats)[place].user)->second.call != calls_) continue;
      part.to.add(place);
      ++named;
    }
    if (named == 0) continue;
    if (named == cell.seats->size()) part.to = {};
    if (cell.used + config_.limits.cell_lease * 3 / 4 <= now) {
      assign(cell, cell.head);
      cell.backup_told = false;
    }
    cell.used = now;
    copy(*flight, part, part.head, 0);
    flight->parts.push_back(std::move(part));
  }
  for (Part& part : flight->parts) watch_line(part, now);
  for (Cell& cell : cells_) {
    if (!std::exchange(cell.backup_told, true)) assign(cell, cell.backup, Priority::bulk);
  }
}

void Cells::copy(const Flight& flight, Part& part, const NodeId& to, unsigned turn) {
  const Frame* payload = fanout_.awaited(flight.tag);
  if (payload == nullptr) return;
  CellCopy message;
  message.origin = host_.node_key.id();
  message.cell = part.cell;
  message.version = part.version;
  message.turn = static_cast<std::uint8_t>(turn);
  message.channel = static_cast<std::uint8_t>(flight.channel);
  message.tag = flight.tag;
  message.to = part.to;
  message.payload = *payload;
  part.line = router_.first_hop(to, to, 0);
  tell(to, message, flight.priority, Traffic::payload);
}

Cells::Flight* Cells::find_flight(std::uint64_t tag) noexcept {
  for (Flight& one : flights_) {
    if (one.tag == tag) return &one;
  }
  return nullptr;
}

// The newest that this node is to serve.
Cells::Part* Cells::find_part(Flight& flight, std::uint16_t cell, const NodeId& from) noexcept {
  for (auto part = flight.parts.rbegin(); part != flight.parts.rend(); ++part) {
    if (part->cell == cell && (part->head == from || part->backup == from)) return &*part;
  }
  return nullptr;
}

bool Cells::is_complete(std::uint64_t tag, const Part& part) const {
  for (std::size_t place = 0; place < part.seats->size(); ++place) {
    if ((!part.to.empty() && !part.to.has(place)) || part.done.has(place)) continue;
    if (fanout_.awaits(tag, (*part.seats)[place].node)) return false;
  }
  return true;
}

const PubKey& Cells::user_of(const Part& part, const NodeId& node) noexcept {
  return node == part.head ? part.head_user : part.backup_user;
}

PlaceSet Cells::missing(std::uint64_t tag, const Part& part) const {
  PlaceSet set;
  for (std::size_t place = 0; place < part.seats->size(); ++place) {
    if ((!part.to.empty() && !part.to.has(place)) || part.done.has(place)) continue;
    if (fanout_.awaits(tag, (*part.seats)[place].node)) set.add(place);
  }
  return set;
}

void Cells::on(const Arrival& arrival, const CellTrouble& message) {
  Flight* flight = find_flight(message.tag);
  Part* part = flight == nullptr ? nullptr : find_part(*flight, message.cell, arrival.node);
  const bool serves = part != nullptr && ((part->stage == Stage::head && part->head == arrival.node) ||
                                          (part->stage == Stage::backup && part->backup == arrival.node));
  if (!serves) return;  // late
  const Cell* cell = find_cell(message.cell);
  const bool same = cell != nullptr && cell->version == part->version;
  if (message.kind == CellTrouble::Kind::unknown && same && !std::exchange(part->repeated, true)) {
    assign(*cell, user_of(*part, arrival.node));
    copy(*flight, *part, arrival.node, 0);
    return watch_line(*part, host_.clock.mono());
  }
  if (message.kind == CellTrouble::Kind::refused) blame(message.cell, user_of(*part, arrival.node), kRefusal);
  next_stage(*flight, *part, host_.clock.mono());
}

void Cells::on(const Arrival& arrival, const CellReceipts& message) {
  Flight* flight = find_flight(message.tag);
  if (flight == nullptr) return;  // late: everybody has it
  Part* part = find_part(*flight, message.cell, arrival.node);
  const LinkId link = arrival.delivery.link;
  if (part == nullptr || part->version != message.version || message.got.empty() ||
      message.got.end() > (part->seats->size() + 7) / 8 * 8) {
    return host_.observer.rejected("cell receipts", error(ErrorCode::not_found, "not of a cell that it leads"), link);
  }
  if (part->reports >= kReports) {
    return host_.observer.rejected("cell receipts", error(ErrorCode::rate_limited, "too many about one copy"), link);
  }
  ++part->reports;
  CellMac sum{};
  bool good = true;
  std::vector<std::size_t> places;
  for (std::size_t place = 0; place < part->seats->size(); ++place) {
    if (!message.got.has(place)) continue;
    const NodeId& node = (*part->seats)[place].node;
    const PairMac mac = fanout_.mac_of(node, node, message.tag);
    good = good && mac != PairMac{};
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = static_cast<std::uint8_t>(sum[i] ^ mac[i]);
    places.push_back(place);
  }
  if (!good || sum != message.mac) {
    host_.observer.rejected("cell receipts", error(ErrorCode::bad_signature, "they do not add up"), link);
    return tell(arrival.node, CellAsk{message.cell, message.version, message.tag, message.got}, Priority::control,
                Traffic::control);
  }
  for (const std::size_t place : places) {
    part->done.add(place);
    fanout_.confirm(message.tag, (*part->seats)[place].node);
  }
  if (part->stage == Stage::head && is_complete(message.tag, *part)) {
    part->stage = Stage::over;
    const auto head = members_.find(user_of(*part, arrival.node));
    if (head != members_.end()) head->second.faults = 0, head->second.owed /= 2;
  }
}

void Cells::on(const Arrival& arrival, const CellMacs& message) {
  Flight* flight = find_flight(message.tag);
  Part* part = flight == nullptr ? nullptr : find_part(*flight, message.cell, arrival.node);
  if (part == nullptr || part->version != message.version || part->reports >= kReports) return;
  ++part->reports;
  for (const PlacedMac& one : message.macs) {
    if (one.place >= part->seats->size() || part->done.has(one.place)) continue;
    const NodeId& node = (*part->seats)[one.place].node;
    if (one.mac == PairMac{} || fanout_.mac_of(node, node, message.tag) != one.mac) {
      host_.observer.rejected("receipt", error(ErrorCode::bad_signature, "not from whom it says"),
                              arrival.delivery.link);
      continue;
    }
    part->done.add(one.place);
    fanout_.confirm(message.tag, node);
  }
}

void Cells::lost(const NodeId& node) {
  for (Flight& flight : flights_) {
    for (Part& part : flight.parts) {
      if (part.stage != Stage::head || part.head != node || !part.done.empty()) continue;
      part.left = true;
      part.at = host_.clock.mono();
    }
  }
}

std::optional<MonoTime> Cells::next_due() const noexcept {
  std::optional<MonoTime> first;
  for (const Flight& flight : flights_) {
    for (const Part& part : flight.parts) {
      if (part.stage != Stage::over && (!first || part.at < *first)) first = part.at;
    }
  }
  return first;
}

void Cells::due(MonoTime now) {
  std::erase_if(flights_, [&](const Flight& one) { return fanout_.awaited(one.tag) == nullptr; });
  // First the line is looked at, then more is put into it.
  std::vector<std::pair<Flight*, Part*>> due;
  for (Flight& flight : flights_) {
    for (Part& part : flight.parts) {
      if (part.stage == Stage::over || part.at > now) continue;
      if (part.left) {
        due.emplace_back(&flight, &part);
      } else {
        wait_for_line(flight, part, now);
      }
    }
  }
  for (const auto& [flight, part] : due) next_stage(*flight, *part, now);
  for (const auto& [flight, part] : due) {
    if (part->stage == Stage::backup) watch_line(*part, now);
  }
}

// Many long lists take a slow line some seconds: a head that has not been told anything yet is not silent. Its time
// begins when the link over which it was sent has nothing in line any more.
bool Cells::is_in_line(const Part& part) const {
  return part.line && host_.network.queued_bytes(part.line) > 0;
}

void Cells::watch_line(Part& part, MonoTime now) {
  if (part.stage == Stage::over || !is_in_line(part)) return;
  part.left = false;
  part.at = now + kLook;
}

void Cells::wait_for_line(const Flight& flight, Part& part, MonoTime now) {
  part.left = now >= part.patience || !part.done.empty() || !is_in_line(part);
  part.at = now + (part.left ? kSilence : kLook);
  fanout_.wait(flight.tag, now + 2 * kSilence);
}

void Cells::next_stage(Flight& flight, Part& part, MonoTime now) {
  const PlaceSet left = missing(flight.tag, part);
  if (left.empty()) {
    part.stage = Stage::over;
    return;
  }
  if (part.stage == Stage::head && !part.done.empty()) {
    part.stage = Stage::rest;
    part.at = now + kRest;
    return;
  }
  if (part.stage == Stage::backup) {
    const bool silent = left.count() == (part.to.empty() ? part.seats->size() : part.to.count());
    if (silent) blame(part.cell, part.backup_user, 1);
    return send_ourselves(flight, part);
  }
  const bool silent = part.done.empty();
  const auto head = members_.find(part.head_user);
  if (head != members_.end()) {
    const std::size_t owed = std::min<std::size_t>(head->second.owed + left.count(), UINT16_MAX);
    const bool fault = silent || owed * kMostMissing > part.seats->size();
    head->second.owed = fault ? 0 : static_cast<std::uint16_t>(owed);
    if (fault) blame(part.cell, part.head_user, 1);
  }
  if (part.backup == NodeId{}) return send_ourselves(flight, part);
  // By the other relays of those whom the head did not reach; if it reached nobody, it was the head.
  part.to = left;
  part.stage = Stage::backup;
  part.at = now + kSilence;
  copy(flight, part, part.backup, silent ? 0 : 1);
}

void Cells::send_ourselves(Flight& flight, Part& part) {
  part.stage = Stage::over;
  std::vector<NodeId> nodes;
  for (std::size_t place = 0; place < part.seats->size(); ++place) {
    if (!part.done.has(place)) nodes.push_back((*part.seats)[place].node);
  }
  fanout_.send_now(flight.tag, nodes);
}

}  // namespace np2p::swarm
