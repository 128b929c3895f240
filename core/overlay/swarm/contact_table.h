// Where others are, as this node remembers it (locator.h): found by user and by node in constant time, some 365 bytes
// each. Of two kinds there is room of its own:
//
//   kept       those whom the floor above names: followers, and whom our user follows. Nobody takes their place.
//   strangers  everybody else, at most Limits::contacts. Of too many one goes: the mere claim unused longest, for
//              anybody can make as many of these as he likes, then who was asked about and is unused longest.
//
// Kept ones may stand here before anything is known of them. A reference holds until the next put() or keep().
#pragma once

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "core/base/limits.h"
#include "core/base/place_index.h"
#include "core/overlay/swarm/bindings.h"
#include "core/overlay/swarm/contact.h"

namespace np2p::swarm {

struct Known {
  PubKey user;
  NodeId node;  // zero: not known
  NodeId via;   // as a message from there said; zero: by the contact
  std::array<NodeId, kHomeRelays> relays{};
  Address listens;
  Coordinates at;  // its own; who does not know where it is is somewhere near its relays
  std::uint64_t sequence = 0;
  MonoTime expires;
  MonoTime checked_at;   // the directory was asked last
  MonoTime spoken_at;    // when something was sent that was not answered yet; zero: all was
  MonoTime answered_at;  // when we answered last
  MonoTime lost_at;      // since when there is no sign of it where it was; zero: there is
  BindingPtr binding;    // null: none seen
  std::uint8_t relay_count = 0;
  std::uint8_t turn = 0;         // of the ways there
  std::uint8_t answer_turn = 0;  // likewise, for answers
  std::uint8_t tries = 0;        // turns in which the directory was asked in vain
  bool dead = false;             // this sequence could not be reached
  bool asked_store = false;      // for a BIND
  // The table's own:
  bool checked = false;  // false: a mere claim that came with a message; the directory was not asked
  bool kept = false;
  bool moved = false;      // since take_moved(),
  bool is_listed = false;  // for which this place is remembered
  bool in_line = false;    // for a look-up
  std::uint32_t before = PlaceIndex::kNone;
  std::uint32_t after = PlaceIndex::kNone;
  std::uint32_t next_in_line = PlaceIndex::kNone;

  [[nodiscard]] std::span<const NodeId> home_relays() const noexcept { return {relays.data(), relay_count}; }
};

class ContactTable {
 public:
  // The salt keeps strangers from choosing keys that lie in one place.
  ContactTable(const Limits& limits, std::uint64_t salt) : limits_(limits), salt_(salt) {}

  [[nodiscard]] Known* find(const PubKey& user) noexcept;
  [[nodiscard]] const Known* find(const PubKey& user) const noexcept;
  // The one that is there, or a new one, for which a stranger may have to go.
  Known& put(const PubKey& user);
  // False: too many are. Of a user who is kept no more what is known stays as long as there is room.
  bool keep(const PubKey& user, bool kept);
  void set_node(Known& known, const NodeId& node);
  void set_checked(Known& known, bool checked);
  void touch(Known& known);  // it was used
  template <class Visit>
  void each_at(const NodeId& node, Visit visit) {
    if (node == NodeId{}) return;
    by_node_.each(hash(node), [&](std::uint32_t place) {
      if (slots_[place].node == node) visit(slots_[place]);
    });
  }

  template <class Visit>
  void each(Visit visit) {
    for (Known& known : slots_) {
      if (known.user != PubKey{}) visit(known);
    }
  }

  // --- those who were found, or are elsewhere, or are to be reached another way, since the last call
  void set_moved(Known& known);
  template <class Visit>
  void take_moved(Visit visit) {
    for (const std::uint32_t place : std::exchange(moved_, {})) {
      Known& known = slots_[place];
      known.is_listed = false;
      if (std::exchange(known.moved, false)) visit(std::as_const(known));
    }
  }
  // --- a line of kept ones who are to be looked up when there is room
  void stand_in_line(Known& known);
  void leave_line(Known& known) noexcept { known.in_line = false; }
  [[nodiscard]] Known* first_in_line() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return slots_.size() - free_.size(); }
  [[nodiscard]] std::size_t kept() const noexcept { return kept_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return heap_bytes(slots_) + by_user_.bytes() + by_node_.bytes() + heap_bytes(free_) + heap_bytes(moved_);
  }

 private:
  struct List {  // by use, the last at the end
    std::uint32_t first = PlaceIndex::kNone;
    std::uint32_t last = PlaceIndex::kNone;
  };
  template <class Id>
  [[nodiscard]] std::uint64_t hash(const Id& id) const noexcept {
    return id.hash() ^ salt_;
  }
  [[nodiscard]] std::uint32_t place_of(const Known& known) const noexcept {
    return static_cast<std::uint32_t>(&known - slots_.data());
  }
  [[nodiscard]] List& list_of(const Known& known) noexcept { return known.checked ? checked_ : claims_; }
  void link(Known& known);
  void unlink(Known& known);
  void erase(Known& known);
  void drop_surplus(std::size_t most);
  Known& add(const PubKey& user);

  const Limits& limits_;
  std::uint64_t salt_;
  std::vector<Known> slots_;
  std::vector<std::uint32_t> free_;
  PlaceIndex by_user_;
  PlaceIndex by_node_;
  List claims_;  // strangers
  List checked_;
  std::size_t strangers_ = 0;
  std::size_t kept_ = 0;
  std::vector<std::uint32_t> moved_;
  std::uint32_t line_first_ = PlaceIndex::kNone;
  std::uint32_t line_last_ = PlaceIndex::kNone;
};

}  // namespace np2p::swarm
