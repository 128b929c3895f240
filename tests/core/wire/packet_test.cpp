#include "core/wire/packet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <msgpack.hpp>
#include <sstream>

#include "core/crypto/signer.h"
#include "core/event/canonical.h"
#include "core/event/json.h"
#include "core/event/size_limits.h"
#include "core/event/validation.h"
#include "tests/core/wire/mesh_capture.h"
#include "tests/support/vectors.h"

namespace np2p {
namespace {

EventPtr trusted(Event event) {
  auto result = ValidationGate::trusted(std::move(event));
  EXPECT_TRUE(result.ok());
  return *result;
}

ErrorCode refusal(ByteView bytes, const Limits& limits = {}) {
  const auto packet = decode_packet(bytes, limits);
  EXPECT_FALSE(packet.ok()) << to_hex(bytes).substr(0, 200);
  return packet.ok() ? ErrorCode::count_ : packet.error().code;
}

// ------------------------------------------------------------------------------------------- byte for byte the
// original

TEST(Packet, EncodesEventsAsTheOriginal) {
  int packets = 0;
  for (const auto& golden : test::golden_events()) {
    const EventPtr event = trusted(golden.event);
    const std::string packet = to_hex(encode_events({&event, 1}).view());
    if (!golden.packet_hex.empty()) {
      EXPECT_EQ(packet, golden.packet_hex) << golden.name;
      ++packets;
    }
    EXPECT_NE(packet.find(golden.encoded_hex), std::string::npos) << golden.name;
  }
  EXPECT_GE(packets, 7);
}

TEST(Packet, AnswersAsTheOriginal) {
  int answers = 0;
  for (const auto& golden : test::golden_events()) {
    const EventPtr event = trusted(golden.event);
    if (!golden.answer_hex.empty()) {
      EXPECT_EQ(to_hex(bytes_of(encode_answer({&event, 1}, true))), golden.answer_hex) << golden.name;
      ++answers;
    }
    if (golden.unsigned_hex.empty()) continue;
    EXPECT_EQ(to_hex(bytes_of(encode_answer({&event, 1}, false))), "81a44576747391" + golden.unsigned_hex);
  }
  EXPECT_GE(answers, 7);
}

TEST(Packet, AnswersWithManyEventsAsTheOriginal) {
  simdjson::dom::parser parser;
  int compared = 0;
  for (const simdjson::dom::element entry : test::load_vector(parser, "nostrp2p-go/req_answers.json")) {
    const std::string hex = test::text_at(entry, "answer_hex");
    const auto events = decode_answer(test::bytes_from_hex(hex), Limits{});
    ASSERT_TRUE(events.ok()) << events.error().reason;
    std::vector<EventPtr> valid;
    for (const Event& event : *events) valid.push_back(trusted(event));
    const bool with_signatures = valid.empty() || valid[0]->sig != Signature{};
    EXPECT_EQ(to_hex(bytes_of(encode_answer(valid, with_signatures))), hex);
    ++compared;
  }
  EXPECT_EQ(compared, 10);
}

TEST(Packet, EncodesRequestsAsTheOriginal) {
  simdjson::dom::parser parser;
  const auto golden = test::load_vector(parser, "nostrp2p-go/packets.json");
  const auto id = EventId::parse_hex("5c83da77af1dec6d7289834998ad7aafbd9e2191396d75ec3cc27f5a77226f36");
  const std::vector<std::pair<std::string, Request>> requests{
      {"req_followlist kind 3 id 0xfffffffffffffffe args nil", {0xfffffffffffffffe, 3, {}}},
      {"req_profile kind 0 id 0x0102030405060708 args nil", {0x0102030405060708, 0, {}}},
      {"req_share_evt_data kind 40000 id 1 args nil", {1, 40000, {}}},
      {"req_post kind 1 id 5 args {evtId:[ [32]byte " + id->hex() + " ]}", {5, 1, id}}};
  for (const auto& [name, request] : requests) {
    const Frame frame = encode_request(request);
    EXPECT_EQ(to_hex(frame.view()), test::text_at(golden, name)) << name;
    const auto packet = decode_packet(frame.view(), Limits{});
    ASSERT_TRUE(packet.ok()) << packet.error().reason;
    EXPECT_EQ(packet->requests, std::vector<Request>{request});
    EXPECT_TRUE(packet->events.empty());
  }
}

TEST(Packet, ARequestMayNameAnotherAuthor) {
  const PubKey author = Signer::from_seed(1, 2).public_key();
  const std::vector<Request> requests{{7, kind::follow_list, {}, author}, {8, kind::profile, {}, {}}};
  const Frame frame = encode_packet({}, requests);
  const auto packet = decode_packet(frame.view(), Limits{});
  ASSERT_TRUE(packet.ok()) << packet.error().reason;
  EXPECT_EQ(packet->requests, requests);
  ByteVec cut(frame.view().begin(), frame.view().end());
  const auto at = text_of(cut).find("author");
  ASSERT_NE(at, std::string::npos);
  cut[at + 6] = 0x92;  // a list of two
  EXPECT_NE(refusal(cut), ErrorCode::count_);
}

TEST(Packet, AnEmptyListIsNilAndAnEmptyPacketIsRefused) {
  simdjson::dom::parser parser;
  const auto golden = test::load_vector(parser, "nostrp2p-go/packets.json");
  const std::string nil = test::text_at(golden, "empty packet (nil events, nil reqs)");
  EXPECT_EQ(to_hex(encode_events({}).view()), nil);
  EXPECT_EQ(refusal(test::bytes_from_hex(nil)), ErrorCode::bad_field);
  const std::string empty = test::text_at(golden, "packet with empty events slice");
  EXPECT_EQ(refusal(test::bytes_from_hex(empty)), ErrorCode::bad_field);
}

TEST(Packet, WhatTwoOriginalServersSaidToEachOther) {
  int packets = 0;
  for (const ByteVec& frame : mesh::captured_frames()) {
    const std::string hex = to_hex(frame);
    const std::size_t at = hex.find("84a6537276566572");  // a packet is the last thing in its message
    if (at == std::string::npos) continue;
    const std::string packet_hex = hex.substr(at);
    const auto packet = decode_packet(test::bytes_from_hex(packet_hex), Limits{});
    ASSERT_TRUE(packet.ok()) << packet.error().reason;
    if (packet->events.empty()) {
      ASSERT_EQ(packet->requests.size(), 1u);
      EXPECT_EQ(to_hex(encode_request(packet->requests[0]).view()), packet_hex);
    } else {
      ASSERT_EQ(packet->events.size(), 1u);
      const EventPtr event = trusted(packet->events[0]);
      EXPECT_EQ(to_hex(encode_events({&event, 1}).view()), packet_hex);
    }
    ++packets;
  }
  EXPECT_EQ(packets, 3);
}

TEST(Packet, HeadersOfEverySize) {
  const Signer signer = Signer::from_seed(1, 1);
  for (const std::size_t size : {0u, 31u, 32u, 255u, 256u, 65535u, 65536u}) {
    Tags tags;
    tags.add({"t", std::string(std::min<std::size_t>(size, 300), 'v')});
    const EventPtr event = trusted(signer.sign(1, 1, tags, std::string(size, 'c')));
    const auto packet = decode_packet(encode_events({&event, 1}).view(), Limits{});
    ASSERT_TRUE(packet.ok()) << size << packet.error().reason;
    EXPECT_EQ(packet->events.at(0), *event);
  }
  for (const std::size_t count : {15u, 16u, 4096u}) {
    Tags tags;
    for (std::size_t i = 0; i < count; ++i) tags.add({"p"});
    const EventPtr event = trusted(signer.sign(3, 1, tags, ""));
    const auto packet = decode_packet(encode_events({&event, 1}).view(), Limits{});
    ASSERT_TRUE(packet.ok()) << count << packet.error().reason;
    EXPECT_EQ(packet->events.at(0), *event);
  }
}

TEST(Packet, SeveralEventsSurvive) {
  std::vector<EventPtr> events;
  std::vector<Event> plain;
  for (const auto& golden : test::golden_events()) {
    events.push_back(trusted(golden.event));
    plain.push_back(golden.event);
  }
  const auto packet = decode_packet(encode_events(events).view(), Limits{});
  ASSERT_TRUE(packet.ok());
  EXPECT_EQ(packet->events, plain);
}

TEST(Packet, EventsAndSeveralRequestsTravelTogether) {
  const Event event = test::golden_events().front().event;
  const EventPtr held = trusted(event);
  const std::vector<Request> requests{{7, 0, std::nullopt}, {8, 1, event.id}, {9, 40000, std::nullopt}};
  const auto packet = decode_packet(encode_packet({&held, 1}, requests).view(), Limits{});
  ASSERT_TRUE(packet.ok());
  EXPECT_EQ(packet->events, std::vector<Event>{event});
  EXPECT_EQ(packet->requests, requests);
}

// ------------------------------------------------------------------------------------------------------ hostile bytes

// Packets put together by another library, so that everything about them can be wrong.
class Forge {
 public:
  using Packer = ::msgpack::packer<std::ostringstream>;
  using Part = std::function<void(Packer&)>;

