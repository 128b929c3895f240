// Golden data for tests: files of tests/vectors, parsed.
#pragma once

#include <gtest/gtest.h>
#include <simdjson.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/event/event.h"
#include "core/event/json.h"

namespace np2p::test {

inline std::string read_vector(const std::string& path) {
  std::ifstream file(std::string(NP2P_VECTORS "/") + path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

inline simdjson::dom::element load_vector(simdjson::dom::parser& parser, const std::string& path) {
  simdjson::dom::element root;
  EXPECT_EQ(parser.load(std::string(NP2P_VECTORS "/") + path).get(root), simdjson::SUCCESS) << path;
  return root;
}

// A string member; empty if it is not there.
inline std::string text_at(simdjson::dom::element object, std::string_view key) {
  std::string_view text;
  if (object[key].get(text) != simdjson::SUCCESS) return {};
  return std::string(text);
}

inline ByteVec bytes_from_hex(std::string_view hex) {
  ByteVec bytes(hex.size() / 2);
  EXPECT_TRUE(from_hex(hex, bytes)) << hex.substr(0, 80);
  return bytes;
}

struct GoldenEvent {
  std::string name;
  Event event;
  std::string packet_hex;    // may be empty, as the following
  std::string encoded_hex;   // the event alone
  std::string unsigned_hex;  // the event alone with Sig nil
  std::string answer_hex;    // of POST /req
};

// The events that a real client signed and the original server encoded.
inline std::vector<GoldenEvent> golden_events() {
  simdjson::dom::parser parser;
  std::vector<GoldenEvent> events;
  for (const simdjson::dom::element entry : load_vector(parser, "nostrp2p-go/events.json")) {
    const auto event = parse_event_json(simdjson::minify(entry["event"]), Limits{});
    EXPECT_TRUE(event.ok()) << text_at(entry, "name");
    if (!event.ok()) continue;
    events.push_back({text_at(entry, "name"), *event, text_at(entry, "np2ppacket_encode_hex"),
                      text_at(entry, "np2pevent_encode_hex"), text_at(entry, "np2pevent_encode_sig_nil_hex"),
                      text_at(entry, "req_answer_hex_after_gunzip")});
  }
  EXPECT_EQ(events.size(), 8u);
  return events;
}

}  // namespace np2p::test
