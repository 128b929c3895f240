#include "core/feed/post_rate.h"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "core/event/kinds.h"
#include "core/wire/packet.h"

namespace np2p {
namespace {

constexpr std::int64_t kDay = 86'400;  // seconds
constexpr std::int64_t kDays = 7;
constexpr std::int64_t kKnown = 3 * kDay;  // who was not heard of before that is too new to count
constexpr std::uint64_t kMostADay = 50;
constexpr std::size_t kMostBytes = 2048;  // of a post
constexpr std::size_t kCarriage = 145;    // with each payload: the overlay's header, TLS, TCP and IP, acknowledgement
constexpr std::size_t kAuthors = 64;      // in one look
constexpr std::size_t kEnough = 5;

std::vector<PubKey> authors_of(const PubKey& owner, Store& store, std::size_t turn) {
  Filter own_list;
  own_list.authors = std::vector<PubKey>{owner};
  own_list.kinds = std::vector<std::uint32_t>{kind::follow_list};
  own_list.limit = 1;
  std::set<PubKey> followed;
  for (const EventPtr& list : store.query(own_list, Order::newest_first)) {
    for (std::size_t i = 0; i < list->tags.size(); ++i) {
      if (list->tags[i].name() != "p") continue;
      if (const auto user = PubKey::parse_hex(list->tags[i].first())) followed.insert(*user);
    }
  }
  followed.erase(owner);
  std::vector<PubKey> authors(followed.begin(), followed.end());
  if (authors.size() > kAuthors) {
    std::rotate(authors.begin(), authors.begin() + static_cast<std::ptrdiff_t>(turn * kAuthors % authors.size()),
                authors.end());
    authors.resize(kAuthors);
  }
  authors.push_back(owner);
  return authors;
}

// The newest of that author that is at least so old: when, in Unix seconds.
std::optional<std::int64_t> heard_before(const PubKey& author, Store& store, std::int64_t until) {
  Filter old;
  old.authors = std::vector<PubKey>{author};
  old.until = until;
  old.limit = 1;
  const auto found = store.query(old, Order::newest_first);
  if (found.empty()) return std::nullopt;
  return found.front()->created_at;
}

// Nothing if the author is too new. `before` is when our store has something of the author's from.
std::optional<std::uint64_t> bytes_per_day(const PubKey& author, Store& store, std::int64_t now) {
  const auto known_at = heard_before(author, store, now - kKnown);
  if (!known_at) return std::nullopt;
  Filter lately;
  lately.authors = std::vector<PubKey>{author};
  lately.kinds = std::vector<std::uint32_t>{kind::post, kind::repost};
  lately.since = now - kDays * kDay;
  lately.limit = kMostADay * kDays;
  const auto posts = store.query(lately, Order::newest_first);
  std::int64_t since = *known_at;
  std::uint64_t bytes = 0;
  for (const EventPtr& post : posts) {
    bytes += std::min(encode_events({&post, 1}).size() + kCarriage, kMostBytes);
    since = std::min(since, post->created_at);
  }
  const auto span = static_cast<std::uint64_t>(std::clamp(now - since, kKnown, kDays * kDay));
  const std::uint64_t most = std::min<std::uint64_t>(posts.size(), kMostADay * span / kDay);
  return posts.empty() ? 0 : bytes * most / posts.size() * kDay / span;
}

}  // namespace

std::uint64_t mean_bytes_per_day(const PubKey& owner, Store& store, WallTime now, std::size_t turn) {
  std::uint64_t sum = 0;
  std::size_t known = 0;
  for (const PubKey& author : authors_of(owner, store, turn)) {
    const auto bytes = bytes_per_day(author, store, unix_seconds(now));
    if (!bytes) continue;
    sum += *bytes;
    ++known;
  }
  for (; known < kEnough; ++known) sum += kUsualBytesPerDay;
  return sum / known;
}

}  // namespace np2p
