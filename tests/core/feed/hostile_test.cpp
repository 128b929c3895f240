// What a hostile or broken peer can send over an established mesh link, the crashes of the original among it: the node
// lives, counts a reject, keeps nothing forged and hands nothing bad on.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "core/base/rng.h"
#include "core/crypto/signer.h"
#include "core/event/validation.h"
#include "core/node.h"
#include "core/overlay/overlay.h"
#include "core/wire/extension.h"
#include "core/wire/mesh_messages.h"
#include "core/wire/packet.h"
#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

class HostileTest : public ::testing::Test {
 protected:
  HostileTest() {
    config.owner = owner.public_key();
    ports = std::make_unique<test::FakePorts>(config.limits);
    node = std::make_unique<Node>(config, ports->host());
    node->start();
    test::introduce(*node, link, peer);
    test::introduce(*node, other, neighbour);
  }
  void broadcast(ByteView payload) { send(mesh::Tag::broadcast, payload); }
  void unicast(ByteView payload) { send(mesh::Tag::unicast, payload); }
  void send(mesh::Tag tag, ByteView payload, std::string_view channel = "nostrp2p") {
    mesh::Message message;
    message.tag = tag;
    message.channel = channel;
    message.source = mesh_name(peer.public_key());
    message.destination = mesh_name(owner.public_key());
    message.payload = payload;
    node->frame(link, mesh::encode_message(message));
  }
  ByteVec packet_of(const Event& event) {
    auto valid = ValidationGate::trusted(event);
    EXPECT_TRUE(valid.ok());
    const Frame frame = encode_events({&*valid, 1});
    return {frame.view().begin(), frame.view().end()};
  }
  Event post(const std::string& text) { return peer.sign(kind::post, unix_seconds(ports->wall_now), {}, text); }
  // A fault each time: the link lives up to the last one that the limit allows.
  template <class Fault>
  void expect_closed_by_the_last(Fault fault) {
    for (unsigned i = 0; i < config.limits.link_faults; ++i) {
      EXPECT_TRUE(ports->closed.empty()) << "after " << i;
      fault(static_cast<int>(i));
    }
    ASSERT_EQ(ports->closed.size(), 1u);
    EXPECT_EQ(ports->closed.front().first, link);
    EXPECT_EQ(ports->closed.front().second, CloseReason::protocol_error);
    broadcast(packet_of(post("too late")));
    EXPECT_EQ(stored(), 0u);
  }
  std::size_t stored() { return ports->store.stats().events; }
  int rejected(const std::string& what) { return ports->rejections[what]; }

  Config config;
  Signer owner = Signer::from_seed(3, 1);
  Signer peer = Signer::from_seed(3, 2);
  Signer neighbour = Signer::from_seed(3, 3);
  LinkId link{101};
  LinkId other{102};
  std::unique_ptr<test::FakePorts> ports;
  std::unique_ptr<Node> node;
};

TEST_F(HostileTest, AGoodPostIsKept) {
  broadcast(packet_of(post("good")));
  EXPECT_EQ(stored(), 1u);
  EXPECT_TRUE(ports->rejections.empty());
}

TEST_F(HostileTest, AnotherPacketVersionIsCounted) {  // ended the original's process
  ByteVec bytes = packet_of(post("text"));
  const std::string needle = "PktVer";
  const auto at = text_of(bytes).find(needle);
  ASSERT_NE(at, std::string_view::npos);
  bytes[at + needle.size() + 2] = 4;
  broadcast(bytes);
  unicast(bytes);
  EXPECT_EQ(rejected("packet wrong_version"), 2);
  EXPECT_EQ(stored(), 0u);
}

TEST_F(HostileTest, AnEmptyRequestArrayIsCounted) {  // ended the original's process
  const ByteVec head{0x84, 0xa6, 'S', 'r', 'v', 'V', 'e', 'r',  0xcd, 0, 1,
                     0xa6, 'P',  'k', 't', 'V', 'e', 'r', 0xcd, 0,    3};
  ByteVec bytes = head;
  for (const char c : std::string("\xa6"
                                  "Events"))
    bytes.push_back(static_cast<std::uint8_t>(c));
  bytes.push_back(0xc0);
  for (const char c : std::string("\xa4"
                                  "Reqs"))
    bytes.push_back(static_cast<std::uint8_t>(c));
  bytes.push_back(0x90);
  unicast(bytes);
  EXPECT_EQ(rejected("packet bad_field"), 1);
}

