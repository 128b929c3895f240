#include "core/feed/bans.h"

#include <string>

namespace np2p {
namespace {

std::string key_of(const PubKey& author) {
  return "k" + std::string(text_of(author.view()));
}

std::string key_of(const EventId& event) {
  return "e" + std::string(text_of(event.view()));
}

}  // namespace

bool is_banned(const PubKey& author, Store& store) {
  return !store.value(Table::banned, key_of(author)).empty();
}

bool is_banned(const Event& event, Store& store) {
  return is_banned(event.pubkey, store) || !store.value(Table::banned, key_of(event.id)).empty();
}

bool ban(const PubKey& author, Store& store) {
  if (!store.set_value(Table::banned, key_of(author), "1")) return false;
  Filter filter;
  filter.authors = std::vector<PubKey>{author};
  erase_matches(filter, store, [](const Event&) { return false; });
  return true;
}

bool ban(const EventId& event, Store& store) {
  if (!store.set_value(Table::banned, key_of(event), "1")) return false;
  store.erase(event);
  return true;
}

void unban(const PubKey& author, Store& store) {
  store.erase_value(Table::banned, key_of(author));
}

void unban(const EventId& event, Store& store) {
  store.erase_value(Table::banned, key_of(event));
}

std::size_t erase_matches(Filter filter, Store& store, const std::function<bool(const Event&)>& keep) {
  std::size_t erased = 0;
  // An answer holds so many at most; what stays would come again and again at its head, so the next ones are older.
  for (;;) {
    const auto found = store.query(filter, Order::newest_first);
    std::size_t now = 0;
    for (const EventPtr& event : found) {
      if (!keep(event.get()) && store.erase(EventId(event->id))) ++now;
    }
    erased += now;
    if (now > 0) continue;
    if (found.empty() || filter.until == found.back()->created_at) return erased;
    filter.until = found.back()->created_at;
  }
}

}  // namespace np2p
