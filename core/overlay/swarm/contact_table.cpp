#include "core/overlay/swarm/contact_table.h"

#include <utility>

#include "core/base/vectors.h"

namespace np2p::swarm {

const Known* ContactTable::find(const PubKey& user) const noexcept {
  const auto place = by_user_.find(hash(user), [&](std::uint32_t at) { return slots_[at].user == user; });
  return place == PlaceIndex::kNone ? nullptr : &slots_[place];
}

Known* ContactTable::find(const PubKey& user) noexcept {
  return const_cast<Known*>(std::as_const(*this).find(user));
}

Known& ContactTable::put(const PubKey& user) {
  if (Known* known = find(user)) return *known;
  drop_surplus(limits_.contacts - 1);
  Known& fresh = add(user);
  ++strangers_;
  link(fresh);
  return fresh;
}

bool ContactTable::keep(const PubKey& user, bool kept) {
  Known* known = find(user);
  if (kept ? known != nullptr && known->kept : known == nullptr || !known->kept) return true;
  if (!kept) {
    known->kept = known->in_line = known->moved = false;
    --kept_;
    // Nothing is known of it: then it is not worth a stranger's place.
    if (known->expires == MonoTime{}) return erase(*known), true;
    ++strangers_;
    link(*known);
    drop_surplus(limits_.contacts);
    return true;
  }
  if (kept_ >= limits_.followers + limits_.follows) return false;
  if (known == nullptr) {
    known = &add(user);
  } else {
    unlink(*known);
    --strangers_;
  }
  known->kept = true;
  ++kept_;
  return true;
}

void ContactTable::drop_surplus(std::size_t most) {
  while (strangers_ > most) {
    Known& oldest = slots_[claims_.first != PlaceIndex::kNone ? claims_.first : checked_.first];
    unlink(oldest);
    --strangers_;
    erase(oldest);
  }
}

Known& ContactTable::add(const PubKey& user) {
  std::uint32_t place = 0;
  if (free_.empty()) {
    make_room_for_one(slots_);
    place = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    place = free_.back();
    free_.pop_back();
  }
  Known& fresh = slots_[place];
  fresh.user = user;
  by_user_.add(place, [this](std::uint32_t at) { return hash(slots_[at].user); });
  return fresh;
}

void ContactTable::erase(Known& known) {
  set_node(known, {});
  const std::uint32_t place = place_of(known);
  by_user_.remove(place, [this](std::uint32_t at) { return hash(slots_[at].user); });
  // The place stays in both lists; who gets it next finds itself there already.
  Known none;
  none.next_in_line = known.next_in_line;
  none.is_listed = known.is_listed;
  known = std::move(none);
  make_room_for_one(free_);
  free_.push_back(place);
}

void ContactTable::set_node(Known& known, const NodeId& node) {
  if (known.node == node) return;
  const auto hash_of = [this](std::uint32_t at) { return hash(slots_[at].node); };
  if (known.node != NodeId{}) by_node_.remove(place_of(known), hash_of);
  known.node = node;
  if (node != NodeId{}) by_node_.add(place_of(known), hash_of);
}

void ContactTable::set_checked(Known& known, bool checked) {
  if (known.checked == checked) return;
  if (!known.kept) unlink(known);
  known.checked = checked;
  if (!known.kept) link(known);
}

void ContactTable::touch(Known& known) {
  if (known.kept) return;
  unlink(known);
  link(known);
}

void ContactTable::link(Known& known) {
  List& list = list_of(known);
  const std::uint32_t place = place_of(known);
  known.before = list.last;
  known.after = PlaceIndex::kNone;
  (list.last == PlaceIndex::kNone ? list.first : slots_[list.last].after) = place;
  list.last = place;
}

void ContactTable::unlink(Known& known) {
  List& list = list_of(known);
  (known.before == PlaceIndex::kNone ? list.first : slots_[known.before].after) = known.after;
  (known.after == PlaceIndex::kNone ? list.last : slots_[known.after].before) = known.before;
  known.before = known.after = PlaceIndex::kNone;
}

void ContactTable::set_moved(Known& known) {
  known.moved = true;
  if (std::exchange(known.is_listed, true)) return;
  make_room_for_one(moved_);
  moved_.push_back(place_of(known));
}

// Who has left the line is passed over when its turn comes.
void ContactTable::stand_in_line(Known& known) {
  if (!known.kept || std::exchange(known.in_line, true)) return;
  const std::uint32_t place = place_of(known);
  if (known.next_in_line != PlaceIndex::kNone || line_last_ == place) return;  // it left and is back before its turn
  (line_last_ == PlaceIndex::kNone ? line_first_ : slots_[line_last_].next_in_line) = place;
  line_last_ = place;
}

Known* ContactTable::first_in_line() noexcept {
  while (line_first_ != PlaceIndex::kNone) {
    Known& first = slots_[line_first_];
    if (first.in_line) return &first;
    line_first_ = std::exchange(first.next_in_line, PlaceIndex::kNone);
    if (line_first_ == PlaceIndex::kNone) line_last_ = PlaceIndex::kNone;
  }
  return nullptr;
}

}  // namespace np2p::swarm
