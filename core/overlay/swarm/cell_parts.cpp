// A cell with more relays than one node may send to: parts of it, each with a head of its own.
#include <algorithm>
#include <map>
#include <utility>

#include "core/overlay/swarm/cell_heads.h"

namespace np2p::swarm {
namespace {

constexpr Duration kPartSilence = 1200ms;  // until a head of a part is given up that said nothing at all
constexpr Duration kPartRetry = 2500ms;    // until who gave no receipt is tried by us
constexpr std::size_t kMostSilent = 64;    // heads of parts that are remembered as such

// The same in the words of a message, as if it had come from somebody.
CellAssign list_of(const CellRoster& whole, std::uint16_t number, std::uint32_t version, std::size_t begin,
                   std::size_t end) {
  CellAssign list;
  list.cell = number;
  list.version = version;
  std::map<NodeId, std::uint16_t> named;
  const auto name = [&](const NodeId& via) {
    const auto [at, fresh] = named.emplace(via, static_cast<std::uint16_t>(list.vias.size()));
    if (fresh) list.vias.push_back(via);
    return at->second;
  };
  for (std::size_t place = begin; place < end; ++place) {
    CellMember member{whole.member(place).who, name(whole.via(place, 0)), kNoVia};
    if (whole.has_other(place)) member.other = name(whole.via(place, 1));
    list.added.push_back(member);
  }
  return list;
}

}  // namespace

// So many parts that each has half the relays that its head may send to, if as many may be made.
void CellHeads::divide(List& list, std::size_t relays) {
  const std::size_t most = std::max<std::size_t>(config_.limits.cell_fanout, 2);
  const std::size_t size = list.roster->size();
  const std::size_t count = std::min({most, std::max<std::size_t>(2, (2 * relays + most - 1) / most), size});
  for (std::size_t i = 0; i < count; ++i) {
    Part part;
    part.number = static_cast<std::uint16_t>(kFirstPart + parts_made_++ % (0xFFFF - kFirstPart));
    part.begin = i * size / count;
    part.end = (i + 1) * size / count;
    part.head = head_of_part(list, part.begin, part.end);
    auto roster =
        CellRoster::changed(nullptr, list_of(*list.roster, part.number, list.roster->version(), part.begin, part.end));
    if (!roster.ok() || part.head == NodeId{}) continue;
    part.roster = std::move(*roster);
    list.parts.push_back(std::move(part));
  }
}

// Somebody in it who can be dialled: whose relay is itself. Who is linked with us comes first, then who is in the
// middle of the curve.
NodeId CellHeads::head_of_part(const List& list, std::size_t begin, std::size_t end) {
  const std::size_t middle = (begin + end) / 2;  // along the curve
  NodeId chosen;
  std::size_t nearest = 2 * (end - begin);
  for (std::size_t place = begin; place < end; ++place) {
    const NodeId& via = list.roster->via(place, 0);
    const bool itself = short_node(via) == list.roster->member(place).who && !list.roster->has_other(place);
    if (!itself || via == host_.node_key.id()) continue;
    std::size_t away = place < middle ? middle - place : place - middle;
    if (links_.find(via) == nullptr) away += end - begin;
    if (away >= nearest) continue;
    if (std::find(list.silent.begin(), list.silent.end(), via) != list.silent.end()) continue;
    chosen = via;
    nearest = away;
  }
  return chosen;
}

void CellHeads::pass_to_parts(List& list, Carried& copy, std::vector<std::size_t>& places) {
  const MonoTime now = host_.clock.mono();
  copy.retry_at = now + kPartRetry;
  std::vector<std::size_t> ours;
  std::size_t next = 0;
  for (Part& part : list.parts) {
    while (next < places.size() && places[next] < part.begin) ours.push_back(places[next++]);
    Awaited awaited{part, now + kPartSilence};
    const std::size_t first = next;
    while (next < places.size() && places[next] < part.end) ++next;
    if (next == first) continue;
    if (!std::exchange(part.told, true)) tell_part(part);
    copy_to_part(copy, awaited);
    onward_links_.to_head(part.head, copy.author);
    copy.parts.push_back(std::move(awaited));
  }
  ours.insert(ours.end(), places.begin() + static_cast<std::ptrdiff_t>(next), places.end());
  places = std::move(ours);
}

void CellHeads::tell_part(const Part& part) {
  std::uint32_t base = 0;
  const std::size_t size = part.end - part.begin;
  const std::size_t messages = (size + kMembersTold - 1) / kMembersTold;
  for (std::size_t i = 0; i < messages; ++i) {
    const auto version = part.roster->version() - static_cast<std::uint32_t>(messages - 1 - i);
    CellAssign list =
        list_of(*part.roster, part.number, version, i * kMembersTold, std::min(size, (i + 1) * kMembersTold));
    list.base = base;
    base = version;
    answer(part.head, part.head, list);
  }
}

void CellHeads::copy_to_part(const Carried& copy, const Awaited& awaited) {
  const Part& part = awaited.part;
  CellCopy message;
  message.origin = copy.origin;
  message.cell = part.number;
  message.version = part.roster->version();
  message.channel = static_cast<std::uint8_t>(copy.channel);
  message.tag = copy.tag;
  for (std::size_t place = part.begin; place < part.end; ++place) {
    const Seat& seat = copy.seats[place];
    if (!seat.wanted || seat.got || copy.roster->member(place).who == short_node(host_.node_key.id())) continue;
    message.to.add(place - part.begin);
    message.turn = seat.way;
  }
  if (message.to.count() == part.end - part.begin) message.to = {};
  message.payload = copy.payload;
  router_.send(part.head, part.head, static_cast<Channel>(kCellChannel), encode_cell(message), Priority::post,
               Traffic::relay);
}

std::pair<CellHeads::Carried*, CellHeads::Awaited*> CellHeads::find_part(const NodeId& head, std::uint16_t number,
                                                                         std::uint64_t tag) {
  for (Carried& copy : carried_) {
    if (copy.tag != tag) continue;
    for (Awaited& one : copy.parts) {
      if (one.part.number == number && one.part.head == head) return {&copy, &one};
    }
  }
  return {nullptr, nullptr};
}

// It gets no copies any more; who is in its part gets this one from us.
void CellHeads::give_up_part(Carried& copy, Awaited& awaited) {
  awaited.given_up = true;
  List* list = find_list(copy.author, copy.cell);
  if (list != nullptr && list->roster == copy.roster) {
    if (list->silent.size() >= kMostSilent) list->silent.erase(list->silent.begin());
    list->silent.push_back(awaited.part.head);
    for (Part& part : list->parts) {
      if (part.number != awaited.part.number || part.head != awaited.part.head) continue;
      part.head = head_of_part(*list, part.begin, part.end);
      part.told = false;
    }
    std::erase_if(list->parts, [](const Part& part) { return part.head == NodeId{}; });
  }
  std::vector<std::size_t> missing;
  const ShortNode own = short_node(host_.node_key.id());
  for (std::size_t place = awaited.part.begin; place < awaited.part.end; ++place) {
    const Seat& seat = copy.seats[place];
    if (seat.wanted && !seat.got && copy.roster->member(place).who != own) missing.push_back(place);
  }
  pass(copy, missing);
}

void CellHeads::on(const Arrival& arrival, const CellTrouble& message) {
  const auto [copy, awaited] = find_part(arrival.node, message.cell, message.tag);
  if (copy == nullptr || awaited->reported || awaited->given_up) return;
  if (message.kind == CellTrouble::Kind::unknown && !std::exchange(awaited->repeated, true)) {
    tell_part(awaited->part);
    return copy_to_part(*copy, *awaited);
  }
  give_up_part(*copy, *awaited);
}

// MACs that we know one by one are taken out of the sum; the author of the cell judges it.
void CellHeads::on(const Arrival& arrival, const CellReceipts& message) {
  const auto [copy, awaited] = find_part(arrival.node, message.cell, message.tag);
  const std::size_t size = copy == nullptr ? 0 : awaited->part.end - awaited->part.begin;
  if (copy == nullptr || message.version != awaited->part.roster->version() || message.got.end() > (size + 7) / 8 * 8) {
    return host_.observer.rejected("cell receipts", error(ErrorCode::not_found, "not of a part that it leads"),
                                   arrival.delivery.link);
  }
  CellMac sum = message.mac;
  std::vector<std::size_t> fresh;
  for (std::size_t i = 0; i < size; ++i) {
    if (!message.got.has(i)) continue;
    const std::size_t place = awaited->part.begin + i;
    const Seat& seat = copy->seats[place];
    if (!seat.wanted || seat.summed) {
      return host_.observer.rejected("cell receipts", error(ErrorCode::forbidden, "of somebody twice, or of others"),
                                     arrival.delivery.link);
    }
    if (!seat.got) {
      fresh.push_back(place);
      continue;
    }
    for (std::size_t byte = 0; byte < sum.size(); ++byte) {
      sum[byte] = static_cast<std::uint8_t>(sum[byte] ^ seat.mac[byte]);
    }
  }
  awaited->reported = true;
  if (fresh.empty()) return;
  for (const std::size_t place : fresh) {
    copy->seats[place].got = copy->seats[place].summed = true;
    copy->pending.add(place);
  }
  copy->open -= fresh.size();
  for (std::size_t i = 0; i < sum.size(); ++i) copy->sum[i] = static_cast<std::uint8_t>(copy->sum[i] ^ sum[i]);
  report_later(*copy);
}

// Asked for by the author of the cell, who judges them.
void CellHeads::on(const Arrival& arrival, const CellMacs& message) {
  const auto [copy, awaited] = find_part(arrival.node, message.cell, message.tag);
  if (copy == nullptr || message.version != awaited->part.roster->version()) return;
  CellMacs further{copy->cell, copy->roster->version(), copy->tag, {}};
  for (const PlacedMac& one : message.macs) {
    const std::size_t place = awaited->part.begin + one.place;
    if (place >= awaited->part.end || !copy->seats[place].summed) continue;
    further.macs.push_back({static_cast<std::uint16_t>(place), one.mac});
  }
  if (!further.macs.empty()) answer(copy->author, copy->author_via, further);
}

}  // namespace np2p::swarm
