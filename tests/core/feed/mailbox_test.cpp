// What a guardian takes and what it refuses: floods, strangers, forgers, and wards that want too much.
#include "core/feed/mailbox.h"

#include <gmock/gmock.h>

#include "core/feed/follow_filter.h"
#include "tests/core/fake_ports.h"

namespace np2p {
namespace {

using test::FakePorts;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

PubKey user(std::uint8_t number) {
  PubKey key;
  key.data.fill(number);
  return key;
}

class MailboxTest : public ::testing::Test {
 protected:
  void start(const Limits& limits = {}) {
    config.limits = limits;
    config.owner = user(200);
    ports = std::make_unique<FakePorts>(limits);
    host = std::make_unique<Host>(ports->host());
    for (std::uint8_t i = 1; i < 100; ++i) ports->store.set_standing(user(i), Standing::followed);
    boot();
  }
  void boot() {
    MailPost post{[this](const PubKey& to, const Extension& message, Priority) {
                    if (busy) return false;
                    sent.emplace_back(to, message);
                    return true;
                  },
                  [](const PubKey&) { return true; }};
    post.renew = [this](const PubKey& ward, const ByteVec& record) {
      renewed.emplace_back(ward, record);
      return record.size() > 1;
    };
    box = std::make_unique<Mailbox>(config, *host, post);
    box->load();
  }
  static Delivery from(std::uint8_t number, bool proven = true) {
    Delivery delivery;
    delivery.source = user(number);
    delivery.from_server = proven;
    return delivery;
  }
  void guard(std::uint8_t ward) { box->on(Guard{user(ward), true}, from(ward)); }
  void mail(std::uint8_t author, std::uint64_t seq, std::vector<PubKey> wards, const std::string& text = "x",
            std::uint64_t incarnation = 1) {
    box->on(Mail{incarnation, seq, 0, std::move(wards), Frame(bytes_of(text))}, from(author));
  }
  void disk_is_done() { box->durable(ports->sync()); }
  template <class Message>
  std::vector<Message> said() {
    std::vector<Message> found;
    for (const auto& [to, message] : sent) {
      if (const auto* one = std::get_if<Message>(&message)) found.push_back(*one);
    }
    std::erase_if(sent, [](const auto& one) { return std::holds_alternative<Message>(one.second); });
    return found;
  }
  std::vector<std::uint64_t> numbers() {
    std::vector<std::uint64_t> seqs;
    for (const MailPart& part : said<MailPart>()) {
      for (const Letter& letter : part.letters) seqs.push_back(letter.seq);
    }
    return seqs;
  }
  int rejected(const std::string& what) { return ports->rejections[what]; }
  void pass(Duration time) {
    const MonoTime end = ports->now + time;
    for (auto due = box->next_due(); due && *due <= end; due = box->next_due()) {
      ports->wall_now = ports->wall_now + (std::max(*due, ports->now) - ports->now);
      ports->now = std::max(*due, ports->now);
      box->due(ports->now);
    }
    ports->wall_now = ports->wall_now + (end - ports->now);
    ports->now = end;
  }

