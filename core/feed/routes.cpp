#include "core/feed/routes.h"

#include <algorithm>

#include "core/event/references.h"
#include "core/feed/deletions.h"

namespace np2p {
namespace {

EventPtr held(const Citation& citation, Store& store) {
  return citation.id ? store.get(*citation.id) : EventPtr();
}

// Whose event is it? What we hold knows better than the tag.
std::optional<PubKey> author_of(const Citation& citation, Store& store) {
  if (const EventPtr event = held(citation, store)) return event->pubkey;
  return citation.author;
}

// Of a kind, in broadcast mode.
Audience audience_of(std::uint16_t k) noexcept {
  switch (k) {
    case kind::profile:
    case kind::post:
    case kind::repost:
    case kind::bind:
      return Audience::everybody;
    case kind::follow_list:
    case kind::message:
    case kind::reaction:
    case kind::deletion:
      return Audience::nobody;
    default:
      return Audience::followers;
  }
}

// Of these kinds whom the event names or cites gets it, too.
bool is_for_named(std::uint16_t k) noexcept {
  switch (k) {
    case kind::post:
    case kind::message:
    case kind::repost:
    case kind::reaction:
    case kind::generic_repost:
    case kind::comment:
    case kind::zap:
      return true;
    default:
      return false;
  }
}

void widen(Route& route, Audience audience) {
  route.audience = std::max(route.audience, audience);
}

void name_people(Route& route, const Event& event, Store& store) {
  route.named.merge(named_users(event));
  for (const Citation& citation : cited(event)) {
    if (const auto author = author_of(citation, store)) route.named.insert(*author);
  }
}

Route plain_route(const Event& event, Replies replies, Store& store) {
  Route route;
  route.audience = audience_of(event.kind);
  route.stored = kind::class_of(event.kind) != kind::Class::ephemeral;
  if (is_for_named(event.kind)) name_people(route, event, store);
  const bool answers = event.kind == kind::post && !has_tag(event, "q") && !named_users(event).empty();
  if (answers && replies == Replies::tagged) route.audience = Audience::nobody;
  return route;
}

Route deletion_route(const Event& deletion, Replies replies, Store& store) {
  Route route;
  const Deletes wanted = deletes(deletion);
  const auto gone = deleted_by(deletion, store);
  for (const EventPtr& event : gone) {
    Route there = plain_route(event.get(), replies, store);
    widen(route, there.audience);
    route.named.merge(there.named);
  }
  // What is named here and not held, or was never ours to delete.
  bool unknown = false;
  for (const EventId& id : wanted.ids) unknown = unknown || !store.contains(id);
  for (const EventAddress& address : wanted.addresses) {
    const bool found = std::any_of(gone.begin(), gone.end(),
                                   [&](const EventPtr& event) { return address_of(event.get()) == address; });
    if (!found && address.author == deletion.pubkey) widen(route, audience_of(address.kind));
  }
  if (!unknown) return route;
  route.named.merge(named_users(deletion));
  for (const std::uint16_t k : wanted.kinds) widen(route, audience_of(k));
  if (wanted.kinds.empty()) widen(route, audience_of(kind::post));
  return route;
}

Route route_in_broadcast_mode(const Event& event, Replies replies, Store& store) {
  return event.kind == kind::deletion ? deletion_route(event, replies, store) : plain_route(event, replies, store);
}

}  // namespace

Route route_of(const Event& event, const Config& config, FeedMode mode, Store& store) {
  Route route = route_in_broadcast_mode(event, config.replies, store);
  // What is deleted may have been published when the mode was another one.
  const bool may_have_changed = config.mode == FeedMode::automatic && event.kind == kind::deletion;
  if (mode == FeedMode::multicast && !may_have_changed) route.audience = std::min(route.audience, Audience::followers);
  route.named.erase(config.owner);
  return route;
}

bool was_for_everybody(const Event& event, const Config& config, FeedMode mode, Store& store) {
  if (event.pubkey == config.owner) return route_of(event, config, mode, store).audience == Audience::everybody;
  return route_in_broadcast_mode(event, config.replies, store).audience == Audience::everybody;
}

bool waits_for_us(const Event& event, const PubKey& owner, Store& store) {
  // Whom a deletion was sent to is decided by what it deletes, which may be gone or not have come yet.
  if (event.kind == kind::deletion || named_users(event).count(owner) != 0) return true;
  for (const Citation& citation : cited(event)) {
    if (author_of(citation, store) == owner) return true;
    if (citation.id && !held(citation, store) && deletion_of(*citation.id, owner, store)) return true;
  }
  return false;
}

EventPtr target_of(const Event& reaction, Store& store) {
  if (reaction.kind != kind::reaction) return {};
  const auto citations = cited(reaction);
  return citations.empty() ? EventPtr() : held(citations.back(), store);
}

}  // namespace np2p
