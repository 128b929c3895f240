#include "core/feed/own_events.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "core/wire/packet.h"

namespace np2p {
namespace {

constexpr std::array kKept{kind::profile, kind::follow_list, kind::relay_list};
constexpr std::size_t kAsked = 16;               // so many are asked in any case, one of whom may have the newest,
constexpr std::size_t kAskedInVain = 256;        // and so many as long as something is missing
constexpr std::string_view kLeft = "list left";  // in Table::node

}  // namespace

EventPtr OwnEvents::latest(std::uint16_t kind) {
  Filter filter;
  filter.authors = std::vector<PubKey>{config_.owner};
  filter.kinds = std::vector<std::uint32_t>{kind};
  filter.limit = 1;
  const auto found = host_.store.query(filter, Order::newest_first);
  return found.empty() ? EventPtr() : found.front();
}

void OwnEvents::bound() {
  for (const std::uint16_t kind : kKept) {
    if (!latest(kind) && missing_.insert(kind).second) wanted_.push_back(kind);
  }
  if (!missing_.empty()) overlay_.find_guardians(config_.owner);
}

bool OwnEvents::is_enough() const noexcept {
  return wanted_.empty() || asked_.size() >= (missing_.empty() ? kAsked : kAskedInVain);
}

void OwnEvents::met(std::span<const PubKey> users) {
  for (const PubKey& user : users) {
    if (is_enough()) return;
    if (user == config_.owner || asked_.count(user) != 0) continue;
    if (lookup_.ask_for_own(wanted_, user)) {
      asked_.insert(user);
      unasked_.erase(user);
    } else if (unasked_.size() < kAskedInVain) {
      unasked_.insert(user);
    }
  }
}

void OwnEvents::topology_changed() {
  if (unasked_.empty()) return;
  if (is_enough()) return unasked_.clear();
  std::vector<PubKey> reached;
  for (const PubKey& user : unasked_) {
    if (overlay_.reaches(user)) reached.push_back(user);
  }
  met(reached);
}

void OwnEvents::have(const Event& event) {
  missing_.erase(event.kind);
  if (event.kind == kind::follow_list) settled_with_.clear();
}

void OwnEvents::leave_with(const std::vector<PubKey>& guardians) {
  if (guardians == settled_with_) return;
  const EventPtr list = latest(kind::follow_list);
  if (!list) return;
  if (!left_) load();
  if (left_->list != list->id) left_ = Left{list->id, {}};
  std::erase_if(left_->with, [&](const PubKey& user) {
    return std::find(guardians.begin(), guardians.end(), user) == guardians.end();
  });
  bool more = false;
  for (const PubKey& guardian : guardians) {
    if (left_->with.count(guardian) != 0) continue;
    if (!overlay_.unicast(guardian, Channel::packets, encode_events({&list, 1}), Priority::bulk)) continue;
    more = left_->with.insert(guardian).second;
  }
  if (more) save();
  if (left_->with.size() == guardians.size()) settled_with_ = guardians;
}

void OwnEvents::load() {
  left_.emplace();
  const std::string stored = host_.store.value(Table::node, kLeft);
  const ByteView value = bytes_of(std::string_view(stored));
  if (value.size() < EventId::size) return;
  left_->list = *EventId::from(value.first(EventId::size));
  for (std::size_t at = EventId::size; at + PubKey::size <= value.size(); at += PubKey::size) {
    left_->with.insert(*PubKey::from(value.subspan(at, PubKey::size)));
  }
}

void OwnEvents::save() {
  std::string value(text_of(left_->list.view()));
  for (const PubKey& user : left_->with) value += text_of(user.view());
  host_.store.set_value(Table::node, kLeft, value);
}

}  // namespace np2p
