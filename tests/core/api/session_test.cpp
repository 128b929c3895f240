#include "core/api/session.h"

#include "core/api/client_limits.h"
#include "core/api/relay_document.h"
#include "core/event/nip19.h"
#include "tests/core/api/client_fixture.h"

namespace np2p {
namespace {

using Texts = std::vector<std::string>;

class SessionTest : public test::ClientFixture {
 protected:
  static constexpr std::uint32_t kElsewhere = 0xC6336401;
  [[nodiscard]] Event proof(const Signer& who, const std::string& challenge, const std::string& relay,
                            std::int64_t age = 0) const {
    Tags tags;
    tags.add({"relay", relay});
    tags.add({"challenge", challenge});
    return who.sign(22242, now() - age, std::move(tags), "");
  }
  std::string auth(SessionId session, const Event& event) {
    return say(session, "[\"AUTH\"," + event_json(event) + "]").at(0);
  }
  static bool refused(const std::string& answer, const std::string& prefix) {
    return answer.find("false,\"" + prefix) != std::string::npos;
  }
};

TEST_F(SessionTest, AcknowledgesWhatIsDurableAndNotBefore) {
  const SessionId client = connect();
  const Event event = note("hello");
  node->session_text(client, "[\"EVENT\"," + event_json(event) + "]");
  EXPECT_EQ(heard(client), Texts{});
  node->durable(ports->sync());
  EXPECT_EQ(heard(client), Texts{ok(event)});
}

TEST_F(SessionTest, WhoHasLeftIsToldNothing) {
  const SessionId client = connect();
  node->session_text(client, "[\"EVENT\"," + event_json(note("hello")) + "]");
  node->session_closed(client);
  node->durable(ports->sync());
  EXPECT_EQ(heard(client), Texts{});
  EXPECT_EQ(stored("{}"), Texts{"hello"});
}

TEST_F(SessionTest, WhatIsNewGoesToThoseWhoAskedForIt) {
  const SessionId all = connect();
  const SessionId reactions = connect();
  say(all, R"(["REQ","a",{}])");
  say(all, R"(["REQ","b",{"kinds":[1]},{"kinds":[1,7]}])");
  say(reactions, R"(["REQ","r",{"kinds":[7]}])");
  const Event event = note("hello");
  publish(connect(), event);
  const std::string json = event_json(event);
  EXPECT_EQ(heard(all), (Texts{"[\"EVENT\",\"a\"," + json + "]", "[\"EVENT\",\"b\"," + json + "]"}));
  EXPECT_EQ(heard(reactions), Texts{});
  publish(connect(), event);
  EXPECT_EQ(heard(all), Texts{}) << "a second time it is nothing new";
}

TEST_F(SessionTest, WhatComesOverRestIsToldToo) {
  const SessionId client = connect();
  say(client, R"(["REQ","a",{}])");
  node->publish(RequestId{1}, note("by REST"));
  const auto told = heard(client);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(content_of(told[0]), "by REST");
}

TEST_F(SessionTest, ASecondRequestOfTheSameNameReplacesTheFirst) {
  const SessionId client = connect();
  say(client, R"(["REQ","a",{"kinds":[1]}])");
  say(client, R"(["REQ","a",{"kinds":[7]}])");
  publish(connect(), note("hello"));
  EXPECT_EQ(heard(client), Texts{});
}

TEST_F(SessionTest, NothingComesAfterClose) {
  const SessionId client = connect();
  say(client, R"(["REQ","a",{}])");
  EXPECT_EQ(say(client, R"(["CLOSE","a"])"), Texts{});
  EXPECT_EQ(say(client, R"(["CLOSE","never opened"])"), Texts{});
  publish(connect(), note("hello"));
  EXPECT_EQ(heard(client), Texts{});
}

TEST_F(SessionTest, SubscriptionsAndFiltersHaveABound) {
  Config config;
  config.limits.client.subscriptions = 2;
  config.limits.client.filters = 2;
  start(config);
  const SessionId client = connect();
  EXPECT_EQ(say(client, R"(["REQ","a",{},{},{}])").at(0).substr(0, 23), R"(["CLOSED","a","invalid:)");
  say(client, R"(["REQ","a",{}])");
  say(client, R"(["REQ","b",{}])");
  EXPECT_EQ(say(client, R"(["REQ","c",{}])").at(0).substr(0, 28), R"(["CLOSED","c","rate-limited:)");
  EXPECT_EQ(say(client, R"(["REQ","b",{}])"), Texts{R"(["EOSE","b"])"}) << "an open one may be replaced";
  EXPECT_EQ(ports->rejections["subscription rate_limited"], 1);
}

TEST_F(SessionTest, ALargeMessageIsRefused) {
  Config config;
  config.limits.client.message_bytes = 100;
  start(config);
  EXPECT_EQ(say(connect(), std::string(101, ' ')).at(0).substr(0, 20), R"(["NOTICE","invalid: )");
}

TEST_F(SessionTest, AnswersWaitForAClientThatReadsSlowlyAndKeepTheirOrder) {
  for (int i = 0; i < 3; ++i) store(note(std::to_string(i), i));
  const SessionId client = connect();
  ports->untold = 1u << 30;
  EXPECT_EQ(say(client, R"(["REQ","a",{}])"), Texts{});
  publish(connect(), note("live"));
  EXPECT_EQ(heard(client), Texts{});
  ports->untold = 0;
  node->session_writable(client);
  const auto told = heard(client);
  ASSERT_EQ(told.size(), 5u);
  EXPECT_EQ(content_of(told[0]), "0");
  EXPECT_EQ(content_of(told[2]), "2");
  EXPECT_EQ(told[3], R"(["EOSE","a"])");
  EXPECT_EQ(content_of(told[4]), "live");
}

TEST_F(SessionTest, WhoDoesNotReadIsGivenUp) {
  Config config;
  config.limits.client.queue_bytes = 10'000;
  start(config);
  const SessionId client = connect();
  say(client, R"(["REQ","a",{}])");
  ports->untold = 1u << 30;
  for (int i = 0; i < 30 && ports->hung_up.count(client) == 0; ++i) {
    node->publish(RequestId{1}, note(std::string(500, 'x') + std::to_string(i)));
  }
  EXPECT_EQ(ports->hung_up[client], "too slow");
  EXPECT_EQ(ports->rejections["session full"], 1);
  EXPECT_EQ(say(client, R"(["REQ","a",{}])"), Texts{}) << "it is no session any more";
}

TEST_F(SessionTest, WhoIsGivenUpOverAnAcknowledgementMakesRoom) {
  Config config;
  config.limits.client.queue_bytes = 10;
  config.limits.client.sessions = 1;
  start(config);
  const SessionId client = connect();
  ports->untold = 1u << 30;
  publish(client, note("hello"));
  EXPECT_EQ(ports->hung_up[client], "too slow");
  ports->untold = 0;
  EXPECT_EQ(stored("{}"), Texts{"hello"});
}

TEST_F(SessionTest, NoFurtherQuestionsWhileTooManyAnswersWait) {
  Config config;
  config.limits.client.answer_bytes = 1000;
  start(config);
  store(note(std::string(1000, 'x')));
  const SessionId client = connect();
  ports->untold = 1u << 30;
  say(client, R"(["REQ","a",{}])");
  say(client, R"(["REQ","b",{}])");
  ports->untold = 0;
  node->session_writable(client);
  const auto told = heard(client);
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[2].substr(0, 28), R"(["CLOSED","b","rate-limited:)");
}

TEST_F(SessionTest, StoredEventsThatWaitForASlowReaderAreThoseThatAreThereWhenTheyGoOut) {
  std::vector<Event> notes;
  for (int i = 0; i < 3; ++i) store(notes.emplace_back(note(std::to_string(i), i)));
  const SessionId client = connect();
  ports->untold = 1u << 30;
  EXPECT_EQ(say(client, R"(["REQ","a",{}])"), Texts{});
  ports->store.erase(notes[1].id);
  ports->untold = 0;
  node->session_writable(client);
  const auto told = heard(client);
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0], "[\"EVENT\",\"a\"," + event_json(notes[0]) + "]");
  EXPECT_EQ(told[1], "[\"EVENT\",\"a\"," + event_json(notes[2]) + "]");
  EXPECT_EQ(told[2], R"(["EOSE","a"])");
}

