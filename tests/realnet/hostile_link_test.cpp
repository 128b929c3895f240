// Everything that ended a process of the original, sent to a real server through a real, proven link: it lives, counts
// a reject and goes on serving its owner.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "core/event/json.h"
#include "core/event/validation.h"
#include "core/overlay/overlay.h"
#include "core/wire/mesh_messages.h"
#include "core/wire/packet.h"
#include "tests/realnet/raw_peer.h"
#include "tests/realnet/test_server.h"

namespace np2p::real {
namespace {

using test::HttpClient;
using test::RawPeer;
using test::RunningServer;
using test::TempDir;

using Bytes = std::initializer_list<std::uint8_t>;

void append(std::string& out, Bytes bytes) {
  for (const auto byte : bytes) out += static_cast<char>(byte);
}

void append_name(std::string& out, std::string_view name) {
  out += static_cast<char>(0xa0 | name.size());
  out += name;
}

std::string head_of_packet(std::uint8_t packet_version) {
  std::string bytes = "\x84";
  append_name(bytes, "SrvVer");
  append(bytes, {0xcd, 0, 1});
  append_name(bytes, "PktVer");
  append(bytes, {0xcd, 0, packet_version});
  append_name(bytes, "Events");
  return bytes;
}

// Packet head, then these bytes as Events, then "Reqs", then those as Reqs.
std::string packet_with(Bytes events, Bytes requests, std::uint8_t version = 3) {
  std::string bytes = head_of_packet(version);
  append(bytes, events);
  append_name(bytes, "Reqs");
  append(bytes, requests);
  return bytes;
}

class HostileLinkTest : public testing::Test {
 protected:
  HostileLinkTest() : server_(test::loopback_options(owner_.public_key(), dir_.path())), attacker_(server_.port()) {
    EXPECT_TRUE(attacker_.start_tls());
    attacker_.send_hello(*key_, "nostrp2p");
    EXPECT_TRUE(attacker_.hears(LinkMessage::hello));
    mesh::Features features;
    features.name = mesh_name(stranger_.public_key());
    features.uid = 5;
    features.connection_id = 6;
    attacker_.send_frame(mesh::encode_features(features).view());
  }
  void send(mesh::Tag tag, ByteView payload) {
    mesh::Message message;
    message.tag = tag;
    message.channel = "nostrp2p";
    message.source = mesh_name(stranger_.public_key());
    message.destination = mesh_name(owner_.public_key());
    message.payload = payload;
    attacker_.send_frame(mesh::encode_message(message).view());
  }
  void send_both_ways(ByteView payload) {
    send(mesh::Tag::broadcast, payload);
    send(mesh::Tag::unicast, payload);
  }
  void send_both_ways(const std::string& payload) { send_both_ways(bytes_of(payload)); }
  std::string status() { return HttpClient(server_.api_port()).request("GET", "/status", "", "").body; }
  // The count of a kind of reject once it reached `at_least`, or whatever it is after five seconds.
  int rejects(const std::string& what, int at_least = 1) {
    std::string quoted = "\"";
    quoted.append(what).append("\":");
    int count = 0;
    for (int attempt = 0; attempt < 100 && count < at_least; ++attempt) {
      const std::string text = status();
      const auto at = text.find(quoted);
      count = at == std::string::npos ? 0 : std::stoi(text.substr(at + quoted.size()));
      if (count < at_least) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return count;
  }
  ByteVec packet_of(const Event& event) {
    const auto valid = ValidationGate::trusted(event);
    const Frame frame = encode_events({&*valid, 1});
    return {frame.view().begin(), frame.view().end()};
  }
  Event stranger_post(const std::string& text) {
    return stranger_.sign(kind::post, unix_seconds(wall_now()), {}, text);
  }
  void expect_alive() {
    const Event event = owner_.sign(kind::post, unix_seconds(wall_now()), {}, "still here");
    EXPECT_EQ(HttpClient(server_.api_port()).request("POST", "/publish", event_json(event)).status, 200);
  }

  TempDir dir_;
  Signer owner_ = Signer::from_seed(8, 1);
  Signer stranger_ = Signer::from_seed(8, 2);
  KernelEntropy entropy_;
  std::unique_ptr<SecpNodeKey> key_ = SecpNodeKey::generate(entropy_);
  RunningServer server_;
  RawPeer attacker_;
};

TEST_F(HostileLinkTest, AGoodPostArrives) {  // or all the rest would prove nothing
  send(mesh::Tag::broadcast, packet_of(stranger_post("good")));
  std::string text;
  for (int attempt = 0; attempt < 100 && text.find("\"stored_events\":1") == std::string::npos; ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    text = status();
  }
  EXPECT_NE(text.find("\"stored_events\":1"), std::string::npos) << text;
  EXPECT_NE(text.find("\"rejected\":{}"), std::string::npos) << text;
}

TEST_F(HostileLinkTest, AnotherPacketVersion) {
  send_both_ways(packet_with({0xc0}, {0xc0}, 4));
  send_both_ways(packet_with({0xc0}, {0xc0}, 0));
  EXPECT_EQ(rejects("packet wrong_version", 4), 4);
  expect_alive();
}

TEST_F(HostileLinkTest, EmptyArraysAndNilElements) {
  send_both_ways(packet_with({0xc0}, {0x90}));        // empty request array
  send_both_ways(packet_with({0x90}, {0xc0}));        // empty event array
  send_both_ways(packet_with({0x91, 0xc0}, {0xc0}));  // nil event
  send_both_ways(packet_with({0xc0}, {0x91, 0xc0}));  // nil request
  send_both_ways(packet_with({0x91, 0x80}, {0xc0}));  // event without any field
  EXPECT_EQ(rejects("packet bad_field", 10), 10);
  expect_alive();
}

TEST_F(HostileLinkTest, AllocationAndDepthBombs) {
  send_both_ways(packet_with({0xdd, 0xff, 0xff, 0xff, 0xff}, {0xc0}));  // array of 4 G elements
  send_both_ways(packet_with({0xc6, 0xff, 0xff, 0xff, 0xff}, {0xc0}));  // bin of 4 GB
  send_both_ways(head_of_packet(3) + std::string(100'000, '\x91'));
  send_both_ways(std::string());
  const int counted = rejects("packet malformed") + rejects("packet too_large") + rejects("packet bad_field");
  EXPECT_GE(counted, 2) << status();
  expect_alive();
}

TEST_F(HostileLinkTest, ImpossibleTimes) {
  const ByteVec good = packet_of(stranger_post("text"));
  const auto at = text_of(good).find("Created_at");
  ASSERT_NE(at, std::string_view::npos);
  for (const double value :
       {std::numeric_limits<double>::quiet_NaN(), 1e300, -1e300, -1.0, 1.5, std::numeric_limits<double>::infinity()}) {
    ByteVec bytes = good;
    std::uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    for (std::size_t i = 0; i < 8; ++i) bytes[at + 11 + i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
    send_both_ways(bytes);
  }
  EXPECT_EQ(rejects("packet bad_time", 12), 12);
  expect_alive();
}

TEST_F(HostileLinkTest, AForgedIdDoesNotPoisonTheTrueEvent) {
  const Event truth = stranger_post("the truth");
  ByteVec forged = packet_of(truth);
  const auto at = text_of(forged).find("the truth");
  ASSERT_NE(at, std::string_view::npos);
  forged[at] = 'T';
  send(mesh::Tag::broadcast, forged);
  EXPECT_EQ(rejects("event bad_id"), 1);
  send(mesh::Tag::broadcast, packet_of(truth));
  for (int attempt = 0; attempt < 100 && status().find("\"stored_events\":1") == std::string::npos; ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_NE(status().find("\"stored_events\":1"), std::string::npos);
}

TEST_F(HostileLinkTest, ALinkWithTooManyBadSignaturesIsClosed) {
  for (std::uint32_t i = 0; i < Limits{}.link_faults; ++i) {
    Event event = stranger_post(std::to_string(i));
    event.sig.data[10] ^= 1;
    send(mesh::Tag::broadcast, packet_of(event));
  }
  EXPECT_TRUE(attacker_.closed());
  EXPECT_EQ(rejects("event bad_signature", static_cast<int>(Limits{}.link_faults)),
            static_cast<int>(Limits{}.link_faults));
  expect_alive();
}

TEST_F(HostileLinkTest, ALinkWithTooManyMalformedBroadcastsIsClosed) {
  for (std::uint32_t i = 0; i < Limits{}.link_faults; ++i) {
    send(mesh::Tag::broadcast, bytes_of(packet_with({0xc0}, {0x90})));
  }
  EXPECT_TRUE(attacker_.closed());
  expect_alive();
}

TEST_F(HostileLinkTest, ALinkThatOnlyRelaysRubbishStays) {
  for (std::uint32_t i = 0; i < 3 * Limits{}.link_faults; ++i) {
    send(mesh::Tag::unicast, bytes_of(packet_with({0xc0}, {0x90})));
  }
  EXPECT_EQ(rejects("packet bad_field", static_cast<int>(3 * Limits{}.link_faults)),
            static_cast<int>(3 * Limits{}.link_faults));
  EXPECT_NE(status().find("\"established\":true"), std::string::npos) << status();
}

TEST_F(HostileLinkTest, RubbishInsteadOfMeshMessages) {
  for (int tag = 255; tag >= 0; --tag) {
    const ByteVec bytes{static_cast<std::uint8_t>(tag), 0xff, 0xff, 0xff, 0x7f, 1, 2, 3};
    attacker_.send_frame(bytes);
  }
  EXPECT_TRUE(attacker_.closed());
  EXPECT_EQ(rejects("mesh unknown_type", static_cast<int>(Limits{}.link_faults)),
            static_cast<int>(Limits{}.link_faults));
  expect_alive();
}

}  // namespace
}  // namespace np2p::real
