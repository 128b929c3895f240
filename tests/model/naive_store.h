// The store as its rules say it, without a thought for speed: one list of events, looked through from end to end by
// everything. The oracle of the real stores' property tests; it shares no code with them but the event rules.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
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
    std::optional<std::size_t> held;
    if (const auto address = address_of(event.get())) {
      for (std::size_t i = 0; i < events_.size(); ++i) {
        if (address_of(events_[i].event.get()) == address) held = i;
      }
    }
    if (held && !replaces(event.get(), events_[*held].event.get())) return PutOutcome::superseded;
    std::vector<Entry> without = events_;
    if (held) without.erase(without.begin() + static_cast<std::ptrdiff_t>(*held));
    Entry entry{event, addressed(event.get()), event->kind == 1059, false};
    entry.trusted = place(entry) == Place::stranger && !fits(without, entry) && is_trusted(event->pubkey);
    if (!could_fit(without, entry)) return PutOutcome::refused;
    events_ = without;
    if (!make_room_for(entry, held.has_value())) return PutOutcome::refused;
    events_.push_back(entry);
    return PutOutcome::stored;
  }
  EventPtr get(const EventId& id) const {
    for (const Entry& entry : events_) {
      if (entry.event->id == id) return entry.event;
    }
    return {};
  }
  std::vector<EventPtr> query(const Filter& filter, Order order) const {
    std::vector<EventPtr> found;
    for (const Entry& entry : events_) {
      if (matches(filter, entry.event.get())) found.push_back(entry.event);
    }
    std::sort(found.begin(), found.end(), is_newer);
    const std::size_t limit = std::min(filter.limit.value_or(limits_.query_events), limits_.query_events);
    if (found.size() > limit) found.resize(limit);
    if (order == Order::oldest_first) std::reverse(found.begin(), found.end());
    return found;
  }
  std::size_t count(const Filter& filter) const {
    const auto all = std::count_if(events_.begin(), events_.end(),
                                   [&](const Entry& entry) { return matches(filter, entry.event.get()); });
    return std::min(filter.limit.value_or(events_.size()), static_cast<std::size_t>(all));
  }
  std::size_t expire(std::int64_t now) {
    return std::erase_if(events_, [&](const Entry& entry) { return has_expired(entry.event.get(), now); });
  }
  bool erase(const EventId& id) {
    return std::erase_if(events_, [&](const Entry& entry) { return entry.event->id == id; }) > 0;
  }
  void set_standing(const PubKey& author, Standing standing) {
    standings_[author] = standing;
    // Shares are separate; what says who a followed author is stays.
    for (const auto& places : {std::vector{Place::stranger},
                               {Place::trusted},
                               {Place::mention},
                               {Place::sealed},
                               {Place::follower_post, Place::follower},
                               {Place::known}}) {
      for (const Place place : places) {
        while (over(place, events_)) {
          if (!drop(oldest(place))) break;
        }
      }
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
  StoreStats stats() const {
    StoreStats stats{events_.size(), values_.size(), evicted_, 0};
    for (const Entry& entry : events_) {
      Amount& share = stats.shares[static_cast<std::size_t>(share_of_place(place(entry)))];
      ++share.events;
      share.bytes += size(entry);
    }
    return stats;
  }
  bool is_trusted(const PubKey& author) const {
    return std::any_of(events_.begin(), events_.end(), [&](const Entry& entry) {
      return entry.event->kind == 3 && standing(entry.event->pubkey) == Standing::followed &&
             has_value(entry.event.get(), "p", author.hex());
    });
  }
  bool addressed(const Event& event) const {
    if (is_vital(event.kind) || kind::is_list(event.kind)) return false;
    for (const auto& [key, standing] : standings_) {
      if (standing == Standing::owner && has_value(event, "p", key.hex())) return true;
    }
    for (const Entry& other : events_) {
      if (standing(other.event->pubkey) != Standing::owner) continue;
      if (has_value(event, "e", other.event->id.hex())) return true;
    }
    return false;
  }

 private:
  struct Entry {
    EventPtr event;
    bool addressed;
    bool wrap;
    bool trusted;
  };
  enum class Place { own, kept, known, mention, sealed, follower, follower_post, trusted, stranger };

  static bool is_newer(const EventPtr& a, const EventPtr& b) { return newer(a.get(), b.get()); }
  static bool is_vital(std::uint16_t kind) { return kind == 0 || kind == 3 || kind == 10002 || kind == 10848; }
  static bool has_value(const Event& event, std::string_view name, std::string_view value) {
    for (std::size_t i = 0; i < event.tags.size(); ++i) {
      if (event.tags[i].name() == name && event.tags[i].first() == value) return true;
    }
    return false;
  }
  static std::uint64_t size(const Entry& entry) {
    const Event& event = entry.event.get();
    return 256 + event.content.size() + event.tags.bytes() + 48 * event.tags.size();
  }
  Place place(const Entry& entry) const {
    const bool vital = is_vital(entry.event->kind);
    switch (standing(entry.event->pubkey)) {
      case Standing::owner:
        return Place::own;
      case Standing::followed:
        return vital ? Place::kept : Place::known;
      case Standing::follower:
        if (entry.addressed) return entry.wrap ? Place::sealed : Place::mention;
        return vital ? Place::follower : Place::follower_post;
      case Standing::stranger:
        break;
    }
    if (entry.addressed) return entry.wrap ? Place::sealed : Place::mention;
    return entry.trusted ? Place::trusted : Place::stranger;
  }
  static Share share_of_place(Place place) {
    if (place == Place::own) return Share::own;
    if (place == Place::kept || place == Place::known) return Share::followed;
    if (place == Place::follower || place == Place::follower_post) return Share::followers;
    if (place == Place::mention) return Share::mentions;
    if (place == Place::sealed) return Share::sealed;
    return place == Place::trusted ? Share::trusted : Share::strangers;
  }
  std::uint64_t percent(std::uint64_t of, Share share) const {
    const auto part = [&](unsigned percent) { return of * percent / 100; };
    switch (share) {
      case Share::strangers:
        return part(limits_.stranger_share_percent);
      case Share::trusted:
        return part(limits_.trusted_share_percent);
      case Share::mentions:
        return part(limits_.mention_share_percent);
      case Share::sealed:
        return part(limits_.sealed_share_percent);
      case Share::followers:
        return part(limits_.follower_share_percent);
      default:
        return 0;
    }
  }
  Amount room(Share share) const {
    if (share != Share::followed) {
      return {percent(limits_.stored_events, share), percent(limits_.stored_bytes, share)};
    }
    Amount rest{limits_.stored_events, limits_.stored_bytes};
    for (const Share other : {Share::strangers, Share::trusted, Share::mentions, Share::sealed, Share::followers}) {
      rest.events -= room(other).events;
      rest.bytes -= room(other).bytes;
    }
    return rest;
  }
  Amount used(Share share, const std::vector<Entry>& entries) const {
    Amount sum;
    for (const Entry& entry : entries) {
      if (share_of_place(place(entry)) != share) continue;
      ++sum.events;
      sum.bytes += size(entry);
    }
    return sum;
  }
  bool over(Place place, const std::vector<Entry>& entries) const {
    const Amount there = used(share_of_place(place), entries);
    const Amount most = room(share_of_place(place));
    return there.events > most.events || there.bytes > most.bytes;
  }
  bool fits(std::vector<Entry> entries, const Entry& entry) const {
    if (place(entry) == Place::own) return true;
    entries.push_back(entry);
    return !over(place(entry), entries);
  }
  bool could_fit(const std::vector<Entry>& entries, const Entry& entry) const {
    std::vector<Entry> stay;
    for (const Entry& other : entries) {
      const bool kept = place(other) == Place::kept;
      if (kept || (place(entry) == Place::follower_post && place(other) == Place::follower)) stay.push_back(other);
    }
    return fits(stay, entry) && (place(entry) != Place::mention || size(entry) <= most_of_one().bytes);
  }
  Amount most_of_one() const {
    const Amount all = room(Share::mentions);
    return {std::max<std::size_t>(1, all.events * limits_.one_author_percent / 100),
            all.bytes * limits_.one_author_percent / 100};
  }
  // Of mentions and gift wraps what came first, of all else the oldest. Null: there is none.
  const Entry* oldest(Place wanted) const {
    const bool as_it_came = wanted == Place::mention || wanted == Place::sealed;
    const Entry* found = nullptr;
    for (const Entry& entry : events_) {
      if (place(entry) != wanted) continue;
      if (found == nullptr || (!as_it_came && newer(found->event.get(), entry.event.get()))) found = &entry;
    }
    return found;
  }
  bool drop(const Entry* victim) {
    if (victim == nullptr) return false;
    erase(EventId(victim->event->id));
    ++evicted_;
    return true;
  }
  bool make_room_for(const Entry& entry, bool replaces) {
    const Place where = place(entry);
    for (;;) {
      Amount sum{1, size(entry)};
      const Entry* first = nullptr;
      for (const Entry& other : events_) {
        if (where != Place::mention || place(other) != where || other.event->pubkey != entry.event->pubkey) continue;
        if (first == nullptr) first = &other;
        ++sum.events;
        sum.bytes += size(other);
      }
      if (first == nullptr || (sum.events <= most_of_one().events && sum.bytes <= most_of_one().bytes)) break;
      drop(first);
    }
    while (!fits(events_, entry)) {
      Place from = where == Place::kept ? Place::known : where;
      if (where == Place::follower && oldest(Place::follower_post) != nullptr) from = Place::follower_post;
      const Entry* victim = oldest(from);
      if (victim == nullptr) return false;
      const bool by_age = from == where && where != Place::mention && where != Place::sealed && !replaces;
      if (by_age && newer(victim->event.get(), entry.event.get())) return false;
      if (from != Place::stranger || !is_trusted(victim->event->pubkey)) {
        drop(victim);
        continue;
      }
      for (Entry& other : events_) {
        if (&other == victim) other.trusted = true;
      }
      while (over(Place::trusted, events_)) drop(oldest(Place::trusted));
    }
    return true;
  }

  Limits limits_;
  std::vector<Entry> events_;
  std::map<PubKey, Standing> standings_;
  std::map<std::pair<Table, std::string>, std::string> values_;
  std::uint64_t evicted_ = 0;
};

}  // namespace np2p::test
