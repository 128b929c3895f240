#include "core/feed/deletions.h"

#include <set>
#include <string>

#include "core/event/references.h"

namespace np2p {
namespace {

Filter deletions_by(const PubKey& author) {
  Filter filter;
  filter.authors = std::vector<PubKey>{author};
  filter.kinds = std::vector<std::uint32_t>{kind::deletion};
  filter.limit = 1;
  return filter;
}

EventPtr first(const Filter& filter, Store& store) {
  const auto found = store.query(filter, Order::newest_first);
  return found.empty() ? EventPtr() : found.front();
}

std::string text_of_address(const EventAddress& address) {
  return std::to_string(address.kind) + ":" + address.author.hex() + ":" + address.d;
}

// Each costs a look at everything of its author and kind.
constexpr std::size_t kAddresses = 64;

}  // namespace

std::vector<EventPtr> deleted_by(const Event& deletion, Store& store) {
  std::vector<EventPtr> found;
  std::set<EventId> listed;
  const auto add = [&](const EventPtr& event) {
    if (event->pubkey == deletion.pubkey && can_be_deleted(event->kind) && listed.insert(event->id).second) {
      found.push_back(event);
    }
  };
  const Deletes wanted = deletes(deletion);
  for (const EventId& id : wanted.ids) {
    if (const EventPtr event = store.get(id)) add(event);
  }
  std::size_t looked_for = 0;
  for (const EventAddress& address : wanted.addresses) {
    if (address.author != deletion.pubkey || ++looked_for > kAddresses) continue;
    Filter versions;
    versions.authors = std::vector<PubKey>{address.author};
    versions.kinds = std::vector<std::uint32_t>{address.kind};
    versions.until = deletion.created_at;
    for (const EventPtr& event : store.query(versions, Order::newest_first)) {
      if (address_of(event.get()) == address) add(event);
    }
  }
  return found;
}

EventPtr deletion_of(const EventId& event, const PubKey& author, Store& store) {
  Filter filter = deletions_by(author);
  filter.tags.push_back({'e', {event.hex()}});
  return first(filter, store);
}

EventPtr deletion_of(const Event& event, Store& store) {
  if (!can_be_deleted(event.kind)) return {};
  // Most authors have deleted nothing, which costs less to find out than what follows.
  if (!first(deletions_by(event.pubkey), store)) return {};
  if (EventPtr deletion = deletion_of(event.id, event.pubkey, store)) return deletion;
  const auto address = address_of(event);
  if (!address) return {};
  Filter filter = deletions_by(event.pubkey);
  filter.tags.push_back({'a', {text_of_address(*address)}});
  filter.since = event.created_at;
  return first(filter, store);
}

}  // namespace np2p
