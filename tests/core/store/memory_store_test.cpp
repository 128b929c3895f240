// What only the memory store has: its size, and what a power loss takes back.
#include "core/store/memory_store.h"

#include <gtest/gtest.h>

#include <map>

#include "core/base/rng.h"
#include "tests/core/store/store_fixture.h"

namespace np2p::test {
namespace {

struct Snapshot {
  std::vector<EventId> events;
  std::map<PubKey, Standing> standings;
  std::vector<std::pair<std::string, std::string>> values;
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

Snapshot look_at(MemoryStore& store) {
  Snapshot snapshot;
  snapshot.events = ids_of(store.query({}, Order::newest_first));
  for (unsigned i = 0; i < 6; ++i) snapshot.standings[user(i)] = store.standing(user(i));
  for (const Table table : {Table::node, Table::outbox}) {
    store.each_value(table, [&](auto key, auto value) { snapshot.values.emplace_back(key, value); });
  }
  return snapshot;
}

void write_something(MemoryStore& store, Rng& rng, std::vector<EventId>& seen) {
  const PubKey author = user(static_cast<unsigned>(rng.below(6)));
  const auto table = rng.chance(1, 2) ? Table::node : Table::outbox;
  const std::string key = std::to_string(rng.below(6));
  switch (rng.below(8)) {
    case 0:
      store.set_standing(author, static_cast<Standing>(rng.below(4)));
      break;
    case 1:
      if (!seen.empty()) store.erase(seen[rng.below(seen.size())]);
      break;
    case 2:
      store.set_value(table, key, std::to_string(rng.below(100)));
      break;
    case 3:
      store.erase_value(table, key);
      break;
    default: {
      const std::uint16_t kinds[] = {0, 1, 1, 3, 30023};
      const std::uint16_t kind = kinds[rng.below(5)];
      const auto time = static_cast<std::int64_t>(rng.below(50));
      const EventPtr event = made_event(author, kind, time, std::to_string(rng.below(1000)));
      store.put(event);
      seen.push_back(event->id);
    }
  }
}

TEST(MemoryStore, ADiskThatLiesLosesWhatItSaidToBeDurable) {
  MemoryStore store{Limits{}};
  const auto put = [&](const std::string& words) {
    const EventPtr event = made_event(user(1), 1, 1, words);
    store.put(event);
    store.flush();
    return event->id;
  };
  const EventId safe = put("safe");
  store.mark_durable(store.commit());
  const EventId said = put("said to be safe");
  store.say_durable(store.commit());
  EXPECT_EQ(store.durable(), store.requested());
  const EventId settled = put("safe after all");
  store.say_durable(store.commit());
  store.mark_durable(store.durable());
  const EventId lost = put("lost");
  store.say_durable(store.commit());
  store.crash();
  EXPECT_TRUE(store.contains(safe) && store.contains(said) && store.contains(settled));
  EXPECT_FALSE(store.contains(lost));
}

TEST(MemoryStore, ACrashGoesBackToTheLastDurableTicket) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed, "crash");
    Limits limits;
    limits.stored_events = 60;
    limits.stranger_share_percent = 40;
    MemoryStore store(limits);
    std::vector<EventId> seen;
    std::map<Ticket, Snapshot> at;
    at[Ticket{}] = look_at(store);
    for (int step = 0; step < 400; ++step) {
      write_something(store, rng, seen);
      if (rng.chance(1, 6)) {
        const Ticket ticket = store.flush();
        at[ticket] = look_at(store);
      }
      if (rng.chance(1, 15)) {
        const Ticket committed = store.commit();
        const std::uint64_t from = store.durable().value;
        store.mark_durable(Ticket{from + rng.below(committed.value - from + 1)});
      }
      if (rng.chance(1, 40)) {
        const Ticket safe = store.durable();
        const Ticket given = store.requested();
        store.crash();
        ASSERT_EQ(look_at(store), at[safe]);
        ASSERT_EQ(store.flush(), given);  // nothing is owed
        ASSERT_EQ(store.durable(), given);
        at[given] = look_at(store);
      }
    }
  }
}

TEST(MemoryStore, TicketsGoOnAfterACrash) {
  MemoryStore store(Limits{});
  const EventPtr event = made_event(user(1), 1, 1, "a");
  store.put(event);
  const Ticket lost = store.flush();
  store.commit();
  store.crash();
  EXPECT_FALSE(store.contains(event->id));
  store.mark_durable(lost);  // the disk's late answer means nothing any more
  store.put(event);
  const Ticket next = store.flush();
  EXPECT_GT(next, lost);
  EXPECT_LT(store.durable(), next);
}

