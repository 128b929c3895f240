#include "core/store/sqlite_events.h"

#include <algorithm>
#include <limits>
#include <unordered_set>

#include "core/base/hash.h"
#include "core/event/expiry.h"
#include "core/event/replaceable.h"
#include "core/store/event_row.h"

namespace np2p {

namespace {

constexpr std::size_t kCachedEvents = 2048;      // a power of two
constexpr std::size_t kCachedEventBytes = 2048;  // larger events are not cached: at most some 6 MB in all

Rank rank_in(const Use& use, int column) {
  return static_cast<Rank>(std::clamp<std::int64_t>(use.number(column), 0, kRanks - 1));
}

std::int64_t address_key(const EventAddress& address) {
  return static_cast<std::int64_t>(hash_bytes(bytes_of(address.d)));
}

}  // namespace

EventRows::EventRows(Database& db, std::size_t most_found, std::size_t most_naming)
    : db_(db),
      count_(db, "SELECT rank, count(*), sum(size) FROM event GROUP BY rank"),
      find_(db, "SELECT seq, id FROM event WHERE head=?"),
      load_(db, "SELECT id, pubkey, kind, created_at, body, written FROM event WHERE seq=?"),
      by_author_kind_(
          db,
          "SELECT created_at, head, seq FROM event WHERE author=? AND kind=? AND created_at BETWEEN ? AND ? "
          "ORDER BY created_at DESC, head"),
      next_kind_(db, "SELECT kind FROM event WHERE author=? AND kind>=? ORDER BY kind LIMIT 1"),
      next_kind_of_all_(db, "SELECT kind FROM event WHERE kind>=? ORDER BY kind LIMIT 1"),
      by_kind_(db,
               "SELECT created_at, head, seq FROM event WHERE kind=? AND created_at BETWEEN ? AND ? "
               "ORDER BY created_at DESC, head"),
      by_rank_(db,
               "SELECT created_at, head, seq FROM event WHERE rank=? AND created_at BETWEEN ? AND ? "
               "ORDER BY created_at DESC, head"),
      by_tag_(db,
              "SELECT created_at, head, seq, kind, author FROM tag WHERE key=? AND created_at BETWEEN ? AND ? "
              "ORDER BY created_at DESC, head"),
      replaceable_(db, "SELECT seq, id, pubkey, created_at, rank, size, body FROM event WHERE author=? AND kind=?"),
      addressable_(db,
                   "SELECT seq, id, pubkey, created_at, rank, size, body FROM event "
                   "WHERE author=? AND kind=? AND address=?"),
      oldest_(db, "SELECT created_at, head, seq FROM event WHERE rank=? ORDER BY created_at, head DESC LIMIT 1"),
      // The ranks are those of goes_as_it_came(), in the words of the index (sqlite_schema.cpp).
      first_(db, "SELECT created_at, head, seq FROM event WHERE rank=? AND rank IN (6,7) ORDER BY seq LIMIT 1"),
      mentions_(db,
                "SELECT count(*), total(size), min(seq) FROM event INDEXED BY event_mention WHERE author=? AND rank=6"),
      followers_(
          db,
          "SELECT 1 FROM (SELECT seq, kind FROM tag WHERE key=? ORDER BY created_at DESC, head LIMIT ?) AS named "
          "CROSS JOIN event ON event.seq=named.seq WHERE named.kind=3 AND event.rank=3 LIMIT 1"),
      file_(db, "UPDATE event SET rank=?, claim=? WHERE seq=? RETURNING size"),
      insert_(
          db,
          "INSERT INTO event(id, head, pubkey, author, kind, created_at, rank, claim, size, address, body, written) "
          "VALUES(?,?,?,?,?,?,?,?,?,?,?,?)"),
      insert_tag_(db, "INSERT INTO tag(key, created_at, head, seq, kind, author) VALUES(?,?,?,?,?,?)"),
      remove_(db, "DELETE FROM event WHERE seq=? RETURNING rank, size"),
      remove_tag_(db, "DELETE FROM tag WHERE key=? AND created_at=? AND head=? AND seq=?"),
      sweep_tags_(db, "DELETE FROM tag WHERE seq=?"),
      keep_rotten_(db,
                   "INSERT INTO rotten(id, pubkey, kind, created_at, body) "
                   "SELECT id, pubkey, kind, created_at, body FROM event WHERE seq=?"),
      // The kinds are those of is_vital().
      count_author_(db,
                    "SELECT kind IN (0,3,10002,10848), claim, count(*), sum(size) FROM event WHERE author=? AND "
                    "pubkey=? GROUP BY 1, 2"),
      file_author_(db,
                   "UPDATE event SET rank=? WHERE author=? AND pubkey=? AND (kind IN (0,3,10002,10848))=? AND claim=?"),
      id_(db, "SELECT id FROM event WHERE seq=?"),
      author_of_(db, "SELECT pubkey FROM event WHERE seq=?"),
      place_(db, "SELECT created_at, head, kind, author FROM event WHERE seq=?"),
      insert_expiry_(db, "INSERT INTO expiry(at, seq) VALUES(?,?)"),
      remove_expiry_(db, "DELETE FROM expiry WHERE at=? AND seq=?"),
      sweep_expiries_(db, "DELETE FROM expiry WHERE seq=?"),
      first_expiry_(db, "SELECT at FROM expiry ORDER BY at LIMIT 1"),
      expired_(db, "SELECT seq FROM expiry WHERE at<=? ORDER BY at, seq LIMIT ?"),
      older_(db, "SELECT seq FROM event WHERE rank=? AND created_at<? ORDER BY created_at, head DESC LIMIT ?"),
      // The ranks are those that prune() may touch: all but the owner's, and what is vital of those we know.
      older_of_kind_(db,
                     "SELECT seq FROM event WHERE kind=? AND created_at<? AND rank IN (0,1,5,6,7,8) "
                     "ORDER BY created_at, head DESC LIMIT ?"),
      search_(db),
      most_found_(most_found),
      most_naming_(most_naming),
      cache_(kCachedEvents) {}

RankCounts EventRows::count() {
  RankCounts counts;
  Use use(count_);
  while (use.row()) {
    const std::int64_t rank = use.number(0);
    if (rank >= 0 && rank < static_cast<std::int64_t>(kRanks)) {
      counts.add(static_cast<Rank>(rank),
                 {static_cast<std::size_t>(use.number(1)), static_cast<std::uint64_t>(use.number(2))});
    }
  }
  return counts;
}

std::optional<EventRows::Seq> EventRows::find(const EventId& id) {
  Use use(find_);
  use.bind(sortable_head(id.view()));
  while (use.row()) {
    if (EventId::from(use.blob(1)) == id) return use.number(0);
  }
  return std::nullopt;
}

void EventRows::remember(Seq seq, const EventPtr& event) {
  if (event->content.size() + event->tags.bytes() + event.written().size() > kCachedEventBytes) return;
  cache_[static_cast<std::size_t>(seq) % kCachedEvents] = {seq, event};
}

void EventRows::forget_cache() {
  for (auto& entry : cache_) entry = {};
  search_.forget();
}

void EventRows::take_in_words(std::size_t most) {
  search_.take_in(most, [this](Seq seq) {
    bool rotten = false;
    return load(seq, rotten);
  });
}

std::optional<EventId> EventRows::id(Seq seq) {
  Use use(id_);
  use.bind(seq);
  return use.row() ? EventId::from(use.blob(0)) : std::nullopt;
}

std::optional<std::int64_t> EventRows::first_expiry() {
  Use use(first_expiry_);
  return use.row() ? std::optional(use.number(0)) : std::nullopt;
}

namespace {

std::vector<EventRows::Seq> first_column(Use& use) {
  std::vector<EventRows::Seq> rows;
  while (use.row()) rows.push_back(use.number(0));
  return rows;
}

}  // namespace

std::vector<EventRows::Seq> EventRows::expired(std::int64_t now, std::size_t most) {
  Use use(expired_);
  return first_column(use.bind(now).bind(static_cast<std::int64_t>(most)));
}

std::vector<EventRows::Seq> EventRows::older(Rank rank, std::int64_t before, std::size_t most) {
  Use use(older_);
  return first_column(use.bind(static_cast<std::int64_t>(rank)).bind(before).bind(static_cast<std::int64_t>(most)));
}

std::vector<EventRows::Seq> EventRows::older_of_kind(std::uint16_t kind, std::int64_t before, std::size_t most) {
  Use use(older_of_kind_);
  return first_column(use.bind(kind).bind(before).bind(static_cast<std::int64_t>(most)));
}

EventPtr EventRows::load(Seq seq, bool& rotten) {
  rotten = false;
  if (const auto& [cached, event] = cache_[static_cast<std::size_t>(seq) % kCachedEvents]; cached == seq && event) {
    return event;
  }
  Use use(load_);
  use.bind(seq);
  if (!use.row()) return {};
  const auto id = EventId::from(use.blob(0));
  const auto pubkey = PubKey::from(use.blob(1));
  EventPtr event;
  if (id && pubkey) {
    event = decode_row(Event{.id = *id,
                             .pubkey = *pubkey,
                             .created_at = use.number(3),
                             .kind = static_cast<std::uint16_t>(use.number(2)),
                             .tags = {},
                             .content = {},
                             .sig = {}},
                       use.blob(4), use.blob(5));
  }
  rotten = !event;
  if (event) remember(seq, event);
  return event;
}

std::optional<EventRows::Holder> EventRows::holder(const Event& event) {
  const auto address = address_of(event);
  if (!address) return std::nullopt;
  const bool has_d = kind::class_of(event.kind) == kind::Class::addressable;
  Use use(has_d ? addressable_ : replaceable_);
  use.bind(sortable_head(event.pubkey.view())).bind(event.kind);
  if (has_d) use.bind(address_key(*address));
  while (use.row()) {
    const auto id = EventId::from(use.blob(1));
    if (!id || PubKey::from(use.blob(2)) != event.pubkey) continue;
    Event held{.id = *id,
               .pubkey = event.pubkey,
               .created_at = use.number(3),
               .kind = event.kind,
               .tags = {},
               .content = {},
               .sig = {}};
    if (has_d) {
      const EventPtr whole = decode_row(held, use.blob(6));
      if (!whole || address_of(whole.get()) != address) continue;
    }
    return Holder{use.number(0), rank_in(use, 4), static_cast<std::size_t>(use.number(5)), std::move(held)};
  }
  return std::nullopt;
}

std::optional<EventRows::Key> EventRows::oldest(Rank rank) {
  if (never_goes(rank)) return std::nullopt;
  Use use(goes_as_it_came(rank) ? first_ : oldest_);
  use.bind(static_cast<std::int64_t>(rank));
  if (!use.row()) return std::nullopt;
  return Key{use.number(0), use.number(1), use.number(2)};
}

EventRows::OfAuthor EventRows::mentions_by(const PubKey& author) {
  Use use(mentions_);
  use.bind(sortable_head(author.view()));
  if (!use.row() || use.number(0) == 0) return {};
  return {{static_cast<std::size_t>(use.number(0)), static_cast<std::uint64_t>(use.number(1))},
          Key{0, 0, use.number(2)}};
}

bool EventRows::is_followed_by_followed(const PubKey& author) {
  Use use(followers_);
  use.bind(tag_key('p', author.hex())).bind(static_cast<std::int64_t>(most_naming_));
  return use.row();
}

std::optional<PubKey> EventRows::author_of(Seq seq) {
  Use use(author_of_);
  use.bind(seq);
  return use.row() ? PubKey::from(use.blob(0)) : std::nullopt;
}

std::size_t EventRows::file(Seq seq, Rank rank, Claim claim) {
  Use use(file_);
  use.bind(static_cast<std::int64_t>(rank)).bind(static_cast<std::int64_t>(claim)).bind(seq);
  const std::size_t bytes = use.row() ? static_cast<std::size_t>(use.number(0)) : 0;
  use.run();
  return bytes;
}

void EventRows::insert(const EventPtr& event, Rank rank, Claim claim, std::size_t bytes) {
  const std::int64_t head = sortable_head(event->id.view());
  const std::int64_t author = sortable_head(event->pubkey.view());
  const ByteVec body = encode_body(event.get());
  const ByteVec written = encode_written(event);
  Seq seq = 0;
  {
    Use use(insert_);
    use.bind(event->id.view()).bind(head).bind(event->pubkey.view()).bind(author).bind(event->kind);
    use.bind(event->created_at).bind(static_cast<std::int64_t>(rank)).bind(static_cast<std::int64_t>(claim));
    use.bind(static_cast<std::int64_t>(bytes));
    if (kind::class_of(event->kind) == kind::Class::addressable) {
      use.bind(address_key(*address_of(event.get())));
    } else {
      use.bind_null();
    }
    use.bind(body);
    written.empty() ? use.bind_null() : use.bind(written);
    use.run();
    seq = db_.last_row();  // RETURNING would build a temporary table for each event
  }
  for (const std::int64_t key : tag_keys(event.get())) {
    Use use(insert_tag_);
    use.bind(key).bind(event->created_at).bind(head).bind(seq).bind(event->kind).bind(author);
    use.run();
  }
  if (const auto at = expiration_of(event.get())) Use(insert_expiry_).bind(*at).bind(seq).run();
  search_.inserted(seq, event->kind);
  remember(seq, event);
}

std::optional<EventRows::Filed> EventRows::remove(Seq seq) {
  bool rotten = false;
  const EventPtr event = load(seq, rotten);
  if (event) {
    for (const std::int64_t key : tag_keys(event.get())) {
      Use use(remove_tag_);
      use.bind(key).bind(event->created_at).bind(sortable_head(event->id.view())).bind(seq);
      use.run();
    }
    if (const auto at = expiration_of(event.get())) Use(remove_expiry_).bind(*at).bind(seq).run();
    search_.removing(seq, event.get());
  } else if (rotten) {
    Use(sweep_tags_).bind(seq).run();
    Use(sweep_expiries_).bind(seq).run();
    search_.row_gone(seq);
  }
  cache_[static_cast<std::size_t>(seq) % kCachedEvents] = {};
  Use use(remove_);
  use.bind(seq);
  if (!use.row()) return std::nullopt;
  const Filed filed{rank_in(use, 0), {1, static_cast<std::uint64_t>(use.number(1))}};
  use.run();
  return filed;
}

void EventRows::set_aside(Seq seq) {
  Use(keep_rotten_).bind(seq).run();
  remove(seq);
}

void EventRows::change_standing(const PubKey& author, Standing from, Standing to, RankCounts& counts) {
  struct Group {
    bool vital;
    Claim claim;
    Amount amount;
  };
  std::vector<Group> groups;
  const std::int64_t head = sortable_head(author.view());
  {
    Use use(count_author_);
    use.bind(head).bind(author.view());
    while (use.row()) {
      groups.push_back({use.number(0) != 0,
                        static_cast<Claim>(std::clamp<std::int64_t>(use.number(1), 0, kClaims - 1)),
                        {static_cast<std::size_t>(use.number(2)), static_cast<std::uint64_t>(use.number(3))}});
    }
  }
  for (const Group& group : groups) {
    const Rank now = rank_of(to, group.vital, group.claim);
    counts.take(rank_of(from, group.vital, group.claim), group.amount);
    counts.add(now, group.amount);
    Use use(file_author_);
    use.bind(static_cast<std::int64_t>(now)).bind(head).bind(author.view()).bind(group.vital ? 1 : 0);
    use.bind(static_cast<std::int64_t>(group.claim)).run();
  }
}

// --- queries

// The best `limit` of what is offered, as a heap whose front is the worst of them.
class EventRows::Selection {
 public:
  Selection(EventRows& rows, const PreparedFilter& filter, std::size_t limit, bool look, const std::vector<Seq>& skip)
      : rows_(rows), filter_(filter), skip_(skip), limit_(limit), look_(look) {}