  Forge() {
    event_ = {{"Id", [](Packer& p) { bin(p, std::string(32, 'i')); }},
              {"Pubkey", [](Packer& p) { bin(p, std::string(32, 'k')); }},
              {"Created_at", [](Packer& p) { float64(p, 1700000000); }},
              {"Kind", [](Packer& p) { p.pack_fix_uint16(1); }},
              {"Tags", [](Packer& p) { p.pack_array(0); }},
              {"Content", [](Packer& p) { p.pack("hello"); }},
              {"Sig", [](Packer& p) { bin(p, std::string(64, 's')); }}};
    packet_ = {{"SrvVer", [](Packer& p) { p.pack_fix_uint16(1); }},
               {"PktVer", [](Packer& p) { p.pack_fix_uint16(3); }},
               {"Events", nullptr},  // a list of the one event
               {"Reqs", [](Packer& p) { p.pack_nil(); }}};
  }
  static void bin(Packer& p, const std::string& bytes) {
    p.pack_bin(static_cast<std::uint32_t>(bytes.size()));
    p.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  }
  static void float64(Packer& p, double value) {  // the library would shrink it to an integer
    const auto bits = std::bit_cast<std::uint64_t>(value);
    std::string bytes(1, '\xcb');
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(bits >> shift));
    p.pack_bin_body(bytes.data(), 9);  // a body without a header: the bytes as they are
  }
  static void raw(Packer& p, const std::string& bytes) {
    p.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  }

