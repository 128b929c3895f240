// Small messages from hop to hop: who wrote them cannot be forged on the way, repetition is noticed, and what cannot go
// on is said.
#include "core/overlay/swarm/router.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm {
namespace {

using test::RawPeer;
using test::World;

struct RoutedMessages : ::testing::Test {
  World world;
  void boot(Config config = {}) {
    world.add(false, std::move(config));
    world[0].boot();
  }
  [[nodiscard]] const NodeId& own() { return world[0].id(); }
  // As `from` would send it to this node.
  Routed routed(const RawPeer& from, std::uint64_t counter, std::string_view text,
                std::string_view network = "nostrp2p") {
    Routed message;
    message.via = own();
    message.to = own();
    message.from = from.id();
    message.from_via = from.id();
    message.boot = 7;
    message.counter = counter;
    message.source = from.user();
    message.payload = Frame(bytes_of(text));
    return sealed(message, from, network);
  }
  Routed sealed(Routed message, const RawPeer& from, std::string_view network = "nostrp2p") {
    const std::uint8_t hops = std::exchange(message.hops, std::uint8_t{0});
    message.mac = {};
    const Frame bytes = encode(message);
    ByteVec covered(network.begin(), network.end());
    covered.insert(covered.end(), bytes.view().begin(), bytes.view().end());
    message.mac = from.key().pair_mac(message.to, covered);
    message.hops = hops;
    return message;
  }
  [[nodiscard]] std::vector<std::string> texts() { return world[0].inbox_texts(); }
  [[nodiscard]] int forged() { return world[0].rejections["routed bad_signature"]; }
};

TEST_F(RoutedMessages, ArriveWithTheirAuthenticSource) {
  boot();
  RawPeer near(world, 0, 1);
  RawPeer author(world, 0, 2);
  near.hello();
  Routed message = routed(author, 1, "hello");
  message.hops = 9;  // not under the MAC: each hop counts
  near.say(message);
  ASSERT_EQ(texts(), std::vector<std::string>{"hello"});
  const Delivery& delivery = world[0].inbox[0];
  EXPECT_EQ(delivery.cast, Delivery::Cast::unicast);
  EXPECT_EQ(delivery.source, author.user());
  EXPECT_EQ(delivery.link, near.link());
}

TEST_F(RoutedMessages, NothingUnderTheMacCanBeAltered) {
  boot();
  RawPeer near(world, 0, 1);
  RawPeer author(world, 0, 2);
  near.hello();
  const Routed good = routed(author, 1, "hello");
  std::vector<Routed> bad(8, good);
  bad[0].mac[15] ^= 1;
  bad[1].payload = Frame(bytes_of("hellO"));
  bad[2].source = near.user();
  bad[3].from = near.id();
  bad[4].from_via = near.id();
  bad[5].counter = 2;
  bad[6].boot = 8;
  bad[7].channel = 1;
  for (const Routed& message : bad) near.say(message);
  near.say(routed(author, 1, "elsewhere", "another network"));
  EXPECT_EQ(forged(), 9);
  Routed unsealed = good;
  unsealed.mac = {};
  unsealed.from = {};  // no key: nobody shares anything with it
  near.say(unsealed);
  EXPECT_TRUE(texts().empty());
  near.say(good);
  EXPECT_EQ(texts().size(), 1u);
  EXPECT_TRUE(near.is_open());
}

TEST_F(RoutedMessages, RepetitionIsNoticed) {
  boot();
  RawPeer near(world, 0, 1);
  RawPeer author(world, 0, 2);
  near.hello();
  for (const std::uint64_t counter : {5u, 3u, 4u, 60u, 59u}) near.say(routed(author, counter, std::to_string(counter)));
  EXPECT_EQ(texts().size(), 5u);
  for (const std::uint64_t counter : {5u, 3u, 4u, 60u, 59u}) near.say(routed(author, counter, std::to_string(counter)));
  EXPECT_EQ(texts().size(), 5u);
  EXPECT_EQ(world[0].said[static_cast<std::size_t>(Traffic::duplicate)], 5u);
  near.say(routed(author, 200, "200"));
  near.say(routed(author, 100, "far behind"));  // could be a repetition: the window is over
  EXPECT_EQ(texts().size(), 6u);
}

TEST_F(RoutedMessages, AnEarlierBootIsOver) {
  boot();
  RawPeer near(world, 0, 1);
  RawPeer author(world, 0, 2);
  near.hello();
  near.say(routed(author, 50, "before"));
  Routed later = routed(author, 1, "after");
  later.boot = 8;
  near.say(sealed(later, author));
  near.say(routed(author, 51, "recorded earlier"));
  EXPECT_EQ(texts(), (std::vector<std::string>{"after", "before"}));
}

TEST_F(RoutedMessages, WindowsOfThoseWhoWriteOftenAreKept) {
  Config config;
  config.limits.replay_windows = 4;
  boot(config);
  RawPeer near(world, 0, 1);
  near.hello();
  RawPeer author(world, 0, 2);
  std::vector<std::unique_ptr<RawPeer>> others;
  const Routed recorded = routed(author, 1, "once");
  near.say(recorded);
  for (std::uint64_t i = 0; i < 10; ++i) {
    others.push_back(std::make_unique<RawPeer>(world, 0, 10 + i));
    near.say(routed(*others.back(), 1, "from " + std::to_string(i)));
    near.say(routed(author, 2 + i, "author " + std::to_string(i)));
  }
  EXPECT_EQ(texts().size(), 21u);
  near.say(recorded);
  EXPECT_EQ(texts().size(), 21u);
}

// Counters of which our own messages have some, too: with the top bit set they count from the boot on in 50 ms.
struct TimedMessages : RoutedMessages {
  WallTime booted;
  void SetUp() override {
    Config small;
    small.limits.replay_windows = 4;
    boot(small);
    booted = world[0].wall() - 1h;
  }
  Routed timed(const RawPeer& from, std::string_view text, Duration ahead = {}) {
    Routed message = routed(from, 0, text);
    message.boot = static_cast<std::uint64_t>(booted.ns);
    message.counter = std::uint64_t{1} << 63 | static_cast<std::uint64_t>((world[0].wall() + ahead - booted) / 50ms);
    return sealed(message, from);
  }
};

TEST_F(TimedMessages, AreNotAcceptedAgainWhenTheirWindowHadToMakeRoom) {
  RawPeer near(world, 0, 1);
  near.hello();
  std::vector<std::unique_ptr<RawPeer>> authors;
  std::vector<Routed> recorded;
  for (std::uint64_t i = 0; i < 60; ++i) {
    authors.push_back(std::make_unique<RawPeer>(world, 0, 10 + i));
    recorded.push_back(timed(*authors.back(), "from " + std::to_string(i)));
    near.say(recorded.back());
    world.run_for(200ms);
  }
  EXPECT_EQ(texts().size(), 60u);
  for (const Routed& message : recorded) near.say(message);
  EXPECT_EQ(texts().size(), 60u);
  // What they say now is heard all the same.
  for (const auto& author : authors) {
    near.say(timed(*author, "again"));
    world.run_for(100ms);
  }
  EXPECT_EQ(texts().size(), 120u);
  for (const Routed& message : recorded) near.say(message);
  EXPECT_EQ(texts().size(), 120u);
}

// Each receiver compares with the clock what comes from us to it.
TEST_F(RoutedMessages, ToManyDoNotRunAheadOfTheClock) {
  boot();
  RawPeer near(world, 0, 1);
  near.hello();
  std::vector<NodeId> receivers;
  for (std::uint64_t i = 0; i < 200; ++i) receivers.push_back(test::key_of(3000 + i)->id());
  for (int second = 0; second < 60; ++second) {
    for (const NodeId& to : receivers) {
      world.input(0, [&](Swarm& s) {
        s.router().send(near.id(), to, Channel::packets, Frame(bytes_of("to you")), Priority::post, Traffic::payload);
      });
    }
    world.run_for(1s);
  }
  std::size_t sent = 0;
  std::int64_t latest = 0;
  std::set<std::pair<NodeId, std::uint64_t>> counters;
  for (const Routed& one : near.heard_of<Routed>()) {
    if (one.from != own()) continue;
    ++sent;
    EXPECT_TRUE(counters.emplace(one.to, one.counter).second) << "a counter twice";
    const auto at = static_cast<std::int64_t>(one.boot) +
                    static_cast<std::int64_t>(one.counter << 1 >> 1) * std::chrono::nanoseconds(50ms).count();
    latest = std::max(latest, at - world[0].wall().ns);
  }
  EXPECT_GE(sent, 10'000u);
  EXPECT_LT(latest, std::chrono::nanoseconds(5s).count());
}

TEST_F(TimedMessages, OfTheFutureCannotMakeUsForgetMoreThanThePast) {
  RawPeer near(world, 0, 1);
  near.hello();
  std::vector<std::unique_ptr<RawPeer>> liars;
  for (std::uint64_t i = 0; i < 100; ++i) {
    liars.push_back(std::make_unique<RawPeer>(world, 0, 300 + i));
    near.say(timed(*liars.back(), "soon", 14min));
  }
  world.run_for(1s);
  for (std::uint64_t i = 0; i < 20; ++i) {
    RawPeer author(world, 0, 600 + i);
    near.say(timed(author, "honest"));
    world.run_for(100ms);
  }
  const auto heard = texts();
  EXPECT_EQ(std::count(heard.begin(), heard.end(), "honest"), 20);
  RawPeer author(world, 0, 700);
  near.say(timed(author, "much later", 16min));
  EXPECT_EQ(world[0].rejections["routed bad_time"], 1);
  EXPECT_EQ(texts().size(), heard.size());
}

TEST_F(RoutedMessages, WhatIsWaitedForGoesOnBeforePosts) {
  boot();
  RawPeer author(world, 0, 2);
  RawPeer target(world, 0, 3);
  author.hello();
  target.hello();
  Routed message = routed(author, 1, "on");
  message.via = message.to = target.id();
  for (const std::uint8_t channel : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{2}}) {
    message.channel = channel;
    author.say(message);
    EXPECT_EQ(world[0].last_priority, channel == 0 ? Priority::post : Priority::control) << int{channel};
  }
  EXPECT_EQ(target.heard_of<Routed>().size(), 3u);
}

TEST_F(RoutedMessages, GoOnToTheTargetOrItsRelayAndCountTheirHops) {
  boot();
  RawPeer author(world, 0, 2);
  RawPeer target(world, 0, 3, false);
  RawPeer relay(world, 0, 4);
  for (RawPeer* peer : {&author, &target, &relay}) {
    peer->hello();
    peer->heard();
  }
  Routed message = routed(author, 1, "on");
  message.via = relay.id();
  message.to = target.id();
  message.hops = 3;
  author.say(message);
  const auto straight = target.heard_of<Routed>();  // the target itself is linked
  ASSERT_EQ(straight.size(), 1u);
  EXPECT_EQ(straight[0].hops, 4);
  EXPECT_EQ(straight[0].payload, message.payload);
  target.hang_up();
  author.say(message);
  EXPECT_EQ(relay.heard_of<Routed>().size(), 1u);
  EXPECT_EQ(world[0].said[static_cast<std::size_t>(Traffic::relay)], 2u);
  EXPECT_TRUE(texts().empty());
}

TEST_F(RoutedMessages, HopsAreLimitedAndTheSenderIsTold) {
  boot();
  RawPeer author(world, 0, 2);
  RawPeer target(world, 0, 3);
  author.hello();
  target.hello();
  Routed message = routed(author, 1, "too far");
  message.via = message.to = target.id();
  message.hops = static_cast<std::uint8_t>(world[0].config.limits.hops - 1);
  author.say(message);
  EXPECT_EQ(target.heard_of<Routed>().size(), 1u);
  for (const std::uint8_t hops : {world[0].config.limits.hops, std::uint8_t{255}}) {
    author.heard();
    message.hops = hops;
    author.say(message);
    EXPECT_TRUE(target.heard_of<Routed>().empty());
    const auto told = author.heard_of<Undelivered>();
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].to, author.id());
    EXPECT_EQ(told[0].lost, target.id());
  }
}

TEST_F(RoutedMessages, ThereIsNoWayBack) {
  boot();
  RawPeer author(world, 0, 2);
  author.hello();
  author.heard();
  Routed message = routed(author, 1, "lost");
  message.to = test::key_of(500)->id();
  message.via = own();  // we are said to be its relay and have no link to it
  author.say(message);
  EXPECT_EQ(author.heard_of<Undelivered>().size(), 1u);
  message.via = test::key_of(501)->id();  // nearer to it is nobody but who sent it, or we
  author.say(message);
  EXPECT_TRUE(author.heard_of<Routed>().empty());
}

TEST_F(RoutedMessages, DirectOnesSpeakForTheLinkOnly) {
  boot();
  RawPeer peer(world, 0, 1);
  peer.hello();
  peer.say(Direct{1, Frame(bytes_of("direct"))});
  ASSERT_EQ(world[0].inbox.size(), 1u);
  EXPECT_EQ(world[0].inbox[0].source, peer.user());
  EXPECT_EQ(world[0].inbox[0].channel, Channel::extension);
  EXPECT_EQ(world[0].inbox[0].cast, Delivery::Cast::unicast);
}

}  // namespace
}  // namespace np2p::swarm
