// The followers of our user, when they are too many for copies of our own: divided into cells (cell_division.h), each
// with a head among those who can be dialled, which gets one copy and sends it to the others (cell_heads.h), and a
// backup, which takes the head's place.
//
// A head gives one receipt for many: whom it is from, and their MACs, XORed (Katz and Lindell 2008). It cannot make one
// of them. What does not add up is asked for one by one, so that a liar spoils only its own. A head that is silent for
// 2 s is replaced by the backup, at once; whom the backup does not reach either, or not within 5 s, gets a copy of our
// own, as without cells (fanout.h).
//
// Cells are kept from call to call: whoever comes joins the cell of its relay, or the nearest; twice as many as once
// were divided are divided anew. What we know of our followers' servers stands here, too: the locator forgets sooner.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/overlay/swarm/cell_division.h"
#include "core/overlay/swarm/fanout.h"
#include "core/wire/cell_messages.h"

namespace np2p::swarm {

class Cells {
 public:
  Cells(const Config& config, Host& host, Router& router, Fanout& fanout);

  [[nodiscard]] const Receiver* find(const PubKey& user) const noexcept;
  void learn(const Receiver& receiver, const Coordinates& at);
  void moved(const Receiver& receiver, const Coordinates& at);  // likewise, if it is known here
  void forget(const PubKey& user, const NodeId& node);          // its server is not where we thought
  // A copy to each of these, who are known here; outcomes come from Fanout.
  void send(const std::vector<PubKey>& users, Channel channel, const Frame& payload, Priority priority);

  void on(const Arrival& arrival, const CellTrouble& message);
  void on(const Arrival& arrival, const CellReceipts& message);
  void on(const Arrival& arrival, const CellMacs& message);
  void lost(const NodeId& node);  // a message could not reach it
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);
  [[nodiscard]] std::size_t count() const noexcept { return cells_.size(); }
  [[nodiscard]] std::size_t largest() const noexcept;
  [[nodiscard]] std::vector<PubKey> heads() const;
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  static constexpr std::uint16_t kNone = 0xFFFF;
  struct Member {
    Receiver receiver;
    Coordinates at;
    std::uint16_t cell = kNone;
    std::uint8_t faults = 0;  // as a head
    std::uint16_t owed = 0;   // members that it did not reach, since the last fault
    bool moved = false;       // since it was put there
    MonoTime named;           // in a call,
    std::uint64_t call = 0;   // the last of which was this
  };
  struct Seat {
    PubKey user;
    NodeId node;
  };
  using Seats = std::vector<Seat>;  // never changed: who sends a copy remembers whom it was for
  struct Cell {
    std::uint16_t number = 0;
    std::uint32_t version = 0;
    std::shared_ptr<const Seats> seats;
    PubKey head;  // both zero: nobody can be dialled
    PubKey backup;
    bool backup_told = true;  // it has the list
    MonoTime used;
  };
  enum class Stage : std::uint8_t { head, rest, backup, over };  // who is expected to serve the cell
  struct Part {                                                  // of a payload: one cell's
    std::uint16_t cell = 0;
    std::uint32_t version = 0;
    std::shared_ptr<const Seats> seats;
    PlaceSet to;    // empty: all
    PlaceSet done;  // whose receipts are there
    NodeId head;
    NodeId backup;
    PubKey head_user;
    PubKey backup_user;
    Stage stage = Stage::head;
    MonoTime at;               // of the next stage
    MonoTime patience;         // until which it may wait for our own line
    LinkId line;               // over which it was sent; meanwhile there may be another link
    bool left = true;          // that line has taken it
    bool repeated = false;     // with the list of the members, which the head did not have
    std::uint8_t reports = 0;  // that were judged
  };
  struct Flight {
    std::uint64_t tag = 0;
    Channel channel = Channel::packets;
    Priority priority = Priority::post;
    std::vector<Part> parts;
  };
  void settle(MonoTime now);
  void drop_unnamed(MonoTime now);
  void divide_all(MonoTime now);
  using Newcomers = std::map<std::uint16_t, std::vector<PubKey>>;  // by cell, ascending
  Newcomers seat_newcomers();
  void change(Cell& cell, const std::vector<PubKey>& newcomers);  // and tells its head and backup
  void choose(Cell& cell);
  [[nodiscard]] bool stays(const Cell& cell, const Seat& seat) const;
  [[nodiscard]] std::uint32_t next_version();
  [[nodiscard]] PubKey best(const Cell& cell, const PubKey& not_this) const;
  [[nodiscard]] Coordinates center(const Seats& seats) const;
  [[nodiscard]] NodeId node_of(const PubKey& user) const;
  void assign(const Cell& cell, const PubKey& to, Priority priority = Priority::control) const;  // the whole list
  void tell(const NodeId& to, const CellMessage& message, Priority priority, Traffic traffic) const;
  void add_members(CellAssign& message, const Seats& seats, std::size_t begin, std::size_t end) const;
  void copy(const Flight& flight, Part& part, const NodeId& to, unsigned turn);
  [[nodiscard]] bool is_complete(std::uint64_t tag, const Part& part) const;
  [[nodiscard]] PlaceSet missing(std::uint64_t tag, const Part& part) const;
  void next_stage(Flight& flight, Part& part, MonoTime now);
  void watch_line(Part& part, MonoTime now);
  void wait_for_line(const Flight& flight, Part& part, MonoTime now);
  [[nodiscard]] bool is_in_line(const Part& part) const;
  void send_ourselves(Flight& flight, Part& part);
  void blame(std::uint16_t cell, const PubKey& head, unsigned faults);
  static const PubKey& user_of(const Part& part, const NodeId& node) noexcept;
  [[nodiscard]] Flight* find_flight(std::uint64_t tag) noexcept;
  [[nodiscard]] Part* find_part(Flight& flight, std::uint16_t cell, const NodeId& from) noexcept;
  [[nodiscard]] Cell* find_cell(std::uint16_t number) noexcept;

  const Config& config_;
  Host& host_;
  Router& router_;
  Fanout& fanout_;
  std::map<PubKey, Member> members_;  // of several users of one server only one has a cell
  std::vector<Cell> cells_;
  std::vector<Flight> flights_;
  std::size_t divided_ = 0;  // members, when they were last
  std::uint32_t version_ = 0;
  std::uint64_t calls_ = 0;
  bool changed_ = false;  // somebody has come, gone or moved
};

}  // namespace np2p::swarm
