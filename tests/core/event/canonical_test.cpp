#include "core/event/canonical.h"

#include <gtest/gtest.h>

#include "core/event/json.h"
#include "tests/support/vectors.h"

namespace np2p {
namespace {

Event simple(std::string content) {
  Event event;
  event.created_at = 12;
  event.kind = 1;
  event.content = std::move(content);
  return event;
}

std::string canonical_content(std::string content) {
  const std::string all = canonical_bytes(simple(std::move(content)));
  const std::string head = "[0,\"" + std::string(64, '0') + "\",12,1,[],";
  EXPECT_EQ(all.substr(0, head.size()), head);
  EXPECT_EQ(all.back(), ']');
  return all.substr(head.size(), all.size() - head.size() - 1);
}

TEST(Canonical, SevenShortEscapes) {
  EXPECT_EQ(canonical_content("\n\"\\\r\t\b\f"), R"("\n\"\\\r\t\b\f")");
}

TEST(Canonical, OtherControlCharactersAreFourLowerCaseDigits) {
  EXPECT_EQ(canonical_content(std::string("\0\x01\x0b\x1f", 4)), R"("\u0000\u0001\u000b\u001f")");
}

TEST(Canonical, EverythingElseStandsAsItIs) {
  const std::string text = "/<>&' \x7f \xc2\x80 \xe2\x80\xa8\xe2\x80\xa9 \xf0\x9f\xa6\x8a \xef\xbf\xbf";
  EXPECT_EQ(canonical_content(text), "\"" + text + "\"");
}

TEST(Canonical, EscapesAtBothEndsAndInARow) {
  EXPECT_EQ(canonical_content(""), "\"\"");
  EXPECT_EQ(canonical_content("\""), R"("\"")");
  EXPECT_EQ(canonical_content("\na\n"), R"("\na\n")");
  EXPECT_EQ(canonical_content("\n\n"), R"("\n\n")");
}

TEST(Canonical, TagsAreListsOfStrings) {
  Event event = simple("x");
  event.tags.add({"e", "a\"b", ""});
  event.tags.add({"t"});
  event.tags.begin_tag();
  const std::string all = canonical_bytes(event);
  EXPECT_NE(all.find(R"(,1,[["e","a\"b",""],["t"],[]],"x"])"), std::string::npos) << all;
}

TEST(Canonical, NumbersAtTheirEnds) {
  Event event = simple("");
  event.kind = 65535;
  event.created_at = -1;
  EXPECT_NE(canonical_bytes(event).find(",-1,65535,"), std::string::npos);
  event.created_at = INT64_MIN;
  EXPECT_NE(canonical_bytes(event).find(",-9223372036854775808,65535,"), std::string::npos);
}

TEST(Canonical, IdsOfTheOriginalsClient) {
  for (const auto& golden : test::golden_events()) {
    EXPECT_EQ(compute_id(golden.event).hex(), golden.event.id.hex()) << golden.name;
  }
}

// Python's json and hashlib are the oracle here (tests/model/event_ids.py).
TEST(Canonical, IdsOfPython) {
  simdjson::dom::parser parser;
  simdjson::dom::document_stream lines;
  ASSERT_EQ(parser.load_many(NP2P_VECTORS "/python/event_ids.jsonl").get(lines), simdjson::SUCCESS);
  int count = 0;
  for (const auto line : lines) {
    simdjson::dom::element object;
    ASSERT_EQ(line.get(object), simdjson::SUCCESS);
    const auto event = parse_event_json(simdjson::minify(object), Limits{});
    ASSERT_TRUE(event.ok()) << event.error().reason;
    ASSERT_EQ(compute_id(*event).hex(), test::text_at(object, "id")) << canonical_bytes(*event);
    EXPECT_EQ(id_of_canonical(event_json(*event)).hex(), test::text_at(object, "text_sha256"));
    ++count;
  }
  EXPECT_GT(count, 400);
}

}  // namespace
}  // namespace np2p