TEST_F(SessionTest, WhoBringsForgedEventsIsHungUpOn) {
  const SessionId client = connect();
  Event forged = note("forged");
  forged.sig.data[3] ^= 1;
  for (std::uint32_t i = 0; i < kForgeries; ++i) {
    ASSERT_TRUE(refused(publish(client, forged).at(0), "invalid: the signature"));
    ASSERT_EQ(ports->hung_up.count(client), 0u);
  }
  publish(client, forged);
  EXPECT_EQ(ports->hung_up[client], "too many events that are forged");
  EXPECT_EQ(say(client, R"(["REQ","a",{}])"), Texts{}) << "it is no session any more";
}

TEST_F(SessionTest, ManyFiltersShareWhatOneQuestionIsAnsweredWith) {
  const std::size_t filters = 32;
  const std::size_t share = kAnswersEvents / filters;
  for (std::size_t i = 0; i < share + 5; ++i) store(note("", static_cast<std::int64_t>(i)));
  std::string all;
  for (std::size_t i = 0; i < filters; ++i) all += i == 0 ? "{}" : R"(,{"kinds":[7]})";
  EXPECT_EQ(stored(all).size(), share);
  EXPECT_EQ(stored("{}").size(), share + 5);
}

std::size_t announced(const Config& config, const std::string& what) {
  const std::string document = relay_document(config, "", true);
  return std::stoul(document.substr(document.find("\"" + what + "\":") + what.size() + 3));
}

