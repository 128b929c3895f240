// Nodes of the version before and of the version after: what they say beyond what we know is ignored and counted, and
// they are neighbours like any other.
#include <gtest/gtest.h>

#include "core/overlay/swarm/swarm.h"
#include "tests/core/overlay/swarm/swarm_world.h"
#include "tests/core/wire/swarm_samples.h"

namespace np2p::swarm {
namespace {

using test::RawPeer;
using test::World;

Frame longer(const Message& message) {
  const Frame frame = encode(message);
  ByteVec bytes(frame.view().begin(), frame.view().end());
  bytes.insert(bytes.end(), {0xDE, 0xAD, 0xBE, 0xEF});
  return Frame(bytes);
}

struct Versions : ::testing::TestWithParam<std::uint8_t> {
  World world;
  void SetUp() override {
    world.add();
    world[0].boot();
  }
  Hello hello_of(const RawPeer& peer, std::uint32_t features) {
    Hello hello;
    hello.version = GetParam();
    hello.features = features;
    hello.boot = 1;
    hello.salt = 5;
    hello.owner = peer.user();
    hello.listens = peer.address();
    return hello;
  }
};

TEST_P(Versions, BecomeNeighboursAndCarryPosts) {
  RawPeer peer(world, 0, 1);
  RawPeer same(world, 0, 2);
  same.join();
  const bool later = GetParam() > kVersion;
  const Hello hello = hello_of(peer, later ? ~kAside : 0u);
  peer.say(later ? longer(hello) : encode(hello));
  const auto answers = peer.heard_of<HelloEcho>();
  EXPECT_EQ(answers.size(), 1u);
  peer.say(later ? longer(Neighbor{Urgency::high}) : encode(Neighbor{Urgency::high}));
  ASSERT_TRUE(world[0].swarm->membership().is_neighbour(peer.link()));
  same.say(Graft{~Trees{0}, {}});
  same.heard();
  Gossip post;
  post.source = peer.user();
  post.payload = Frame(bytes_of("post of another version"));
  peer.say(later ? longer(post) : encode(post));
  EXPECT_EQ(world[0].inbox_texts(), std::vector<std::string>{"post of another version"});
  EXPECT_EQ(same.heard_of<Gossip>().size(), 1u);
  EXPECT_EQ(world[0].refusals(), 0);
}

TEST_P(Versions, MayUseMessagesThatWeDoNotKnow) {
  RawPeer peer(world, 0, 1);
  peer.say(hello_of(peer, 0));
  peer.say(Neighbor{Urgency::high});
  const auto first = static_cast<std::uint8_t>(std::variant_size_v<Message> + 1);
  for (int i = 0; i < 500; ++i) {
    peer.say(Frame(ByteVec{static_cast<std::uint8_t>(first + i % (256 - first)), 1, 2, 3}));
    world.run_for(20ms);
  }
  EXPECT_TRUE(peer.is_open());
  EXPECT_TRUE(world[0].swarm->membership().is_neighbour(peer.link()));
  EXPECT_EQ(world[0].rejections["message unknown_type"], 500);
  peer.heard();
  peer.say(Probe{42, {}});
  EXPECT_EQ(peer.heard_of<HelloEcho>().size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(BeforeAndAfter, Versions,
                         ::testing::Values(static_cast<std::uint8_t>(kVersion - 1), kVersion,
                                           static_cast<std::uint8_t>(kVersion + 1), std::uint8_t{255}));

}  // namespace
}  // namespace np2p::swarm
