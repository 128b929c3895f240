// Mail for who is away: an author leaves it with guardians, they keep it, the ward collects. In a village of servers
// that hand each other their messages in memory.
#include "core/feed/guardians.h"

#include <gmock/gmock.h>

#include "tests/core/feed/village.h"

namespace np2p {
namespace {

using test::Village;
using test::Villager;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

Frame text(const std::string& words) {
  return Frame(bytes_of(words));
}

// The first is the author, the second the follower who will be away; from the third on friends of the latter.
class GuardiansTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kAuthor = 0;
  static constexpr std::size_t kWard = 1;

  void make(std::size_t friends, const Limits& limits = {}) {
    village = std::make_unique<Village>(2 + friends, limits);
    ward().follow(author());
    for (std::size_t i = 2; i < 2 + friends; ++i) {
      ward().follow((*village)[i]);
      (*village)[i].follow(ward());
    }
    village->run_for(2min);
  }
  Villager& author() { return (*village)[kAuthor]; }
  Villager& ward() { return (*village)[kWard]; }
  Villager& friend_(std::size_t i) { return (*village)[2 + i]; }
  Villager& guardian(std::size_t i) { return *village->find(ward().wardship->guardians().at(i)); }
  Posting next(const std::string& words) { return {kIncarnation, ++seq_, Channel::stream, text(words)}; }
  // The author's post, which the ward does not take.
  void post(const std::string& words) {
    author().postman->leave(next(words), {ward().key});
    village->run_for(1s);
  }
  std::vector<std::string> posts(int count) {
    std::vector<std::string> all;
    for (int i = 0; i < count; ++i) {
      all.push_back("post " + std::to_string(i));
      post(all.back());
    }
    return all;
  }
  void comes_back() {
    ward().boot();
    village->run_for(30s);
  }
  std::size_t kept() {
    std::size_t sum = 0;
    for (auto& one : village->people) sum += one->mailbox->letters();
    return sum;
  }
  static constexpr std::uint64_t kIncarnation = 7;
  std::unique_ptr<Village> village;