TEST_F(SessionTest, WhoAsksAsManyFiltersAsAreAnnouncedGetsWhatIsAnnouncedForEach) {
  const std::size_t filters = announced({}, "max_filters");
  const std::size_t most = announced({}, "max_limit");
  for (std::size_t i = 0; i < most + 5; ++i) store(note("", static_cast<std::int64_t>(i)));
  std::string all;
  for (std::size_t i = 0; i < filters; ++i) all += i == 0 ? "{}" : R"(,{"kinds":[7]})";
  EXPECT_EQ(stored(all).size(), most);
  EXPECT_GT(filters, 1u);
  Config config;
  config.limits.client.answer_events = 2 * kAnswersEvents;
  EXPECT_EQ(announced(config, "max_filters"), 1u);
  EXPECT_EQ(announced(config, "max_limit"), kAnswersEvents);
  config.limits.client.answer_events = 1;
  EXPECT_EQ(announced(config, "max_filters"), config.limits.client.filters);
}

TEST_F(SessionTest, WhoTalksTooMuchIsRefusedThenCutOff) {
  Config config;
  config.limits.client.messages_burst = 3;
  config.limits.client.messages_per_second = 1;
  start(config);
  const SessionId client = connect(false, kElsewhere);
  for (int i = 0; i < 3; ++i) say(client, R"(["CLOSE","a"])");
  EXPECT_EQ(say(client, R"(["CLOSE","a"])").at(0).substr(0, 24), R"(["NOTICE","rate-limited:)");
  EXPECT_TRUE(refused(publish(client, note("x")).at(0), "rate-limited:"));
  EXPECT_EQ(say(client, R"(["REQ","s",{}])").at(0).substr(0, 28), R"(["CLOSED","s","rate-limited:)");
  say(client, R"(["CLOSE","a"])");
  EXPECT_EQ(ports->hung_up[client], "too many messages");
}

TEST_F(SessionTest, ThereIsAnEndToHowManyConnect) {
  Config config;
  config.limits.client.sessions = 2;
  start(config);
  connect();
  connect();
  EXPECT_FALSE(node->session_opened(SessionId{9}, {}));
  node->session_closed(SessionId{1});
  EXPECT_TRUE(node->session_opened(SessionId{9}, {}));
}