  // The lowest created_at that can still be taken.
  [[nodiscard]] std::int64_t low() const {
    const std::int64_t since = filter_.rest.since.value_or(std::numeric_limits<std::int64_t>::min());
    return full() ? std::max(since, chosen_.front().created_at) : since;
  }
  [[nodiscard]] std::int64_t high() const {
    return filter_.rest.until.value_or(std::numeric_limits<std::int64_t>::max());
  }
  [[nodiscard]] bool closed_to(const Key& key) const { return full() && !(key < chosen_.front()); }
  void offer(const Key& key) {
    if (std::find(skip_.begin(), skip_.end(), key.seq) != skip_.end()) return;
    if (look_) {
      bool rotten = false;
      const EventPtr event = rows_.load(key.seq, rotten);
      if (!rotten && (!event || !filter_.accepts(event.get()))) return;
    }
    if (full()) {
      std::pop_heap(chosen_.begin(), chosen_.end());
      chosen_.pop_back();
    }
    chosen_.push_back(key);
    std::push_heap(chosen_.begin(), chosen_.end());
  }
  // Takes what it wants from rows (created_at, head, seq, ...) in NIP-01's order, where wanted(use).
  template <class Wanted>
  void take(Use& use, Wanted wanted) {
    use.bind(low()).bind(high());
    while (use.row()) {
      const Key key{use.number(0), use.number(1), use.number(2)};
      if (closed_to(key)) return;
      if (wanted(use)) offer(key);
    }
  }
  void take(Use& use) {
    take(use, [](const Use&) { return true; });
  }
  [[nodiscard]] std::vector<Key> result() && {
    std::sort(chosen_.begin(), chosen_.end());
    return std::move(chosen_);
  }