  Config config;
  std::unique_ptr<FakePorts> ports;
  std::unique_ptr<Host> host;
  std::unique_ptr<Mailbox> box;
  std::vector<std::pair<PubKey, Extension>> sent;
  bool busy = false;
  std::vector<std::pair<PubKey, ByteVec>> renewed;
};

TEST_F(MailboxTest, TakesMailFromThoseAloneWhomTheWardFollows) {
  start();
  box->on(Guard{user(1), true, {}, make_filter({user(5), user(6)}, 7, {})}, from(1));
  mail(5, 1, {user(1)});
  mail(7, 1, {user(1)});
  EXPECT_EQ(box->letters(), 1u);
  EXPECT_EQ(rejected("mail forbidden"), 1);
  disk_is_done();
  EXPECT_THAT(said<Mailed>(),
              ElementsAre(Mailed{1, 1, {user(1)}, {}, {user(1)}}, Mailed{1, 1, {}, {user(1)}, {user(1)}}));
  boot();  // it stands on the disk
  mail(7, 2, {user(1)});
  EXPECT_EQ(rejected("mail forbidden"), 2);
  box->on(Guard{user(1), true, {}, make_filter({user(7)}, 7, {})}, from(1));
  mail(7, 3, {user(1)});
  mail(5, 2, {user(1)});
  EXPECT_EQ(box->letters(), 2u);
  EXPECT_EQ(rejected("mail forbidden"), 3);
  guard(1);  // an earlier version says nothing of it
  mail(9, 1, {user(1)});
  EXPECT_EQ(box->letters(), 3u);
}

TEST_F(MailboxTest, RenewsWhatItsWardsHaveInTheDirectoryWhileTheyAreAway) {
  start();
  box->on(Guard{user(1), true, {1, 2, 3}, {}}, from(1));
  box->on(Guard{user(2), true, {9}, {}}, from(2));  // says nothing any more
  pass(2h);
  EXPECT_TRUE(renewed.empty()) << "they are there and do it themselves";
  pass(24h);
  ASSERT_EQ(renewed.size(), 2u);
  EXPECT_EQ(renewed[0], (std::pair{user(1), ByteVec{1, 2, 3}}));
  boot();
  renewed.clear();
  pass(7 * 24h);
  const auto times = [&](std::uint8_t ward) {
    return std::count_if(renewed.begin(), renewed.end(), [&](const auto& one) { return one.first == user(ward); });
  };
  EXPECT_GE(times(1), 7);
  EXPECT_LE(times(1), 8);
  EXPECT_EQ(times(2), 1);
  box->on(Guard{user(1), true, {1, 2, 4}, {}}, from(1));
  renewed.clear();
  pass(2h);
  EXPECT_TRUE(renewed.empty());
}

TEST_F(MailboxTest, StrangersFindNoPlaceAndFollowersHalfOfThem) {
  Limits limits;
  limits.wards = 4;
  start(limits);
  for (std::uint8_t i = 110; i < 115; ++i) ports->store.set_standing(user(i), Standing::follower);
  guard(150);
  EXPECT_EQ(box->wards(), 0u);
  for (std::uint8_t i = 110; i < 115; ++i) guard(i);
  EXPECT_EQ(box->wards(), 2u);
  for (std::uint8_t i = 1; i < 5; ++i) guard(i);
  EXPECT_EQ(box->wards(), 4u);
  EXPECT_EQ(rejected("guard full"), 6);
  disk_is_done();
  int accepted = 0;
  for (const Guarded& answer : said<Guarded>()) accepted += answer.accepted ? 1 : 0;
  EXPECT_EQ(accepted, 4);
}

TEST_F(MailboxTest, NobodySpeaksForAnother) {
  start();
  box->on(Guard{user(1), true}, from(2));
  box->on(Guard{user(1), true}, from(1, false));
  EXPECT_EQ(box->wards(), 0u);
  EXPECT_EQ(rejected("guard forbidden"), 2);
  guard(1);
  mail(5, 1, {user(1)});
  box->on(Mail{1, 2, 0, {user(1)}, Frame(bytes_of("x"))}, from(5, false));
  EXPECT_EQ(box->letters(), 1u);
  EXPECT_EQ(rejected("mail forbidden"), 1);
  disk_is_done();
  box->on(Collect{user(1)}, from(2));
  box->on(Collect{user(1)}, from(1, false));
  box->on(MailWant{{{0x01010101, 1, 0, 9}}}, from(1, false));
  box->on(MailTaken{{{{user(5), 1}, 0, 9}}}, from(2));
  box->on(Guard{user(1), false}, from(2));
  EXPECT_THAT(said<MailIndex>(), IsEmpty());
  EXPECT_THAT(said<MailPart>(), IsEmpty());
  EXPECT_EQ(box->letters(), 1u);
  EXPECT_EQ(rejected("collect forbidden"), 2);
  EXPECT_EQ(rejected("mail want forbidden"), 1);
  EXPECT_EQ(rejected("mail taken forbidden"), 1);
  EXPECT_EQ(rejected("guard forbidden"), 3);
}

TEST_F(MailboxTest, SaysWhoseWardsItHasAgreedToKeep) {
  Limits limits;
  limits.sender_mail_burst = 1024;
  limits.sender_mail_per_second = 0;
  start(limits);
  guard(1);
  guard(2);
  box->on(AskWards{{user(1), user(3)}}, from(9, false));
  EXPECT_EQ(rejected("ask wards forbidden"), 1) << "whoever it may be";
  EXPECT_THAT(said<TellWards>(), IsEmpty());
  box->on(AskWards{{user(1), user(3), user(2)}}, from(9));
  const auto answers = said<TellWards>();
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_THAT(answers[0].agreed, ElementsAre(user(1), user(2)));
  EXPECT_THAT(answers[0].refused, ElementsAre(user(3)));
  box->on(Guard{user(2), false}, from(2));
  for (int i = 0; i < 10; ++i) box->on(AskWards{{user(2)}}, from(9));
  const auto later = said<TellWards>();
  EXPECT_THAT(later, SizeIs(5)) << "who asks without end gets its share";
  EXPECT_THAT(later[0].agreed, IsEmpty());
  EXPECT_EQ(rejected("ask wards rate_limited"), 5);
}

TEST_F(MailboxTest, IsAcknowledgedOnceItIsDurable) {
  start();
  guard(1);
  mail(5, 1, {user(1), user(2)});
  EXPECT_THAT(said<Guarded>(), IsEmpty());
  EXPECT_THAT(said<Mailed>(), IsEmpty());
  disk_is_done();
  EXPECT_THAT(said<Guarded>(), SizeIs(1));
  EXPECT_THAT(said<Mailed>(), ElementsAre(Mailed{1, 1, {user(1)}, {user(2)}, {user(1)}}));
  EXPECT_EQ(rejected("mail forbidden"), 1);
}

TEST_F(MailboxTest, HasAQuotaForEachWardAndHalfOfItForOneAuthor) {
  Limits limits;
  limits.ward_letters = 6;
  limits.ward_mail_bytes = 100;
  start(limits);
  guard(1);
  guard(2);
  for (std::uint64_t seq = 0; seq < 5; ++seq) mail(5, seq, {user(1)});
  EXPECT_EQ(box->letters(), 3u);
  for (std::uint64_t seq = 0; seq < 5; ++seq) mail(5, seq, {user(1)}, "x", 2);  // another incarnation does not help
  EXPECT_EQ(box->letters(), 3u);
  for (std::uint64_t seq = 0; seq < 5; ++seq) mail(6, seq, {user(1)});
  mail(7, 0, {user(1)});
  EXPECT_EQ(box->letters(), 6u);
  mail(7, 0, {user(2)}, std::string(51, 'x'));
  EXPECT_EQ(box->letters(), 6u);
  mail(7, 1, {user(2)}, std::string(50, 'x'));
  mail(8, 1, {user(2)}, std::string(50, 'x'));
  mail(9, 1, {user(2)}, "x");
  EXPECT_EQ(box->letters(), 8u);
  EXPECT_EQ(box->mail_bytes(), 106u);
  EXPECT_EQ(rejected("mail full"), 2 + 5 + 2 + 1 + 1 + 1);
}

TEST_F(MailboxTest, HasAQuotaForAll) {
  Limits limits;
  limits.letters = 3;
  start(limits);
  guard(1);
  guard(2);
  for (std::uint64_t seq = 0; seq < 5; ++seq) mail(5, seq, {user(1), user(2)});
  EXPECT_EQ(box->letters(), 3u);
  limits.letters = 100;
  limits.mail_bytes = 10;
  start(limits);
  guard(1);
  mail(5, 0, {user(1)}, "seven..");
  mail(5, 1, {user(1)}, "four");
  mail(5, 2, {user(1)}, "3..");
  EXPECT_EQ(box->mail_bytes(), 10u);
}

TEST_F(MailboxTest, AFloodOfOneAuthorGetsItsShareAndNoMore) {
  Limits limits;
  limits.sender_mail_burst = 10'000;
  limits.sender_mail_per_second = 1000;
  start(limits);
  guard(1);
  for (std::uint64_t seq = 0; seq < 1000; ++seq) mail(5, seq, {user(1)}, std::string(872, 'x'));
  EXPECT_EQ(box->letters(), 10u);
  EXPECT_EQ(rejected("mail rate_limited"), 990);
  ports->now = ports->now + 2s;
  for (std::uint64_t seq = 1000; seq < 1010; ++seq) mail(5, seq, {user(1)}, std::string(872, 'x'));
  EXPECT_EQ(box->letters(), 12u);
  mail(6, 0, {user(1)});
  EXPECT_EQ(box->letters(), 13u);
}

TEST_F(MailboxTest, RemembersSoManySendersAndMakesRoomForAnother) {
  Limits limits;
  limits.mail_senders = 2;
  limits.sender_mail_burst = 200;
  limits.sender_mail_per_second = 0;
  start(limits);
  guard(1);
  for (const std::uint8_t author : std::initializer_list<std::uint8_t>{5, 5, 6, 7}) mail(author, author, {user(1)});
  EXPECT_EQ(box->letters(), 3u);
  EXPECT_EQ(rejected("mail rate_limited"), 1);
  mail(5, 9, {user(1)});  // forgotten meanwhile
  EXPECT_EQ(box->letters(), 4u);
}

TEST_F(MailboxTest, TheSameLetterIsKeptOnce) {
  start();
  guard(1);
  for (int i = 0; i < 3; ++i) mail(5, 1, {user(1), user(1)});
  EXPECT_EQ(box->letters(), 1u);
  disk_is_done();
  EXPECT_THAT(said<Mailed>(), SizeIs(3));
}

TEST_F(MailboxTest, ChannelsThatAreNotForPostsAreRefused) {
  start();
  guard(1);
  box->on(Mail{1, 1, 1, {user(1)}, Frame(bytes_of("x"))}, from(5));
  box->on(Mail{1, 1, 77, {user(1)}, Frame(bytes_of("x"))}, from(5));
  EXPECT_EQ(box->letters(), 0u);
  EXPECT_EQ(rejected("mail forbidden"), 2);
}

TEST_F(MailboxTest, SendsWhatIsWantedAndNothingElse) {
  start();
  guard(1);
  for (std::uint64_t seq = 1; seq <= 9; ++seq) mail(5, seq, {user(1)});
  mail(6, 4, {user(1)});
  mail(5, 4, {user(1)}, "x", 2);
  box->on(Collect{user(1)}, from(1));
  EXPECT_THAT(said<MailIndex>(),
              ElementsAre(MailIndex{{{0x05050505, 1, 1, 9}, {0x05050505, 2, 4, 4}, {0x06060606, 1, 4, 4}}}));
  box->on(MailWant{{{0x05050505, 1, 2, 3}, {0x05050505, 1, 8, 100}, {0x06060606, 2, 0, 9}}}, from(1));
  EXPECT_THAT(numbers(), ElementsAre(2, 3, 8, 9));
  box->on(MailTaken{{{{user(5), 1}, 2, 8}}}, from(1));
  EXPECT_EQ(box->letters(), 4u);
  boot();
  EXPECT_EQ(box->letters(), 4u);
  box->on(MailWant{{{0x05050505, 1, 0, UINT64_MAX}}}, from(1));
  EXPECT_THAT(numbers(), ElementsAre(1, 9));
  box->on(MailWant{{{0x77777777, 1, 0, UINT64_MAX}}}, from(1));
  EXPECT_THAT(said<MailPart>(), ElementsAre(MailPart{{}, {}, true}));
}

TEST_F(MailboxTest, TheLastNumberOfAllEndsARange) {
  start();
  guard(1);
  mail(5, UINT64_MAX, {user(1)});
  mail(6, 0, {user(1)});
  box->on(MailWant{{{0x05050505, 1, 0, UINT64_MAX}, {0x06060606, 1, 0, 0}}}, from(1));
  EXPECT_THAT(numbers(), ElementsAre(UINT64_MAX, 0));
}

TEST_F(MailboxTest, GoesNoFurtherThanAWindowAheadOfWhatIsTaken) {
  Limits limits;
  limits.mail_window = 10;
  limits.mail_part_letters = 4;
  start(limits);
  guard(1);
  for (std::uint64_t seq = 0; seq < 30; ++seq) mail(5, seq, {user(1)});
  box->on(MailWant{{{0x05050505, 1, 0, 29}}}, from(1));
  EXPECT_THAT(numbers(), SizeIs(12));
  box->on(MailTaken{{{{user(5), 1}, 0, 3}}}, from(1));
  EXPECT_THAT(numbers(), ElementsAre(12, 13, 14, 15));
  box->on(MailTaken{{{{user(5), 1}, 4, 15}}}, from(1));
  EXPECT_THAT(numbers(), SizeIs(12));
  box->on(MailTaken{{{{user(5), 1}, 0, 29}}}, from(1));
  EXPECT_THAT(said<MailPart>(), ElementsAre(MailPart{{}, {}, true}));
  EXPECT_EQ(box->letters(), 0u);
  EXPECT_EQ(box->mail_bytes(), 0u);
}

TEST_F(MailboxTest, AWardThatWantsEverythingAgainAndAgainGetsItsShare) {
  Limits limits;
  limits.ward_answers_burst = 3000;
  limits.ward_answers_per_second = 1000;
  start(limits);
  guard(1);
  mail(5, 1, {user(1)}, std::string(999, 'x'));
  for (int i = 0; i < 100; ++i) box->on(MailWant{{{0x05050505, 1, 0, 9}}}, from(1));
  EXPECT_THAT(numbers(), SizeIs(3));
  pass(1s);
  EXPECT_THAT(numbers(), SizeIs(1));
}

TEST_F(MailboxTest, WaitsForAWayThatIsFull) {
  start();
  guard(1);
  mail(5, 1, {user(1)});
  busy = true;
  box->on(MailWant{{{0x05050505, 1, 0, 9}}}, from(1));
  pass(3s);
  busy = false;
  EXPECT_THAT(numbers(), IsEmpty());
  pass(1s);
  EXPECT_THAT(numbers(), ElementsAre(1));
}

TEST_F(MailboxTest, WhoLeavesTakesItsMailAlong) {
  start();
  guard(1);
  mail(5, 1, {user(1)});
  const auto values = ports->store.stats().values;
  box->on(Guard{user(1), false}, from(1));
  EXPECT_EQ(box->wards(), 0u);
  EXPECT_EQ(box->letters(), 0u);
  EXPECT_EQ(ports->store.stats().values, values - 2);
}

TEST_F(MailboxTest, ALetterWithoutAWardIsSweptOut) {
  start();
  guard(1);
  mail(5, 1, {user(1)});
  ports->store.set_value(Table::mail, "too short", "x");
  ports->store.erase_value(Table::wards, text_of(user(1).view()));
  boot();
  EXPECT_EQ(box->letters(), 0u);
  int left = 0;
  ports->store.each_value(Table::mail, [&](std::string_view, std::string_view) { ++left; });
  EXPECT_EQ(left, 0);
}

TEST_F(MailboxTest, TellsAWardThatItDoesNotKnowAnyMore) {
  start();
  box->on(Collect{user(1)}, from(1));
  EXPECT_THAT(said<Guarded>(), ElementsAre(Guarded{user(200), false, 0, 0}));
}

}  // namespace
}  // namespace np2p
