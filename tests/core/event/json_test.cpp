#include "core/event/json.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/event/canonical.h"
#include "tests/support/vectors.h"

namespace np2p {
namespace {

constexpr char kKey[] = "3df07657179337cfddcd70750f47e7b14cda805ce98a409afd87247099b7ef24";

// A JSON object of an event; fields given replace or add to the usual ones, an empty value leaves the field out.
std::string event_text(const std::vector<std::pair<std::string, std::string>>& changes = {}) {
  std::vector<std::pair<std::string, std::string>> fields{{"id", "\"" + std::string(64, 'a') + "\""},
                                                          {"pubkey", "\"" + std::string(kKey) + "\""},
                                                          {"created_at", "1700000000"},
                                                          {"kind", "1"},
                                                          {"tags", "[[\"t\",\"x\"]]"},
                                                          {"content", "\"hello\""},
                                                          {"sig", "\"" + std::string(128, 'b') + "\""}};
  for (const auto& [name, value] : changes) {
    auto field = std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.first == name; });
    if (field == fields.end()) field = fields.insert(fields.end(), {name, ""});
    field->second = value;
  }
  std::string text = "{";
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    text.append(text.size() > 1 ? "," : "").append("\"").append(name).append("\":").append(value);
  }
  return text + "}";
}

ErrorCode refusal(const std::string& text, std::string_view word) {
  const auto event = parse_event_json(text, Limits{});
  EXPECT_FALSE(event.ok()) << text;
  if (event.ok()) return ErrorCode::count_;
  EXPECT_NE(event.error().reason.find(word), std::string::npos) << event.error().reason << " for " << text;
  return event.error().code;
}

TEST(EventJson, ReadsTheFields) {
  const auto event = parse_event_json(event_text(), Limits{});
  ASSERT_TRUE(event.ok()) << event.error().reason;
  EXPECT_EQ(event->id.hex(), std::string(64, 'a'));
  EXPECT_EQ(event->pubkey.hex(), kKey);
  EXPECT_EQ(event->created_at, 1700000000);
  EXPECT_EQ(event->kind, 1);
  ASSERT_EQ(event->tags.size(), 1u);
  EXPECT_EQ(event->tags[0].first(), "x");
  EXPECT_EQ(event->content, "hello");
  EXPECT_EQ(event->sig.hex(), std::string(128, 'b'));
}

TEST(EventJson, GoldenEventsSurvive) {
  for (const auto& golden : test::golden_events()) {
    const auto again = parse_event_json(event_json(golden.event), Limits{});
    ASSERT_TRUE(again.ok()) << golden.name;
    EXPECT_EQ(*again, golden.event) << golden.name;
  }
}

TEST(EventJson, WritesOneLineInTheOrderOfNip01) {
  Event event;
  event.kind = 7;
  event.content = "a\nb";
  event.tags.add({"e", "f"});
  EXPECT_EQ(event_json(event), "{\"id\":\"" + std::string(64, '0') + "\",\"pubkey\":\"" + std::string(64, '0') +
                                   "\",\"created_at\":0,\"kind\":7,\"tags\":[[\"e\",\"f\"]],\"content\":\"a\\nb\"," +
                                   "\"sig\":\"" + std::string(128, '0') + "\"}");
}

TEST(EventJson, AMissingIdIsComputed) {
  for (const char* id : {"", "null"}) {
    const auto event = parse_event_json(event_text({{"id", id}}), Limits{});
    ASSERT_TRUE(event.ok());
    EXPECT_EQ(event->id, compute_id(*event));
  }
}

TEST(EventJson, MissingTagsAreEmptyButNotForProfileAndFollowList) {
  for (const char* tags : {"", "null"}) {
    for (const char* kind : {"1", "7", "30000"}) {
      const auto event = parse_event_json(event_text({{"tags", tags}, {"kind", kind}}), Limits{});
      ASSERT_TRUE(event.ok());
      EXPECT_TRUE(event->tags.empty());
    }
    EXPECT_EQ(refusal(event_text({{"tags", tags}, {"kind", "0"}}), "tags"), ErrorCode::bad_field);
    EXPECT_EQ(refusal(event_text({{"tags", tags}, {"kind", "3"}}), "tags"), ErrorCode::bad_field);
  }
  EXPECT_TRUE(parse_event_json(event_text({{"tags", "[]"}, {"kind", "3"}}), Limits{}).ok());
}

