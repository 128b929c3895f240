// What a node does as the head or the backup of somebody else's cells (cells.h): it keeps the list of members, and of a
// payload sends one copy to each of their relays, gathers the receipts and gives their author one for many. Whoever
// gives none in time is tried over its other relay. Receipts are under the keys that members share with the origin:
// they are only added up here, and kept one by one for a minute, in case the sum is wrong.
//
// A cell whose relays are more than one node may send to (Limits::cell_fanout) is divided in turn, in the order of the
// list, which is that of its author's curve: parts have heads of their own, who get copies and give receipts as we do
// ourselves (cell_parts.cpp). Whose head is silent gets its copies from us.
//
// Of all this there is only so much, in all and for each author: lists and payloads by number and bytes, copies by what
// the relay carries for one neighbour and for all (relay.h).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/overlay/swarm/cell_roster.h"
#include "core/overlay/swarm/fanout.h"
#include "core/overlay/swarm/onward_links.h"

namespace np2p::swarm {

class CellHeads {
 public:
  CellHeads(const Config& config, Host& host, Links& links, Router& router, Relay& relay, Fanout& fanout);

  void on(const Arrival& arrival, const CellAssign& message);
  void on(const Arrival& arrival, const CellCopy& message);
  void on(const Arrival& arrival, const CellAsk& message);
  // From the heads of parts.
  void on(const Arrival& arrival, const CellTrouble& message);
  void on(const Arrival& arrival, const CellReceipts& message);
  void on(const Arrival& arrival, const CellMacs& message);
  void on(const Arrival& arrival, const CellWhere& message) { onward_links_.on(arrival, message); }
  void on(const Arrival& arrival, const CellHere& message) { onward_links_.on(arrival, message); }
  // Receipts of members; false: of nothing that was sent from here and has none yet.
  bool on(Peer& from, const Receipt& message);
  bool on(Peer& from, const Receipts& message);
  bool receipt(const Delivery& copy);  // we have it: a head is a member, too
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);
  [[nodiscard]] std::size_t led() const noexcept { return lists_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  using Roster = std::shared_ptr<const CellRoster>;
  struct Part {  // of a cell that is too large: the places [begin, end) of its list
    std::uint16_t number = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
    NodeId head;
    Roster roster;      // of these
    bool told = false;  // its head knows it
  };
  struct List {
    NodeId author;
    std::uint16_t cell = 0;
    Roster roster;
    MonoTime until;
    std::vector<Part> parts;
    std::vector<NodeId> silent;  // heads of parts that were, lately
  };
  struct Awaited {  // of a payload: what the head of a part is to report
    Part part;
    MonoTime at;  // until it has said something
    bool reported = false;
    bool repeated = false;  // with the list
    bool given_up = false;
  };
  struct Seat {
    bool wanted = false;  // it is to have this copy
    bool got = false;
    bool summed = false;   // its MAC came in a sum, from the head of its part
    bool swapped = false;  // its other relay comes first
    std::uint8_t way = 0;
    CellMac mac{};
  };
  struct Carried {
    std::uint64_t tag = 0;
    NodeId origin;
    NodeId author;  // of the cell, who gets the receipts
    NodeId author_via;
    std::uint16_t cell = 0;
    Roster roster;
    Channel channel = Channel::packets;
    Frame payload;
    std::vector<Seat> seats;
    std::vector<Awaited> parts;
    std::size_t open = 0;  // receipts that are missing
    PlaceSet pending;      // not reported yet
    CellMac sum{};
    MonoTime since;
    MonoTime until;
    std::optional<MonoTime> flush_at;
    std::optional<MonoTime> retry_at;
  };
  [[nodiscard]] List* find_list(const NodeId& author, std::uint16_t cell) noexcept;
  [[nodiscard]] bool has_room(const NodeId& author, std::size_t bytes) const;
  [[nodiscard]] Carried* find_carried(std::uint64_t tag, const NodeId& author, std::uint16_t cell) noexcept;
  Carried& carry(const Arrival& arrival, const CellCopy& message, const Roster& roster);
  void pass(Carried& copy, const std::vector<std::size_t>& places);
  [[nodiscard]] bool is_nearer_by_other(const CellRoster& roster, std::size_t place);
  [[nodiscard]] static std::size_t relays_of(const CellRoster& roster, std::size_t begin, std::size_t end);
  void divide(List& list, std::size_t relays);
  [[nodiscard]] NodeId head_of_part(const List& list, std::size_t begin, std::size_t end);
  // What of these has a part with a head goes there; the rest stays.
  void pass_to_parts(List& list, Carried& copy, std::vector<std::size_t>& places);
  void tell_part(const Part& part);
  void copy_to_part(const Carried& copy, const Awaited& awaited);
  void give_up_part(Carried& copy, Awaited& awaited);
  [[nodiscard]] std::pair<Carried*, Awaited*> find_part(const NodeId& head, std::uint16_t number, std::uint64_t tag);
  void report_later(Carried& copy);
  void count(Carried& copy, std::size_t place, const CellMac& mac);
  void flush(Carried& copy);
  void answer(const NodeId& to, const NodeId& via, const CellMessage& message);
  template <class Match>
  bool count_member(std::uint64_t tag, ShortNode who, const CellMac& mac, Match match);

  const Config& config_;
  Host& host_;
  Links& links_;
  Router& router_;
  Relay& relay_;
  Fanout& fanout_;
  OnwardLinks onward_links_;
  std::vector<List> lists_;
  std::vector<Carried> carried_;  // oldest first
  std::uint16_t parts_made_ = 0;
};

}  // namespace np2p::swarm
