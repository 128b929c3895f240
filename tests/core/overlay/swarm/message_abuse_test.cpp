// Every type of message, cut short, too large, with flipped bits, repeated, and under the name of every other type,
// said to a node that runs: what does not parse is counted and ends that link, nothing else happens, and the node
// serves the others as before.
#include <gtest/gtest.h>

#include "core/overlay/swarm/swarm.h"
#include "tests/core/overlay/swarm/swarm_world.h"
#include "tests/core/wire/swarm_samples.h"

namespace np2p::swarm {
namespace {

using test::RawPeer;
using test::World;

// One test per type, by its place in Message.
class EveryMessage : public ::testing::TestWithParam<std::size_t> {
 protected:
  World world;
  std::unique_ptr<RawPeer> honest;
  std::uint64_t number = 100;

  void SetUp() override {
    world.add();
    world[0].boot();
    honest = std::make_unique<RawPeer>(world, 0, 1);
    honest->join();
  }
  static ByteVec bytes_of_type(std::size_t type) {
    const Frame frame = encode(sample_messages()[type]);
    return {frame.view().begin(), frame.view().end()};
  }
  static std::optional<ErrorCode> judged(const ByteVec& bytes) {
    const auto message = decode(bytes, Limits{});
    return message.ok() ? std::nullopt : std::optional(message.error().code);
  }
  // Said by a peer of its own over a link of its own: counted, and the end of that link, exactly if it does not parse.
  void say(const ByteVec& bytes) {
    const auto code = judged(bytes);
    const std::string counted = code ? "message " + std::string(name(*code)) : "";
    const int before = code ? world[0].rejections[counted] : 0;
    ++number;
    RawPeer peer(world, 0, number, number % 2 == 0);
    peer.hello();
    ASSERT_TRUE(peer.is_open());
    peer.say(Frame(bytes));
    if (code) {
      EXPECT_EQ(world[0].rejections[counted], before + 1);
      EXPECT_EQ(peer.is_open(), *code == ErrorCode::unknown_type);
    }
    peer.hang_up();
  }
  void expect_service() {
    ASSERT_TRUE(honest->is_open());
    honest->heard();
    honest->say(Probe{42, {}});
    EXPECT_EQ(honest->heard_of<HelloEcho>().size(), 1u);
    EXPECT_EQ(world[0].swarm->membership().active_size(), 1u);
    EXPECT_LE(world[0].swarm->membership().passive().size(), world[0].config.swarm.passive);
  }
};

TEST_P(EveryMessage, CutAnywhere) {
  const ByteVec whole = bytes_of_type(GetParam());
  const Message sample = sample_messages()[GetParam()];
  // Of an earlier version, which has no number of servers, and asks for contacts only.
  const bool counts = std::holds_alternative<HelloEcho>(sample) || std::holds_alternative<Probe>(sample);
  const std::size_t later = counts ? 4 : std::holds_alternative<Get>(sample) ? 1 : 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    if (later > 0 && size + later == whole.size()) continue;
    const ByteVec cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_EQ(judged(cut), ErrorCode::malformed) << size;
    say(cut);
  }
  expect_service();
}

TEST_P(EveryMessage, TooLarge) {
  ByteVec large = bytes_of_type(GetParam());
  large.resize(Limits{}.frame_bytes + 1);
  ASSERT_EQ(judged(large), ErrorCode::too_large);
  say(large);
  expect_service();
}

TEST_P(EveryMessage, WithEachBitFlipped) {
  const ByteVec whole = bytes_of_type(GetParam());
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    ByteVec flipped = whole;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1u << bit % 8);
    say(flipped);
  }
  expect_service();
}

TEST_P(EveryMessage, UnderTheNameOfEveryOtherType) {
  ByteVec confused = bytes_of_type(GetParam());
  for (unsigned type = 0; type < 256; ++type) {
    confused[0] = static_cast<std::uint8_t>(type);
    say(confused);
  }
  expect_service();
}

TEST_P(EveryMessage, RepeatedUntilNobodyListens) {
  RawPeer peer(world, 0, ++number);
  peer.hello();
  const Frame message(bytes_of_type(GetParam()));
  const std::size_t most = world[0].config.limits.link_messages_burst;
  for (std::size_t i = 0; i < 2 * most; ++i) peer.say(message);
  if (peer.is_open()) {
    EXPECT_GE(world[0].rejections["message rate_limited"], static_cast<int>(most) / 2);
  }
  EXPECT_LE(world[0].inbox.size(), most);
  peer.hang_up();
  world.run_for(10min);
  expect_service();
}

INSTANTIATE_TEST_SUITE_P(Types, EveryMessage, ::testing::Range(std::size_t{0}, std::variant_size_v<Message>));

// Addresses that a node may hear of but must not dial, whoever names them and in whichever message.
TEST(Gossip, BogusAddressesAreNeverDialled) {
  World world;
  world.add();
  world[0].boot();
  RawPeer peer(world, 0, 1);
  peer.join();
  const auto v6 = [](std::initializer_list<std::uint8_t> first, std::uint8_t last) {
    Address address;
    std::copy(first.begin(), first.end(), address.ip.begin());
    address.ip[15] = last;
    address.port = 20'000;
    return address;
  };
  std::vector<Address> bogus;
  for (const std::uint32_t ip : {0x7F000001u, 0x7FFFFFFEu, 0x0A000005u, 0xAC100001u, 0xAC1FFFFFu, 0xC0A80001u,
                                 0xA9FE0001u, 0xE0000001u, 0xEFFFFFFFu, 0xFFFFFFFFu, 0u}) {
    bogus.push_back(Address::v4(ip, 20'000));
  }
  bogus.push_back(Address::v4(0x0B0B0B0Bu, 0));  // no port
  bogus.push_back(world[0].config.listen);       // its own, under another's id
  bogus.push_back(v6({}, 1));                    // loopback
  bogus.push_back(v6({0xFE, 0x80}, 1));          // link local
  bogus.push_back(v6({0xFD, 0x00}, 1));          // unique local
  bogus.push_back(v6({0xFF, 0x02}, 1));          // multicast
  world[0].dialled.clear();
  for (std::size_t i = 0; i < bogus.size(); ++i) {
    const PeerRef ref{test::key_of(500 + i)->id(), bogus[i], {}};
    peer.say(ForwardJoin{ref, 0});
    peer.say(Shuffle{ref, 1, {ref}});
    peer.say(ShuffleReply{{ref}});
    peer.say(NeighborAnswer{false, {ref}});
    peer.say(FoundNodes{i, {ref}});
    Hello hello;
    hello.boot = 1;
    hello.listens = bogus[i];
    RawPeer liar(world, 0, 600 + i);
    liar.say(hello);
    liar.say(Join{});
    liar.say(DialBack{bogus[i].port});
    world.run_for(30s);
    liar.hang_up();
  }
  peer.hang_up();  // now it looks for another neighbour among those it has heard of
  world.run_for(10min);
  for (const Address& dialled : world[0].dialled) {
    for (const Address& one : bogus) EXPECT_FALSE(dialled == one) << dialled.text();
  }
}

}  // namespace
}  // namespace np2p::swarm