  Forge& event(const std::string& field, Part part) { return set(event_, field, std::move(part)); }
  Forge& packet(const std::string& field, Part part) { return set(packet_, field, std::move(part)); }
  Forge& without(const std::string& field) {
    for (auto* map : {&event_, &packet_}) {
      map->erase(std::remove_if(map->begin(), map->end(), [&](const auto& f) { return f.first == field; }), map->end());
    }
    return *this;
  }
  Forge& twice(const std::string& field) {
    for (auto* map : {&event_, &packet_}) {
      for (std::size_t i = 0; i < map->size(); ++i) {
        if ((*map)[i].first != field) continue;
        const auto copy = (*map)[i];
        map->push_back(copy);
        break;
      }
    }
    return *this;
  }
  [[nodiscard]] ByteVec bytes() const {
    std::ostringstream out;
    Packer packer(out);
    Fields fields = packet_;
    for (auto& [name, part] : fields) {
      if (part) continue;
      part = [this](Packer& p) {
        p.pack_array(1);
        pack_map(p, event_);
      };
    }
    pack_map(packer, fields);
    const std::string text = out.str();
    return {text.begin(), text.end()};
  }
  [[nodiscard]] ErrorCode refused(const Limits& limits = {}) const { return refusal(bytes(), limits); }
  [[nodiscard]] bool accepted() const {
    const auto packet = decode_packet(bytes(), Limits{});
    EXPECT_TRUE(packet.ok()) << packet.error().reason;
    return packet.ok();
  }