TEST(EventJson, HexOfEitherCase) {
  const auto event = parse_event_json(event_text({{"id", "\"" + std::string(64, 'A') + "\""}}), Limits{});
  ASSERT_TRUE(event.ok());
  EXPECT_EQ(event->id.hex(), std::string(64, 'a'));
}

TEST(EventJson, ExtraFieldsAreIgnored) {
  EXPECT_TRUE(parse_event_json(event_text({{"relays", "[{\"a\":[1,2.5,null,true]}]"}, {"x", "1"}}), Limits{}).ok());
  EXPECT_TRUE(parse_event_json(" \n" + event_text() + "\t\n", Limits{}).ok());
}

TEST(EventJson, EachWrongFieldIsNamed) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> wrong{
      {"id", {"\"11\"", "\"\"", "5", "\"" + std::string(64, 'g') + "\"", "\"" + std::string(66, 'a') + "\""}},
      {"pubkey", {"", "null", "\"abcd\"", "\"" + std::string(64, 'z') + "\"", "[]"}},
      {"created_at", {"", "null", "1.5", "1e9", "\"1700000000\"", "9223372036854775808", "true"}},
      {"tags", {"{}", "\"x\"", "[1]", "[\"t\"]", "[[1]]", "[[null]]", "[null]", "[[\"a\"],[[\"b\"]]]"}},
      {"content", {"", "null", "5", "[\"x\"]"}},
      {"sig", {"", "null", "\"abcd\"", "\"" + std::string(128, 'z') + "\"", "0"}}};
  for (const auto& [name, values] : wrong) {
    for (const std::string& value : values) {
      EXPECT_EQ(refusal(event_text({{name, value}}), name), ErrorCode::bad_field) << name << " " << value;
    }
  }
  EXPECT_EQ(refusal(event_text({{"kind", ""}}), "kind"), ErrorCode::bad_field);
  for (const char* kind : {"70000", "-1", "\"1\"", "1.0", "65536", "null", "[1]"}) {
    EXPECT_EQ(refusal(event_text({{"kind", kind}}), "kind"), ErrorCode::bad_kind);
  }
  EXPECT_TRUE(parse_event_json(event_text({{"kind", "65535"}}), Limits{}).ok());
}

TEST(EventJson, ADuplicateOfAKnownFieldIsAnError) {
  for (const char* extra : {"\"id\":null", "\"kind\":1", "\"content\":\"hello\"", "\"tags\":[]", "\"k\\u0069nd\":1"}) {
    std::string text = event_text();
    text.back() = ',';
    EXPECT_EQ(refusal(text + extra + "}", "twice"), ErrorCode::bad_field) << extra;
  }
}

TEST(EventJson, WhatIsNoJsonObjectIsMalformed) {
  const std::string good = event_text();
  for (const std::string& text :
       {std::string(), std::string(" "), std::string("{bad"), std::string("[]"), std::string("null"), std::string("5"),
        std::string("\"x\""), good + "x", good + good, good.substr(0, good.size() - 1), "[" + good + "]",
        std::string("{\"content\":\"\xff\"}"), std::string("{\"content\":\"a\nb\"}"), std::string(1, '\0')}) {
    const auto event = parse_event_json(text, Limits{});
    ASSERT_FALSE(event.ok()) << text;
    EXPECT_EQ(event.error().code, ErrorCode::malformed) << text;
  }
  EXPECT_EQ(parse_event_json("{bad", Limits{}).error().reason, "the event is not JSON");  // no word of the parser's
  EXPECT_EQ(refusal("{}", "missing"), ErrorCode::bad_field);
}

TEST(EventJson, DepthIsBoundedEverywhere) {
  const std::string deep = std::string(1000, '[') + std::string(1000, ']');
  EXPECT_EQ(refusal(event_text({{"extra", deep}}), "is nested too deeply"), ErrorCode::malformed);
  EXPECT_EQ(refusal(event_text({{"tags", deep}}), "is nested too deeply"), ErrorCode::malformed);
}

