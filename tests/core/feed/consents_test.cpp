// Whoever is named as a guardian gets mail, and makes a lease longer, only once it has said that it agreed.
#include "core/feed/consents.h"

#include <gmock/gmock.h>

#include "tests/core/feed/village.h"

namespace np2p {
namespace {

using test::Village;
using test::Villager;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// The first is the author; the second and third follow it and are guarded by the fourth and fifth. The sixth is a
// stranger to all of them.
class ConsentsTest : public ::testing::Test {
 protected:
  void make(const Limits& limits = {}) {
    village = std::make_unique<Village>(6, limits);
    for (Villager* ward : {&one(), &other()}) {
      ward->follow(author());
      for (std::size_t i : {3, 4}) {
        ward->follow((*village)[i]);
        (*village)[i].follow(*ward);
      }
    }
    village->run_for(2min);
    village->messages.clear();
  }
  Villager& author() { return (*village)[0]; }
  Villager& one() { return (*village)[1]; }
  Villager& other() { return (*village)[2]; }
  Villager& guardian() { return (*village)[3]; }
  Villager& second() { return (*village)[4]; }
  Villager& stranger() { return (*village)[5]; }
  void names(Villager& ward, std::vector<PubKey> guardians) { author().followers->add(ward.key, guardians); }
  void post_to(std::vector<PubKey> absent) {
    ++seq_;
    author().postman->leave({7, seq_, Channel::stream, encode_stream_part(author().part(7, seq_, "post"))}, absent);
    village->run_for(1s);
  }
  std::size_t questions() { return village->count_of<AskWards>(); }
  WallTime lease(Villager& ward) { return author().followers->all().at(ward.key).lease_until; }
  Duration left(Villager& ward) { return lease(ward) - author().ports.wall_now; }
  std::unique_ptr<Village> village;