TEST_F(SessionTest, WhoComesFromElsewhereReadsOnceItIsTheOwner) {
  store(note("private"));
  const SessionId client = connect(false, kElsewhere);
  const auto greeting = heard(client);
  ASSERT_EQ(greeting.size(), 1u);
  ASSERT_EQ(greeting[0].substr(0, 9), R"(["AUTH",")");
  const std::string challenge = greeting[0].substr(9, 32);
  for (const char* question : {R"(["REQ","s",{}])", R"(["COUNT","s",{}])"}) {
    EXPECT_EQ(say(client, question).at(0).substr(0, 29), R"(["CLOSED","s","auth-required:)");
  }
  const std::string url = "wss://Relay.Example:8080/";
  EXPECT_TRUE(refused(auth(client, proof(owner, "other", url)), "invalid:"));
  EXPECT_TRUE(refused(auth(client, proof(owner, challenge, "ws://elsewhere.example")), "invalid:"));
  EXPECT_TRUE(refused(auth(client, proof(owner, challenge, url, 3600)), "invalid:")) << "an old one";
  EXPECT_TRUE(refused(auth(client, note("no proof")), "invalid:"));
  Event forged = proof(owner, challenge, url);
  forged.sig.data[3] ^= 1;
  EXPECT_TRUE(refused(auth(client, forged), "invalid:"));
  const Event strangers = proof(stranger, challenge, url);
  EXPECT_EQ(auth(client, strangers), ok(strangers)) << "it is who it says, which does not help";
  EXPECT_EQ(say(client, R"(["REQ","s",{}])").at(0).substr(0, 26), R"(["CLOSED","s","restricted:)");
  const Event owners = proof(owner, challenge, url);
  EXPECT_EQ(auth(client, owners), ok(owners));
  EXPECT_TRUE(refused(auth(client, owners), "restricted:")) << "once";
  EXPECT_EQ(say(client, R"(["REQ","s",{}])").size(), 2u);
  const SessionId another = connect(false, kElsewhere);
  heard(another);
  EXPECT_TRUE(refused(auth(another, owners), "invalid:")) << "not on another connection";
}

TEST_F(SessionTest, AProofIsNoEvent) {
  EXPECT_TRUE(refused(publish(connect(), proof(owner, "x", "ws://relay.example:8080")).at(0), "invalid:"));
}

TEST_F(SessionTest, ProtectedEventsComeFromTheirAuthorOnly) {
  const SessionId client = connect();
  const Event event = note("protected", 0, tag({"-"}));
  const auto first = publish(client, event);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_TRUE(refused(first[1], "auth-required:"));
  const std::string challenge = first[0].substr(9, 32);
  auth(client, proof(owner, challenge, "ws://relay.example:8080"));
  EXPECT_EQ(publish(client, event), Texts{ok(event)});
  EXPECT_EQ(publish(connect(), event).size(), 2u) << "on another connection it is not the author";
}

TEST_F(SessionTest, OthersDeliverWhatNamesTheOwner) {
  const SessionId client = connect(false, kElsewhere);
  heard(client);
  Tags named = tag({"p", owner.public_key().hex()});
  for (const std::uint16_t k : std::vector<std::uint16_t>{1, 7, 1059, 1111}) {
    const Event event = stranger.sign(k, now(), named, "to you");
    EXPECT_EQ(publish(client, event), Texts{ok(event)}) << k;
  }
  EXPECT_TRUE(refused(publish(client, stranger.sign(1, now(), {}, "to nobody")).at(0), "restricted:"));
  EXPECT_TRUE(refused(publish(client, stranger.sign(0, now(), named, "{}")).at(0), "restricted:"));
  EXPECT_TRUE(refused(publish(client, stranger.sign(30023, now(), named, "")).at(0), "restricted:"));
  EXPECT_EQ(stored("{}").size(), 4u);
  EXPECT_TRUE(ports->sent.empty()) << "it goes nowhere from here";
  // And take it back.
  const Event mine = stranger.sign(1, now(), named, "oops");
  publish(client, mine);
  const Event deletion = stranger.sign(kind::deletion, now(), tag({"e", mine.id.hex()}), "");
  EXPECT_EQ(publish(client, deletion), Texts{ok(deletion)});
  EXPECT_EQ(stored(R"({"kinds":[1]})"), Texts{"to you"});
  EXPECT_TRUE(
      refused(publish(client, stranger.sign(5, now(), tag({"e", std::string(64, '0')}), "")).at(0), "restricted:"));
}

