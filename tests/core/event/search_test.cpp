// Which words a text has and what a search finds.
#include "core/event/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/event/expiry.h"
#include "core/event/filter.h"

namespace np2p {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Event event_of(std::uint16_t kind, std::string content, std::vector<std::pair<std::string, std::string>> tags = {}) {
  Event event;
  event.kind = kind;
  event.content = std::move(content);
  for (const auto& [name, value] : tags) event.tags.add({name, value});
  return event;
}

bool finds(std::string_view search, const Event& event) {
  Filter filter;
  filter.search = search;
  return matches(filter, event);
}

TEST(Search, WordsAreLettersAndDigitsWithoutCase) {
  EXPECT_THAT(words("Hello, World! hello 42nd-street a_b"), ElementsAre("42nd", "a", "b", "hello", "street", "world"));
  EXPECT_THAT(words(""), IsEmpty());
  EXPECT_THAT(words(" \t\n.,;:!?-_()[]{}\"'\\/ \u2014 \u00ab\u00bb \u3002"), IsEmpty());
  EXPECT_THAT(words("\u00c4RGER \u0141\u00d3D\u0179 \u03a3\u039f\u03a6\u039f\u03a3 "
                    "\u041c\u041e\u0421\u041a\u0412\u0410 \uff21\uff22\uff13"),
              ElementsAre("ab3", "\u00e4rger", "\u0142\u00f3d\u017a", "\u03c3\u03bf\u03c6\u03bf\u03c3",
                          "\u043c\u043e\u0441\u043a\u0432\u0430"));
  EXPECT_THAT(words("go\U0001f680"), ElementsAre("go\U0001f680"));
}

TEST(Search, ScriptsWithoutSpacesHavePairs) {
  EXPECT_THAT(words("\u6771\u4eac\u90fd"), ElementsAre("\u4eac\u90fd", "\u6771\u4eac", "\u90fd"));
  EXPECT_THAT(words("x\u6771y"), ElementsAre("x", "y", "\u6771"));
}

TEST(Search, LongWordsAreCutAlikeOnBothSides) {
  const std::string word(100, 'x');
  ASSERT_EQ(words(word).size(), 1u);
  EXPECT_EQ(words(word)[0].size(), 64u);
  EXPECT_TRUE(finds(word, event_of(1, word)));
}

TEST(Search, WhatIsNoUtf8Separates) {
  EXPECT_THAT(words("a\xff"
                    "b\xe6\x9d"),
              ElementsAre("a", "b"));
  EXPECT_THAT(words("\x80\xc3"), IsEmpty());
}

TEST(Search, AllWordsMustBeThereInAnyOrder) {
  const Event post = event_of(1, "The quick brown fox, at nostr.com");
  EXPECT_TRUE(finds("FOX quick", post));
  EXPECT_FALSE(finds("fox dog", post));
  EXPECT_FALSE(finds("qui", post));
  EXPECT_TRUE(finds("qui*", post));
  EXPECT_TRUE(finds("fox lang:en include:spam", post));
  EXPECT_TRUE(finds("nostr.com", post));
  EXPECT_TRUE(finds("https://nostr.com", event_of(1, "see https://nostr.com now")));
  EXPECT_TRUE(finds("", post));
  EXPECT_TRUE(finds("\u4eac", event_of(1, "\u6771\u4eac\u90fd")));
  EXPECT_TRUE(finds("\u90fd", event_of(1, "\u6771\u4eac\u90fd")));
  EXPECT_TRUE(finds("\u6771\u4eac", event_of(1, "\u5927\u6771\u4eac\u90fd")));
  EXPECT_FALSE(finds("\u6771\u90fd", event_of(1, "\u6771\u4eac\u90fd")));
}

TEST(Search, ProfilesPostsAndArticlesAreSearched) {
  const Event profile = event_of(0, R"({"name":"Alice","about":"likes \u30bf\u30ef\u30fc","picture":"https://x/bob"})");
  EXPECT_TRUE(finds("alice likes", profile));
  EXPECT_TRUE(finds("\u30bf\u30ef", profile));
  EXPECT_FALSE(finds("about", profile));
  EXPECT_FALSE(finds("bob", profile));
  EXPECT_TRUE(finds("plain", event_of(0, "plain text")));
  EXPECT_TRUE(finds("seven words", event_of(30023, "some words", {{"d", "x"}, {"title", "Seven"}})));
  EXPECT_FALSE(finds("seven", event_of(1, "some words", {{"title", "Seven"}})));
  EXPECT_FALSE(finds("words", event_of(7, "words")));
  EXPECT_FALSE(finds("", event_of(4, "words")));
}

TEST(Expiry, IsTheFirstTagIfThatIsATime) {
  EXPECT_EQ(expiration_of(event_of(1, "")), std::nullopt);
  EXPECT_EQ(expiration_of(event_of(1, "", {{"expiration", "1700000000"}, {"expiration", "5"}})), 1'700'000'000);
  for (const char* text : {"", "-5", "1e9", "12x", " 12", "99999999999999999999"}) {
    EXPECT_EQ(expiration_of(event_of(1, "", {{"expiration", text}})), std::nullopt) << text;
  }
  EXPECT_TRUE(has_expired(event_of(1, "", {{"expiration", "10"}}), 10));
  EXPECT_FALSE(has_expired(event_of(1, "", {{"expiration", "10"}}), 9));
}

}  // namespace
}  // namespace np2p
