// After an absence: which authors are asked when.
#include <gmock/gmock.h>

#include "core/event/canonical.h"
#include "core/event/validation.h"
#include "core/feed/follows.h"
#include "tests/core/fake_ports.h"

namespace np2p {
namespace {

using test::FakePorts;

PubKey user(std::uint16_t number) {
  PubKey key;
  key.data.fill(static_cast<std::uint8_t>(number));
  key.data[0] = static_cast<std::uint8_t>(number >> 8);
  return key;
}

class LazyFollows : public ::testing::Test {
 protected:
  LazyFollows() {
    config.owner = user(9999);
    config.overlay = OverlayKind::mesh;
    ports.now = MonoTime{} + 1h;
  }
  // As if the server of `author` had answered our FOLLOW `age` ago.
  void registered(std::uint16_t author, Duration age, const std::vector<PubKey>& guardians) {
    registering.set_guardians(guardians);
    registering.set(list({author}));
    StreamNews news;
    news.head.author = user(author);
    news.head.incarnation = 1;
    positions.news(news, false);
    registering.registered(user(author));
    auto lease = *positions.lease(user(author));
    lease.until = lease.until - age;
    positions.set_lease(user(author), lease);
  }
  static EventPtr list(const std::vector<std::uint16_t>& users) {
    Event event;
    event.kind = kind::follow_list;
    for (const std::uint16_t one : users) event.tags.add({"p", user(one).hex()});
    event.id = compute_id(event);
    return *ValidationGate::trusted(std::move(event));
  }
  Duration until(const Follows& follows, std::uint16_t author) { return follows.next_due(user(author)) - ports.now; }

  Config config;
  FakePorts ports{config.limits};
  Host host = ports.host();
  Overlay overlay{config, host};
  Positions positions{config, host, overlay, [](const MailStream&, std::uint64_t) { return false; }};
  Follows registering{config, host, overlay, positions};
  std::vector<PubKey> guardians{user(1), user(2)};
};

TEST_F(LazyFollows, TheMoreUrgentTheSooner) {
  for (std::uint16_t i = 100; i < 140; ++i) registered(i, 24h, guardians);
  registered(200, 29 * 24h, guardians);  // ends tomorrow
  registered(201, 24h, {user(1)});       // knows only one of them
  Follows follows(config, host, overlay, positions);
  follows.set_guardians(guardians);
  std::vector<std::uint16_t> all{200, 201, 202};  // the last was never registered
  for (std::uint16_t i = 100; i < 140; ++i) all.push_back(i);
  follows.set(list(all));
  EXPECT_EQ(follows.registered_count(), 41u);
  // There is no way to anybody here, so who was asked at once is asked again hours later.
  EXPECT_GE(until(follows, 200), 3h);
  EXPECT_GE(until(follows, 202), 3h);
  EXPECT_LE(until(follows, 201), 10s);
  std::vector<int> in_minute(60, 0);
  for (std::uint16_t i = 100; i < 140; ++i) {
    EXPECT_GE(until(follows, i), 1min) << "guardians first";
    EXPECT_LT(until(follows, i), 1h);
    ++in_minute[static_cast<std::size_t>(until(follows, i) / 1min)];
  }
  EXPECT_LE(*std::max_element(in_minute.begin(), in_minute.end()), 8) << "all at once";
  follows.missed_us(user(110));
  EXPECT_LE(until(follows, 110), 10min);
  EXPECT_GE(until(follows, 110), 1min);
}

TEST_F(LazyFollows, WithoutGuardiansAllAreAskedAtOnce) {
  for (std::uint16_t i = 100; i < 110; ++i) registered(i, 1h, {});
  Follows follows(config, host, overlay, positions);
  std::vector<std::uint16_t> all;
  for (std::uint16_t i = 100; i < 110; ++i) all.push_back(i);
  follows.set(list(all));
  EXPECT_EQ(follows.registered_count(), 0u);
  for (std::uint16_t i = 100; i < 110; ++i) EXPECT_GE(until(follows, i), 3h);  // asked, in vain
}

TEST_F(LazyFollows, SilentGuardiansMakeHaste) {
  std::vector<std::uint16_t> all;
  for (std::uint16_t i = 100; i < 300; ++i) all.push_back(i);
  for (const std::uint16_t one : all) registered(one, 1h, guardians);
  Follows follows(config, host, overlay, positions);
  follows.set_guardians(guardians);
  follows.set(list(all));
  follows.hurry(10s);
  for (const std::uint16_t one : all) EXPECT_LE(until(follows, one), 10s);
}

TEST_F(LazyFollows, ManyAreNotAskedInOneSecond) {
  std::vector<std::uint16_t> all;
  for (std::uint16_t i = 100; i < 2100; ++i) all.push_back(i);
  for (const std::uint16_t one : all) registered(one, 1h, guardians);
  Follows follows(config, host, overlay, positions);
  follows.set_guardians(guardians);
  follows.set(list(all));
  follows.hurry(10s);
  std::size_t in_ten = 0;
  for (const std::uint16_t one : all) in_ten += until(follows, one) <= 10s ? 1u : 0u;
  EXPECT_LE(in_ten, 700u);
  EXPECT_GE(in_ten, 300u);
}

TEST_F(LazyFollows, WhatWasPromisedSurvivesARestart) {
  registered(100, 1h, guardians);
  const auto before = positions.lease(user(100));
  Positions again(config, host, overlay, [](const MailStream&, std::uint64_t) { return false; });
  again.load();
  ASSERT_TRUE(again.lease(user(100)).has_value());
  EXPECT_EQ(again.lease(user(100))->until, before->until);
  EXPECT_EQ(again.lease(user(100))->told, before->told);
  positions.forget(user(100));
  EXPECT_FALSE(positions.lease(user(100)).has_value());
}

}  // namespace
}  // namespace np2p
