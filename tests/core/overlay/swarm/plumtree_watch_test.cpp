// Neighbours who take what they are given and hand nothing on: announcers and parents that keep silent are replaced.
#include <gtest/gtest.h>

#include <set>

#include "core/event/sha256.h"
#include "core/overlay/swarm/recent_payloads.h"
#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

using test::RawPeer;
using test::World;

struct Silence : ::testing::Test {
  World world;
  std::vector<std::unique_ptr<RawPeer>> peers;
  std::set<std::size_t> watched;

  void boot(bool nat, std::size_t count) {
    Config config;
    if (nat) config.bootstrap = {test::home(150)};  // nobody is there; without any it would count as a first server
    world.add(nat, config);
    world[0].boot();
    for (std::size_t i = 0; i < count; ++i) {
      peers.push_back(std::make_unique<RawPeer>(world, 0, i));
      peers.back()->join();
    }
    look();
  }
  void look() {
    for (std::size_t i = 0; i < peers.size(); ++i) {
      for (const Watch& word : peers[i]->heard_of<Watch>()) {
        if (word.on) {
          watched.insert(i);
        } else {
          watched.erase(i);
        }
      }
    }
  }
  void post_four(RawPeer& author) {
    for (int i = 0; i < 4; ++i) {
      Gossip message;
      message.tree = 3;
      message.source = test::user_of(77);
      message.payload = Frame(bytes_of("post " + std::to_string(i)));
      author.say(message);
      world.run_for(100ms);
    }
  }
};

TEST_F(Silence, WhoAnnouncesNothingWhileOthersSendIsReplaced) {
  boot(false, 8);
  const std::set<std::size_t> before = watched;
  ASSERT_EQ(before.size(), 3u);
  std::size_t author = 0;
  while (before.count(author) != 0) ++author;
  post_four(*peers[author]);
  const std::size_t teller = *before.begin();
  peers[teller]->say(IHave{{{12345, 3}}});
  world.run_for(3s);
  look();
  EXPECT_EQ(watched.size(), 3u);
  for (const std::size_t one : before) EXPECT_EQ(watched.count(one), one == teller ? 1u : 0u) << one;
}

TEST_F(Silence, AQuietNetworkReplacesNobody) {
  boot(false, 8);
  const std::set<std::size_t> before = watched;
  world.run_for(5min);
  look();
  EXPECT_EQ(watched, before);
}

TEST_F(Silence, WhatALeafSaidGoesToSomebodyElseUnlessItIsAnnounced) {
  boot(true, 2);
  world.broadcast(0, "does anybody hear me?");
  const auto copies = [&](std::size_t i) { return peers[i]->heard_of<Gossip>().size(); };
  const std::size_t first = copies(0) == 1 ? 0 : 1;
  RawPeer& parent = *peers[first];
  RawPeer& other = *peers[1 - first];
  other.heard();
  world.run_for(2s);
  EXPECT_EQ(other.heard_of<Gossip>().size(), 0u);
  world.run_for(2s);
  EXPECT_EQ(other.heard_of<Gossip>().size(), 1u);
  parent.heard();
  // Now it is handed on, and announced: so it was the parent who did not.
  const std::uint8_t channel = 0;
  const Sha256 hash = sha256({ByteView(&channel, 1), bytes_of("does anybody hear me?")});
  PayloadId id;
  std::copy_n(hash.begin(), PayloadId::size, id.data.begin());
  other.say(IHave{{{RecentPayloads::head(id) ^ other.salt, 3}}});
  EXPECT_EQ(parent.heard_of<Prune>().size(), 1u);
  EXPECT_EQ(other.heard_of<Graft>().size(), 1u);
  world.run_for(10s);
  EXPECT_EQ(other.heard_of<Gossip>().size(), 0u) << "heard is heard";
}

TEST_F(Silence, WhatNobodyAnnouncesIsToldToAllButSentToNobodyAgain) {
  boot(false, 6);
  for (auto& peer : peers) peer->say(Prune{~Trees{0}});  // one is eager in the end
  for (auto& peer : peers) peer->heard();
  world.broadcast(0, "does anybody hear me?");
  std::size_t sent = 0;
  for (auto& peer : peers) sent += peer->heard_of<Gossip>().size();
  EXPECT_EQ(sent, 1u);
  world.run_for(2s);
  for (auto& peer : peers) EXPECT_TRUE(peer->heard_of<IHave>().empty());
  world.run_for(2s);
  std::size_t told = 0;
  for (auto& peer : peers) {
    for (const Message& message : peer->heard()) {
      EXPECT_FALSE(std::holds_alternative<Gossip>(message));
      told += std::holds_alternative<IHave>(message) ? 1u : 0u;
    }
  }
  EXPECT_EQ(told, 5u);
}

TEST_F(Silence, WhoWasNotAskedIsBelievedAFewAnnouncements) {
  boot(false, 8);
  std::size_t stranger = 0;
  while (watched.count(stranger) != 0) ++stranger;
  IHave many;
  for (std::uint64_t id = 1; id <= 100; ++id) many.ids.push_back({id, 3});
  peers[stranger]->heard();
  peers[stranger]->say(many);
  world.run_for(2s);
  std::size_t asked = 0;
  for (const Graft& graft : peers[stranger]->heard_of<Graft>()) asked += graft.ids.size();
  EXPECT_EQ(asked, 4u);
}

}  // namespace
}  // namespace np2p::swarm
