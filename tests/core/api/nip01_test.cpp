// The rules of NIP-01 (and 40, 45) that people get wrong, each as a case.
#include <algorithm>
#include <set>

#include "core/event/canonical.h"
#include "core/event/negentropy.h"
#include "tests/core/api/client_fixture.h"

namespace np2p {
namespace {

using Texts = std::vector<std::string>;

class Nip01 : public test::ClientFixture {
 protected:
  // What is answered to the event's JSON after a change, as prefix of the OK's reason; "" if it is accepted.
  std::string answer_to(const std::string& json) {
    const auto answer = say(connect(), "[\"EVENT\"," + json + "]");
    if (answer.size() != 1) return "no single answer";
    const std::string& text = answer.front();
    if (text.find(",true,") != std::string::npos) return "";
    const auto comma = text.rfind(",\"");
    const auto begin = text.rfind("[\"NOTICE\"", 0) == 0 ? 11 : comma + 2;
    return text.substr(begin, text.find(':', begin) - begin);
  }
  static std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }
};

TEST_F(Nip01, ControlCharactersAreEscapedAndDelIsNot) {
  const Event event = note(std::string("a\x01\x1f\x7f\n\"\\", 7));
  const SessionId client = connect();
  EXPECT_EQ(publish(client, event), Texts{ok(event)});
  const auto answer = say(client, R"(["REQ","s",{}])");
  ASSERT_EQ(answer.size(), 2u);
  EXPECT_NE(answer[0].find("\"a\\u0001\\u001f\x7f\\n\\\"\\\\\""), std::string::npos) << answer[0];
}

TEST_F(Nip01, WhatIsNoEventIsRefusedAsInvalid) {
  const std::string good = event_json(note("hello"));
  const std::string id = note("hello").id.hex();
  EXPECT_EQ(answer_to(replaced(good, id, "A" + id.substr(1))), "invalid");
  std::string upper = id;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  EXPECT_EQ(answer_to(replaced(good, id, upper)), "invalid") << "upper-case hex";
  EXPECT_EQ(answer_to(replaced(good, "hello", "\\ud800")), "invalid") << "a lone surrogate";
  EXPECT_EQ(answer_to(replaced(good, "hello", "hallo")), "invalid") << "another content than was hashed";
  EXPECT_EQ(answer_to(replaced(good, "\"tags\":[],", "")), "invalid") << "no tags";
  EXPECT_EQ(answer_to(replaced(good, "\"tags\":[]", "\"tags\":[[]]")), "invalid") << "an empty tag";
  EXPECT_EQ(answer_to(replaced(good, "\"tags\":[]", "\"tags\":[[1]]")), "invalid") << "a number in a tag";
  EXPECT_EQ(answer_to(replaced(good, "\"kind\":1", "\"kind\":70000")), "invalid");
  EXPECT_EQ(answer_to(replaced(good, "\"kind\":1", "\"kind\":1.0")), "invalid");
  EXPECT_EQ(answer_to(replaced(good, "\"id\":\"" + id + "\",", "")), "invalid") << "no id";
  EXPECT_EQ(answer_to("{}"), "invalid");
  EXPECT_EQ(answer_to("7"), "invalid");
  EXPECT_EQ(stored("{}"), Texts{});
  EXPECT_EQ(answer_to(good), "");
}

TEST_F(Nip01, UpperCaseHexIsRefusedWhereverItStands) {
  const Event event = note("hello", 0, tag({"t", "x"}));
  const auto upper = [](std::string text) {
    for (char& c : text) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c;
    return text;
  };
  const std::string good = event_json(event);
  const std::string key = event.pubkey.hex();
  const std::string sig = to_hex(event.sig.view());
  for (const std::string& hex : {event.id.hex(), key, sig}) {
    EXPECT_EQ(answer_to(replaced(good, hex, upper(hex))), "invalid") << hex;
  }
  for (const std::string& filter : {"\"ids\":[\"" + upper(event.id.hex()), "\"authors\":[\"" + upper(key)}) {
    const auto answer = say(connect(), R"(["REQ","s",{)" + filter + "\"]}]");
    EXPECT_EQ(answer.at(0).substr(0, 23), R"(["CLOSED","s","invalid:)") << filter;
  }
}

TEST_F(Nip01, BareControlCharactersAreNoJson) {
  const std::string good = event_json(note("hello"));
  for (int c = 0; c < 0x20; ++c) {
    EXPECT_EQ(answer_to(replaced(good, "hello", std::string("hel") + static_cast<char>(c) + "lo")), "invalid") << c;
  }
  EXPECT_EQ(answer_to(replaced(good, "hello", "\\udc00\\ud800")), "invalid") << "surrogates in the wrong order";
  EXPECT_EQ(stored("{}"), Texts{});
}

TEST_F(Nip01, WhatSaysTheSameInOtherWordsIsAccepted) {
  const std::string spaced = replaced(event_json(note("hello")), "{\"id\"", " {\n\t\"id\" ");
  EXPECT_EQ(answer_to(spaced), "");
  EXPECT_EQ(answer_to(replaced(event_json(note("h\xC3\xA4")), "\xC3\xA4", "\\u00e4")), "");
  EXPECT_EQ(answer_to(replaced(event_json(note("\xF0\x9F\x98\x80")), "\xF0\x9F\x98\x80", "\\ud83d\\ude00")), "");
  const auto answer = say(connect(), "  \n[ \"REQ\" , \"s\" , { \"limit\" : 0 } ]");
  EXPECT_EQ(answer, Texts{R"(["EOSE","s"])"});
}

// What a client wrote is what the others read, stored and live.
TEST_F(Nip01, AnEventIsSentAsItWasWritten) {
  const Event first = note("h\xC3\xA4 \"1\"", 2);
  const Event second = note("h\xC3\xA4 \"2\"", 1);
  const std::string spelled = replaced(event_json(first), "h\xC3\xA4", "\\u0068\\u00E4");
  const std::string spaced =
      replaced(replaced(event_json(second), "\"kind\":1", "\"kind\" :\n 1 "), "\"tags\":[]", "\"tags\":[ ]");
  const SessionId listener = connect();
  say(listener, R"(["REQ","live",{}])");
  EXPECT_EQ(answer_to(spelled), "");
  EXPECT_EQ(answer_to(" \n" + spaced + " "), "");
  EXPECT_EQ(heard(listener), (Texts{"[\"EVENT\",\"live\"," + spelled + "]", "[\"EVENT\",\"live\"," + spaced + "]"}));
  const Texts stored{"[\"EVENT\",\"s\"," + spaced + "]", "[\"EVENT\",\"s\"," + spelled + "]", R"(["EOSE","s"])"};
  EXPECT_EQ(say(connect(), R"(["REQ","s",{}])"), stored);
  // Who brings it once more in other words changes nothing.
  EXPECT_EQ(answer_to(event_json(first)), "");
  EXPECT_EQ(say(connect(), R"(["REQ","s",{}])"), stored);
}

// Nobody has signed them, and another client may take them for something.
TEST_F(Nip01, FieldsThatNipOneDoesNotKnowAreNotSentOn) {
  const Event event = note("hello");
  const std::string more = replaced(event_json(event), "{\"id\"", "{ \"deleted\":true, \"id\"");
  EXPECT_EQ(answer_to(more), "");
  EXPECT_EQ(say(connect(), R"(["REQ","s",{}])").at(0), "[\"EVENT\",\"s\"," + event_json(event) + "]");
}

TEST_F(Nip01, WhatIsTooLargeIsRefusedAndCounted) {
  const auto tags = [](std::size_t count) {
    Tags list;
    for (std::size_t i = 0; i < count; ++i) list.add({"p", "x"});
    return list;
  };
  const auto reason = [&](const Event& event) {
    const auto answer = say(connect(), "[\"EVENT\"," + event_json(event) + "]");
    return answer.size() == 1 ? answer[0] : "no single answer";
  };
  const Event long_text = note(std::string(65'500, 'x'));
  EXPECT_EQ(reason(long_text), ok(long_text, "invalid: the event is larger than allowed", false));
  const Event many = note("many", 0, tags(2001));
  EXPECT_EQ(reason(many), ok(many, "invalid: the event has too many tags", false));
  const Event list = owner.sign(kind::follow_list, now(), tags(3501), "");
  EXPECT_EQ(reason(list), ok(list, "invalid: the event has too many tags", false));
  const Event long_list = owner.sign(10003, now(), {}, std::string(262'000, 'x'));
  EXPECT_EQ(reason(long_list), ok(long_list, "invalid: the event is larger than allowed", false));
  EXPECT_EQ(ports->rejections["publish too_large"], 4);
  for (const Event& good : {note(std::string(65'000, 'x'), 1), note("fit", 0, tags(2000)),
                            owner.sign(kind::follow_list, now(), tags(3500), ""),
                            owner.sign(10003, now(), {}, std::string(261'700, 'x'))}) {
    EXPECT_EQ(reason(good), ok(good));
  }
  EXPECT_EQ(stored("{}").size(), 4u);
  // Written with six bytes for one it is no larger.
  const Event plain = note(std::string(12'000, 'e'), 3);
  std::string escaped = event_json(plain);
  const auto from = escaped.find("eee");
  std::string letters;
  for (int i = 0; i < 12'000; ++i) letters += "\\u0065";
  escaped.replace(from, 12'000, letters);
  EXPECT_EQ(answer_to(escaped), "");
}

TEST_F(Nip01, AnyKindIsStoredAndAnEmptyPostIsNoMistake) {
  for (const std::uint16_t k : std::vector<std::uint16_t>{2, 4, 40, 1059, 9735, 10050, 30023, 39999, 65535})
    store(owner.sign(k, now(), {}, "kind"));
  store(note(""));
  EXPECT_EQ(stored(R"({"kinds":[2,4,40,1059,9735,10050,30023,39999,65535]})").size(), 9u);
  EXPECT_EQ(stored(R"({"kinds":[1]})"), Texts{""});
}

TEST_F(Nip01, NewestFirstAndOfOneSecondTheLowestIdFirst) {
  std::vector<Event> events{note("a"), note("b"), note("c"), note("newer", -1), note("older", 1)};
  for (const Event& event : events) store(event);
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return newer(a, b); });
  Texts wanted;
  for (const Event& event : events) wanted.push_back(event.content);
  EXPECT_EQ(stored("{}"), wanted);
  wanted.resize(3);
  EXPECT_EQ(stored(R"({"limit":3})"), wanted);
}

TEST_F(Nip01, OfOneSecondTheLowestIdHoldsThePlaceInEitherOrder) {
  Event low = owner.sign(kind::profile, now(), {}, "x");
  Event high = owner.sign(kind::profile, now(), {}, "y");
  if (high.id < low.id) std::swap(low, high);
  for (const bool low_first : {true, false}) {
    start({});
    const SessionId client = connect();
    publish(client, low_first ? low : high);
    const auto second = publish(client, low_first ? high : low);
    ASSERT_EQ(second.size(), 1u);
    EXPECT_EQ(second[0].find(",true,") != std::string::npos, !low_first);
    EXPECT_EQ(stored("{}"), Texts{low.content});
  }
}

TEST_F(Nip01, OfAnAddressTheLowestIdHoldsThePlaceInEitherOrder) {
  Event low = owner.sign(30000, now(), tag({"d", "place"}), "x");
  Event high = owner.sign(30000, now(), tag({"d", "place"}), "y");
  if (high.id < low.id) std::swap(low, high);
  for (const bool low_first : {true, false}) {
    start({});
    publish(connect(), low_first ? low : high);
    publish(connect(), low_first ? high : low);
    EXPECT_EQ(stored("{}"), Texts{low.content}) << low_first;
  }
}

TEST_F(Nip01, OfAnAddressTheNewestIsKeptAndNoDIsAnEmptyD) {
  store(owner.sign(30000, now() - 2, {}, "without d"));
  store(owner.sign(30000, now() - 1, tag({"d", ""}), "empty d"));
  store(owner.sign(30000, now(), tag({"d", "other"}), "other d"));
  EXPECT_EQ(stored("{}"), (Texts{"other d", "empty d"}));
}

TEST_F(Nip01, EmptyListsMatchNothingAndAbsentOnesEverything) {
  store(note("x", 0, tag({"t", "one"})));
  for (const char* filter : {R"({"ids":[]})", R"({"authors":[]})", R"({"kinds":[]})", R"({"#t":[]})"}) {
    EXPECT_EQ(stored(filter), Texts{}) << filter;
  }
  EXPECT_EQ(stored("{}"), Texts{"x"});
  EXPECT_EQ(stored(R"({"unknown":[]})"), Texts{"x"});
}

TEST_F(Nip01, TagsOfOneLetterAreFilters) {
  store(note("x", 0, tag({"t", "one", "two"})));
  EXPECT_EQ(stored(R"({"#t":["one","three"]})"), Texts{"x"});
  EXPECT_EQ(stored(R"({"#t":["two"]})"), Texts{}) << "only the first value counts";
  EXPECT_EQ(stored(R"({"#T":["one"]})"), Texts{}) << "letters have case";
  EXPECT_EQ(say(connect(), R"(["REQ","s",{"#tag":["one"]}])").size(), 1u) << "never everything";
}

TEST_F(Nip01, SinceAndUntilIncludeTheirEnds) {
  store(note("x"));
  const std::string at = std::to_string(now());
  EXPECT_EQ(stored("{\"since\":" + at + ",\"until\":" + at + "}"), Texts{"x"});
  EXPECT_EQ(stored("{\"since\":" + std::to_string(now() + 1) + "}"), Texts{});
}

TEST_F(Nip01, SeveralFiltersBringEachEventOnce) {
  for (const char* text : {"a", "b", "c"}) store(note(text));
  EXPECT_EQ(stored(R"({"kinds":[1]},{"limit":2},{})").size(), 3u);
  EXPECT_EQ(stored(R"({"kinds":[1],"limit":1},{"kinds":[7]})").size(), 1u);
}

TEST_F(Nip01, SeveralFiltersBringWhatIsNewOnce) {
  const SessionId client = connect();
  say(client, R"(["REQ","s",{"kinds":[1]},{"limit":2},{}])");
  const auto answer = publish(client, note("live"));
  EXPECT_EQ(std::count_if(answer.begin(), answer.end(), [](const auto& text) { return text[2] == 'E'; }), 1);
}

TEST_F(Nip01, LimitZeroBringsOnlyWhatComesLater) {
  store(note("before"));
  const SessionId client = connect();
  EXPECT_EQ(say(client, R"(["REQ","s",{"limit":0}])"), Texts{R"(["EOSE","s"])"});
  const auto answer = publish(client, note("later"));
  ASSERT_EQ(answer.size(), 2u);
  EXPECT_EQ(content_of(answer[0]), "later");
}

TEST_F(Nip01, NoAnswerIsLargerThanItsBound) {
  Config config;
  config.limits.client.answer_events = 3;
  start(config);
  for (int i = 0; i < 5; ++i) store(note("x", i));
  EXPECT_EQ(stored("{}").size(), 3u);
  EXPECT_EQ(stored(R"({"limit":100})").size(), 3u);
}

TEST_F(Nip01, SubscriptionIdsHave1To64Characters) {
  const SessionId client = connect();
  const auto ask = [&](const std::string& id) { return say(client, "[\"REQ\",\"" + id + "\",{\"limit\":0}]").at(0); };
  std::string umlauts;
  for (int i = 0; i < 64; ++i) umlauts += "\xC3\xA4";
  EXPECT_EQ(ask(std::string(64, 'x')), "[\"EOSE\",\"" + std::string(64, 'x') + "\"]");
  EXPECT_EQ(ask(umlauts), "[\"EOSE\",\"" + umlauts + "\"]") << "characters, not bytes";
  EXPECT_EQ(ask(std::string(65, 'x')).substr(0, 20), R"(["NOTICE","invalid: )");
  EXPECT_EQ(ask("").substr(0, 20), R"(["NOTICE","invalid: )");
  EXPECT_EQ(say(client, R"(["REQ",7,{}])").at(0).substr(0, 20), R"(["NOTICE","invalid: )");
}

TEST_F(Nip01, MessagesThatMakeNoSenseAreNoticed) {
  const SessionId client = connect();
  for (const char* text : {"", "junk", "{}", "[]", "[1]", R"(["HELLO"])", R"(["REQ"])", R"(["EVENT"])", R"(["CLOSE"])",
                           R"(["EVENT",1])", R"(["REQ","s",{}] trailing)"}) {
    const auto answer = say(client, text);
    ASSERT_EQ(answer.size(), 1u) << text;
    EXPECT_EQ(answer[0].substr(0, 20), R"(["NOTICE","invalid: )") << text;
  }
  EXPECT_EQ(say(client, R"(["REQ","s"])").at(0).substr(0, 23), R"(["CLOSED","s","invalid:)");
  EXPECT_EQ(say(client, R"(["REQ","s",[]])").at(0).substr(0, 23), R"(["CLOSED","s","invalid:)");
  EXPECT_EQ(say(client, R"(["REQ","s",{"kinds":"1"}])").at(0).substr(0, 23), R"(["CLOSED","s","invalid:)");
  EXPECT_GT(ports->rejections["client message malformed"], 0);
}

TEST_F(Nip01, EphemeralEventsAreToldAndNotStored) {
  const SessionId listener = connect();
  say(listener, R"(["REQ","s",{"kinds":[20001]}])");
  const Event event = owner.sign(20001, now(), {}, "typing");
  EXPECT_EQ(publish(connect(), event), Texts{ok(event)});
  ASSERT_EQ(heard(listener).size(), 1u);
  EXPECT_EQ(stored(R"({"kinds":[20001]})"), Texts{});
  say(listener, R"(["CLOSE","s"])");
  const auto alone = publish(connect(), event);
  ASSERT_EQ(alone.size(), 1u);
  EXPECT_NE(alone[0].find("false,\"mute: "), std::string::npos) << "nobody listens";
}

TEST_F(Nip01, ExpiredEventsAreNeitherTakenNorServed) {
  const Event late = note("late", 0, tag({"expiration", std::to_string(now())}));
  EXPECT_NE(publish(connect(), late).at(0).find("false,\"invalid: "), std::string::npos);
  store(note("soon", 0, tag({"expiration", std::to_string(now() + 10)})));
  store(note("stays", 1));
  EXPECT_EQ(stored(R"({"limit":1})"), Texts{"soon"});
  ports->wall_now.ns += 10'000'000'000;
  EXPECT_EQ(stored(R"({"limit":1})"), Texts{"stays"});
  EXPECT_EQ(say(connect(), R"(["COUNT","c",{}])"), Texts{R"(["COUNT","c",{"count":1}])"});
  EXPECT_EQ(node->query({Filter{}}).events.size(), 1u) << "over REST either";
}

TEST_F(Nip01, CountsEachEventOnce) {
  for (const char* text : {"a", "b", "c"}) store(note(text));
  EXPECT_EQ(say(connect(), R"(["COUNT","c",{"kinds":[1]},{}])"), Texts{R"(["COUNT","c",{"count":3}])"});
  EXPECT_EQ(say(connect(), R"(["COUNT","c",{"kinds":[7]}])"), Texts{R"(["COUNT","c",{"count":0}])"});
}

// NIP-50: all of the words, in what is stored and in what comes.
TEST_F(Nip01, WordsAreSearchedFor) {
  store(note("the quick brown fox"));
  store(note("a slow fox", 1));
  EXPECT_EQ(stored(R"({"search":"Fox QUICK"})"), Texts{"the quick brown fox"});
  EXPECT_EQ(stored(R"({"search":"wolf"})"), Texts{});
  EXPECT_EQ(say(connect(), R"(["COUNT","c",{"search":"fox"}])"), Texts{R"(["COUNT","c",{"count":2}])"});
}

// NIP-77: what only one side has, found out message by message.
TEST_F(Nip01, SetsAreCompared) {
  std::vector<Stamp> theirs;
  std::set<EventId> only_here;
  std::set<EventId> only_there;
  for (int i = 0; i < 300; ++i) {
    const Event event = note("number " + std::to_string(i), i);
    if (i % 50 != 1) store(event);
    if (i % 50 == 2) only_here.insert(event.id);
    if (i % 50 == 1) only_there.insert(event.id);
    if (i % 50 != 2) theirs.push_back({event.created_at, event.id});
  }
  store(owner.sign(kind::profile, now(), {}, "which is not of the set"));
  const Negentropy set(theirs, Negentropy::kLeastMessage);
  const SessionId client = connect();
  std::set<EventId> have;
  std::set<EventId> need;
  std::string question = R"(["NEG-OPEN","n",{"kinds":[1]},")" + to_hex(set.initiate()) + "\"]";
  for (int i = 0; i < 100; ++i) {
    const Texts answers = say(client, question);
    ASSERT_EQ(answers.size(), 1u);
    const std::string begin = R"(["NEG-MSG","n",")";
    ASSERT_EQ(answers[0].substr(0, begin.size()), begin) << answers[0];
    const std::string hex = answers[0].substr(begin.size(), answers[0].size() - begin.size() - 2);
    ByteVec bytes(hex.size() / 2);
    ASSERT_TRUE(from_hex(hex, bytes));
    const auto step = set.take(bytes);
    ASSERT_TRUE(step.ok()) << step.error().reason;
    have.insert(step->have.begin(), step->have.end());
    need.insert(step->need.begin(), step->need.end());
    if (step->done) break;
    question = R"(["NEG-MSG","n",")" + to_hex(step->message) + "\"]";
  }
  EXPECT_EQ(have, only_there);
  EXPECT_EQ(need, only_here);
  EXPECT_TRUE(say(client, R"(["NEG-CLOSE","n"])").empty());
  EXPECT_EQ(say(client, R"(["NEG-MSG","n","61"])").at(0).substr(0, 14), R"(["NEG-ERR","n")");
}

// NIP-77 has one filter; the array that some clients send means what it does in a REQ.
TEST_F(Nip01, ASetMayHaveSeveralFilters) {
  std::set<EventId> stored_here;
  for (const std::uint16_t k : std::vector<std::uint16_t>{1, 7, 30023}) {
    const Event event = owner.sign(k, now(), {}, "x");
    store(event);
    if (k != 30023) stored_here.insert(event.id);
  }
  const Negentropy empty({}, Negentropy::kLeastMessage);
  const auto needed = [&](const std::string& filters) {
    const Texts answers = say(connect(), "[\"NEG-OPEN\",\"n\"," + filters + ",\"" + to_hex(empty.initiate()) + "\"]");
    const std::string begin = R"(["NEG-MSG","n",")";
    EXPECT_EQ(answers.at(0).substr(0, begin.size()), begin) << answers.at(0);
    ByteVec bytes((answers.at(0).size() - begin.size() - 2) / 2);
    EXPECT_TRUE(from_hex(answers.at(0).substr(begin.size(), 2 * bytes.size()), bytes));
    const auto step = empty.take(bytes);
    EXPECT_TRUE(step.ok());
    return std::set<EventId>(step->need.begin(), step->need.end());
  };
  EXPECT_EQ(needed(R"([{"kinds":[1]},{"kinds":[1,7]}])"), stored_here);
  EXPECT_EQ(needed(R"([{"kinds":[1,7]}])"), stored_here);
  EXPECT_EQ(needed(R"({"kinds":[1,7]})"), stored_here);
}

TEST_F(Nip01, SetsThatCannotBeComparedAreRefused) {
  const SessionId client = connect();
  for (const char* wrong :
       {R"(["NEG-OPEN","n",{},"6"])", R"(["NEG-OPEN","n",{},"zz"])", R"(["NEG-OPEN","n",[],"61"])",
        R"(["NEG-OPEN","n",[{},7],"61"])", R"(["NEG-OPEN","n",7,"61"])", R"(["NEG-OPEN","n",{"kinds":"x"},"61"])",
        R"(["NEG-OPEN","n",{}])", R"(["NEG-MSG","n","61"])", R"(["NEG-OPEN","n",{},"61ff"])"}) {
    const Texts answers = say(client, wrong);
    ASSERT_EQ(answers.size(), 1u) << wrong;
    EXPECT_EQ(answers[0].substr(0, 14), R"(["NEG-ERR","n")") << wrong;
  }
  const std::string hello = to_hex(Negentropy({}, Negentropy::kLeastMessage).initiate());
  for (const char* name : {"a", "b", "c"}) {
    const Texts answers = say(client, std::string(R"(["NEG-OPEN",")") + name + R"(",{},")" + hello + "\"]");
    EXPECT_EQ(answers.at(0).find("NEG-ERR") != std::string::npos, name[0] == 'c') << "two at once";
  }
}

TEST_F(Nip01, DuplicatesAreNoFailureAndOldVersionsAre) {
  const Event event = note("once");
  store(event);
  EXPECT_EQ(publish(connect(), event), Texts{ok(event, "duplicate: it is here already")});
  store(owner.sign(kind::profile, now(), {}, "new"));
  const auto old = publish(connect(), owner.sign(kind::profile, now() - 1, {}, "old"));
  EXPECT_NE(old.at(0).find("false,\"invalid: "), std::string::npos);
}

TEST_F(Nip01, ADeletionSticksAlsoIfItComesFirst) {
  const Event gone = note("gone");
  const Event never = note("never");
  store(gone);
  store(owner.sign(kind::deletion, now(), tag({"e", gone.id.hex()}), ""));
  store(owner.sign(kind::deletion, now(), tag({"e", never.id.hex()}), ""));
  EXPECT_EQ(stored(R"({"kinds":[1]})"), Texts{});
  for (const Event& event : {gone, never}) {
    EXPECT_NE(publish(connect(), event).at(0).find("false,\"blocked: "), std::string::npos);
  }
}

}  // namespace
}  // namespace np2p