 private:
  using Fields = std::vector<std::pair<std::string, Part>>;
  static void pack_map(Packer& packer, const Fields& fields) {
    packer.pack_map(static_cast<std::uint32_t>(fields.size()));
    for (const auto& [name, part] : fields) {
      packer.pack(name);
      part(packer);
    }
  }
  Forge& set(Fields& fields, const std::string& field, Part part) {
    for (auto& [name, old] : fields) {
      if (name != field) continue;
      old = std::move(part);
      return *this;
    }
    fields.emplace_back(field, std::move(part));
    return *this;
  }
  Fields event_;
  Fields packet_;
};

using Packer = Forge::Packer;

TEST(HostilePacket, TheForgeMakesGoodPackets) {
  EXPECT_TRUE(Forge().accepted());
}

TEST(HostilePacket, OtherVersionsAndNoVersion) {
  for (const std::uint16_t version : {std::uint16_t{2}, std::uint16_t{4}, std::uint16_t{0}, std::uint16_t{65535}}) {
    EXPECT_EQ(Forge().packet("PktVer", [=](Packer& p) { p.pack_fix_uint16(version); }).refused(),
              ErrorCode::wrong_version);
  }
  EXPECT_EQ(Forge().without("PktVer").refused(), ErrorCode::bad_field);
  EXPECT_TRUE(Forge().packet("SrvVer", [](Packer& p) { p.pack_fix_uint16(77); }).accepted());
  EXPECT_EQ(Forge().packet("SrvVer", [](Packer& p) { p.pack("x"); }).refused(), ErrorCode::bad_field);
}

TEST(HostilePacket, NilElements) {
  const auto list_of_nil = [](Packer& p) {
    p.pack_array(1);
    p.pack_nil();
  };
  EXPECT_EQ(Forge().packet("Events", list_of_nil).refused(), ErrorCode::bad_field);
  EXPECT_EQ(Forge().packet("Reqs", list_of_nil).refused(), ErrorCode::bad_field);
  EXPECT_EQ(Forge().event("Tags", list_of_nil).refused(), ErrorCode::bad_field);
  EXPECT_EQ(Forge()
                .event("Tags",
                       [&](Packer& p) {
                         p.pack_array(1);
                         list_of_nil(p);
                       })
                .refused(),
            ErrorCode::bad_field);
  EXPECT_TRUE(Forge().event("Tags", [](Packer& p) { p.pack_nil(); }).accepted());
  for (const char* field : {"Id", "Pubkey", "Created_at", "Kind", "Content", "Sig"}) {
    EXPECT_EQ(Forge().event(field, [](Packer& p) { p.pack_nil(); }).refused(), ErrorCode::bad_field) << field;
  }
}

TEST(HostilePacket, TimesThatAreNone) {
  for (const double time : {std::nan(""), std::numeric_limits<double>::infinity(), -1.0, -1e300, 1e300, 1.5,
                            9007199254740994.0, std::numeric_limits<double>::denorm_min()}) {
    EXPECT_EQ(Forge().event("Created_at", [=](Packer& p) { Forge::float64(p, time); }).refused(), ErrorCode::bad_time)
        << time;
  }
  EXPECT_EQ(Forge().event("Created_at", [](Packer& p) { p.pack_fix_uint64(UINT64_MAX); }).refused(),
            ErrorCode::bad_time);
  EXPECT_EQ(Forge().event("Created_at", [](Packer& p) { p.pack("1"); }).refused(), ErrorCode::bad_field);
  EXPECT_EQ(Forge().event("Created_at", [](Packer& p) { p.pack(-5); }).refused(), ErrorCode::bad_field);
  EXPECT_TRUE(Forge().event("Created_at", [](Packer& p) { Forge::float64(p, 9007199254740992.0); }).accepted());
  EXPECT_TRUE(Forge().event("Created_at", [](Packer& p) { p.pack(1700000000); }).accepted());
  EXPECT_TRUE(Forge().event("Created_at", [](Packer& p) { p.pack(1.0e9f); }).accepted());
}

TEST(HostilePacket, WrongLengthsAndTypes) {
  for (const std::size_t size : {0u, 31u, 33u, 64u}) {
    const auto value = [=](Packer& p) { Forge::bin(p, std::string(size, 'x')); };
    EXPECT_EQ(Forge().event("Id", value).refused(), ErrorCode::bad_field);
    EXPECT_EQ(Forge().event("Pubkey", value).refused(), ErrorCode::bad_field);
    EXPECT_EQ(decode_packet(Forge().event("Sig", value).bytes(), Limits{}).ok(), size == 64);
  }
  for (const char* field : {"Id", "Pubkey", "Created_at", "Kind", "Tags", "Content", "Sig"}) {
    EXPECT_EQ(Forge().event(field, [](Packer& p) { p.pack(true); }).refused(), ErrorCode::bad_field) << field;
    EXPECT_EQ(Forge().event(field, [](Packer& p) { p.pack_map(0); }).refused(), ErrorCode::bad_field) << field;
  }
  for (const char* field : {"SrvVer", "PktVer", "Events", "Reqs"}) {
    EXPECT_EQ(Forge().packet(field, [](Packer& p) { p.pack("x"); }).refused(), ErrorCode::bad_field) << field;
  }
  EXPECT_EQ(Forge().event("Kind", [](Packer& p) { p.pack(65536); }).refused(), ErrorCode::bad_field);
  EXPECT_EQ(Forge().event("Kind", [](Packer& p) { p.pack(-1); }).refused(), ErrorCode::bad_field);
}

TEST(HostilePacket, MissingAndRepeatedFields) {
  for (const char* field : {"Id", "Pubkey", "Created_at", "Kind", "Tags", "Content", "Sig"}) {
    EXPECT_EQ(Forge().without(field).refused(), ErrorCode::bad_field) << field;
    EXPECT_EQ(Forge().twice(field).refused(), ErrorCode::bad_field) << field;
  }
  for (const char* field : {"SrvVer", "PktVer", "Events", "Reqs"}) {
    EXPECT_EQ(Forge().twice(field).refused(), ErrorCode::bad_field) << field;
  }
}

TEST(HostilePacket, UnknownFieldsAreSkippedIfTheyAreHarmless) {
  const auto harmless = [](Packer& p) { p.pack(std::vector<std::map<std::string, double>>{{{"a", 1.5}}, {}}); };
  EXPECT_TRUE(Forge().packet("Future", harmless).accepted());
  EXPECT_TRUE(Forge().event("Future", harmless).accepted());
  const auto deep = [](Packer& p) {
    for (int i = 0; i < 20; ++i) p.pack_array(1);
    p.pack_nil();
  };
  EXPECT_EQ(Forge().packet("Future", deep).refused(), ErrorCode::malformed);
  EXPECT_EQ(Forge().event("Future", deep).refused(), ErrorCode::malformed);
  EXPECT_EQ(Forge().packet("Future", [](Packer& p) { Forge::raw(p, "\xc1"); }).refused(), ErrorCode::malformed);
}

TEST(HostilePacket, KeysThatAreNoStrings) {
  const ByteVec number_key{0x81, 0x01, 0xc0};
  EXPECT_EQ(refusal(number_key), ErrorCode::bad_field);
}

TEST(HostilePacket, BytesBehindTheEndAndEveryCut) {
  ByteVec bytes = Forge().bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(refusal(ByteView(bytes).first(size)), ErrorCode::malformed) << size;
  }
  bytes.push_back(0xc0);
  EXPECT_EQ(refusal(bytes), ErrorCode::malformed);
}

