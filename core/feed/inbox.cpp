#include "core/feed/inbox.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/feed/deletions.h"

namespace np2p {
namespace {

constexpr std::string_view kWriters = "writers";  // in Table::node: the keys of the writers, one behind the other

}  // namespace

std::optional<InboxRefusal> inbox_refusal(const Event& event, const Config& config, Store& store) {
  const Inbox& inbox = config.inbox;
  if (inbox.followers && inbox.mentions && inbox.strangers) return std::nullopt;  // nobody has to look
  const Standing standing = store.standing(event.pubkey);
  if (standing >= Standing::followed || event.kind == kind::bind) return std::nullopt;
  if (event.kind == kind::deletion && !deleted_by(event, store).empty()) return std::nullopt;
  if (store.is_addressed(event)) {
    if (inbox.mentions) return std::nullopt;
    return InboxRefusal{"mention", "what is addressed to the owner is taken only from whom the owner follows"};
  }
  const bool follower = standing == Standing::follower;
  if (follower ? inbox.followers : inbox.strangers) return std::nullopt;
  if (inbox.trusted && store.is_trusted(event.pubkey)) return std::nullopt;
  if (follower) return InboxRefusal{"follower", "nothing is taken of those who follow the owner"};
  return InboxRefusal{"stranger", "nothing is taken of strangers"};
}

std::vector<PubKey> mark_own_keys(const Config& config, Store& store) {
  std::string writers;
  for (const PubKey& key : config.writers) writers += text_of(key.view());
  const std::string before = store.value(Table::node, kWriters);
  std::vector<PubKey> former;
  for (std::size_t at = 0; at + PubKey::size <= before.size(); at += PubKey::size) {
    const auto key = PubKey::from(bytes_of(std::string_view(before).substr(at, PubKey::size)));
    if (key && !config.is_own(*key)) former.push_back(*key);
  }
  const auto mark = [&](const PubKey& key) {
    if (store.standing(key) != Standing::owner) store.set_standing(key, Standing::owner);
  };
  mark(config.owner);
  std::for_each(config.writers.begin(), config.writers.end(), mark);
  if (writers.empty()) {
    if (!before.empty()) store.erase_value(Table::node, kWriters);
  } else {
    store.set_value(Table::node, kWriters, writers);
  }
  return former;
}

}  // namespace np2p
