#include "core/api/api.h"

#include <algorithm>

#include "core/event/bind.h"
#include "core/event/expiry.h"
#include "core/event/references.h"
#include "core/event/validation.h"
#include "core/feed/bans.h"
#include "core/feed/deletions.h"
#include "core/feed/feed.h"

namespace np2p {
namespace {

// What the original answers at most when a client asks for "everything recent" without a period.
constexpr std::size_t kRecentWithoutPeriod = 50;

bool has_kind(const Filter& filter, std::uint32_t kind) {
  return filter.kinds && std::find(filter.kinds->begin(), filter.kinds->end(), kind) != filter.kinds->end();
}

bool only_kind(const Filter& filter, std::uint32_t kind) {
  return has_kind(filter, kind) && filter.kinds->size() == 1;
}

}  // namespace

Api::Api(const Config& config, Host& host, Feed& feed) : config_(config), host_(host), feed_(feed) {}

Api::~Api() = default;

Result<EventPtr> Api::admit(Event event) {
  if (!config_.writable) return error(ErrorCode::read_only, "Write is denied");
  if (pending_.size() >= config_.limits.pending_publishes) {
    return error(ErrorCode::rate_limited, "too many publishes are waiting for the disk");
  }
  if (event.created_at > unix_seconds(host_.clock.wall() + config_.limits.future_tolerance)) {
    return error(ErrorCode::bad_time, "created_at lies in the future");
  }
  if (event.kind == kind::post && event.content.empty()) return error(ErrorCode::bad_field, "Content is required");
  auto valid = ValidationGate::validate(std::move(event), config_.limits, host_.verifier);
  if (valid && (*valid)->pubkey != config_.owner) {
    return error(ErrorCode::forbidden, "this server publishes only its owner's events");
  }
  if (valid && is_banned(**valid, host_.store)) {
    return error(ErrorCode::forbidden, "it, or its author, is banned here");
  }
  if (valid && has_expired(**valid, unix_seconds(host_.clock.wall()))) {
    return error(ErrorCode::bad_time, "it has expired");
  }
  if (valid && (*valid)->kind == kind::bind) {
    if (const Status bind = admit_bind(*valid); !bind.ok()) return bind.error();
  }
  if (valid && (*valid)->kind == kind::deletion) {
    if (const Status deletion = admit_deletion(**valid); !deletion.ok()) return deletion.error();
  }
  if (valid && deletion_of(**valid, host_.store)) {
    return error(ErrorCode::forbidden, "it has been deleted; a deleted event does not come back");
  }
  return valid;
}

// Nobody would follow it: without its newest BIND a key would belong to whoever claims it.
Status Api::admit_deletion(const Event& event) {
  const Deletes wanted = deletes(event);
  bool of_bind = wanted.kinds.count(kind::bind) != 0;
  for (const EventAddress& address : wanted.addresses) of_bind = of_bind || address.kind == kind::bind;
  for (const EventId& id : wanted.ids) {
    const EventPtr held = host_.store.get(id);
    of_bind = of_bind || (held && held->kind == kind::bind);
  }
  if (of_bind) return error(ErrorCode::bad_kind, "a BIND cannot be deleted; publish one without a node instead");
  return {};
}

// What the network would not follow, or would hold against the user, is refused while it can still be mended.
Status Api::admit_bind(const EventPtr& event) {
  const auto fresh = decode_bind(event.get());
  if (!fresh.ok()) return fresh.error();
  Filter filter;
  filter.authors = {event->pubkey};
  filter.kinds = {kind::bind};
  for (const EventPtr& held : host_.store.query(filter, Order::newest_first)) {
    const auto known = decode_bind(held.get());
    if (!known.ok() || held->id == event->id) continue;
    const std::string epoch = std::to_string(known->epoch);
    if (equivocates(*fresh, *known)) {
      return error(ErrorCode::bad_field, "epoch " + epoch + " names another node already; use a higher one");
    }
    if (fresh->epoch < known->epoch) {
      return error(ErrorCode::bad_field, "a BIND with the higher epoch " + epoch + " is there already");
    }
  }
  return {};
}

void Api::publish(RequestId request, Event event) {
  auto valid = admit(std::move(event));
  if (!valid) {
    host_.observer.rejected("publish", valid.error(), {});
    host_.clients.published(request, valid.error());
    return;
  }
  const EventPtr& accepted = *valid;
  if (kind::class_of(accepted->kind) == kind::Class::ephemeral) {
    feed_.published(accepted);  // never stored (NIP-01), so there is nothing to wait for
    host_.clients.published(request, Status{});
    return;
  }
  const PutOutcome outcome = host_.store.put(accepted);
  if (outcome == PutOutcome::superseded || outcome == PutOutcome::refused) {
    const Error why = outcome == PutOutcome::superseded
                          ? error(ErrorCode::bad_time, "a newer event of this kind is already stored")
                          : error(ErrorCode::full, "the store has no room, or its disk fails");
    host_.observer.rejected("publish", why, {});
    host_.clients.published(request, why);
    return;
  }
  if (outcome == PutOutcome::stored) feed_.published(accepted);
  pending_.push_back({host_.store.flush(), request});
  durable(host_.store.durable());
}

void Api::durable(Ticket ticket) {
  while (!pending_.empty() && pending_.front().ticket <= ticket) {
    const RequestId request = pending_.front().request;
    pending_.pop_front();
    host_.clients.published(request, Status{});
  }
}

QueryAnswer Api::query(const ClientQuery& query) {
  const Filter& filter = query.filter;
  if (has_kind(filter, kind::recent_data)) return recent(filter);
  if (only_kind(filter, kind::post) && filter.ids && filter.authors) return single(filter);
  if ((only_kind(filter, kind::profile) || only_kind(filter, kind::follow_list)) && filter.authors) {
    return single(filter);
  }
  Filter bounded = filter;
  if (!bounded.since && !bounded.ids && !bounded.limit) bounded.limit = kRecentWithoutPeriod;
  return {{}, host_.store.query(bounded, Order::newest_first), true};
}

// The original's kind 40000: everything recent, oldest first. Empty lists mean "not given", as its client sends them.
QueryAnswer Api::recent(Filter filter) {
  filter.kinds.reset();
  if (filter.ids && filter.ids->empty()) filter.ids.reset();
  if (filter.authors && filter.authors->empty()) filter.authors.reset();
  std::erase_if(filter.tags, [](const auto& tag) { return tag.second.empty(); });
  const std::size_t most = filter.since ? config_.limits.query_events : kRecentWithoutPeriod;
  filter.limit = std::min(filter.limit.value_or(most), most);
  return {{}, host_.store.query(filter, Order::oldest_first), true};
}

// One post by id, or the latest profile or follow list of an author: answered without signatures, as the original does;
// what is missing is asked for in the network.
QueryAnswer Api::single(const Filter& filter) {
  QueryAnswer answer{{}, host_.store.query(filter, Order::newest_first), false};
  look_up_missing(filter, answer.events);
  return answer;
}

void Api::look_up_missing(const Filter& filter, const std::vector<EventPtr>& held) {
  const auto kind = static_cast<std::uint16_t>(filter.kinds->front());
  if (kind == kind::post) {
    for (const EventId& id : *filter.ids) {
      const bool found = std::any_of(held.begin(), held.end(), [&](const EventPtr& e) { return e->id == id; });
      if (found || host_.store.contains(id)) continue;
      for (const PubKey& author : *filter.authors) {
        if (!deletion_of(id, author, host_.store)) feed_.lookup().ask(kind, author, id, false);
      }
    }
    return;
  }
  const std::int64_t old = unix_seconds(host_.clock.wall() - config_.limits.refresh_age);
  for (const PubKey& author : *filter.authors) {
    const auto at = std::find_if(held.begin(), held.end(), [&](const EventPtr& e) { return e->pubkey == author; });
    if (at != held.end() && (*at)->created_at >= old) continue;
    feed_.lookup().ask(kind, author, std::nullopt, at != held.end());
  }
}

}  // namespace np2p