TEST(HostilePacket, LengthsThatPromiseFourGigabytes) {
  for (const char* mark : {"\xdd", "\xdf", "\xdb", "\xc6", "\xc9"}) {
    const std::string bomb = std::string(mark) + "\xff\xff\xff\xff";
    const auto part = [=](Packer& p) { Forge::raw(p, bomb); };
    for (const char* field : {"Id", "Tags", "Content", "Sig", "Future"}) {
      const ErrorCode code = Forge().event(field, part).refused();
      EXPECT_TRUE(code == ErrorCode::malformed || code == ErrorCode::bad_field) << field;
    }
    for (const char* field : {"Events", "Reqs", "Future"}) {
      const ErrorCode code = Forge().packet(field, part).refused();
      EXPECT_TRUE(code == ErrorCode::malformed || code == ErrorCode::bad_field) << field;
    }
    EXPECT_FALSE(decode_packet(bytes_of(bomb), Limits{}).ok());
    EXPECT_FALSE(decode_answer(bytes_of(bomb), Limits{}).ok());
  }
}

// What passes the gate as JSON is within the same bounds as MessagePack, whatever it is made of.
TEST(Packet, TheLargestEventsFit) {
  const Limits limits;
  const auto check = [&](std::uint16_t kind, std::size_t count, std::size_t values, std::size_t length) {
    Event event;
    event.kind = kind;
    event.created_at = 1;
    const std::size_t most = kind::is_list(kind) ? limits.list_bytes : limits.event_bytes;
    const std::vector<std::string> words(values, std::string(length, 'x'));
    while (event.tags.size() < count) {
      const Tags before = event.tags;
      event.tags.begin_tag();
      for (const std::string& word : words) event.tags.add_value(word);
      if (event_json(event).size() <= most) continue;
      event.tags = before;
      break;
    }
    event.content = std::string(most - event_json(event).size(), 'x');
    event.id = compute_id(event);
    ASSERT_EQ(event_json(event).size(), most);
    const EventPtr valid = trusted(event);
    const Frame packet = encode_events({&valid, 1});
    EXPECT_LE(packet.size(), limits.frame_bytes - 16 * 1024) << "room for what it is wrapped in";
    const auto decoded = decode_packet(packet.view(), limits);
    ASSERT_TRUE(decoded.ok()) << kind << " " << count << " " << values << " " << length << ": "
                              << decoded.error().reason;
    EXPECT_EQ(decoded->events.at(0), event);
  };
  for (const std::uint16_t kind : std::vector<std::uint16_t>{1, 3}) {
    check(kind, 0, 0, 0);
    const std::size_t most = kind == 3 ? limits.list_tags : limits.event_tags;
    check(kind, most, 1, 0);
    check(kind, most, 2, 30);
    check(kind, most, limits.tag_values, 0);
    check(kind, most, limits.tag_values, 256);
    check(kind, most, 1, 60'000);
  }
}

// One that is over our limits is the gate's to refuse, by itself: those beside it are not to be lost for it.
TEST(Packet, AnEventOverOurLimitsIsReadAllTheSame) {
  const Limits limits;
  Tags tags;
  for (std::size_t i = 0; i < 4096; ++i) tags.add({"t", "x"});
  const Signer signer = Signer::from_seed(1, 1);
  const std::vector<EventPtr> events{trusted(signer.sign(1, 1, {}, "before")),
                                     trusted(signer.sign(1, 2, std::move(tags), std::string(100'000, 'x'))),
                                     trusted(signer.sign(1, 3, {}, "behind"))};
  const auto packet = decode_packet(encode_events(events).view(), limits);
  ASSERT_TRUE(packet.ok()) << packet.error().reason;
  const auto answer = decode_answer(bytes_of(encode_answer(events, true)), limits);
  ASSERT_TRUE(answer.ok()) << answer.error().reason;
  ASSERT_EQ(packet->events.size(), 3u);
  ASSERT_EQ(answer->size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(packet->events[i], *events[i]);
    EXPECT_EQ((*answer)[i], *events[i]);
  }
}

TEST(HostilePacket, LimitsHold) {
  Limits limits;
  limits.packet_events = 1;
  limits.packet_requests = 1;
  limits.tag_values = 2;
  limits.frame_bytes = 30'000;
  const auto tags_of = [](std::uint32_t count, std::uint32_t values) {
    return [=](Packer& p) {
      p.pack_array(count);
      for (std::uint32_t i = 0; i < count; ++i) p.pack(std::vector<std::string>(values, "x"));
    };
  };
  EXPECT_EQ(
      Forge().event("Tags", [](Packer& p) { p.pack(std::vector<std::vector<int>>(kMostTags + 1)); }).refused(limits),
      ErrorCode::too_large);
  EXPECT_EQ(Forge().event("Tags", tags_of(1, 3)).refused(limits), ErrorCode::too_large);
  EXPECT_TRUE(decode_packet(Forge().event("Tags", tags_of(2, 2)).bytes(), limits).ok());
  EXPECT_EQ(Forge().event("Content", [](Packer& p) { p.pack(std::string(30'000, 'x')); }).refused(limits),
            ErrorCode::too_large);  // with id, key and signature
  EXPECT_EQ(Forge().packet("Events", [](Packer& p) { p.pack(std::vector<int>(2, 0)); }).refused(limits),
            ErrorCode::too_large);
  EXPECT_EQ(Forge().packet("Reqs", [](Packer& p) { p.pack(std::vector<int>(2, 0)); }).refused(limits),
            ErrorCode::too_large);
  EXPECT_EQ(Forge().packet("Future", [](Packer& p) { p.pack(std::string(30'000, 'x')); }).refused(limits),
            ErrorCode::too_large);
}

Forge with_request(const Forge::Part& request) {
  Forge forge;
  forge.packet("Reqs", [=](Packer& p) {
    p.pack_array(1);
    request(p);
  });
  return forge;
}

void request_head(Packer& p, int kind) {
  p.pack_map(3);
  p.pack("Id");
  p.pack(7);
  p.pack("Kind");
  p.pack(kind);
  p.pack("Args");
}

TEST(HostilePacket, RequestsThatTheOriginalWouldNotMake) {
  EXPECT_TRUE(with_request([](Packer& p) {
                request_head(p, 0);
                p.pack_nil();
              }).accepted());
  EXPECT_TRUE(with_request([](Packer& p) {
                request_head(p, 0);
                p.pack_map(0);
              }).accepted());
  EXPECT_EQ(with_request([](Packer& p) {
              request_head(p, 1);
              p.pack_nil();
            }).refused(),
            ErrorCode::bad_field);
  EXPECT_EQ(with_request([](Packer& p) {
              request_head(p, 1);
              p.pack(std::map<std::string, std::vector<int>>{{"evtId", {}}});
            }).refused(),
            ErrorCode::bad_field);
  EXPECT_EQ(with_request([](Packer& p) {
              request_head(p, 1);
              p.pack(std::map<std::string, std::vector<int>>{{"evtId", {5}}});
            }).refused(),
            ErrorCode::bad_field);
  EXPECT_EQ(with_request([](Packer& p) {
              request_head(p, 70000);
              p.pack_nil();
            }).refused(),
            ErrorCode::bad_field);
  EXPECT_EQ(with_request([](Packer& p) { p.pack_map(0); }).refused(), ErrorCode::bad_field);
}

TEST(Answer, SignaturesMayBeMissingHereButNotInPackets) {
  const auto golden = test::golden_events();
  const EventPtr event = trusted(golden[0].event);
  const std::string bytes = encode_answer({&event, 1}, false);
  const auto events = decode_answer(bytes_of(bytes), Limits{});
  ASSERT_TRUE(events.ok());
  EXPECT_EQ(events->at(0).id, event->id);
  EXPECT_EQ(events->at(0).sig, Signature{});
  EXPECT_EQ(encode_answer({}, true),
            "\x81\xa4"
            "Evts\x90");
  EXPECT_TRUE(decode_answer(bytes_of(encode_answer({}, true)), Limits{})->empty());
  EXPECT_FALSE(decode_answer(bytes_of("\x80"), Limits{}).ok());
  EXPECT_FALSE(decode_answer({}, Limits{}).ok());
}

}  // namespace
}  // namespace np2p
