// Random lives of a store, with fixed seeds: both stores answer as the naive one does, operation by operation.
#include <gtest/gtest.h>

#include <vector>

#include "core/base/rng.h"
#include "tests/core/store/store_fixture.h"
#include "tests/model/naive_store.h"

namespace np2p::test {
namespace {

constexpr unsigned kUsers = 12;
constexpr std::uint16_t kKinds[] = {0, 1, 1, 1, 3, 3, 6, 7, 1059, 10002, 30023, 20001, 10848};
constexpr std::string_view kWords[] = {"red", "green", "blue", "", "d\xc3\xa9j\xc3\xa0", "\u6771\u4eac\u90fd"};
constexpr std::string_view kSearches[] = {"red",         "GREEN blue", "D\u00c9J\u00c0", "\u4eac", "\u4eac\u90fd red",
                                          "lang:xx b*",  "",           "none",           "...",    "re* gr* bl*",
                                          "\u6771\u90fd"};

class Life {
 public:
  Life(Kind kind, std::uint64_t seed)
      : rng_(seed, "store"), limits_(draw_limits()), any_(kind, limits_), naive_(limits_) {}

  void run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      do_something();
      if (rng_.chance(1, 4)) ask_something();
      if (rng_.chance(1, 200)) {
        any_.restart();
        evicted_before_start_ = naive_.stats().evicted - any_.store().stats().evicted;
      }
      compare_stats();
    }
    compare_all();
  }

 private:
  Limits draw_limits() {
    Limits limits;
    limits.stored_events = 20 + rng_.below(150);
    // They add up to 100 at most, and the bytes do not always suffice for as many.
    limits.stranger_share_percent = static_cast<unsigned>(rng_.below(40));
    limits.follower_share_percent = static_cast<unsigned>(rng_.below(30));
    limits.trusted_share_percent = static_cast<unsigned>(rng_.below(10));
    limits.mention_share_percent = static_cast<unsigned>(rng_.below(15));
    limits.sealed_share_percent = static_cast<unsigned>(rng_.below(8));
    limits.one_author_percent = 30;
    limits.stored_bytes = limits.stored_events * (200 + rng_.below(400));
    limits.node_values = 3;
    limits.outbox_entries = 4;
    limits.follows = 2;
    limits.followers = 5;
    limits.address_book = 1;
    limits.query_events = 60;
    return limits;
  }
  std::int64_t draw_time() { return 1000 + static_cast<std::int64_t>(rng_.below(80)); }
  PubKey draw_user() { return user(static_cast<unsigned>(rng_.below(kUsers))); }
  std::string draw_word() { return std::string(kWords[rng_.below(std::size(kWords))]); }
  EventPtr draw_event() {
    Tags tags;
    for (std::uint64_t left = rng_.below(4); left > 0; --left) {
      const char name[] = {"edpt"[rng_.below(4)], '\0'};
      const std::string word = draw_word();
      tags.add({name, word});
      if (rng_.chance(1, 3)) tags.add({"p", draw_user().hex()});
      if (rng_.chance(1, 4) && !seen_.empty()) tags.add({"e", seen_[rng_.below(seen_.size())].hex()});
    }
    const PubKey author = draw_user();
    const std::uint16_t kind = kKinds[rng_.below(std::size(kKinds))];
    const std::int64_t time = draw_time();
    if (rng_.chance(1, 8)) tags.add({"expiration", std::to_string(1000 + rng_.below(300))});
    std::string text = std::to_string(rng_.below(1000));
    for (std::uint64_t left = rng_.below(4); left > 0; --left) text += " " + draw_word();
    return made_event(author, kind, time, text, std::move(tags));
  }
  Filter draw_filter() {
    Filter filter;
    if (rng_.chance(1, 6)) {
      filter.ids.emplace();
      for (int i = 0; i < 4; ++i) {
        if (!seen_.empty()) filter.ids->push_back(seen_[rng_.below(seen_.size())]);
      }
    }
    if (rng_.chance(1, 2)) {
      filter.authors.emplace();
      for (std::uint64_t left = rng_.below(6); left > 0; --left) filter.authors->push_back(draw_user());
    }
    if (rng_.chance(1, 2)) {
      filter.kinds.emplace();
      for (std::uint64_t left = rng_.below(4); left > 0; --left) {
        filter.kinds->push_back(kKinds[rng_.below(std::size(kKinds))]);
      }
    }
    for (std::uint64_t left = rng_.chance(1, 3) ? 1 + rng_.below(2) : 0; left > 0; --left) {
      const char name = "edpt"[rng_.below(4)];
      std::vector<std::string> values;
      for (std::uint64_t more = rng_.below(4); more > 0; --more) values.push_back(draw_word());
      filter.tags.emplace_back(name, std::move(values));
    }
    if (rng_.chance(1, 3)) filter.since = draw_time();
    if (rng_.chance(1, 3)) filter.until = draw_time();
    if (rng_.chance(1, 2)) filter.limit = rng_.below(12);
    if (rng_.chance(1, 4)) filter.search = kSearches[rng_.below(std::size(kSearches))];
    return filter;
  }

