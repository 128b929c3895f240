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
  Posting next(Villager& by, const std::string& words) {
    ++seq_;
    return {kIncarnation, seq_, Channel::stream, encode_stream_part(by.part(kIncarnation, seq_, words))};
  }
  Posting next(const std::string& words) { return next(author(), words); }
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
  // By then the second copies have been left as well.
  void all_is_left() { village->run_for(30s); }
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
  EXPECT_EQ(author().postman->posted(), 20u);
  EXPECT_EQ(author().postman->unposted(), 0u);
  all_is_left();
  EXPECT_EQ(kept(), 2 * 20u);
  village->run_for(20 * 24h);
  comes_back();
  EXPECT_EQ(ward().letters, missed);
  EXPECT_EQ(kept(), 0u);
}

TEST_F(GuardiansTest, TwoRoundTripsBringAThousandLetters) {
  make(3);
  ward().up = false;
  posts(1000);
  all_is_left();
  village->messages.clear();
  village->bytes.clear();
  comes_back();
  EXPECT_THAT(ward().letters, SizeIs(1000));
  const std::size_t indexes = village->bytes_of_all<MailIndex>();
  EXPECT_EQ(village->count_of<MailWant>(), 2u);  // each of two is asked once, side by side
  EXPECT_EQ(village->count_of<Collect>(), 3u);   // of three guardians two have the same
  EXPECT_EQ(ward().wardship->last_return().guardians, 2u);
  EXPECT_EQ(ward().wardship->last_return().events, 1000u);
  EXPECT_LE(indexes, 3 * encode_extension(MailIndex{}).size() + 2 * 16);
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
  EXPECT_EQ(guardian(2).mailbox->letters(), 2u);  // of the first of them the second copy
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
  EXPECT_EQ(lost, 3);
  EXPECT_EQ(kept(), 2u);
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
  EXPECT_EQ(keeper.mailbox->mail_bytes(), 3 * next("post 0").payload.size());
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
  postman.leave(next((*village)[0], "to both"), {(*village)[1].key, (*village)[2].key});
  village->run_for(1s);
  EXPECT_EQ(village->count_of<Mail>(), 1u);
  EXPECT_EQ(keeper.mailbox->letters(), 2u);
}

TEST_F(GuardiansTest, WhoIsThereButCouldNotBeReachedIsTold) {
  make(3);
  post("it was only the way");
  village->run_for(1min);
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
  EXPECT_EQ(kept(), 4u);
  village->run_for(25h);
  EXPECT_EQ(kept(), 0u);
  EXPECT_EQ(guardian(0).rejected("mail unreachable"), 1);
  EXPECT_EQ(guardian(0).mailbox->wards(), 0u);
}

TEST_F(GuardiansTest, AFollowerWithGuardiansKeepsItsPlaceForThirtyDays) {
  make(3);
  author().consents->confirm({ward().key});
  village->settle();
  author().ports.wall_now = author().ports.wall_now + 29 * 24h;
  EXPECT_THAT(author().followers->expire(false), IsEmpty());
  author().ports.wall_now = author().ports.wall_now + 2 * 24h;
  EXPECT_THAT(author().followers->expire(false), ElementsAre(ward().key));
}

TEST_F(GuardiansTest, AFollowerWithGuardiansLosesItsPlaceWithTheLeaseWhereTheUserHasMovedFrom) {
  make(3);
  author().consents->confirm({ward().key});
  village->settle();
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
  const Posting posting = next("copied");
  author().postman->sent(posting);
  author().postman->missed(copy_tag(posting.payload), ward().key);
  author().postman->missed(copy_tag(posting.payload) + 1, ward().key);
  EXPECT_TRUE(author().postman->is_away(ward().key));
  village->run_for(1s);
  EXPECT_EQ(kept(), 1u);
  author().postman->received(ward().key);
  EXPECT_FALSE(author().postman->is_away(ward().key));
}

// --- liars

