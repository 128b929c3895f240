#include "core/event/filter.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/event/canonical.h"
#include "core/event/json.h"
#include "tests/support/vectors.h"

namespace np2p {
namespace {

Event sample() {
  Event event;
  event.created_at = 100;
  event.kind = 1;
  event.tags.add({"t", "news", "ignored"});
  event.tags.add({"t", "nostr"});
  event.tags.add({"e"});
  event.id = compute_id(event);
  return event;
}

TEST(Filter, AnEmptyFilterMatchesEverything) {
  EXPECT_TRUE(matches({}, sample()));
}

TEST(Filter, AnEmptyListMatchesNothing) {
  Filter none;
  none.ids.emplace();
  EXPECT_FALSE(matches(none, sample()));
  Filter no_authors;
  no_authors.authors.emplace();
  EXPECT_FALSE(matches(no_authors, sample()));
  Filter no_kinds;
  no_kinds.kinds.emplace();
  EXPECT_FALSE(matches(no_kinds, sample()));
  Filter no_values;
  no_values.tags.emplace_back('t', std::vector<std::string>{});
  EXPECT_FALSE(matches(no_values, sample()));
}

TEST(Filter, SinceAndUntilAreInclusive) {
  Filter filter;
  filter.since = 100;
  filter.until = 100;
  EXPECT_TRUE(matches(filter, sample()));
  filter.since = 101;
  EXPECT_FALSE(matches(filter, sample()));
  filter.since = 99;
  filter.until = 99;
  EXPECT_FALSE(matches(filter, sample()));
}

TEST(Filter, OnlyTheFirstValueOfATagCounts) {
  Filter filter;
  filter.tags.emplace_back('t', std::vector<std::string>{"x", "nostr"});
  EXPECT_TRUE(matches(filter, sample()));
  filter.tags[0].second = {"ignored"};
  EXPECT_FALSE(matches(filter, sample()));
  filter.tags[0] = {'e', {""}};  // a tag without a value has no empty value
  EXPECT_FALSE(matches(filter, sample()));
}

TEST(Filter, EveryConditionMustHold) {
  Filter filter;
  filter.kinds = {1};
  filter.tags.emplace_back('t', std::vector<std::string>{"news"});
  filter.tags.emplace_back('p', std::vector<std::string>{"nobody"});
  EXPECT_FALSE(matches(filter, sample()));
}

TEST(Filter, KindsBeyondTheWireMatchNothing) {
  Filter filter;
  filter.kinds = {65536 + 1};  // would be 1 if it were cut to 16 bits
  EXPECT_FALSE(matches(filter, sample()));
}

TEST(Filter, NewerIsATotalOrder) {
  Event older = sample();
  Event same_second = sample();
  same_second.id.data[0] ^= 1;
  const Event& low = older.id < same_second.id ? older : same_second;
  const Event& high = older.id < same_second.id ? same_second : older;
  EXPECT_TRUE(newer(low, high));
  EXPECT_FALSE(newer(high, low));
  EXPECT_FALSE(newer(low, low));
  older.created_at = 99;
  EXPECT_TRUE(newer(same_second, older));
  EXPECT_FALSE(newer(older, same_second));
}

// The oracle is tests/model/filter_cases.py; this also takes the filters through their JSON.
TEST(Filter, AgreesWithPython) {
  simdjson::dom::parser parser;
  const auto root = test::load_vector(parser, "python/filter_cases.json");
  std::vector<Event> events;
  for (const simdjson::dom::element entry : root["events"]) {
    const auto event = parse_event_json(simdjson::minify(entry), Limits{});
    ASSERT_TRUE(event.ok()) << event.error().reason;
    ASSERT_EQ(compute_id(*event), event->id);
    events.push_back(*event);
  }
  for (const simdjson::dom::element entry : root["cases"]) {
    const std::string text = simdjson::minify(entry["filter"]);
    const auto filter = parse_filter_json(text);
    ASSERT_TRUE(filter.ok()) << filter.error().reason;
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (matches(*filter, events[i])) found.push_back(i);
    }
    std::sort(found.begin(), found.end(), [&](std::size_t a, std::size_t b) { return newer(events[a], events[b]); });
    if (filter->limit) found.resize(std::min(found.size(), *filter->limit));
    std::vector<std::size_t> expected;
    for (const simdjson::dom::element index : entry["answer"]) expected.push_back(std::uint64_t{index});
    ASSERT_EQ(found, expected) << text;
  }
}

}  // namespace
}  // namespace np2p
