#include "core/api/reader.h"

#include <algorithm>
#include <set>

#include "core/api/client_limits.h"
#include "core/event/expiry.h"
#include "core/feed/feed.h"

namespace np2p {
namespace {

// What the original answers at most when a client asks for "everything recent" without a period.
constexpr std::size_t kRecentWithoutPeriod = 50;
constexpr std::size_t kSearched = 500;  // ids of one filter that are asked for in the network

bool has_kind(const Filter& filter, std::uint32_t kind) {
  return filter.kinds && std::find(filter.kinds->begin(), filter.kinds->end(), kind) != filter.kinds->end();
}

bool only_kind(const Filter& filter, std::uint32_t kind) {
  return has_kind(filter, kind) && filter.kinds->size() == 1;
}

}  // namespace

QueryAnswer Reader::original(const Filter& filter) {
  if (has_kind(filter, kind::recent_data)) return recent(filter);
  if (only_kind(filter, kind::post) && filter.ids && filter.authors) return single(filter);
  if ((only_kind(filter, kind::profile) || only_kind(filter, kind::follow_list)) && filter.authors) {
    return single(filter);
  }
  Filter bounded = filter;
  if (!bounded.since && !bounded.ids && !bounded.limit) bounded.limit = kRecentWithoutPeriod;
  return {{}, unexpired(bounded, Order::newest_first), true};
}

// The original's kind 40000: everything recent, oldest first. Empty lists mean "not given", as its client sends them.
QueryAnswer Reader::recent(Filter filter) {
  filter.kinds.reset();
  if (filter.ids && filter.ids->empty()) filter.ids.reset();
  if (filter.authors && filter.authors->empty()) filter.authors.reset();
  std::erase_if(filter.tags, [](const auto& tag) { return tag.second.empty(); });
  const std::size_t most = filter.since ? config_.limits.query_events : kRecentWithoutPeriod;
  filter.limit = std::min(filter.limit.value_or(most), most);
  return {{}, unexpired(filter, Order::oldest_first), true};
}

// One post by id, or the latest profile or follow list of an author: answered without signatures, as the original does.
QueryAnswer Reader::single(const Filter& filter) {
  QueryAnswer answer{{}, unexpired(filter, Order::newest_first), false};
  look_up_missing(filter, answer.events);
  return answer;
}

std::vector<EventPtr> Reader::stored(const std::vector<Filter>& filters) {
  std::vector<EventPtr> found;
  std::set<EventId> listed;
  const ClientLimits& limits = config_.limits.client;
  const std::size_t share = kAnswersEvents / std::max<std::size_t>(filters.size(), 1);
  const std::size_t most = std::min(limits.answer_events, std::max<std::size_t>(share, 1));
  std::size_t bytes = 0;
  for (const Filter& filter : filters) {
    if (filter.limit == std::size_t{0}) continue;  // only what comes from now on
    Filter bounded = filter;
    bounded.limit = std::min(filter.limit.value_or(most), most);
    const auto events = unexpired(bounded, Order::newest_first);
    look_up_missing(filter, events);
    for (const EventPtr& event : events) {
      if (filters.size() > 1 && !listed.insert(event->id).second) continue;
      // As if its limit were lower: one answer is no more than may wait for a client.
      bytes += event->content.size() + event->tags.bytes();
      if (!found.empty() && bytes > limits.answer_bytes) break;
      found.push_back(event);
    }
  }
  if (filters.size() > 1) {
    std::sort(found.begin(), found.end(), [](const EventPtr& a, const EventPtr& b) { return newer(*a, *b); });
  }
  return found;
}

Reader::Count Reader::count(const std::vector<Filter>& filters) {
  Count count;
  if (filters.size() == 1 && !filters.front().limit) {
    count.events = host_.store.count(filters.front());
    return count;
  }
  host_.store.expire(unix_seconds(host_.clock.wall()));
  std::set<EventId> listed;
  std::size_t left = kCountedEvents;
  for (const Filter& filter : filters) {
    Filter bounded = filter;
    const std::size_t most = std::min({filter.limit.value_or(left), config_.limits.query_events, left});
    bounded.limit = most;
    const auto stamps = host_.store.stamps(bounded, most);
    left -= stamps.size();
    count.at_least = count.at_least || (stamps.size() == most && filter.limit != most);
    for (const Stamp& stamp : stamps) listed.insert(stamp.id);
  }
  count.events = listed.size();
  return count;
}

// What has expired is thrown away where it is met, and what comes in its place is looked at, too. A store that cannot
// throw away keeps it; nobody sees it all the same.
std::vector<EventPtr> Reader::unexpired(const Filter& filter, Order order) {
  const std::int64_t now = unix_seconds(host_.clock.wall());
  for (;;) {
    auto events = host_.store.query(filter, order);
    bool erased = false;
    std::erase_if(events, [&](const EventPtr& event) {
      if (!has_expired(*event, now)) return false;
      erased = host_.store.erase(EventId(event->id)) || erased;
      return true;
    });
    if (!erased) return events;
  }
}

void Reader::look_up_missing(const Filter& filter, const std::vector<EventPtr>& held) {
  if (filter.ids) return look_up_events(filter, held);
  if (!filter.authors || !filter.kinds) return;
  for (const std::uint16_t k : {kind::profile, kind::follow_list}) {
    if (has_kind(filter, k)) look_up_latest(k, filter, held);
  }
}

// An id names one event, of whatever kind it is.
void Reader::look_up_events(const Filter& filter, const std::vector<EventPtr>& held) {
  std::vector<EventId> missing;
  for (const EventId& id : *filter.ids) {
    if (missing.size() == kSearched) break;
    const bool found = std::any_of(held.begin(), held.end(), [&](const EventPtr& e) { return e->id == id; });
    if (!found && !host_.store.contains(id)) missing.push_back(id);
  }
  if (!missing.empty()) feed_.lookup().find(missing, filter.authors.value_or(std::vector<PubKey>{}));
}

void Reader::look_up_latest(std::uint16_t kind, const Filter& filter, const std::vector<EventPtr>& held) {
  const std::int64_t old = unix_seconds(host_.clock.wall() - config_.limits.refresh_age);
  for (const PubKey& author : *filter.authors) {
    const auto at = std::find_if(held.begin(), held.end(),
                                 [&](const EventPtr& e) { return e->kind == kind && e->pubkey == author; });
    if (at != held.end() && (*at)->created_at >= old) continue;
    feed_.lookup().ask(kind, author, std::nullopt, at != held.end());
  }
}

}  // namespace np2p
