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
  static Limits small(std::size_t events, unsigned stranger_percent) {
    Limits limits;
    limits.stored_events = events;
    limits.stranger_share_percent = stranger_percent;
    return limits;
  }

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

TEST_P(StoreSuite, TheOwnersGoLastAndProfilesNever) {
  with(small(10, 0));
  store().set_standing(user(1), Standing::owner);
  store().set_standing(user(2), Standing::followed);
  store().set_standing(user(3), Standing::follower);
  const EventPtr profile = made_event(user(2), 0, 1, "profile");
  const EventPtr follows = made_event(user(3), 3, 1, "", tags_of({{"p", "x"}}));
  store().put(profile);
  store().put(follows);
  for (int i = 0; i < 4; ++i) store().put(made_event(user(1), 1, 10 + i, "owner"));
  for (int i = 0; i < 4; ++i) store().put(made_event(user(2), 1, 100 + i, "followed"));
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(store().put(made_event(user(1), 1, 200 + i, "owner")), PutOutcome::stored);
  }
  EXPECT_EQ(store().query(Where().authors({user(1)}), Order::newest_first).size(), 8u);
  EXPECT_EQ(store().put(made_event(user(3), 1, 900, "a follower's, with no room but the owner's")),
            PutOutcome::refused);
  EXPECT_EQ(store().put(made_event(user(1), 1, 900, "owner")), PutOutcome::stored);
  EXPECT_THAT(store().query(Where().authors({user(1)}).until(10), Order::newest_first), IsEmpty());
  for (unsigned i = 0; i < 8; ++i) {
    store().set_standing(user(100 + i), Standing::followed);
    EXPECT_EQ(store().put(made_event(user(100 + i), 10848, 1, "bind")), PutOutcome::stored);
  }
  EXPECT_EQ(store().put(made_event(user(1), 1, 1000, "owner")), PutOutcome::refused);
  EXPECT_TRUE(store().contains(profile->id));
  EXPECT_TRUE(store().contains(follows->id));
  EXPECT_EQ(store().stats().events, 10u);
}

TEST_P(StoreSuite, FollowersKeepAtMostTheirShare) {
  Limits limits = small(100, 10);
  limits.follower_share_percent = 20;  // 18 of the 90 for those we know
  with(limits);
  store().set_standing(user(1), Standing::owner);
  store().set_standing(user(2), Standing::followed);
  std::vector<EventPtr> kept;
  for (unsigned i : {1u, 2u}) kept.push_back(made_event(user(i), 0, 1, "profile"));
  for (unsigned i : {1u, 2u}) kept.push_back(made_event(user(i), 3, 1, "follow list"));
  for (const EventPtr& event : kept) EXPECT_EQ(store().put(event), PutOutcome::stored);
  const auto follower = [](unsigned i) { return user(100 + i); };
  for (unsigned i = 0; i < 200; ++i) {  // cheap: each signs a profile and a follow list and registers
    store().set_standing(follower(i), Standing::follower);
    EXPECT_EQ(store().put(made_event(follower(i), 0, 1000 + i, "profile")), PutOutcome::stored);
    EXPECT_EQ(store().put(made_event(follower(i), 3, 1000 + i, "follow list")), PutOutcome::stored);
  }
  EXPECT_EQ(store().stats().events, 4u + 18u);
  for (const EventPtr& event : kept) EXPECT_TRUE(store().contains(event->id));
  // The newest are there; an older one is refused, a newer version of one that is there is not.
  EXPECT_EQ(store().query(Where().authors({follower(199), follower(191)}), Order::newest_first).size(), 4u);
  EXPECT_EQ(store().put(made_event(follower(3), 0, 1100, "older than all")), PutOutcome::refused);
  EXPECT_EQ(store().put(made_event(follower(199), 0, 1200, "new profile")), PutOutcome::stored);
  EXPECT_EQ(store().stats().events, 4u + 18u);
  // The owner publishes on, and within their share the followers' are not touched.
  for (int i = 0; i < 200; ++i) EXPECT_EQ(store().put(made_event(user(1), 1, 5000 + i, "owner")), PutOutcome::stored);
  EXPECT_EQ(store().stats().events, 90u);
  EXPECT_EQ(store().query(Where().kinds({0, 3}), Order::newest_first).size(), 4u + 18u);
  EXPECT_EQ(store().put(made_event(user(1), 0, 9000, "owner's new profile")), PutOutcome::stored);
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