TEST_F(HostileTest, ImpossibleTimesAreCounted) {
  const ByteVec good = packet_of(post("text"));
  const auto at = text_of(good).find("Created_at");
  ASSERT_NE(at, std::string_view::npos);
  for (const double value :
       {std::numeric_limits<double>::quiet_NaN(), 1e300, -1.0, 1.5, std::numeric_limits<double>::infinity()}) {
    ByteVec bytes = good;
    std::uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    for (std::size_t i = 0; i < 8; ++i) bytes[at + 11 + i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
    broadcast(bytes);
  }
  EXPECT_EQ(rejected("packet bad_time"), 5);
  broadcast(packet_of(peer.sign(kind::post, unix_seconds(ports->wall_now) + 3600, {}, "from the future")));
  EXPECT_EQ(rejected("event bad_time"), 1);
  EXPECT_EQ(stored(), 0u);
}

TEST_F(HostileTest, AForgedEventIsNeitherKeptNorHandedOnAndDoesNotPoisonTheTrueOne) {
  const Event truth = post("the truth");
  ByteVec forged = packet_of(truth);
  const auto at = text_of(forged).find("the truth");
  ASSERT_NE(at, std::string_view::npos);
  forged[at] = 'T';
  const std::size_t sent_before = ports->sent.size();
  broadcast(forged);
  EXPECT_EQ(rejected("event bad_id"), 1);
  EXPECT_EQ(stored(), 0u);
  EXPECT_EQ(ports->sent.size(), sent_before);
  broadcast(packet_of(truth));
  EXPECT_EQ(stored(), 1u);
}

TEST_F(HostileTest, AReplayIsKeptOnce) {
  const ByteVec packet = packet_of(post("again and again"));
  for (int i = 0; i < 50; ++i) broadcast(packet);
  EXPECT_EQ(stored(), 1u);
  EXPECT_EQ(ports->accepted.size(), 1u);
}

TEST_F(HostileTest, ALinkIsClosedAfterTooManyBadSignatures) {
  expect_closed_by_the_last([this](int i) {
    Event event = post(std::to_string(i));
    event.sig.data[10] ^= 1;
    broadcast(packet_of(event));
  });
}

TEST_F(HostileTest, ALinkIsClosedAfterTooManyMalformedBroadcasts) {
  expect_closed_by_the_last([this](int i) {
    const std::uint8_t rubbish[] = {0x84, static_cast<std::uint8_t>(i)};
    broadcast(rubbish);
  });
}

TEST_F(HostileTest, ALinkIsClosedAfterTooManyBroadcastsOfAnotherVersion) {
  ByteVec bytes = packet_of(post("text"));
  bytes[text_of(bytes).find("PktVer") + 8] = 4;
  expect_closed_by_the_last([&](int) { broadcast(bytes); });
}

TEST_F(HostileTest, ALinkIsClosedAfterTooManyMessagesOfNoKnownType) {
  expect_closed_by_the_last([this](int i) {
    const std::uint8_t message[] = {static_cast<std::uint8_t>(200 + i), 1, 2, 3};
    node->frame(link, Frame(ByteView(message)));
  });
}

TEST_F(HostileTest, ALinkIsClosedAfterTooManyExtensionsForEverybody) {
  expect_closed_by_the_last([this](int) {
    send(mesh::Tag::broadcast, encode_extension(Follow{peer.public_key(), 0}).view(), "np2p");
  });
  EXPECT_EQ(rejected("extension forbidden"), static_cast<int>(config.limits.link_faults));
}

TEST_F(HostileTest, ALinkIsNotToBlameForWhatOnlyPassedThroughIt) {
  Event event = post("forged");
  event.sig.data[10] ^= 1;
  const std::uint8_t rubbish[] = {0x84, 0xff};
  for (unsigned i = 0; i < 3 * config.limits.link_faults; ++i) {
    unicast(rubbish);
    unicast(packet_of(event));
    if (i < config.limits.link_extensions_burst) send(mesh::Tag::unicast, rubbish, "np2p");
  }
  EXPECT_GT(rejected("packet malformed"), 0);
  EXPECT_GT(rejected("event bad_signature"), 0);
  EXPECT_GT(rejected("extension malformed"), 0);
  EXPECT_TRUE(ports->closed.empty());
}

TEST_F(HostileTest, OldFaultsAreForgiven) {
  const std::uint8_t rubbish[] = {0x84, 0xff};
  for (unsigned round = 0; round < 10; ++round) {
    for (unsigned i = 0; i + 1 < config.limits.link_faults; ++i) broadcast(rubbish);
    ports->now = ports->now + config.limits.fault_forgiven * config.limits.link_faults;
  }
  EXPECT_TRUE(ports->closed.empty());
  for (unsigned i = 0; i < config.limits.link_faults; ++i) broadcast(rubbish);
  EXPECT_EQ(ports->closed.size(), 1u);
}

TEST_F(HostileTest, RubbishIsPaidForBeforeItIsDecoded) {
  const std::uint8_t rubbish[] = {0x84, 0xff};
  for (std::uint32_t i = 0; i < config.limits.link_events_burst + 7; ++i) unicast(rubbish);
  EXPECT_EQ(rejected("packet rate_limited"), 7);
}

TEST_F(HostileTest, KnownEventsArePaidForToo) {
  const ByteVec packet = packet_of(post("again and again"));
  for (std::uint32_t i = 0; i < config.limits.link_events_burst + 5; ++i) broadcast(packet);
  EXPECT_EQ(rejected("packet rate_limited"), 5);
  const Event event = post("many times in a packet");
  ports->now = ports->now + 1s;
  std::vector<EventPtr> copies(config.limits.packet_events, *ValidationGate::trusted(event));
  broadcast(encode_events(copies).view());
  EXPECT_EQ(rejected("event rate_limited"),
            static_cast<int>(config.limits.packet_events - config.limits.link_events_per_second));
}

TEST_F(HostileTest, AFloodIsStoppedBeforeVerification) {
  const std::uint32_t burst = config.limits.link_events_burst;
  for (std::uint32_t i = 0; i < burst + 10; ++i) {
    Event event = post("spam " + std::to_string(i));
    broadcast(packet_of(event));
  }
  EXPECT_EQ(rejected("packet rate_limited"), 10);
  EXPECT_EQ(stored(), burst);
}

TEST_F(HostileTest, RubbishOfAnyKindIsSurvived) {
  Rng rng(9, "rubbish");
  const ByteVec packet = packet_of(post("seed of rubbish"));
  for (int round = 0; round < 5000; ++round) {
    ByteVec bytes = packet;
    const std::uint64_t changes = 1 + rng.below(6);
    for (std::uint64_t i = 0; i < changes; ++i) {
      const auto at = static_cast<std::size_t>(rng.below(bytes.size()));
      bytes[at] = static_cast<std::uint8_t>(rng.next());
    }
    if (rng.chance(1, 3)) bytes.resize(static_cast<std::size_t>(rng.below(bytes.size() + 1)));
    unicast(bytes);
  }
  // A mutation can only survive where nothing is signed (SrvVer), and then it is the one good event.
  EXPECT_LE(stored(), 1u);
}

TEST_F(HostileTest, SomebodyElseCannotFollowOrAcknowledgeForAUser) {
  mesh::Message message;
  message.tag = mesh::Tag::unicast;
  message.channel = "np2p";
  message.source = mesh_name(peer.public_key());
  message.destination = mesh_name(owner.public_key());
  const Frame follow = encode_extension(Follow{neighbour.public_key(), 0});
  message.payload = follow.view();
  node->frame(link, mesh::encode_message(message));
  EXPECT_EQ(rejected("follow forbidden"), 1);
  EXPECT_EQ(node->status().followers, 0u);
}

}  // namespace
}  // namespace np2p