TEST(EventJson, LimitsHold) {
  Limits limits;
  limits.client.message_bytes = 2000;  // the size of the event itself the gate knows (validation_test.cpp)
  limits.event_tags = 3;
  limits.tag_values = 2;
  EXPECT_TRUE(parse_event_json(event_text({{"tags", "[[\"a\",\"b\"],[],[]]"}}), limits).ok());
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"tags", "[[],[],[],[]]"},
                                                        {"tags", "[[\"a\",\"b\",\"c\"]]"},
                                                        {"content", "\"" + std::string(2000, 'x') + "\""}}) {
    const auto event = parse_event_json(event_text({{name, value}}), limits);
    ASSERT_FALSE(event.ok());
    EXPECT_EQ(event.error().code, ErrorCode::too_large);
  }
}

TEST(EventJson, AListMayHaveMoreTags) {
  Limits limits;
  limits.event_tags = 2;
  limits.list_tags = 3;
  const std::string three = R"([["p","a"],["p","b"],["p","c"]])";
  const std::string four = R"([["p","a"],["p","b"],["p","c"],["p","d"]])";
  EXPECT_TRUE(parse_event_json(event_text({{"kind", "3"}, {"tags", three}}), limits).ok());
  EXPECT_TRUE(parse_event_json(event_text({{"tags", three}, {"kind", "30000"}}), limits).ok());
  for (const auto& [kind, tags] :
       std::vector<std::pair<std::string, std::string>>{{"1", three}, {"30023", three}, {"3", four}, {"30000", four}}) {
    const auto event = parse_event_json(event_text({{"kind", kind}, {"tags", tags}}), limits);
    ASSERT_FALSE(event.ok()) << kind;
    EXPECT_EQ(event.error().code, ErrorCode::too_large);
    EXPECT_EQ(event.error().reason, "the event has too many tags");
  }
}

// --- what is kept of how an event was written

Event golden_event() {
  Event event;
  event.tags.add({"t", "a\"b,{}[]:"});
  event.content = "\xc3\xa4 {\"id\":1,\\";
  event.kind = 1;
  return event;
}

TEST(WrittenForm, OfAnotherOrderOnlyTheOrderIsKept) {
  const Event event = golden_event();
  const std::string usual = event_json(event);
  EXPECT_EQ(written_form(event, usual, 1000), "");
  const auto part = [&](const std::string& from, const std::string& to) {
    const auto begin = usual.find(from);
    return usual.substr(begin, usual.rfind(to) - begin);
  };
  const std::string head = part("\"id\"", ",\"kind\":");
  const std::string rest = part("\"kind\":", "}");
  EXPECT_EQ(written_form(event, "{" + rest + "," + head + "}", 1000), "3456012");
  EXPECT_EQ(written_form(event, "{" + rest + "," + head + "}", 10), "3456012") << "however long the text";
}

TEST(WrittenForm, OfOtherEscapesAndSpacesTheTextIsKept) {
  const Event event = golden_event();
  const std::string usual = event_json(event);
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"\xc3\xa4", "\\u00e4"},
                                                                                 {"\xc3\xa4", "\\u00E4"},
                                                                                 {"{\"id\":\"", "{ \"id\":\""},
                                                                                 {"\"kind\":1", "\"kind\":\n1"},
                                                                                 {"\"kind\"", "\"k\\u0069nd\""}}) {
    std::string text = usual;
    text.replace(text.find(from), from.size(), to);
    EXPECT_EQ(written_form(event, text, text.size()), text);
    EXPECT_EQ(written_form(event, text, text.size() - 1), "") << "too long to keep";
  }
}