  void do_something() {
    Store& store = any_.store();
    switch (rng_.below(13)) {
      case 0: {
        const PubKey author = draw_user();
        const auto standing = static_cast<Standing>(rng_.below(4));
        store.set_standing(author, standing);
        naive_.set_standing(author, standing);
        ASSERT_EQ(store.standing(author), standing);
        break;
      }
      case 1: {
        if (seen_.empty()) break;
        const EventId id = seen_[rng_.below(seen_.size())];
        ASSERT_EQ(store.erase(id), naive_.erase(id));
        break;
      }
      case 2: {
        const auto table = static_cast<Table>(rng_.below(2));
        const std::string key = std::to_string(rng_.below(10));
        const bool erase = rng_.chance(1, 3);
        const std::string value = draw_word();
        if (erase) {
          store.erase_value(table, key);
          naive_.erase_value(table, key);
        } else {
          const bool kept = store.set_value(table, key, value);
          EXPECT_EQ(kept, naive_.set_value(table, key, value));
        }
        break;
      }
      case 3:
        store.flush();
        if (rng_.chance(1, 8)) any_.save();
        break;
      case 4:
        if (rng_.chance(1, 3)) now_ += static_cast<std::int64_t>(rng_.below(6));
        ASSERT_EQ(store.expire(now_), naive_.expire(now_));
        break;
      default: {
        const EventPtr event = draw_event();
        seen_.push_back(event->id);
        ASSERT_EQ(store.put(event), naive_.put(event));
      }
    }
  }
  void ask_something() {
    const Filter filter = draw_filter();
    const Order order = rng_.chance(1, 2) ? Order::newest_first : Order::oldest_first;
    ASSERT_EQ(ids_of(any_.store().query(filter, order)), ids_of(naive_.query(filter, order)));
    ASSERT_EQ(any_.store().count(filter), naive_.count(filter));
    std::vector<Stamp> stamps;
    for (const EventPtr& event : naive_.query(filter, Order::newest_first))
      stamps.push_back({event->created_at, event->id});
    ASSERT_EQ(any_.store().stamps(filter, limits_.query_events), stamps);
    if (seen_.empty()) return;
    const EventId id = seen_[rng_.below(seen_.size())];
    const EventPtr mine = any_.store().get(id);
    const EventPtr expected = naive_.get(id);
    ASSERT_EQ(static_cast<bool>(mine), static_cast<bool>(expected));
    ASSERT_EQ(any_.store().contains(id), static_cast<bool>(expected));
    if (mine) {
      ASSERT_EQ(mine.get(), expected.get());
    }
  }
  void compare_stats() {
    ASSERT_EQ(any_.store().stats().events, naive_.stats().events);
    ASSERT_EQ(any_.store().stats().values, naive_.stats().values);
    ASSERT_EQ(any_.store().stats().shares, naive_.stats().shares);
    ASSERT_EQ(evicted_before_start_ + any_.store().stats().evicted, naive_.stats().evicted);
    ASSERT_LE(any_.store().stats().events - any_.store().stats().in(Share::own).events, limits_.stored_events);
  }
  void compare_all() {
    for (std::size_t t = 0; t < static_cast<std::size_t>(Table::count_); ++t) {
      std::vector<std::pair<std::string, std::string>> values;
      any_.store().each_value(static_cast<Table>(t), [&](auto key, auto value) { values.emplace_back(key, value); });
      EXPECT_EQ(values, naive_.values(static_cast<Table>(t)));
    }
  }

  Rng rng_;
  Limits limits_;
  AnyStore any_;
  NaiveStore naive_;
  std::vector<EventId> seen_;
  std::uint64_t evicted_before_start_ = 0;
  std::int64_t now_ = 990;
};

class StoreProperty : public testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Stores, StoreProperty, testing::Values(Kind::memory, Kind::sqlite),
                         [](const auto& info) { return info.param == Kind::memory ? "memory" : "sqlite"; });

TEST_P(StoreProperty, LivesAsTheNaiveStoreDoes) {
  for (std::uint64_t seed = 1; seed <= 20 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Life(GetParam(), seed).run(600);
  }
}

}  // namespace
}  // namespace np2p::test
