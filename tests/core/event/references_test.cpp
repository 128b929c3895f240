// What events say of others: who is named, what is quoted, reposted, reacted to or deleted; and what only looks like
// it.
#include "core/event/references.h"

#include <gmock/gmock.h>

namespace np2p {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kA(64, 'a');
const std::string kB(64, 'b');
const std::string kC(64, 'c');

Event event_with(std::uint16_t kind, std::vector<std::vector<std::string>> tags) {
  Event event;
  event.kind = kind;
  for (const auto& tag : tags) {
    event.tags.begin_tag();
    for (const auto& value : tag) event.tags.add_value(value);
  }
  return event;
}
PubKey user(const std::string& hex) {
  return *PubKey::parse_hex(hex);
}
EventId id(const std::string& hex) {
  return *EventId::parse_hex(hex);
}

TEST(References, PeopleAreInPTags) {
  const Event event = event_with(1, {{"p", kB}, {"p", kA, "wss://x"}, {"p", kB}, {"p", "bob"}, {"p"}, {"P", kC}});
  EXPECT_THAT(named_users(event), ElementsAre(user(kA), user(kB)));
}

TEST(References, APostCitesWhatItQuotesAndNotItsThread) {
  const Event event = event_with(1, {{"e", kA, "", "root", kB}, {"q", kC, "", kB}, {"q", kA}});
  const auto found = cited(event);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].id, id(kC));
  EXPECT_EQ(found[0].author, user(kB));
  EXPECT_EQ(found[1].id, id(kA));
  EXPECT_EQ(found[1].author, std::nullopt);
}

TEST(References, AQuoteMayNameAnAddress) {
  const auto found = cited(event_with(1, {{"q", "30023:" + kB + ":a:b", "wss://x"}}));
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].id, std::nullopt);
  EXPECT_EQ(found[0].address, (EventAddress{user(kB), 30023, "a:b"}));
  EXPECT_EQ(found[0].author, user(kB));
}

TEST(References, ARepostCitesItsETagAndAReactionItsLast) {
  EXPECT_EQ(cited(event_with(6, {{"e", kA, "wss://x", kC}, {"p", kB}}))[0].author, user(kC));
  const auto target = cited(event_with(7, {{"e", kA}, {"p", kC}, {"e", kB, "", kC}}));
  ASSERT_THAT(target, SizeIs(1));
  EXPECT_EQ(target[0].id, id(kB));
  EXPECT_EQ(target[0].author, user(kC));
}

TEST(References, WhoWroteWhatATagNames) {
  const Event event = event_with(1, {{"e", kA, "", "root", kB},
                                     {"e", kB, "", "reply", kC},
                                     {"q", kA, "", kC},
                                     {"e", kA},
                                     {"p", kB},
                                     {"x", kA, "", kB}});
  EXPECT_THAT(said_authors(event, id(kA)), ElementsAre(user(kB), user(kC)));
  EXPECT_THAT(said_authors(event, id(kC)), IsEmpty());
  EXPECT_EQ(cited(event_with(16, {{"e", kA, "wss://x", kC}}))[0].author, user(kC));
}

TEST(References, WhatIsNoIdCitesNothing) {
  const std::string upper(64, 'A');
  EXPECT_THAT(cited(event_with(1, {{"q"}, {"q", ""}, {"q", "note1abc"}, {"q", upper}, {"q", "1:" + kA + ":x"}})),
              IsEmpty());
  EXPECT_THAT(cited(event_with(9, {{"e", kA}, {"q", kA}})), IsEmpty());
}

TEST(References, ADeletionNamesIdsAddressesAndKinds) {
  const Deletes wanted = deletes(event_with(5, {{"e", kA},
                                                {"e", kB, "wss://x"},
                                                {"e", "not an id"},
                                                {"a", "30023:" + kC + ":d"},
                                                {"a", "0:" + kC + ":"},
                                                {"a", "1:" + kC + ":"},
                                                {"k", "1"},
                                                {"k", "30023"},
                                                {"k", "-1"},
                                                {"k", "65536"},
                                                {"k", "7x"},
                                                {"k"}}));
  EXPECT_THAT(wanted.ids, ElementsAre(id(kA), id(kB)));
  EXPECT_THAT(wanted.addresses, ElementsAre(EventAddress{user(kC), 0, ""}, EventAddress{user(kC), 30023, "d"}));
  EXPECT_THAT(wanted.kinds, ElementsAre(1, 30023));
}

TEST(References, AnAddressIsKindAuthorAndD) {
  EXPECT_EQ(parse_address("10002:" + kA + ":ignored"), (EventAddress{user(kA), 10002, ""}));
  EXPECT_EQ(parse_address("30000:" + kA + ":"), (EventAddress{user(kA), 30000, ""}));
  for (const std::string& bad : {std::string(), std::string(":"), std::string("::"), "30023:" + kA, "x:" + kA + ":d",
                                 "30023:" + kA.substr(1) + ":d", "70000:" + kA + ":d", "20000:" + kA + ":d"}) {
    EXPECT_EQ(parse_address(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace np2p