TEST(MemoryStore, ForgetsHowToTakeBackOnlyBeyondItsBound) {
  Limits limits;
  limits.unsafe_writes = 10;
  MemoryStore store(limits);
  for (int i = 0; i < 1000; ++i) store.put(made_event(user(1), 1, i, "a"));
  store.crash();
  EXPECT_GE(store.stats().events, 990u);
  EXPECT_LT(store.stats().events, 1000u);
}

TEST(MemoryStore, WipeLosesEverything) {
  MemoryStore store(Limits{});
  store.put(made_event(user(1), 1, 1, "a"));
  store.set_standing(user(1), Standing::owner);
  store.set_value(Table::node, "k", "v");
  const Ticket ticket = store.flush();
  store.wipe();
  EXPECT_EQ(store.stats().events, 0u);
  EXPECT_EQ(store.stats().values, 0u);
  EXPECT_EQ(store.standing(user(1)), Standing::stranger);
  EXPECT_EQ(store.durable(), ticket);
  store.put(made_event(user(1), 1, 1, "a"));
  EXPECT_GT(store.flush(), ticket);
}

TEST(MemoryStore, CostsLittle) {
  MemoryStore store(Limits{});
  EXPECT_LT(store.bytes(), 1024u);
  const std::size_t empty = store.bytes();
  for (int i = 0; i < 100; ++i) store.put(made_event(user(static_cast<unsigned>(i)), 1, i, "a"));
  store.flush();
  store.mark_durable(store.commit());
  EXPECT_LT(store.bytes() - empty, 100u * 64u);
  for (int i = 0; i < 100; ++i) store.erase(store.query({}, Order::newest_first)[0]->id);
  EXPECT_EQ(store.stats().events, 0u);
}

TEST(MemoryStore, SharesEventsAndDoesNotCopyThem) {
  MemoryStore store(Limits{});
  const EventPtr event = made_event(user(1), 1, 1, "a");
  store.put(event);
  EXPECT_EQ(store.get(event->id), event);
}

TEST(MemoryStore, CountsWhatItWouldWrite) {
  MemoryStore store(Limits{});
  EXPECT_EQ(store.take_written_bytes(), 0u);
  store.put(made_event(user(1), 1, 1, std::string(1000, 'x')));
  EXPECT_GE(store.take_written_bytes(), 1000u);
  EXPECT_EQ(store.take_written_bytes(), 0u);
}

TEST(MemoryStore, ItsHashSeesEveryWriteAndTheirOrder) {
  using Work = void (*)(MemoryStore&);
  const auto hash_after = [](std::initializer_list<Work> works) {
    MemoryStore store{Limits{}};
    for (const Work work : works) work(store);
    return store.written_hash();
  };
  const Work put = [](MemoryStore& s) { s.put(made_event(user(1), 1, 1, "a")); };
  const Work put_other = [](MemoryStore& s) { s.put(made_event(user(1), 1, 1, "b")); };
  const Work erase = [](MemoryStore& s) { s.erase(made_event(user(1), 1, 1, "a")->id); };
  const Work follow = [](MemoryStore& s) { s.set_standing(user(1), Standing::followed); };
  const Work follower = [](MemoryStore& s) { s.set_standing(user(1), Standing::follower); };
  const Work value = [](MemoryStore& s) { s.set_value(Table::node, "k", "v"); };
  const Work other_value = [](MemoryStore& s) { s.set_value(Table::node, "k", "w"); };
  const Work other_table = [](MemoryStore& s) { s.set_value(Table::outbox, "k", "v"); };
  const Work no_value = [](MemoryStore& s) { s.erase_value(Table::node, "k"); };
  const std::vector<std::uint64_t> hashes = {
      hash_after({}),          hash_after({put}),         hash_after({put_other}),   hash_after({put, erase}),
      hash_after({follow}),    hash_after({follower}),    hash_after({put, follow}), hash_after({follow, put}),
      hash_after({value}),     hash_after({other_value}), hash_after({other_table}), hash_after({value, no_value}),
      hash_after({put, value})};
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(hashes[i], hashes[j]) << i << " and " << j;
  }
  EXPECT_EQ(hash_after({put, value}), hash_after({put, value}));
  EXPECT_EQ(hash_after({put, put, value, value}), hash_after({put, value}));  // the second of each writes nothing
}

}  // namespace
}  // namespace np2p::test