TEST_F(SessionTest, DeliveriesHaveABudgetForEachAddressAndForAll) {
  Config config;
  config.limits.client.deliveries_burst = 2;
  config.limits.client.all_deliveries_burst = 3;
  start(config);
  const Tags named = tag({"p", owner.public_key().hex()});
  int made = 0;
  const auto deliver = [&](SessionId client) {
    return publish(client, stranger.sign(7, now(), named, std::to_string(++made))).back();
  };
  const SessionId one = connect(true, kElsewhere);
  const SessionId same_address = connect(true, kElsewhere);
  const SessionId other_address = connect(true, kElsewhere + 1);
  EXPECT_FALSE(refused(deliver(one), ""));
  EXPECT_FALSE(refused(deliver(same_address), ""));
  EXPECT_TRUE(refused(deliver(one), "rate-limited:"));
  EXPECT_FALSE(refused(deliver(other_address), ""));
  EXPECT_TRUE(refused(deliver(other_address), "rate-limited:"));
  ports->now.ns += 60'000'000'000;
  EXPECT_FALSE(refused(deliver(one), ""));
  store(note("the owner has no such budget"));
}

TEST_F(SessionTest, FurtherWritersAndOpenRelays) {
  Config config;
  config.writers = {friend_.public_key()};
  start(config);
  const Event theirs = friend_.sign(1, now(), {}, "from a friend");
  EXPECT_EQ(publish(connect(), theirs), Texts{ok(theirs)});
  EXPECT_TRUE(ports->sent.empty()) << "only the owner's events travel";
  EXPECT_TRUE(refused(publish(connect(), stranger.sign(1, now(), {}, "x")).at(0), "restricted:"));
  config.writers.clear();
  config.open_writes = true;
  start(config);
  const Event anybodys = stranger.sign(1, now(), {}, "x");
  EXPECT_EQ(publish(connect(), anybodys), Texts{ok(anybodys)});
  config.writable = false;
  start(config);
  EXPECT_TRUE(refused(publish(connect(), note("x")).at(0), "restricted: Write is denied"));
  EXPECT_EQ(say(connect(), R"(["REQ","s",{}])").size(), 1u) << "reading goes on";
}

TEST_F(SessionTest, ProofOfWorkIsAskedOfOthersIfConfigured) {
  Config config;
  config.min_pow = 4;
  start(config);
  const std::string named = owner.public_key().hex();
  bool seen_weak = false;
  bool seen_strong = false;
  for (int nonce = 0; nonce < 200 && !(seen_weak && seen_strong); ++nonce) {
    Tags tags = tag({"p", named});
    tags.add({"nonce", std::to_string(nonce), "4"});
    const Event event = stranger.sign(7, now(), std::move(tags), "+");
    const bool strong = event.id.data[0] < 16;
    if (strong ? seen_strong : seen_weak) continue;
    (strong ? seen_strong : seen_weak) = true;
    const std::string answer = publish(connect(), event).at(0);
    EXPECT_EQ(answer == ok(event), strong) << answer;
    if (!strong) {
      EXPECT_TRUE(refused(answer, "pow:"));
    }
  }
  EXPECT_TRUE(seen_weak && seen_strong);
  EXPECT_TRUE(refused(publish(connect(), stranger.sign(7, now(), tag({"p", named}), "+")).at(0), "pow:"))
      << "luck without commitment does not count";
  store(note("the owner's costs no work"));
}

}  // namespace
}  // namespace np2p