 private:
  std::uint64_t seq_ = 0;
};

TEST_F(ConsentsTest, NobodyIsAskedAsLongAsNothingDependsOnIt) {
  make();
  village->run_for(12h);
  EXPECT_EQ(questions(), 0u);
}

TEST_F(ConsentsTest, AGuardianIsAskedOnceForAllWhoNameIt) {
  make();
  names(one(), {guardian().key});
  names(other(), {guardian().key});
  post_to({one().key, other().key});
  EXPECT_EQ(questions(), 1u);
  EXPECT_EQ(guardian().mailbox->letters(), 2u);
  for (int i = 0; i < 5; ++i) post_to({one().key, other().key});
  EXPECT_EQ(questions(), 1u);
  EXPECT_EQ(guardian().mailbox->letters(), 12u);
  // Also after a restart.
  author().boot();
  post_to({one().key});
  EXPECT_EQ(questions(), 1u);
  EXPECT_EQ(guardian().mailbox->letters(), 13u);
  // Others are asked.
  names(one(), {second().key});
  post_to({one().key});
  EXPECT_EQ(questions(), 2u);
  EXPECT_EQ(second().mailbox->letters(), 1u);
}

TEST_F(ConsentsTest, StrangersGetNoMailAndMakeNoLeaseLonger) {
  make();
  names(one(), {stranger().key});
  for (int i = 0; i < 50; ++i) {
    names(one(), {stranger().key});  // as often as it likes
    post_to({one().key});
  }
  EXPECT_EQ(questions(), 1u) << "a refusal holds for a while";
  EXPECT_EQ(village->count_of<Mail>(), 0u);
  EXPECT_EQ(stranger().rejected("mail forbidden"), 0);
  EXPECT_EQ(author().rejected("guardian forbidden"), 1);
  EXPECT_LE(left(one()), author().config.limits.follow_lease);
  EXPECT_TRUE(author().consents->is_alone(one().key));
  EXPECT_THAT(author().postman->take_lost(), testing::Contains(one().key)) << "the directory may know better";
  // It may come to terms with the stranger after all.
  village->run_for(7h);
  stranger().follow(one());
  stranger().mailbox->on(Guard{one().key, true}, [&] {
    Delivery from;
    from.source = one().key;
    return from;
  }());
  post_to({one().key});
  EXPECT_EQ(questions(), 2u);
  EXPECT_EQ(stranger().mailbox->letters(), 1u);
}

TEST_F(ConsentsTest, OneOfThreeThatAgreesIsEnough) {
  make();
  names(one(), {stranger().key, one().key, guardian().key});
  post_to({one().key});
  EXPECT_EQ(guardian().mailbox->letters(), 1u);
  EXPECT_GT(left(one()), 29 * 24h);
  EXPECT_LE(left(one()), author().config.limits.ward_life);
}

TEST_F(ConsentsTest, BeforeALeaseEndsAllThoseWhomItNamesAreAsked) {
  make();
  names(one(), {guardian().key, stranger().key});
  names(other(), {guardian().key, second().key});
  author().consents->confirm({one().key, other().key});
  village->run_for(1s);
  EXPECT_EQ(questions(), 3u);
  EXPECT_GT(left(one()), 29 * 24h);
  EXPECT_GT(left(other()), 29 * 24h);
  author().consents->confirm({one().key, other().key});
  village->run_for(1min);
  EXPECT_EQ(questions(), 3u);
}

TEST_F(ConsentsTest, WhatTheDirectoryNamesIsAskedAboutToo) {
  make();
  names(one(), {});
  ASSERT_TRUE(author().followers->set_guardians(one().key, {stranger().key, second().key}));
  EXPECT_LE(left(one()), author().config.limits.follow_lease);
  post_to({one().key});
  EXPECT_EQ(second().mailbox->letters(), 1u);
  EXPECT_EQ(stranger().rejected("mail forbidden"), 0);
  EXPECT_GT(left(one()), 29 * 24h);
}

TEST_F(ConsentsTest, AGuardianOfAnEarlierVersionIsNotConfirmedAndAnotherOneIsTaken) {
  make();
  guardian().is_old = true;
  names(one(), {guardian().key, second().key});
  post_to({one().key});
  EXPECT_EQ(second().mailbox->letters(), 0u);
  village->run_for(30s);
  EXPECT_EQ(guardian().mailbox->letters(), 0u);
  EXPECT_EQ(second().mailbox->letters(), 1u);
  names(one(), {guardian().key});
  EXPECT_LE(left(one()), author().config.limits.follow_lease);
}

TEST_F(ConsentsTest, ALostAnswerIsAskedForAgain) {
  make();
  names(one(), {guardian().key});
  int lost = 0;
  village->lose = [&](const Extension& message) { return std::holds_alternative<TellWards>(message) && lost++ < 2; };
  post_to({one().key});
  village->run_for(11s);
  EXPECT_EQ(questions(), 3u);
  EXPECT_EQ(guardian().mailbox->letters(), 1u);
}

TEST_F(ConsentsTest, NobodyAnswersForAnotherOrUnasked) {
  make();
  names(one(), {guardian().key});
  Delivery from;
  from.source = guardian().key;
  author().consents->on(TellWards{{one().key}, {}}, from);
  EXPECT_EQ(author().rejected("tell wards forbidden"), 1) << "nobody asked";
  village->lose = [](const Extension& message) { return std::holds_alternative<TellWards>(message); };
  post_to({one().key});
  from.source = stranger().key;
  author().consents->on(TellWards{{one().key}, {}}, from);
  EXPECT_EQ(author().rejected("tell wards forbidden"), 2);
  from.source = guardian().key;
  from.from_server = false;
  author().consents->on(TellWards{{one().key}, {}}, from);
  EXPECT_EQ(author().rejected("tell wards forbidden"), 3);
  EXPECT_LE(left(one()), author().config.limits.follow_lease);
  EXPECT_EQ(village->count_of<Mail>(), 0u);
}

TEST_F(ConsentsTest, WhoNamesOthersAllTheTimeCausesSoManyQuestionsAndNoMore) {
  Limits limits;
  limits.consents_of_one_burst = 2;
  make(limits);
  for (Villager* named : {&stranger(), &other(), &guardian()}) {
    names(one(), {named->key});
    post_to({one().key});
  }
  EXPECT_EQ(questions(), 2u);
  EXPECT_EQ(author().rejected("consent rate_limited"), 1);
  EXPECT_EQ(village->count_of<Mail>(), 0u) << "though the third would have agreed";
  // Nobody else pays for it.
  names(other(), {guardian().key});
  post_to({other().key});
  EXPECT_EQ(guardian().mailbox->letters(), 1u);
  // Later it has its turn.
  village->run_for(11min);
  post_to({one().key});
  EXPECT_EQ(author().followers->all().at(one().key).agreed, 1);
}

TEST_F(ConsentsTest, VerdictsMakeRoomForOpenQuestions) {
  Limits limits;
  limits.consents = 2;
  make(limits);
  names(one(), {author().key});  // who refuses at once
  post_to({one().key});
  village->lose = [](const Extension& message) { return std::holds_alternative<AskWards>(message); };
  names(other(), {guardian().key, author().key});
  post_to({other().key});
  EXPECT_EQ(author().followers->all().at(other().key).agreed, 0);
  village->lose = nullptr;
  village->run_for(10s);
  EXPECT_EQ(author().followers->all().at(other().key).agreed, 1) << "an open question was forgotten";
}

TEST_F(ConsentsTest, SoManyQuestionsAreRemembered) {
  Limits limits;
  limits.consents = 2;
  make(limits);
  for (Villager* ward : {&one(), &other()}) {
    names(*ward, {stranger().key});
    post_to({ward->key});
  }
  names(one(), {stranger().key, author().key});
  post_to({one().key});
  EXPECT_LE(author().consents->bytes(), 4096u + 2 * 200);
  EXPECT_EQ(village->count_of<Mail>(), 0u);
}

}  // namespace
}  // namespace np2p
