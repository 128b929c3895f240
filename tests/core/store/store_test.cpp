// One suite over both stores: what the port promises (core/host/store.h).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "core/crypto/signer.h"
#include "core/crypto/verifier.h"
#include "core/event/json.h"
#include "tests/core/store/store_fixture.h"

namespace np2p::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class StoreSuite : public testing::TestWithParam<Kind> {
 protected:
  AnyStore& with(const Limits& limits) {
    any_ = std::make_unique<AnyStore>(GetParam(), limits);
    return *any_;
  }
  Store& store() {
    if (!any_) with(Limits{});
    return any_->store();
  }
  AnyStore& any() {
    store();
    return *any_;
  }
  // For strangers and those whom the owner follows; for others only what a test gives them.
  static Limits small(std::size_t events, unsigned stranger_percent) {
    Limits limits;
    limits.stored_events = events;
    limits.stranger_share_percent = stranger_percent;
    limits.trusted_share_percent = limits.mention_share_percent = limits.sealed_share_percent = 0;
    limits.follower_share_percent = 0;
    return limits;
  }
  std::size_t count_of(std::initializer_list<unsigned> users) {
    std::vector<PubKey> authors;
    for (const unsigned number : users) authors.push_back(user(number));
    return store().count(Where().authors(authors));
  }
  Amount in(Share share) { return store().stats().in(share); }

 private:
  std::unique_ptr<AnyStore> any_;
};

INSTANTIATE_TEST_SUITE_P(Stores, StoreSuite, testing::Values(Kind::memory, Kind::sqlite),
                         [](const auto& info) { return info.param == Kind::memory ? "memory" : "sqlite"; });