TEST(WrittenEvents, TheTextIsThereIfItHasTheSevenFieldsAndNoOther) {
  const auto text_of_event = [](const std::string& text) {
    const auto written = parse_written_event(text, Limits{});
    EXPECT_TRUE(written.ok()) << text << ": " << written.error().reason;
    return written.ok() ? std::string(written->text) : "";
  };
  const std::string good = event_text({{"tags", "[]"}, {"id", "\"" + std::string(64, 'a') + "\""}});
  EXPECT_EQ(text_of_event(good), good);
  EXPECT_EQ(text_of_event(" \r\n\t" + good + "\n "), good) << "without what stands around it";
  const std::string hex(64, 'A');
  EXPECT_EQ(text_of_event(event_text({{"relay", "\"x\""}, {"id", "\"" + std::string(64, 'a') + "\""}})), "");
  EXPECT_EQ(text_of_event(event_text({{"tags", "[]"}, {"id", "\"" + hex + "\""}})), "") << "upper case";
  EXPECT_EQ(text_of_event(event_text({{"tags", "[]"}, {"id", "null"}})), "");
  EXPECT_EQ(text_of_event(event_text({{"tags", "null"}, {"id", "\"" + std::string(64, 'a') + "\""}})), "");
}

TEST(EventJson, EscapesAreDecoded) {
  const auto event =
      parse_event_json(event_text({{"content", R"("\u0000\u0001\/\u00e9\ud83e\udd8a\"\\\n")"}}), Limits{});
  ASSERT_TRUE(event.ok());
  EXPECT_EQ(event->content, std::string("\0\x01/\xc3\xa9\xf0\x9f\xa6\x8a\"\\\n", 12));
}

// ------------------------------------------------------------------------------------------------------------ filters

Filter filter_of(std::string_view text) {
  const auto filter = parse_filter_json(text);
  EXPECT_TRUE(filter.ok()) << text << ": " << filter.error().reason;
  return filter.ok() ? *filter : Filter{};
}

TEST(FilterJson, ReadsTheFields) {
  const Filter filter = filter_of(R"({"ids":["3df07657179337cfddcd70750f47e7b14cda805ce98a409afd87247099b7ef24"],)"
                                  R"("authors":[],"kinds":[0,40000,70000],"since":5,"until":9,"limit":3,)"
                                  R"("#e":["x",""],"#T":[]})");
  ASSERT_TRUE(filter.ids && filter.authors && filter.kinds);
  EXPECT_EQ(filter.ids->at(0).hex(), kKey);
  EXPECT_TRUE(filter.authors->empty());
  EXPECT_EQ(*filter.kinds, (std::vector<std::uint32_t>{0, 40000, 70000}));
  EXPECT_EQ(filter.since, 5);
  EXPECT_EQ(filter.until, 9);
  EXPECT_EQ(filter.limit, 3u);
  ASSERT_EQ(filter.tags.size(), 2u);
  EXPECT_EQ(filter.tags[0], (std::pair<char, std::vector<std::string>>{'e', {"x", ""}}));
  EXPECT_EQ(filter.tags[1], (std::pair<char, std::vector<std::string>>{'T', {}}));
}

TEST(FilterJson, WhatIsNotGivenIsNotGiven) {
  EXPECT_EQ(filter_of("{}"), Filter{});
  EXPECT_EQ(filter_of(R"({"ids":null,"authors":null,"kinds":null,"since":null,"until":null,"limit":null,"#e":null})"),
            Filter{});
  EXPECT_EQ(filter_of(R"({"since":-1,"until":-1,"limit":-5})"), Filter{});
  EXPECT_EQ(filter_of(R"({"since":-0.5,"until":-1e300})"), Filter{});
}

TEST(FilterJson, FractionsAreDropped) {
  EXPECT_EQ(filter_of(R"({"since":1.5})").since, 1);
  EXPECT_EQ(filter_of(R"({"until":1.7e9})").until, 1700000000);
  EXPECT_EQ(filter_of(R"({"limit":0.9})").limit, 0u);
}

TEST(FilterJson, UnknownFieldsAndTheOriginalsTagAreIgnored) {
  EXPECT_EQ(filter_of(R"({"tag":["#e","x"],"serch":"x","#ee":["x"],"#":["x"],"#1":["x"],"#\u00e9":["x"],"Kinds":7})"),
            Filter{});
}

TEST(FilterJson, ReadsASearch) {
  const auto filter = filter_of(R"({"search":"best \"apps\" lang:en","search_":5})");
  EXPECT_EQ(filter.search, "best \"apps\" lang:en");
  EXPECT_EQ(filter_of(R"({"search":""})").search, "");
  EXPECT_EQ(filter_of(R"({"search":null})").search, std::nullopt);
  const auto long_one = parse_filter_json("{\"search\":\"" + std::string(513, 'x') + "\"}");
  ASSERT_FALSE(long_one.ok());
  EXPECT_EQ(long_one.error().code, ErrorCode::too_large);
}

TEST(FilterJson, EachWrongFieldIsNamed) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> wrong{
      {"ids", {"\"x\"", "[\"ab\"]", "[5]", "{}", "[null]"}},
      {"authors", {"5", "[\"npub1\"]", "[[]]"}},
      {"kinds", {"\"x\"", "[\"1\"]", "[-1]", "[1.5]", "[4294967296]", "1"}},
      {"since", {"\"1\"", "[]", "1e300", "18446744073709551615", "true"}},
      {"until", {"\"1\"", "{}", "9007199254740993.5"}},
      {"limit", {"\"1\"", "[5]", "1e20"}},
      {"search", {"5", "[\"a\"]", "{}", "true"}},
      {"#e", {"\"x\"", "[5]", "{}", "[[\"x\"]]"}}};
  for (const auto& [name, values] : wrong) {
    for (const std::string& value : values) {
      const auto filter = parse_filter_json("{\"" + name + "\":" + value + "}");
      ASSERT_FALSE(filter.ok()) << name << " " << value;
      EXPECT_EQ(filter.error().code, ErrorCode::bad_field);
      EXPECT_EQ(filter.error().reason.compare(0, name.size(), name), 0) << filter.error().reason;
    }
  }
}

TEST(FilterJson, DuplicatesAreErrors) {
  for (const char* text : {R"({"kinds":[1],"kinds":[1]})", R"({"#e":[],"#e":[]})", R"({"limit":null,"limit":1})"}) {
    const auto filter = parse_filter_json(text);
    ASSERT_FALSE(filter.ok()) << text;
    EXPECT_EQ(filter.error().code, ErrorCode::bad_field);
  }
}

TEST(FilterJson, WhatIsNoObjectIsMalformed) {
  for (const char* text : {"", "{bad", "null", "[]", "5", "{\"kinds\":[1]", "{}{}", "{\"a\":\xff}"}) {
    const auto filter = parse_filter_json(text);
    ASSERT_FALSE(filter.ok()) << text;
    EXPECT_EQ(filter.error().code, ErrorCode::malformed) << text;
  }
}

TEST(FilterJson, TheNumberOfValuesIsBounded) {
  Limits limits;
  limits.filter_values = 4;
  EXPECT_TRUE(parse_filter_json(R"({"kinds":[1,2],"#e":["a","b"]})", limits).ok());
  const auto filter = parse_filter_json(R"({"kinds":[1,2],"#e":["a","b","c"]})", limits);
  ASSERT_FALSE(filter.ok());
  EXPECT_EQ(filter.error().code, ErrorCode::too_large);
}

// Every body that the original's clients are known to send, from its answers: ours reads what it read.
TEST(FilterJson, BodiesOfTheOriginalsTests) {
  simdjson::dom::parser parser;
  int accepted = 0;
  for (const simdjson::dom::element entry : test::load_vector(parser, "nostrp2p-go/http_answers.json")) {
    const std::string path = test::text_at(entry, "path");
    if (test::text_at(entry, "method") != "POST" || path.substr(0, 4) != "/req") continue;
    const std::string body = test::text_at(entry, "request_body");
    const std::string name = test::text_at(entry, "name");
    const bool nonsense = body.empty() || body[0] != '{' || body == "{bad" || name == "req kinds wrong type" ||
                          name == "req kind1 id short";
    EXPECT_EQ(parse_filter_json(body).ok(), !nonsense) << name;
    accepted += nonsense ? 0 : 1;
  }
  EXPECT_GT(accepted, 15);
}

}  // namespace
}  // namespace np2p