 private:
  [[nodiscard]] bool full() const { return chosen_.size() >= limit_; }
  EventRows& rows_;
  const PreparedFilter& filter_;
  const std::vector<Seq>& skip_;
  std::size_t limit_;
  bool look_;
  std::vector<Key> chosen_;
};

void EventRows::select_author_kind(std::int64_t author, std::uint32_t kind, Selection& selection) {
  Use use(by_author_kind_);
  use.bind(author).bind(kind);
  selection.take(use);
}

namespace {

constexpr std::size_t kFewKinds = 4;  // of so many each is asked for

// From one kind that is there to the next, as next(from) tells, and visits those that are wanted: thousands of wanted
// kinds cost nothing for those that nobody has. Without this 2,000 authors and 2,000 kinds took seconds.
template <class Next, class Visit>
void hop_kinds(const PreparedFilter& filter, Next next, Visit visit) {
  std::int64_t from = 0;
  for (;;) {
    if (filter.kinds) {
      const auto wanted = std::lower_bound(filter.kinds->begin(), filter.kinds->end(), from);
      if (wanted == filter.kinds->end()) return;
      from = *wanted;
    }
    const std::optional<std::int64_t> there = next(from);
    if (!there) return;
    const auto kind = static_cast<std::uint32_t>(*there);
    if (!filter.kinds || std::binary_search(filter.kinds->begin(), filter.kinds->end(), kind)) visit(kind);
    from = *there + 1;
  }
}

}  // namespace

void EventRows::select_authors(const PreparedFilter& filter, Selection& selection) {
  std::int64_t last = 0;
  bool first = true;
  for (const PubKey& pubkey : *filter.authors) {
    const std::int64_t author = sortable_head(pubkey.view());
    if (!first && author == last) continue;  // two keys may share their first eight bytes
    first = false;
    last = author;
    if (filter.kinds && filter.kinds->size() <= kFewKinds) {
      for (const std::uint32_t k : *filter.kinds) select_author_kind(author, k, selection);
      continue;
    }
    const auto next = [&](std::int64_t from) -> std::optional<std::int64_t> {
      Use use(next_kind_);
      use.bind(author).bind(from);
      return use.row() ? std::optional(use.number(0)) : std::nullopt;
    };
    hop_kinds(filter, next, [&](std::uint32_t k) { select_author_kind(author, k, selection); });
  }
}

void EventRows::select_tags(const PreparedFilter& filter, Selection& selection) {
  const auto fewest = std::min_element(filter.rest.tags.begin(), filter.rest.tags.end(),
                                       [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  std::vector<std::int64_t> keys;
  for (const std::string& value : fewest->second) keys.push_back(tag_key(fewest->first, value));
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::vector<std::int64_t> authors;  // in the order of the keys, since heads sort as they do
  if (filter.authors) {
    for (const PubKey& author : *filter.authors) authors.push_back(sortable_head(author.view()));
  }
  std::unordered_set<Seq> seen;  // an event with several of the values has several rows
  for (const std::int64_t key : keys) {
    Use use(by_tag_);
    use.bind(key);
    selection.take(use, [&](const Use& row) {
      if (!filter.has_kind(static_cast<std::uint16_t>(row.number(3)))) return false;
      if (filter.authors && !std::binary_search(authors.begin(), authors.end(), row.number(4))) return false;
      return keys.size() == 1 || seen.insert(row.number(2)).second;
    });
  }
}

// A row more than it finds costs some microseconds, and a common word is in most of them.
void EventRows::select_found(const PreparedFilter& filter, Selection& selection) {
  std::vector<std::int64_t> authors;
  if (filter.authors) {
    for (const PubKey& author : *filter.authors) authors.push_back(sortable_head(author.view()));
  }
  std::size_t looked_at = 0;
  search_.each(*filter.search, [&](Seq seq) {
    if (looked_at++ >= most_found_) return false;
    Use use(place_);
    use.bind(seq);
    if (!use.row()) return true;
    const Key key{use.number(0), use.number(1), seq};
    if (key.created_at < selection.low() || key.created_at > selection.high() || selection.closed_to(key)) return true;
    if (!filter.has_kind(static_cast<std::uint16_t>(use.number(2)))) return true;
    if (filter.authors && !std::binary_search(authors.begin(), authors.end(), use.number(3))) return true;
    selection.offer(key);
    return true;
  });
}

std::size_t EventRows::count(const PreparedFilter& filter, std::size_t limit) {
  return select(filter, limit, false, {}).size();
}

std::vector<EventRows::Key> EventRows::select(const PreparedFilter& filter, std::size_t limit, bool look,
                                              const std::vector<Seq>& skip) {
  if (limit == 0) return {};
  // More than one condition on tags: the index answers one of them, the events the others. So it is with a search.
  const bool by_words = filter.search && !filter.search->empty();
  const bool more = filter.rest.tags.size() > (by_words ? 0 : 1) || (filter.search && !by_words);
  Selection selection(*this, filter, limit, look || more, skip);
  if (filter.ids) {
    for (const EventId& id : *filter.ids) {
      const auto seq = find(id);
      bool rotten = false;
      const EventPtr event = seq ? load(*seq, rotten) : EventPtr();
      if (rotten) selection.offer(Key{std::numeric_limits<std::int64_t>::max(), 0, *seq});
      if (!event || !filter.accepts(event.get())) continue;
      const Key key{event->created_at, sortable_head(id.view()), *seq};
      if (!selection.closed_to(key)) selection.offer(key);
    }
  } else if (by_words) {
    select_found(filter, selection);
  } else if (!filter.rest.tags.empty()) {
    select_tags(filter, selection);
  } else if (filter.authors) {
    select_authors(filter, selection);
  } else if (filter.kinds) {
    const auto next = [&](std::int64_t from) -> std::optional<std::int64_t> {
      Use use(next_kind_of_all_);
      use.bind(from);
      return use.row() ? std::optional(use.number(0)) : std::nullopt;
    };
    const auto take = [&](std::uint32_t k) {
      Use use(by_kind_);
      use.bind(k);
      selection.take(use);
    };
    if (filter.kinds->size() > kFewKinds) {
      hop_kinds(filter, next, take);
    } else {
      for (const std::uint32_t k : *filter.kinds) take(k);
    }
  } else {
    for (std::size_t rank = 0; rank < kRanks; ++rank) {
      Use use(by_rank_);
      use.bind(static_cast<std::int64_t>(rank));
      selection.take(use);
    }
  }
  return std::move(selection).result();
}

}  // namespace np2p