TEST_P(StoreSuite, GivesBackWhatWasPutByteForByte) {
  const Signer signer = Signer::from_seed(1, 1);
  SecpVerifier verifier;
  Tags tags = tags_of({{"e", "00ff", "wss://x", ""}, {"p", std::string_view("a\0b", 3)}, {"t"}, {"-", "\n\"\\"}});
  const Event signed_event = signer.sign(1, 1'700'000'000, tags, "h\u00e9llo \"w\\rld\"\n\t\r\b\f \u4f60\U0001f600");
  auto event = ValidationGate::validate(signed_event, Limits{}, verifier);
  ASSERT_TRUE(event.ok());
  EXPECT_EQ(store().put(*event), PutOutcome::stored);
  EXPECT_EQ(store().put(*event), PutOutcome::duplicate);
  const EventId id = (*event)->id;
  store().flush();
  any().save();
  any().restart();
  const EventPtr back = store().get(id);
  ASSERT_TRUE(back);
  EXPECT_EQ(back.get(), signed_event);
  EXPECT_TRUE(store().contains(id));
  EXPECT_FALSE(store().contains(made_event(user(1), 1, 1, "other")->id));
  EXPECT_FALSE(store().get(made_event(user(1), 1, 1, "other")->id));
}

TEST_P(StoreSuite, GivesBackHowItWasWritten) {
  const Signer signer = Signer::from_seed(1, 1);
  SecpVerifier verifier;
  std::vector<std::string> texts;
  for (int i = 0; i < 4; ++i) {
    const Event event = signer.sign(i == 3 ? 0 : 1, 1'700'000'000 + i, {}, "h\u00e4llo");
    std::string text = event_json(event);
    if (i == 1) {  // another order
      const auto kind = text.find(",\"kind\"");
      const std::string head = text.substr(1, kind - 1);
      text.pop_back();
      text = "{" + text.substr(kind + 1) + "," + head + "}";
    }
    if (i >= 2) {  // too large for a cache
      text.replace(text.find("\u00e4"), 2, "\\u00e4");
      text = "{" + std::string(3000, ' ') + text.substr(1);
    }
    const auto valid = ValidationGate::validate(event, Limits{}, verifier, text);
    ASSERT_TRUE(valid.ok());
    EXPECT_EQ(store().put(*valid), PutOutcome::stored);
    texts.insert(texts.begin(), text);
  }
  store().flush();
  for (int start = 0; start < 2; ++start) {
    std::vector<std::string> back;
    for (const EventPtr& event : store().query({}, Order::newest_first)) back.push_back(event_json(event));
    EXPECT_EQ(back, texts);
    any().save();
    any().restart();
  }
  // A newer one takes the place of the profile, and how that one was written goes with it.
  const Event next = signer.sign(0, 1'700'000'100, {}, "new");
  store().put(*ValidationGate::validate(next, Limits{}, verifier));
  EXPECT_EQ(event_json(store().query(Where().kinds({0}), Order::newest_first).at(0)), event_json(next));
}

TEST_P(StoreSuite, ServesEventsThatAreLargerThanWouldBeAcceptedNow) {
  const EventPtr large = made_event(user(1), 1, 1000, std::string(128 * 1024, 'x'));
  Tags tags;
  for (int i = 0; i < 4096; ++i) tags.add({"t", std::to_string(i)});
  const EventPtr tagged = made_event(user(1), 1, 1001, "tags", std::move(tags));
  for (const EventPtr& event : {large, tagged}) EXPECT_EQ(store().put(event), PutOutcome::stored);
  store().flush();
  any().save();
  any().restart();
  EXPECT_EQ(store().get(large->id).get(), large.get());
  EXPECT_EQ(ids_of(store().query(Where().tag('t', {"4095"}), Order::newest_first)), std::vector<EventId>{tagged->id});
}

TEST_P(StoreSuite, KeepsTwoEventsOfTheSameSecond) {
  const EventPtr a = made_event(user(1), 1, 1000, "a");
  const EventPtr b = made_event(user(1), 1, 1000, "b");
  EXPECT_EQ(store().put(a), PutOutcome::stored);
  EXPECT_EQ(store().put(b), PutOutcome::stored);
  const bool a_first = a->id < b->id;
  EXPECT_THAT(ids_of(store().query({}, Order::newest_first)),
              ElementsAre((a_first ? a : b)->id, (a_first ? b : a)->id));
  EXPECT_THAT(ids_of(store().query({}, Order::oldest_first)),
              ElementsAre((a_first ? b : a)->id, (a_first ? a : b)->id));
}

TEST_P(StoreSuite, KeepsTheNewestOfAnAddress) {
  const EventPtr old_profile = made_event(user(1), 0, 1000, "old");
  const EventPtr new_profile = made_event(user(1), 0, 2000, "new");
  EXPECT_EQ(store().put(new_profile), PutOutcome::stored);
  EXPECT_EQ(store().put(old_profile), PutOutcome::superseded);
  EXPECT_FALSE(store().contains(old_profile->id));
  const EventPtr newest = made_event(user(1), 0, 3000, "newest");
  EXPECT_EQ(store().put(newest), PutOutcome::stored);
  EXPECT_FALSE(store().contains(new_profile->id));
  EXPECT_EQ(store().put(made_event(user(2), 0, 1000, "another author")), PutOutcome::stored);
  EXPECT_EQ(store().stats().events, 2u);

  // Of the same second the lowest id stays, whichever came first.
  const EventPtr x = made_event(user(3), 10002, 1000, "x");
  const EventPtr y = made_event(user(3), 10002, 1000, "y");
  const EventPtr low = x->id < y->id ? x : y;
  const EventPtr high = x->id < y->id ? y : x;
  EXPECT_EQ(store().put(low), PutOutcome::stored);
  EXPECT_EQ(store().put(high), PutOutcome::superseded);
  EXPECT_TRUE(store().erase(low->id));
  EXPECT_EQ(store().put(high), PutOutcome::stored);
  EXPECT_EQ(store().put(low), PutOutcome::stored);
  EXPECT_FALSE(store().contains(high->id));
}

TEST_P(StoreSuite, KeepsOneEventPerDTag) {
  const EventPtr a1 = made_event(user(1), 30023, 1000, "a1", tags_of({{"d", "a"}}));
  const EventPtr a2 = made_event(user(1), 30023, 2000, "a2", tags_of({{"x", "y"}, {"d", "a", "more"}}));
  const EventPtr b = made_event(user(1), 30023, 500, "b", tags_of({{"d", "b"}}));
  const EventPtr none = made_event(user(1), 30023, 100, "no d tag");
  const EventPtr empty = made_event(user(1), 30023, 200, "empty d tag", tags_of({{"d", ""}}));
  for (const EventPtr& event : {a1, b, none, a2, empty}) EXPECT_EQ(store().put(event), PutOutcome::stored);
  EXPECT_EQ(store().put(a1), PutOutcome::superseded);
  EXPECT_THAT(ids_of(store().query({}, Order::newest_first)), ElementsAre(a2->id, b->id, empty->id));
}

TEST_P(StoreSuite, AnswersFilters) {
  const std::string root(64, 'a');
  const EventPtr post = made_event(user(1), 1, 1000, "post", tags_of({{"t", "cats"}, {"t", "dogs"}}));
  const EventPtr reply = made_event(user(2), 1, 1010, "reply", tags_of({{"e", root}, {"p", "me"}}));
  const EventPtr like = made_event(user(3), 7, 1020, "+", tags_of({{"e", root}, {"p", "you"}, {"e", root}}));
  const EventPtr other = made_event(user(2), 6, 1030, "", tags_of({{"E", root}, {"tt", "cats"}}));
  for (const EventPtr& event : {post, reply, like, other}) store().put(event);

  const auto ask = [&](const Filter& filter) { return ids_of(store().query(filter, Order::newest_first)); };
  EXPECT_THAT(ask({}), ElementsAre(other->id, like->id, reply->id, post->id));
  EXPECT_THAT(ask(Where().ids({reply->id, reply->id, post->id})), ElementsAre(reply->id, post->id));
  EXPECT_THAT(ask(Where().ids({reply->id}).kinds({7})), IsEmpty());
  EXPECT_THAT(ask(Where().ids({})), IsEmpty());
  EXPECT_THAT(ask(Where().authors({user(2), user(9), user(2)})), ElementsAre(other->id, reply->id));
  EXPECT_THAT(ask(Where().authors({user(2), user(1)}).kinds({1})), ElementsAre(reply->id, post->id));
  EXPECT_THAT(ask(Where().authors({})), IsEmpty());
  EXPECT_THAT(ask(Where().kinds({7, 1, 1, 70000})), ElementsAre(like->id, reply->id, post->id));
  EXPECT_THAT(ask(Where().kinds({})), IsEmpty());
  EXPECT_THAT(ask(Where().tag('e', {root})), ElementsAre(like->id, reply->id));
  EXPECT_THAT(ask(Where().kinds({7}).tag('e', {root})), ElementsAre(like->id));
  EXPECT_THAT(ask(Where().authors({user(2)}).tag('e', {root})), ElementsAre(reply->id));
  EXPECT_THAT(ask(Where().tag('t', {"dogs", "cats", "birds"})), ElementsAre(post->id));
  EXPECT_THAT(ask(Where().tag('e', {root}).tag('p', {"you"})), ElementsAre(like->id));
  EXPECT_THAT(ask(Where().tag('t', {})), IsEmpty());
  EXPECT_THAT(ask(Where().since(1010).until(1020)), ElementsAre(like->id, reply->id));
  EXPECT_THAT(ask(Where().authors({user(1), user(2), user(3)}).since(1001).limit(2)), ElementsAre(other->id, like->id));
  EXPECT_THAT(ask(Where().limit(1)), ElementsAre(other->id));
  EXPECT_THAT(ask(Where().limit(0)), IsEmpty());
  // The newest so many, in the reversed order.
  EXPECT_THAT(ids_of(store().query(Where().limit(2), Order::oldest_first)), ElementsAre(like->id, other->id));
}

TEST_P(StoreSuite, AnswersAtMostQueryEvents) {
  Limits limits;
  limits.query_events = 3;
  with(limits);
  for (int i = 0; i < 5; ++i) store().put(made_event(user(1), 1, 1000 + i, "post"));
  EXPECT_EQ(store().query({}, Order::newest_first).size(), 3u);
  EXPECT_EQ(store().query(Where().limit(100), Order::newest_first).size(), 3u);
}

TEST_P(StoreSuite, Erases) {
  const EventPtr event = made_event(user(1), 1, 1000, "gone", tags_of({{"t", "x"}}));
  EXPECT_FALSE(store().erase(event->id));
  store().put(event);
  EXPECT_TRUE(store().erase(event->id));
  EXPECT_FALSE(store().erase(event->id));
  EXPECT_THAT(store().query(Where().tag('t', {"x"}), Order::newest_first), IsEmpty());
  EXPECT_EQ(store().stats().events, 0u);
  EXPECT_EQ(store().put(event), PutOutcome::stored);
}

TEST_P(StoreSuite, RemembersStandingsAndValues) {
  EXPECT_EQ(store().standing(user(1)), Standing::stranger);
  store().set_standing(user(1), Standing::owner);
  store().set_standing(user(2), Standing::follower);
  store().set_standing(user(2), Standing::stranger);
  store().set_value(Table::follows, "b", "2");
  store().set_value(Table::follows, std::string_view("a\0z", 3), std::string_view("\xff\0", 2));
  store().set_value(Table::follows, "\xff", "last");
  store().set_value(Table::follows, "", "first");
  store().set_value(Table::outbox, "b", "elsewhere");
  store().set_value(Table::follows, "empty", "");
  store().erase_value(Table::outbox, "nothing");
  store().set_value(Table::follows, "b", "22");
  store().flush();
  any().save();
  any().restart();
  EXPECT_EQ(store().standing(user(1)), Standing::owner);
  EXPECT_EQ(store().standing(user(2)), Standing::stranger);
  EXPECT_EQ(store().value(Table::follows, "b"), "22");
  EXPECT_EQ(store().value(Table::followers, "b"), "");
  std::vector<std::pair<std::string, std::string>> seen;
  store().each_value(Table::follows, [&](auto key, auto value) { seen.emplace_back(key, value); });
  const std::vector<std::pair<std::string, std::string>> expected{
      {"", "first"}, {std::string("a\0z", 3), std::string("\xff\0", 2)}, {"b", "22"}, {"empty", ""}, {"\xff", "last"}};
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(store().stats().values, 6u);
  store().erase_value(Table::follows, "b");
  EXPECT_EQ(store().value(Table::follows, "b"), "");
  EXPECT_EQ(store().stats().values, 5u);
}

TEST_P(StoreSuite, KeepsAtMostSoManyValuesInEachTableAndSaysSo) {
  Limits limits;
  limits.node_values = 1;
  limits.outbox_entries = 2;
  limits.follows = 1;
  limits.followers = 3;
  limits.address_book = 1;
  limits.wards = 2;
  limits.letters = 3;
  with(limits);
  const std::pair<Table, int> rooms[] = {{Table::followers, 3}, {Table::node, 1},   {Table::follows, 1},
                                         {Table::addresses, 1}, {Table::outbox, 2}, {Table::wards, 2},
                                         {Table::mail, 3}};
  for (const auto& [table, room] : rooms) {  // what the others hold takes nothing away
    SCOPED_TRACE(static_cast<int>(table));
    for (int i = 0; i < room + 2; ++i) EXPECT_EQ(store().set_value(table, std::to_string(i), "1"), i < room);
    EXPECT_EQ(store().value(table, std::to_string(room)), "");
    EXPECT_TRUE(store().set_value(table, "0", "2"));
    EXPECT_EQ(store().value(table, "0"), "2");
  }
  EXPECT_EQ(store().stats().values, 13u);
  store().erase_value(Table::followers, "1");
  EXPECT_TRUE(store().set_value(Table::followers, "another", "1"));
  EXPECT_FALSE(store().set_value(Table::followers, "and another", "1"));
}

TEST_P(StoreSuite, StrangersShareTheirRoomOldestFirst) {
  with(small(100, 5));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(store().put(made_event(user(7), 1, 1000 + i, "s")), PutOutcome::stored);
  EXPECT_EQ(store().put(made_event(user(8), 0, 2000, "a stranger's profile")), PutOutcome::stored);
  EXPECT_EQ(store().stats().events, 5u);
  EXPECT_EQ(store().stats().evicted, 1u);
  EXPECT_EQ(store().put(made_event(user(9), 1, 10, "older than all")), PutOutcome::refused);
  EXPECT_THAT(store().query(Where().until(1000), Order::newest_first), IsEmpty());
  for (int i = 0; i < 50; ++i) store().put(made_event(user(7), 1, 3000 + i, "flood"));
  EXPECT_EQ(store().stats().events, 5u);
}

TEST_P(StoreSuite, NeverTakesFromThoseWeKnowForStrangers) {
  with(small(20, 50));
  store().set_standing(user(1), Standing::owner);
  store().set_standing(user(2), Standing::followed);
  for (int i = 0; i < 5; ++i) store().put(made_event(user(1), 1, 10 + i, "owner"));
  for (int i = 0; i < 5; ++i) store().put(made_event(user(2), 1, 20 + i, "followed"));
  for (int i = 0; i < 100; ++i) store().put(made_event(user(9), 1, 1000 + i, "stranger"));
  EXPECT_EQ(store().query(Where().authors({user(1), user(2)}), Order::newest_first).size(), 10u);
  EXPECT_EQ(store().stats().events, 20u);
}

TEST_P(StoreSuite, OwnEventsLieOutsideOfAllRoomAndNeverGo) {
  with(small(20, 50));
  store().set_standing(user(1), Standing::owner);
  store().set_standing(user(2), Standing::owner);  // a writer
  for (int i = 0; i < 100; ++i) {
    for (const unsigned author : {1u, 2u}) {
      ASSERT_EQ(store().put(made_event(user(author), 1, i, std::string(1000, 'o'))), PutOutcome::stored);
    }
  }
  store().set_standing(user(3), Standing::followed);
  for (int i = 0; i < 100; ++i) {
    store().put(made_event(user(3), 1, 1000 + i, "followed"));
    store().put(made_event(user(9), 1, 1000 + i, "stranger"));
  }
  EXPECT_EQ(count_of({1, 2}), 200u);
  EXPECT_EQ(store().count({}), 200u + 10u + 10u);
  EXPECT_EQ(in(Share::own).events, 200u);
  EXPECT_GE(in(Share::own).bytes, 200u * 1000u);
  any().restart();
  EXPECT_EQ(in(Share::own).events, 200u);
  store().set_standing(user(2), Standing::follower);  // no writer any more, and followers have no room
  EXPECT_EQ(count_of({1}), 100u);
  EXPECT_EQ(count_of({2}), 0u);
}

TEST_P(StoreSuite, WhatSaysWhoAFollowedAuthorIsStays) {
  with(small(10, 0));
  for (unsigned i = 0; i < 4; ++i) {
    store().set_standing(user(i), Standing::followed);
    EXPECT_EQ(store().put(made_event(user(i), 0, 1, "profile")), PutOutcome::stored);
  }
  for (int i = 0; i < 20; ++i) store().put(made_event(user(1), 1, 100 + i, "post"));
  EXPECT_EQ(store().count({}), 10u);
  for (unsigned i = 10; i < 16; ++i) {
    store().set_standing(user(i), Standing::followed);
    EXPECT_EQ(store().put(made_event(user(i), 10848, 1, "bind")), PutOutcome::stored);  // a post goes for it
  }
  EXPECT_EQ(store().put(made_event(user(1), 1, 900, "post")), PutOutcome::refused);
  EXPECT_EQ(store().put(made_event(user(1), 3, 900, "list")), PutOutcome::refused);
  EXPECT_EQ(store().put(made_event(user(1), 0, 900, "new profile")), PutOutcome::stored);
  EXPECT_EQ(store().count(Where().kinds({0, 10848})), 10u);
}

TEST_P(StoreSuite, FollowersNeverTakeFromThoseWhoAreFollowed) {
  Limits limits = small(100, 10);
  limits.follower_share_percent = 20;
  with(limits);
  store().set_standing(user(2), Standing::followed);
  for (int i = 0; i < 70; ++i) store().put(made_event(user(2), 1, 10 + i, "followed"));
  store().set_standing(user(3), Standing::follower);
  for (int i = 0; i < 200; ++i) store().put(made_event(user(3), 1, 1000 + i, "flood"));
  for (unsigned i = 100; i < 200; ++i) {  // cheap: each registers, and signs a profile
    store().set_standing(user(i), Standing::follower);
    EXPECT_EQ(store().put(made_event(user(i), 0, 1000 + i, "profile")), PutOutcome::stored);
  }
  EXPECT_EQ(count_of({2}), 70u);
  EXPECT_EQ(in(Share::followers).events, 20u);
  EXPECT_EQ(count_of({3}), 0u) << "profiles go last";
  EXPECT_EQ(store().put(made_event(user(3), 1, 9000, "post")), PutOutcome::refused);
  // The newest profiles are there; an older one is refused, a newer version of one that is there is not.
  EXPECT_EQ(count_of({199, 180}), 2u);
  EXPECT_EQ(store().put(made_event(user(100), 0, 1050, "older than all")), PutOutcome::refused);
  EXPECT_EQ(store().put(made_event(user(199), 0, 1900, "new profile")), PutOutcome::stored);
  EXPECT_EQ(in(Share::followers).events, 20u);
}

TEST_P(StoreSuite, AFollowedWhoOnlyFollowsCountsWithTheFollowers) {
  Limits limits = small(20, 0);
  limits.follower_share_percent = 20;  // 4
  with(limits);
  for (unsigned i = 0; i < 6; ++i) {
    store().set_standing(user(i), Standing::followed);
    store().put(made_event(user(i), 0, 1000 + i, "profile"));
  }
  for (unsigned i = 0; i < 6; ++i) store().set_standing(user(i), Standing::follower);
  EXPECT_EQ(store().stats().events, 4u);
  EXPECT_THAT(store().query(Where().authors({user(0), user(1)}), Order::newest_first), IsEmpty());
  any().restart();
  EXPECT_EQ(store().stats().events, 4u);
  store().set_standing(user(9), Standing::follower);
  EXPECT_EQ(store().put(made_event(user(9), 0, 2000, "profile")), PutOutcome::stored);
  EXPECT_EQ(store().stats().events, 4u);
}

// What is addressed to the owner has a share of its own, whoever floods the others; one author has a part of it.
TEST_P(StoreSuite, KeepsWhatIsAddressedToTheOwner) {
  Limits limits = small(100, 10);
  limits.mention_share_percent = 20;
  limits.one_author_percent = 25;  // 5
  with(limits);
  store().set_standing(user(1), Standing::owner);
  const EventPtr post = made_event(user(1), 1, 5, "post");
  store().put(post);
  const std::string owner = user(1).hex();
  const EventPtr mention = made_event(user(40), 1, 10, "you", tags_of({{"p", owner}}));
  const EventPtr reply = made_event(user(41), 1, 11, "to this", tags_of({{"e", post->id.hex(), "", "root"}}));
  const EventPtr list = made_event(user(42), 30000, 12, "", tags_of({{"d", "x"}, {"p", owner}}));
  for (const EventPtr& event : {mention, reply, list}) EXPECT_EQ(store().put(event), PutOutcome::stored);
  EXPECT_TRUE(store().is_addressed(mention.get()) && store().is_addressed(reply.get()));
  EXPECT_FALSE(store().is_addressed(list.get()));
  EXPECT_EQ(in(Share::mentions).events, 2u);
  for (int i = 0; i < 100; ++i) store().put(made_event(user(9), 1, 1000 + i, "noise"));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(store().put(made_event(user(8), 1, 2000 + i, "pest", tags_of({{"p", owner}}))), PutOutcome::stored);
  }
  EXPECT_TRUE(store().contains(mention->id) && store().contains(reply->id));
  EXPECT_FALSE(store().contains(list->id));
  EXPECT_EQ(count_of({8}), 5u);
  any().restart();
  EXPECT_EQ(in(Share::mentions).events, 7u);
  // What came first goes first, whatever its date.
  for (unsigned i = 100; i < 114; ++i) {
    store().put(made_event(user(i), 1, 1, "of long ago", tags_of({{"p", owner}})));
  }
  EXPECT_FALSE(store().contains(mention->id));
  EXPECT_TRUE(store().contains(reply->id));
  EXPECT_EQ(in(Share::mentions).events, 20u);
  // It is so again when somebody was followed for a while.
  store().set_standing(user(41), Standing::followed);
  EXPECT_EQ(in(Share::mentions).events, 19u);
  store().set_standing(user(41), Standing::stranger);
  EXPECT_EQ(in(Share::mentions).events, 20u);
}

// Gift wraps are of random authors and dated back by up to two days.
TEST_P(StoreSuite, AGiftWrapOutlivesNoiseAndNewerDates) {
  Limits limits = small(100, 10);
  limits.mention_share_percent = 10;
  limits.sealed_share_percent = 10;
  with(limits);
  store().set_standing(user(1), Standing::owner);
  const Tags to_owner = tags_of({{"p", user(1).hex()}});
  const auto wrap = [&](unsigned i, std::int64_t at) { return made_event(user(i), 1059, at, "sealed", to_owner); };
  for (unsigned i = 0; i < 10; ++i) store().put(wrap(100 + i, 200'000));
  const EventPtr back = wrap(200, 30'000);
  EXPECT_EQ(store().put(back), PutOutcome::stored);
  for (int i = 0; i < 100; ++i) {
    store().put(made_event(user(9), 1, 300'000 + i, "noise"));
    store().put(made_event(user(300 + static_cast<unsigned>(i)), 1, 300'000, "mention", to_owner));
  }
  for (unsigned i = 0; i < 9; ++i) store().put(wrap(400 + i, 250'000));
  EXPECT_TRUE(store().contains(back->id));
  EXPECT_EQ(in(Share::sealed).events, 10u);
  EXPECT_EQ(store().put(wrap(500, 1)), PutOutcome::stored);
  EXPECT_FALSE(store().contains(back->id)) << "it was the first to come";
  // Not to the owner: noise.
  EXPECT_FALSE(store().is_addressed(made_event(user(7), 1059, 1, "", tags_of({{"p", user(2).hex()}})).get()));
}

TEST_P(StoreSuite, WhomTheFollowedFollowHaveAShareOfTheirOwn) {
  Limits limits = small(100, 10);
  limits.trusted_share_percent = 10;
  with(limits);
  store().set_standing(user(2), Standing::followed);
  store().put(made_event(user(2), 3, 1, "", tags_of({{"p", user(5).hex()}, {"p", user(6).hex()}})));
  store().put(made_event(user(9), 3, 1, "", tags_of({{"p", user(9).hex()}})));  // his own word
  EXPECT_TRUE(store().is_trusted(user(5)));
  EXPECT_FALSE(store().is_trusted(user(9)));
  EXPECT_FALSE(store().is_trusted(user(2)));
  for (int i = 0; i < 5; ++i) store().put(made_event(user(5), 1, 100 + i, "friend of a friend"));
  for (int i = 0; i < 100; ++i) store().put(made_event(user(9), 1, 1000 + i, "noise"));
  EXPECT_EQ(count_of({5}), 5u);
  EXPECT_EQ(in(Share::trusted).events, 5u);
  EXPECT_EQ(store().put(made_event(user(6), 1, 1, "old, but of one who is trusted")), PutOutcome::stored);
  EXPECT_EQ(store().put(made_event(user(7), 1, 1, "old")), PutOutcome::refused);
  for (int i = 0; i < 100; ++i) store().put(made_event(user(6), 1, 2000 + i, "flood"));
  EXPECT_EQ(in(Share::trusted).events, 10u);
  EXPECT_EQ(in(Share::strangers).events, 10u);
  EXPECT_EQ(count_of({2}), 1u);
  any().restart();
  EXPECT_EQ(in(Share::trusted).events, 10u);
}

TEST_P(StoreSuite, EachShareIsBoundedInBytesToo) {
  Limits limits = small(1000, 10);
  limits.stored_bytes = 1'000'000;  // strangers have 100,000
  with(limits);
  const std::string large(30'000, 'x');
  for (int i = 0; i < 50; ++i) store().put(made_event(user(9), 1, 100 + i, "small"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(store().put(made_event(user(9), 1, 1000 + i, large)), PutOutcome::stored);
  EXPECT_LE(in(Share::strangers).bytes, 100'000u);
  EXPECT_EQ(in(Share::strangers).events, 3u);
  EXPECT_EQ(store().put(made_event(user(9), 1, 5000, std::string(100'001, 'x'))), PutOutcome::refused);
  EXPECT_EQ(in(Share::strangers).events, 3u);
  // A newer version that is larger takes its room of the others.
  EXPECT_EQ(store().put(made_event(user(8), 0, 6000, "profile")), PutOutcome::stored);
  EXPECT_EQ(store().put(made_event(user(8), 0, 6001, large)), PutOutcome::stored);
  EXPECT_LE(in(Share::strangers).bytes, 100'000u);
  EXPECT_EQ(count_of({8}), 1u);
  // One that has no room at all leaves the old one where it is.
  EXPECT_EQ(store().put(made_event(user(8), 0, 6002, std::string(100'001, 'x'))), PutOutcome::refused);
  EXPECT_EQ(count_of({8}), 1u);
  const Amount before = in(Share::strangers);
  any().restart();
  EXPECT_EQ(in(Share::strangers), before);
  for (const EventPtr& event : store().query({}, Order::newest_first)) store().erase(event->id);
  EXPECT_EQ(in(Share::strangers), Amount{});
}

TEST_P(StoreSuite, AChangeOfStandingMovesTheEvents) {
  with(small(20, 20));
  store().set_standing(user(1), Standing::followed);
  for (int i = 0; i < 10; ++i) store().put(made_event(user(1), 1, 100 + i, "followed"));
  for (int i = 0; i < 4; ++i) store().put(made_event(user(2), 1, 50 + i, "stranger"));
  EXPECT_EQ(store().stats().events, 14u);
  store().set_standing(user(1), Standing::stranger);  // now 14 strangers for a room of 4: the oldest ten go
  EXPECT_EQ(store().stats().events, 4u);
  EXPECT_EQ(store().query(Where().authors({user(1)}), Order::newest_first).size(), 4u);
  store().set_standing(user(1), Standing::owner);
  for (int i = 0; i < 8; ++i) store().put(made_event(user(2), 1, 500 + i, "stranger"));
  EXPECT_EQ(store().query(Where().authors({user(1)}), Order::newest_first).size(), 4u);
}

TEST_P(StoreSuite, TicketsGroupWritesAndGrow) {
  EXPECT_EQ(store().flush(), store().durable());  // nothing written yet
  store().put(made_event(user(1), 1, 1, "a"));
  const Ticket first = store().flush();
  EXPECT_GT(first, store().durable());
  EXPECT_EQ(store().flush(), first);
  store().set_value(Table::node, "k", "v");
  const Ticket second = store().flush();
  EXPECT_GT(second, first);
  store().set_value(Table::node, "k", "v");  // changes nothing
  EXPECT_EQ(store().flush(), second);
  EXPECT_EQ(any().save(), second);
  EXPECT_EQ(store().durable(), second);
  EXPECT_EQ(store().flush(), second);
  store().erase_value(Table::node, "k");
  EXPECT_GT(store().flush(), second);
}

}  // namespace
}  // namespace np2p::test
