#include "core/event/tags.h"

#include <gtest/gtest.h>

#include "core/base/rng.h"

namespace np2p {
namespace {

TEST(Tags, HoldWhatWasAdded) {
  Tags tags;
  EXPECT_TRUE(tags.empty());
  tags.add({"e", "one", ""});
  tags.begin_tag();
  tags.add({"", "two"});
  ASSERT_EQ(tags.size(), 3u);
  EXPECT_EQ(tags[0].size(), 3u);
  EXPECT_EQ(tags[0].name(), "e");
  EXPECT_EQ(tags[0].first(), "one");
  EXPECT_EQ(tags[0][2], "");
  EXPECT_EQ(tags[1].size(), 0u);
  EXPECT_EQ(tags[1].name(), "");
  EXPECT_EQ(tags[1].first(), "");
  EXPECT_EQ(tags[2][1], "two");
  EXPECT_EQ(tags.bytes(), 7u);
  EXPECT_EQ(tags.values(), 5u);
  EXPECT_EQ(tags.text(), "eonetwo");
}

TEST(Tags, EqualityIsOfTheListsNotOfTheText) {
  Tags a;
  a.add({"ab", "c"});
  Tags b;
  b.add({"a", "bc"});
  Tags c;
  c.add({"ab"});
  c.add({"c"});
  EXPECT_FALSE(a == b);
  EXPECT_FALSE(a == c);
  Tags d = a;
  EXPECT_TRUE(a == d);
}

TEST(Tags, AgreeWithAListOfLists) {
  Rng rng(1, "tags");
  for (int round = 0; round < 200; ++round) {
    Tags tags;
    std::vector<std::vector<std::string>> naive(rng.below(20));
    for (auto& tag : naive) {
      tags.begin_tag();
      tag.resize(rng.below(5));
      for (auto& value : tag) {
        value.assign(rng.below(40), static_cast<char>('a' + rng.below(26)));
        tags.add_value(value);
      }
    }
    ASSERT_EQ(tags.size(), naive.size());
    for (std::size_t i = 0; i < naive.size(); ++i) {
      ASSERT_EQ(tags[i].size(), naive[i].size());
      for (std::size_t j = 0; j < naive[i].size(); ++j) ASSERT_EQ(tags[i][j], naive[i][j]);
    }
  }
}

}  // namespace
}  // namespace np2p
