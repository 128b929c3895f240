#include "core/overlay/swarm/cell_heads.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/base/vectors.h"

namespace np2p::swarm {
namespace {

constexpr Duration kFirstReport = 700ms;  // receipts that come until then travel together,
constexpr Duration kGather = 300ms;       // and later ones of so long
constexpr Duration kRetry = 2s;  // receivers have a moment for theirs (Limits::unreceipted), and two ways to go
constexpr Duration kKept = 1min;
constexpr std::size_t kCopyCost = 128;  // bytes, besides the payload

}  // namespace

CellHeads::CellHeads(const Config& config, Host& host, Links& links, Router& router, Relay& relay, Fanout& fanout)
    : config_(config),
      host_(host),
      links_(links),
      router_(router),
      relay_(relay),
      fanout_(fanout),
      onward_links_(config, host, links, router) {}

// --- lists of members

CellHeads::List* CellHeads::find_list(const NodeId& author, std::uint16_t cell) noexcept {
  for (List& one : lists_) {
    if (one.author == author && one.cell == cell) return &one;
  }
  return nullptr;
}

bool CellHeads::has_room(const NodeId& author, std::size_t bytes) const {
  std::size_t sum = bytes;
  std::size_t of_author = 0;
  for (const List& one : lists_) {
    sum += one.roster->bytes();
    of_author += one.author == author ? 1u : 0u;
  }
  const Limits& limits = config_.limits;
  return lists_.size() < limits.cells_led && of_author < limits.cells_of_one && sum <= limits.led_bytes;
}

void CellHeads::on(const Arrival& arrival, const CellAssign& message) {
  const LinkId link = arrival.delivery.link;
  if (!config_.relay) {
    return host_.observer.rejected("cell", error(ErrorCode::forbidden, "this server carries nothing for others"), link);
  }
  const MonoTime now = host_.clock.mono();
  std::erase_if(lists_, [now](const List& one) { return one.until <= now; });
  List* list = find_list(arrival.node, message.cell);
  auto roster = CellRoster::changed(list == nullptr ? nullptr : list->roster, message);
  if (!roster.ok()) {
    // Without the list that this changes we shall say so when the copy comes.
    return host_.observer.rejected("cell", roster.error(), link);
  }
  const Roster old = list == nullptr ? nullptr : list->roster;
  if (list != nullptr) lists_.erase(lists_.begin() + (list - lists_.data()));
  if ((*roster)->size() == 0) return;  // a cell without members is none
  if (!has_room(arrival.node, (*roster)->bytes())) {
    return host_.observer.rejected("cell", error(ErrorCode::full, "no room for the members of another cell"), link);
  }
  lists_.push_back({arrival.node, message.cell, std::move(*roster), now + config_.limits.cell_lease, {}, {}});
}

// --- copies

void CellHeads::on(const Arrival& arrival, const CellCopy& message) {
  const LinkId link = arrival.delivery.link;
  const MonoTime now = host_.clock.mono();
  if (message.payload.empty() || copy_tag(message.payload) != message.tag) {
    return host_.observer.rejected("cell copy", error(ErrorCode::malformed, "not the payload of its tag"), link);
  }
  List* list = find_list(arrival.node, message.cell);
  const bool known = list != nullptr && list->until > now && list->roster->version() == message.version;
  if (!known || !config_.relay) {
    const auto kind = config_.relay ? CellTrouble::Kind::unknown : CellTrouble::Kind::refused;
    return answer(arrival.node, arrival.via, CellTrouble{kind, message.cell, message.tag});
  }
  list->until = now + config_.limits.cell_lease;
  const Roster roster = list->roster;
  const std::size_t relays = relays_of(*roster, 0, roster->size());
  const std::size_t copies = std::min(relays, config_.limits.cell_fanout);
  const Status admitted = relay_.admit_copies(arrival.node, copies * (message.payload.size() + kCopyCost), now);
  if (!admitted.ok()) {
    host_.observer.rejected("cell copy", admitted.error(), link);
    return answer(arrival.node, arrival.via, CellTrouble{CellTrouble::Kind::refused, message.cell, message.tag});
  }
  Carried& copy = carry(arrival, message, roster);
  std::vector<std::size_t> fresh;
  const ShortNode own = short_node(host_.node_key.id());
  for (std::size_t place = 0; place < roster->size(); ++place) {
    Seat& seat = copy.seats[place];
    if (seat.wanted || (!message.to.empty() && !message.to.has(place))) continue;
    seat.wanted = true;
    seat.way = message.turn;
    seat.swapped = is_nearer_by_other(*roster, place);
    ++copy.open;
    if (roster->member(place).who == own) {
      const NodeId by = arrival.node == message.origin ? NodeId{} : arrival.node;
      fanout_.arrive(link, message.origin, by, arrival.via, message.channel, message.tag, message.payload);
    } else {
      fresh.push_back(place);
    }
  }
  if (relays > config_.limits.cell_fanout) {
    if (list->parts.empty()) divide(*list, relays);
    pass_to_parts(*list, copy, fresh);
  }
  pass(copy, fresh);
}

// A link is one hop; what is routed takes two or three, each of which sends the payload.
bool CellHeads::is_nearer_by_other(const CellRoster& roster, std::size_t place) {
  return roster.has_other(place) && links_.find(roster.via(place, 0)) == nullptr &&
         links_.find(roster.via(place, 1)) != nullptr;
}

// Whom a copy goes to if everybody gets it by the first way.
std::size_t CellHeads::relays_of(const CellRoster& roster, std::size_t begin, std::size_t end) {
  std::vector<std::uint16_t> vias;
  for (std::size_t place = begin; place < end; ++place) vias.push_back(roster.member(place).via);
  std::sort(vias.begin(), vias.end());
  return static_cast<std::size_t>(std::unique(vias.begin(), vias.end()) - vias.begin());
}

CellHeads::Carried& CellHeads::carry(const Arrival& arrival, const CellCopy& message, const Roster& roster) {
  Carried* same = find_carried(message.tag, arrival.node, message.cell);
  if (same != nullptr && same->roster == roster && same->origin == message.origin) return *same;
  const MonoTime now = host_.clock.mono();
  const auto size = [](const Carried& one) { return one.payload.size() + heap_bytes(one.seats); };
  std::size_t bytes = message.payload.size() + roster->size() * sizeof(Seat);
  for (const Carried& one : carried_) bytes += size(one);
  while (!carried_.empty() && (carried_.size() >= config_.limits.led_copies || bytes > config_.limits.led_copy_bytes)) {
    flush(carried_.front());
    bytes -= size(carried_.front());
    carried_.erase(carried_.begin());
  }
  Carried& copy = carried_.emplace_back();
  copy.tag = message.tag;
  copy.origin = message.origin;
  copy.author = arrival.node;
  copy.author_via = arrival.via;
  copy.cell = message.cell;
  copy.roster = roster;
  copy.channel = static_cast<Channel>(message.channel);
  copy.payload = message.payload;
  copy.seats.resize(roster->size());
  copy.since = now;
  copy.until = now + kKept;
  copy.retry_at = now + kRetry;
  return copy;
}

CellHeads::Carried* CellHeads::find_carried(std::uint64_t tag, const NodeId& author, std::uint16_t cell) noexcept {
  for (auto one = carried_.rbegin(); one != carried_.rend(); ++one) {
    if (one->tag == tag && one->author == author && one->cell == cell) return &*one;
  }
  return nullptr;
}

// One copy to each relay; straight to whoever is linked. Our line is busy for a while with all of them: those first who
// have the longest way.
void CellHeads::pass(Carried& copy, const std::vector<std::size_t>& places) {
  if (places.empty()) return;
  const Fanout::Copy what{copy.channel, Priority::post, Traffic::relay, copy.tag};
  const Frame handed = encode(Handed{copy.origin, static_cast<std::uint8_t>(copy.channel), copy.tag, copy.payload});
  std::map<ShortNode, LinkId> linked;
  for (const Peer& peer : links_.ready()) linked.emplace(short_node(peer.id), peer.link);
  std::map<std::pair<NodeId, unsigned>, std::vector<ShortNode>> copies;
  std::vector<LinkId> direct;
  for (const std::size_t place : places) {
    const ShortNode who = copy.roster->member(place).who;
    Seat& seat = copy.seats[place];
    if (const auto link = linked.find(who); link != linked.end()) {
      direct.push_back(link->second);
      continue;
    }
    const auto turn = [&seat] { return seat.way + (seat.swapped ? 1u : 0u); };
    if (copy.roster->via(place, turn()) == host_.node_key.id()) ++seat.way;  // it has left us
    const NodeId& via = copy.roster->via(place, turn());
    if (via != host_.node_key.id()) copies[{via, seat.way}].push_back(who);
  }
  for (const bool near : {false, true}) {
    for (auto& [key, receivers] : copies) {
      if ((links_.find(key.first) != nullptr) != near) continue;
      fanout_.spread(key.first, key.second, copy.origin, what, copy.payload, receivers);
      if (key.second == 0) onward_links_.to_relay(key.first, copy.author);  // else it is tried once more
    }
  }
  for (const LinkId link : direct) links_.send(link, handed, Priority::post, Traffic::relay);
}

// --- receipts

void CellHeads::count(Carried& copy, std::size_t place, const CellMac& mac) {
  Seat& seat = copy.seats[place];
  if (!seat.wanted || seat.got) return;
  seat.got = true;
  seat.mac = mac;
  copy.pending.add(place);
  for (std::size_t i = 0; i < mac.size(); ++i) copy.sum[i] = static_cast<std::uint8_t>(copy.sum[i] ^ mac[i]);
  --copy.open;
  report_later(copy);
}

void CellHeads::report_later(Carried& copy) {
  if (copy.open == 0) return flush(copy);
  if (!copy.flush_at) copy.flush_at = std::max(copy.since + kFirstReport, host_.clock.mono() + kGather);
}

void CellHeads::flush(Carried& copy) {
  copy.flush_at.reset();
  if (copy.pending.empty()) return;
  answer(copy.author, copy.author_via,
         CellReceipts{copy.cell, copy.roster->version(), copy.tag, std::exchange(copy.pending, {}),
                      std::exchange(copy.sum, {})});
}

void CellHeads::answer(const NodeId& to, const NodeId& via, const CellMessage& message) {
  router_.send(via, to, static_cast<Channel>(kCellChannel), encode_cell(message), Priority::control, Traffic::control);
}

template <class Match>
bool CellHeads::count_member(std::uint64_t tag, ShortNode who, const CellMac& mac, Match match) {
  bool found = false;
  for (Carried& copy : carried_) {
    if (copy.tag != tag || !match(copy)) continue;
    const std::size_t place = copy.roster->place_of(who);
    if (place == copy.roster->size() || !copy.seats[place].wanted || copy.seats[place].got) continue;
    found = true;
    count(copy, place, mac);
  }
  return found;
}

bool CellHeads::on(Peer& from, const Receipt& message) {
  return count_member(message.tag, short_node(from.id), message.mac,
                      [&](const Carried& copy) { return short_node(copy.origin) == message.from; });
}

bool CellHeads::on(Peer&, const Receipts& message) {
  if (message.to != host_.node_key.id()) return false;
  bool found = false;
  for (const Receipted& one : message.got) {
    found = count_member(message.tag, one.who, one.mac, [](const Carried&) { return true; }) || found;
  }
  for (Carried& copy : carried_) {
    if (copy.tag != message.tag) continue;
    std::vector<std::size_t> again;
    for (const ShortNode who : message.lost) {
      const std::size_t place = copy.roster->place_of(who);
      if (place == copy.roster->size() || !copy.seats[place].wanted) continue;
      found = true;
      Seat& seat = copy.seats[place];
      if (seat.got || seat.way != 0 || !copy.roster->has_other(place)) continue;
      seat.way = 1;
      again.push_back(place);
    }
    pass(copy, again);
  }
  return found;
}

bool CellHeads::receipt(const Delivery& delivery) {
  const NodeId& own = host_.node_key.id();
  bool found = false;
  for (const Carried& copy : carried_) {
    if (copy.tag != delivery.tag || copy.origin != delivery.copied_by) continue;
    const std::size_t place = copy.roster->place_of(short_node(own));
    found = found || (place != copy.roster->size() && copy.seats[place].wanted && !copy.seats[place].got);
  }
  if (!found) return false;
  const CellMac mac = fanout_.mac_of(delivery.copied_by, own, delivery.tag);
  return count_member(delivery.tag, short_node(own), mac,
                      [&](const Carried& copy) { return copy.origin == delivery.copied_by; });
}

// Each for itself, to whoever cannot make the sum.
void CellHeads::on(const Arrival& arrival, const CellAsk& message) {
  Carried* copy = find_carried(message.tag, arrival.node, message.cell);
  if (copy == nullptr || copy->roster->version() != message.version) {
    return host_.observer.rejected("cell ask", error(ErrorCode::not_found, "nothing was sent to that cell"),
                                   arrival.delivery.link);
  }
  CellMacs macs{message.cell, message.version, message.tag, {}};
  for (std::size_t place = 0; place < copy->seats.size(); ++place) {
    const Seat& seat = copy->seats[place];
    if (!seat.got || seat.summed || !message.which.has(place)) continue;
    macs.macs.push_back({static_cast<std::uint16_t>(place), seat.mac});
    if (macs.macs.size() < kMembersTold) continue;
    answer(arrival.node, arrival.via, macs);
    macs.macs.clear();
  }
  if (!macs.macs.empty()) answer(arrival.node, arrival.via, macs);
  for (const Awaited& one : copy->parts) {
    CellAsk further{one.part.number, one.part.roster->version(), message.tag, {}};
    for (std::size_t place = one.part.begin; place < one.part.end; ++place) {
      if (copy->seats[place].summed && message.which.has(place)) further.which.add(place - one.part.begin);
    }
    if (!further.which.empty()) answer(one.part.head, one.part.head, further);
  }
}

// --- time

std::optional<MonoTime> CellHeads::next_due() const noexcept {
  std::optional<MonoTime> first = onward_links_.next_due();
  for (const Carried& one : carried_) {
    for (const auto& at : {one.flush_at, one.retry_at, std::optional(one.until)}) {
      if (at && (!first || *at < *first)) first = at;
    }
    for (const Awaited& part : one.parts) {
      if (!part.reported && !part.given_up && (!first || part.at < *first)) first = part.at;
    }
  }
  return first;
}

void CellHeads::due(MonoTime now) {
  onward_links_.due(now);
  for (Carried& copy : carried_) {
    if (copy.flush_at && *copy.flush_at <= now) flush(copy);
    for (Awaited& part : copy.parts) {
      if (!part.reported && !part.given_up && part.at <= now) give_up_part(copy, part);
    }
    if (!copy.retry_at || *copy.retry_at > now) continue;
    copy.retry_at.reset();
    std::vector<std::size_t> again;
    for (std::size_t place = 0; place < copy.seats.size(); ++place) {
      Seat& seat = copy.seats[place];
      if (!seat.wanted || seat.got || seat.way != 0 || !copy.roster->has_other(place)) continue;
      seat.way = 1;
      again.push_back(place);
    }
    pass(copy, again);
  }
  std::erase_if(carried_, [now](const Carried& one) { return one.until <= now; });
  if (carried_.empty()) clear_out(carried_);
}

std::size_t CellHeads::bytes() const noexcept {
  const auto of_list = [](const List& one) {
    return one.roster->bytes() + heap_bytes(one.silent) +
           heap_bytes(one.parts, [](const Part& part) { return part.roster->bytes(); });
  };
  return onward_links_.bytes() + heap_bytes(lists_, of_list) + heap_bytes(carried_, [](const Carried& one) {
           return heap_bytes(one.seats) + heap_bytes(one.parts) + one.payload.size();
         });
}

}  // namespace np2p::swarm
