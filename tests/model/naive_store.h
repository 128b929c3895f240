// The store as its rules say it, without a thought for speed: one list of events, looked through from end to end by
// everything. The oracle of the real stores' property tests; it shares no code with them but the event rules.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/limits.h"
#include "core/event/expiry.h"
#include "core/event/replaceable.h"
#include "core/host/store.h"

namespace np2p::test {

class NaiveStore {
 public:
  explicit NaiveStore(const Limits& limits) : limits_(limits) {}

  PutOutcome put(const EventPtr& event) {
    if (get(event->id)) return PutOutcome::duplicate;
    if (const auto address = address_of(event.get())) {
      for (EventPtr& held : events_) {
        if (address_of(held.get()) != address) continue;
        if (!replaces(event.get(), held.get())) return PutOutcome::superseded;
        held = event;
        return PutOutcome::stored;
      }
    }
    if (!make_room_for(event)) return PutOutcome::refused;
    events_.push_back(event);
    return PutOutcome::stored;
  }
  EventPtr get(const EventId& id) const {
    for (const EventPtr& event : events_) {
      if (event->id == id) return event;
    }
    return {};
  }
  std::vector<EventPtr> query(const Filter& filter, Order order) const {
    std::vector<EventPtr> found;
    for (const EventPtr& event : events_) {
      if (matches(filter, event.get())) found.push_back(event);
    }
    std::sort(found.begin(), found.end(), is_newer);
    const std::size_t limit = std::min(filter.limit.value_or(limits_.query_events), limits_.query_events);
    if (found.size() > limit) found.resize(limit);
    if (order == Order::oldest_first) std::reverse(found.begin(), found.end());
    return found;
  }
  std::size_t count(const Filter& filter) const {
    const auto all = std::count_if(events_.begin(), events_.end(),
                                   [&](const EventPtr& event) { return matches(filter, event.get()); });
    return std::min(filter.limit.value_or(events_.size()), static_cast<std::size_t>(all));
  }
  std::size_t expire(std::int64_t now) {
    return std::erase_if(events_, [&](const EventPtr& event) { return has_expired(event.get(), now); });
  }
  bool erase(const EventId& id) {
    return std::erase_if(events_, [&](const EventPtr& event) { return event->id == id; }) > 0;
  }
  void set_standing(const PubKey& author, Standing standing) {
    standings_[author] = standing;
    // The rooms are separate: first what is too much of those we know (what is kept of followers, others, the owner
    // last), then what is too much of strangers.
    while (followers_kept() > follower_room() && drop(oldest_kept_of_followers())) {
    }
    while (known() > known_room() && drop_oldest_of(false, false)) {
    }
    while (known() > known_room() && drop_oldest_of(false, true)) {
    }
    while ((strangers() > stranger_room() || events_.size() > limits_.stored_events) && drop_oldest_of(true, false)) {
    }
  }
  Standing standing(const PubKey& author) const {
    const auto found = standings_.find(author);
    return found == standings_.end() ? Standing::stranger : found->second;
  }
  bool set_value(Table table, const std::string& key, const std::string& value) {
    std::size_t room = limits_.node_values;
    if (table == Table::outbox) room = limits_.outbox_entries;
    if (table == Table::follows) room = limits_.follows;
    if (table == Table::followers) room = limits_.followers;
    if (table == Table::addresses) room = limits_.address_book;
    if (table == Table::stream) room = limits_.stream_events + 1;
    if (table == Table::heard) room = limits_.follows * limits_.heard_events;
    if (table == Table::wards) room = limits_.wards;
    if (table == Table::contacts) room = limits_.contacts;
    if (table == Table::mail) room = limits_.letters;
    if (values_.count({table, key}) == 0 && values(table).size() >= room) return false;
    values_[{table, key}] = value;
    return true;
  }
  void erase_value(Table table, const std::string& key) { values_.erase({table, key}); }
  std::vector<std::pair<std::string, std::string>> values(Table table) const {
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& [name, value] : values_) {
      if (name.first == table) found.emplace_back(name.second, value);
    }
    return found;
  }
  StoreStats stats() const { return {events_.size(), values_.size(), evicted_, 0}; }