 private:
  std::uint64_t seq_ = 0;
};

TEST_F(GuardiansTest, ThreeFriendsAreChosenAndNamed) {
  make(5);
  EXPECT_THAT(ward().wardship->guardians(), SizeIs(3));
  for (const PubKey& one : ward().wardship->guardians()) EXPECT_NE(one, author().key);  // who does not follow back
  EXPECT_EQ(author().followers->all().at(ward().key).guardians, ward().wardship->guardians());
}

TEST_F(GuardiansTest, WhoHasNoFriendsTakesFollowersThenFollowees) {
  village = std::make_unique<Village>(3);
  Villager& lonely = (*village)[0];
  lonely.follow((*village)[1]);
  (*village)[2].follow(lonely);
  village->run_for(10min);
  EXPECT_THAT(lonely.wardship->guardians(), UnorderedElementsAre((*village)[1].key, (*village)[2].key));
}

TEST_F(GuardiansTest, NobodyIsAskedWithoutAnyRelation) {
  village = std::make_unique<Village>(3);
  village->run_for(1h);
  EXPECT_EQ(village->count_of<Guard>(), 0u);
  EXPECT_EQ((*village)[0].wardship->next_due(), std::nullopt);
}

TEST_F(GuardiansTest, WhatWasLeftComesWhenTheWardIsBackAndIsThenDeleted) {
  make(3);
  ward().up = false;
  const auto missed = posts(20);
  EXPECT_EQ(kept(), 20u);
  EXPECT_EQ(author().postman->posted(), 20u);
  EXPECT_EQ(author().postman->unposted(), 0u);
  village->run_for(20 * 24h);
  comes_back();
  EXPECT_EQ(ward().letters, missed);
  EXPECT_EQ(kept(), 0u);
}

TEST_F(GuardiansTest, TwoRoundTripsBringAThousandLetters) {
  make(3);
  ward().up = false;
  posts(1000);
  village->messages.clear();
  village->bytes.clear();
  comes_back();
  EXPECT_THAT(ward().letters, SizeIs(1000));
  const std::size_t indexes = village->bytes_of_all<MailIndex>();
  EXPECT_EQ(village->count_of<MailWant>(), 1u);
  EXPECT_EQ(village->count_of<Collect>(), 3u);  // of three guardians one has something
  EXPECT_LE(indexes, 3 * encode_extension(MailIndex{}).size() + 16);
}

TEST_F(GuardiansTest, AnEmptyMailboxSaysSo) {
  make(3);
  ward().up = false;
  village->run_for(10min);
  village->messages.clear();
  comes_back();
  EXPECT_EQ(village->count_of<Collect>(), 3u);
  EXPECT_EQ(village->count_of<MailIndex>(), 3u);
  EXPECT_EQ(village->count_of<MailWant>(), 0u);
}

TEST_F(GuardiansTest, WhenTheFirstGuardianIsAwayTooTheNextOneTakesIt) {
  make(3);
  ward().up = false;
  guardian(0).up = false;
  post("for the second");
  EXPECT_EQ(guardian(1).mailbox->letters(), 1u);
  guardian(1).up = false;
  village->stale_routes = true;  // nobody has noticed
  post("for the third");
  village->run_for(2min);
  EXPECT_EQ(guardian(2).mailbox->letters(), 1u);
  EXPECT_EQ(author().postman->unposted(), 0u);
  village->stale_routes = false;
  for (auto& one : village->people) {
    if (!one->up && one.get() != &ward()) one->boot();
  }
  comes_back();
  EXPECT_THAT(ward().letters, UnorderedElementsAre("for the second", "for the third"));
}

TEST_F(GuardiansTest, WhatNobodyTakesIsGivenUpAndCounted) {
  make(3);
  ward().up = false;
  for (std::size_t i = 0; i < 3; ++i) guardian(i).up = false;
  post("in vain");
  village->run_for(1h);
  EXPECT_EQ(author().postman->unposted(), 0u);
  EXPECT_EQ(author().rejected("mail unreachable"), 1);
}

TEST_F(GuardiansTest, AnAcknowledgementThatIsLostDoublesNothing) {
  make(3);
  ward().up = false;
  int lost = 0;
  village->lose = [&](const Extension& message) { return std::holds_alternative<Mailed>(message) && lost++ == 0; };
  post("twice");
  village->run_for(1min);
  EXPECT_EQ(lost, 2);
  EXPECT_EQ(kept(), 1u);
  comes_back();
  EXPECT_THAT(ward().letters, ElementsAre("twice"));
}

TEST_F(GuardiansTest, NothingIsLostWhenMessagesAre) {
  make(3);
  ward().up = false;
  const auto missed = posts(600);
  Rng rng(7, "loss");
  village->lose = [&](const Extension&) { return rng.chance(1, 3); };
  ward().boot();
  village->run_for(5h);  // what is not collected at once is with the next sign of life
  village->lose = {};
  village->run_for(3h);
  std::vector<std::string> all = ward().letters;
  std::sort(all.begin(), all.end());
  auto wanted = missed;
  std::sort(wanted.begin(), wanted.end());
  EXPECT_EQ(all, wanted);
  EXPECT_EQ(kept(), 0u);
}

TEST_F(GuardiansTest, WhatTwoGuardiansHoldIsFetchedOnce) {
  make(3);
  ward().up = false;
  village->stale_routes = true;
  // The answer gets lost, so the author believes that the first guardian is gone, and turns to the second.
  village->lose = [&](const Extension& message) { return std::holds_alternative<Mailed>(message); };
  const Posting posting = next(std::string(5000, 'x'));
  author().postman->leave(posting, {ward().key});
  village->run_for(16s);
  EXPECT_EQ(kept(), 2u);
  author().up = false;
  village->lose = {};
  village->stale_routes = false;
  village->bytes.clear();
  comes_back();
  EXPECT_THAT(ward().letters, SizeIs(1));
  EXPECT_EQ(kept(), 0u);
  EXPECT_LT(village->bytes_of_all<MailPart>(), 6000u);
}

TEST_F(GuardiansTest, AGuardianThatRestartsHasEverythingStill) {
  make(1);
  ward().up = false;
  posts(3);
  Villager& keeper = friend_(0);
  keeper.ports.sync();
  keeper.boot();
  EXPECT_EQ(keeper.mailbox->letters(), 3u);
  EXPECT_EQ(keeper.mailbox->mail_bytes(), 18u);
  comes_back();
  EXPECT_THAT(ward().letters, SizeIs(3));
}

TEST_F(GuardiansTest, OneMessageServesAllWhoShareAGuardian) {
  village = std::make_unique<Village>(4);
  Villager& keeper = (*village)[3];
  for (std::size_t i : {1u, 2u}) {
    (*village)[i].follow((*village)[0]);
    (*village)[i].follow(keeper);
    keeper.follow((*village)[i]);
  }
  village->run_for(2min);
  for (std::size_t i : {1u, 2u}) {
    (*village)[0].followers->add((*village)[i].key, {keeper.key});
    (*village)[i].up = false;
  }
  Postman& postman = *(*village)[0].postman;
  postman.leave(next("to both"), {(*village)[1].key, (*village)[2].key});
  village->run_for(1s);
  EXPECT_EQ(village->count_of<Mail>(), 1u);
  EXPECT_EQ(keeper.mailbox->letters(), 2u);
}

TEST_F(GuardiansTest, WhoIsThereButCouldNotBeReachedIsTold) {
  make(3);
  post("it was only the way");
  village->run_for(30s);
  EXPECT_THAT(ward().letters, ElementsAre("it was only the way"));
  EXPECT_EQ(kept(), 0u);
}

TEST_F(GuardiansTest, AGuardianSilentForADayIsReplaced) {
  make(4);
  const PubKey silent = guardian(0).key;
  guardian(0).up = false;
  village->run_for(26h);
  const auto now = ward().wardship->guardians();
  EXPECT_THAT(now, SizeIs(3));
  EXPECT_EQ(std::count(now.begin(), now.end(), silent), 0);
  EXPECT_EQ(author().followers->all().at(ward().key).guardians, now);
}

TEST_F(GuardiansTest, MailIsGivenUpThirtyDaysAfterTheLastSignOfLife) {
  make(3);
  ward().up = false;
  posts(2);
  village->run_for(29 * 24h);
  EXPECT_EQ(kept(), 2u);
  village->run_for(25h);
  EXPECT_EQ(kept(), 0u);
  EXPECT_EQ(guardian(0).rejected("mail unreachable"), 1);
  EXPECT_EQ(guardian(0).mailbox->wards(), 0u);
}

TEST_F(GuardiansTest, AFollowerWithGuardiansKeepsItsPlaceForThirtyDays) {
  make(3);
  author().ports.wall_now = author().ports.wall_now + 29 * 24h;
  EXPECT_THAT(author().followers->expire(false), IsEmpty());
  author().ports.wall_now = author().ports.wall_now + 2 * 24h;
  EXPECT_THAT(author().followers->expire(false), ElementsAre(ward().key));
}

TEST_F(GuardiansTest, AFollowerWithGuardiansLosesItsPlaceWithTheLeaseWhereTheUserHasMovedFrom) {
  make(3);
  author().ports.wall_now = author().ports.wall_now + 25h;
  EXPECT_THAT(author().followers->expire(true), ElementsAre(ward().key));
}

TEST_F(GuardiansTest, NamedGuardiansSurviveARestartOfTheAuthor) {
  make(3);
  const auto named = author().followers->all().at(ward().key).guardians;
  author().followers->missed(ward().key, 77);
  author().boot();
  EXPECT_EQ(author().followers->all().at(ward().key).guardians, named);
  EXPECT_EQ(author().followers->behind().at(ward().key).after, 77u);
}

TEST_F(GuardiansTest, ACopyWithoutAReceiptIsLeftWithAGuardian) {
  make(3);
  const Frame packet = text("copied");
  author().postman->sent(next("copied"));
  author().postman->missed(copy_tag(packet), ward().key);
  author().postman->missed(copy_tag(packet) + 1, ward().key);
  EXPECT_TRUE(author().postman->is_away(ward().key));
  village->run_for(1s);
  EXPECT_EQ(kept(), 1u);
  author().postman->received(ward().key);
  EXPECT_FALSE(author().postman->is_away(ward().key));
}

}  // namespace
}  // namespace np2p