TEST_F(GuardiansTest, AJunkLetterThatClaimsToCoverAllCostsNothing) {
  make(3);
  ward().up = false;
  const auto missed = posts(20);
  all_is_left();
  author().up = false;
  const PubKey liar = guardian(0).key;
  const PubKey honest = guardian(1).key;
  const Signer stranger = Signer::from_seed(9, 9);
  std::size_t left_of_honest = 20;
  village->tamper = [&](Villager& from, Extension& message) {
    if (auto* part = std::get_if<MailPart>(&message); part != nullptr && from.key == liar && !part->letters.empty()) {
      Letter& letter = part->letters.back();
      StreamPart junk = author().part(kIncarnation, letter.seq, "");
      const EventPtr event = *ValidationGate::trusted(stranger.sign(kind::post, 1'700'000'000, {}, "junk"));
      junk.packet = encode_events({&event, 1});
      junk.head.chain = test::kLie;
      junk.covers = letter.seq;
      letter.payload = encode_stream_part(junk);
      part->letters = {letter};
    }
    if (std::holds_alternative<MailTaken>(message) && ward().letters.size() < 20) {
      left_of_honest = std::min(left_of_honest, village->find(honest)->mailbox->letters());
    }
    return true;
  };
  ward().boot();
  village->run_for(5min);
  std::erase(ward().letters, "junk");
  EXPECT_EQ(ward().letters, missed);
  EXPECT_EQ(left_of_honest, 20u) << "deleted before it was here";
}

TEST_F(GuardiansTest, WhatOneSaysItKeepsAndDropsIsWithAnother) {
  make(3);
  const PubKey liar = guardian(0).key;
  village->tamper = [&](Villager& from, Extension& message) {
    if (auto* index = std::get_if<MailIndex>(&message); index != nullptr && from.key == liar) index->ranges.clear();
    return true;
  };
  ward().up = false;
  const auto missed = posts(20);
  all_is_left();
  author().up = false;
  comes_back();
  EXPECT_EQ(ward().letters, missed);
}

TEST_F(GuardiansTest, WhoKeepsBackWhatItPromisesDoesNotKeepItFromOthers) {
  make(3);
  ward().up = false;
  const auto missed = posts(20);
  all_is_left();
  author().up = false;
  const PubKey liar = guardian(0).key;
  village->tamper = [&](Villager& from, Extension& message) {
    auto* part = std::get_if<MailPart>(&message);
    if (part == nullptr || from.key != liar) return true;
    part->letters.clear();
    part->last = false;
    return true;
  };
  ward().boot();
  village->run_for(1min);
  EXPECT_EQ(ward().letters, missed);
}

TEST_F(GuardiansTest, LettersThatNobodyAskedForAreNotLookedAtAndNotRemembered) {
  make(3);
  ward().up = false;
  posts(1);
  all_is_left();
  ward().boot();
  village->tamper = [&](Villager&, Extension& message) { return !std::holds_alternative<MailPart>(message); };
  village->run_for(1s);
  const PubKey liar = guardian(0).key;
  const std::size_t before = ward().wardship->bytes();
  for (std::uint64_t i = 0; i < 5000; ++i) {
    MailPart part;
    part.streams = {{author().key, 100 + i}};
    part.letters = {{0, 1, static_cast<std::uint8_t>(Channel::stream),
                     encode_stream_part(author().part(100 + i, 1, "more " + std::to_string(i)))}};
    ward().input(liar, part);
  }
  EXPECT_THAT(ward().letters, IsEmpty());
  EXPECT_EQ(ward().rejected("mail part forbidden"), 5000);
  EXPECT_LE(ward().wardship->bytes(), before + 256);
}

TEST_F(GuardiansTest, MoreThanAMailboxHoldsIsNotTakenWhateverTheIndexPromised) {
  Limits limits;
  limits.ward_letters = 50;
  make(3, limits);
  ward().up = false;
  posts(1);
  all_is_left();
  const PubKey liar = guardian(0).key;
  village->tamper = [&](Villager& from, Extension& message) {
    if (auto* index = std::get_if<MailIndex>(&message); index != nullptr) {
      if (from.key != liar) return false;
      for (auto& range : index->ranges) range.last = UINT64_MAX;
    }
    return !std::holds_alternative<MailPart>(message);
  };
  ward().boot();
  village->run_for(1s);
  for (std::uint64_t seq = 1; seq <= 200; ++seq) {
    const Frame payload = encode_stream_part(author().part(kIncarnation, seq, "number " + std::to_string(seq)));
    ward().input(liar, MailPart{{{author().key, kIncarnation}},
                                {{0, seq, static_cast<std::uint8_t>(Channel::stream), payload}},
                                false});
  }
  EXPECT_THAT(ward().letters, SizeIs(50));
  EXPECT_EQ(ward().rejected("mail part rate_limited"), 1);
}

TEST_F(GuardiansTest, WhatTheStoreRefusesStaysWithTheGuardians) {
  Limits limits;
  limits.stored_events = 64;
  make(3, limits);
  ward().up = false;
  const auto missed = posts(5);
  all_is_left();
  std::vector<EventId> newer;  // than the letters, so that these find no room
  for (int i = 0; i < 64; ++i) {
    const EventPtr event =
        *ValidationGate::trusted(author().signer.sign(kind::post, 1'700'000'001 + i, {}, "newer " + std::to_string(i)));
    newer.push_back(event->id);
    ward().ports.store.put(event);
  }
  ward().ports.sync();
  ward().boot();
  village->run_for(5min);
  EXPECT_THAT(ward().letters, IsEmpty());
  EXPECT_EQ(kept(), 10u);
  EXPECT_GE(ward().rejected("mail part full"), 1);
  for (const EventId& id : newer) ward().ports.store.erase(id);
  village->run_for(30min);
  EXPECT_EQ(ward().letters, missed);
  EXPECT_EQ(kept(), 0u);
}

TEST_F(GuardiansTest, WhoFollowsNoLongerIsForgotten) {
  make(3);
  ward().up = false;
  author().postman->missed(1, ward().key);
  for (std::size_t i = 0; i < 3; ++i) guardian(i).up = false;
  post("in vain");
  EXPECT_EQ(author().postman->unposted(), 1u);
  author().followers->remove(ward().key);
  author().postman->forget(ward().key);
  EXPECT_EQ(author().postman->unposted(), 0u);
  EXPECT_FALSE(author().postman->is_away(ward().key));
  author().postman->absent(ward().key);
  EXPECT_FALSE(author().postman->is_away(ward().key)) << "who does not follow is not remembered";
}

TEST_F(GuardiansTest, SecondCopiesMakeRoomForFirstOnes) {
  Limits limits;
  limits.unposted = 4;
  make(3, limits);
  ward().up = false;
  for (int i = 0; i < 12; ++i) {
    author().postman->leave(next("post " + std::to_string(i)), {ward().key});
    village->run_for(100ms);
  }
  EXPECT_EQ(author().postman->posted(), 12u);
  EXPECT_EQ(author().rejected("mail full"), 0);
}

}  // namespace
}  // namespace np2p