 private:
  static bool is_newer(const EventPtr& a, const EventPtr& b) { return newer(a.get(), b.get()); }
  bool is_stranger(const EventPtr& event) const { return standing(event->pubkey) == Standing::stranger; }
  bool is_owner(const EventPtr& event) const { return standing(event->pubkey) == Standing::owner; }
  static bool is_vital(const EventPtr& event) {
    return event->kind == 0 || event->kind == 3 || event->kind == 10002 || event->kind == 10848;
  }
  std::size_t strangers() const {
    return static_cast<std::size_t>(
        std::count_if(events_.begin(), events_.end(), [&](const EventPtr& e) { return is_stranger(e); }));
  }
  std::size_t known() const { return events_.size() - strangers(); }
  std::size_t stranger_room() const { return limits_.stored_events * limits_.stranger_share_percent / 100; }
  std::size_t known_room() const { return limits_.stored_events - stranger_room(); }
  bool is_kept_of_follower(const EventPtr& event) const {
    return is_vital(event) && standing(event->pubkey) == Standing::follower;
  }
  std::size_t followers_kept() const {
    return static_cast<std::size_t>(
        std::count_if(events_.begin(), events_.end(), [&](const EventPtr& e) { return is_kept_of_follower(e); }));
  }
  std::size_t follower_room() const { return known_room() * limits_.follower_share_percent / 100; }

  // The oldest that may go: of strangers, or of those we know (or of the owner).
  const EventPtr* oldest(bool stranger, bool owner) const {
    const EventPtr* found = nullptr;
    for (const EventPtr& event : events_) {
      if (is_stranger(event) != stranger) continue;
      if (!stranger && (is_vital(event) || is_owner(event) != owner)) continue;
      if (found == nullptr || newer(found->get(), event.get())) found = &event;
    }
    return found;
  }
  const EventPtr* oldest_kept_of_followers() const {
    const EventPtr* found = nullptr;
    for (const EventPtr& event : events_) {
      if (is_kept_of_follower(event) && (found == nullptr || newer(found->get(), event.get()))) found = &event;
    }
    return found;
  }
  bool drop_oldest_of(bool stranger, bool owner) { return drop(oldest(stranger, owner)); }
  bool drop(const EventPtr* victim) {
    if (victim == nullptr) return false;
    erase(EventId((*victim)->id));
    ++evicted_;
    return true;
  }
  bool make_room_for(const EventPtr& event) {
    if (is_stranger(event)) {
      if (strangers() < stranger_room() && events_.size() < limits_.stored_events) return true;
      const EventPtr* victim = oldest(true, false);
      if (victim == nullptr || newer(victim->get(), event.get())) return false;
      drop_oldest_of(true, false);
      return strangers() < stranger_room() && events_.size() < limits_.stored_events;
    }
    if (is_kept_of_follower(event) && followers_kept() >= follower_room()) {
      const EventPtr* victim = oldest_kept_of_followers();
      if (victim == nullptr || newer(victim->get(), event.get())) return false;
      drop(victim);
      return known() < known_room() && followers_kept() < follower_room();
    }
    if (known() < known_room()) return true;
    const bool plain = !is_owner(event) && !is_vital(event);
    const bool owners = is_owner(event) && !is_vital(event);
    if (const EventPtr* victim = oldest(false, false)) {
      if (plain && newer(victim->get(), event.get())) return false;
      drop_oldest_of(false, false);
    } else if (const EventPtr* last = plain ? nullptr : oldest(false, true)) {
      if (owners && newer(last->get(), event.get())) return false;
      drop_oldest_of(false, true);
    } else {
      return false;
    }
    return known() < known_room();
  }

  Limits limits_;
  std::vector<EventPtr> events_;
  std::map<PubKey, Standing> standings_;
  std::map<std::pair<Table, std::string>, std::string> values_;
  std::uint64_t evicted_ = 0;
};

}  // namespace np2p::test
