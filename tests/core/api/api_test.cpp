#include "core/api/api.h"

#include <gtest/gtest.h>

#include "core/crypto/signer.h"
#include "core/node.h"
#include "tests/core/fake_ports.h"

namespace np2p {
namespace {

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() { start({}); }

  void start(Config config) {
    node.reset();
    config.owner = owner.public_key();
    ports = std::make_unique<test::FakePorts>(config.limits);
    node = std::make_unique<Node>(config, ports->host());
    node->start();
  }
  Event event(std::uint16_t kind, std::int64_t at, std::string content, Tags tags = {}) const {
    return owner.sign(kind, at, std::move(tags), std::move(content));
  }
  std::int64_t now() const { return unix_seconds(ports->wall_now); }
  // Publishes, lets the disk finish, and returns the outcome.
  Status publish(Event e) {
    const RequestId request{++last_request};
    node->publish(request, std::move(e));
    node->durable(ports->sync());
    const auto at = ports->outcomes.find(request.value);
    EXPECT_NE(at, ports->outcomes.end()) << "no answer";
    return at == ports->outcomes.end() ? Status{} : at->second;
  }
  std::vector<std::string> contents(const Filter& filter) {
    std::vector<std::string> texts;
    for (const auto& e : node->query({filter}).events) texts.push_back(e->content);
    return texts;
  }
  static Filter recent() {
    Filter filter;
    filter.kinds = std::vector<std::uint32_t>{kind::recent_data};
    return filter;
  }

  Signer owner = Signer::from_seed(1, 1);
  Signer stranger = Signer::from_seed(1, 2);
  std::unique_ptr<test::FakePorts> ports;
  std::unique_ptr<Node> node;
  std::uint64_t last_request = 0;
};

TEST_F(ApiTest, AnswersAPublishOnlyWhenItIsDurable) {
  node->publish(RequestId{1}, event(kind::post, now(), "hello"));
  EXPECT_TRUE(ports->outcomes.empty());
  node->durable(ports->sync());
  ASSERT_EQ(ports->outcomes.size(), 1u);
  EXPECT_TRUE(ports->outcomes.at(1).ok());
}

TEST_F(ApiTest, ManyPublishesAreAnsweredByOneCommitEachOnce) {
  for (std::uint64_t i = 1; i <= 20; ++i) node->publish(RequestId{i}, event(kind::post, now(), std::to_string(i)));
  EXPECT_TRUE(ports->outcomes.empty());
  node->durable(ports->sync());
  EXPECT_EQ(ports->outcomes.size(), 20u);
  EXPECT_EQ(contents(recent()).size(), 20u);  // all of the same second: none overwrote another
}

TEST_F(ApiTest, WhoWaitsForADiskThatFailsIsToldSo) {
  const Event first = event(kind::post, now(), "hello");
  node->publish(RequestId{1}, first);
  node->disk_failed();
  ASSERT_EQ(ports->outcomes.size(), 1u);
  EXPECT_EQ(ports->outcomes.at(1).error().code, ErrorCode::full);
  node->publish(RequestId{2}, first);
  EXPECT_EQ(ports->outcomes.at(2).error().code, ErrorCode::full) << "at once, while it fails";
  EXPECT_EQ(ports->rejections["publish full"], 2);
  node->durable(ports->sync());
  EXPECT_FALSE(ports->outcomes.at(1).ok()) << "each is answered once";
  last_request = 2;
  EXPECT_TRUE(publish(first).ok());
  EXPECT_TRUE(publish(event(kind::post, now(), "and the next")).ok());
  EXPECT_EQ(contents(recent()), (std::vector<std::string>{"hello", "and the next"}));
}

TEST_F(ApiTest, TheSameEventAgainIsASuccessAndChangesNothing) {
  const Event post = event(kind::post, now(), "once");
  EXPECT_TRUE(publish(post).ok());
  EXPECT_TRUE(publish(post).ok());
  EXPECT_EQ(contents(recent()), std::vector<std::string>{"once"});
}

TEST_F(ApiTest, RefusesWithAReason) {
  Event forged = event(kind::post, now(), "text");
  forged.content = "other text";
  EXPECT_EQ(publish(forged).error().code, ErrorCode::bad_id);
  Event bad_sig = event(kind::post, now(), "text");
  bad_sig.sig.data[5] ^= 1;
  EXPECT_EQ(publish(bad_sig).error().code, ErrorCode::bad_signature);
  EXPECT_EQ(publish(event(kind::post, now(), "")).error().code, ErrorCode::bad_field);
  EXPECT_EQ(publish(event(kind::post, now() + 3600, "from tomorrow")).error().code, ErrorCode::bad_time);
  EXPECT_EQ(publish(stranger.sign(kind::post, now(), {}, "not mine")).error().code, ErrorCode::forbidden);
  EXPECT_EQ(ports->rejections["publish bad_id"], 1);
  EXPECT_EQ(ports->rejections["publish forbidden"], 1);
  EXPECT_TRUE(contents(recent()).empty());
}

TEST_F(ApiTest, AReadOnlyServerAnswersReadsAndRefusesWrites) {
  Config config;
  config.writable = false;
  start(config);
  const Status outcome = publish(event(kind::post, now(), "hello"));
  EXPECT_EQ(outcome.error().code, ErrorCode::read_only);
  EXPECT_EQ(outcome.error().reason, "Write is denied");
  EXPECT_TRUE(node->query({recent()}).status.ok());
}

TEST_F(ApiTest, AnOlderProfileNeverReplacesANewerOne) {
  EXPECT_TRUE(publish(event(kind::profile, now() - 10, "new")).ok());
  EXPECT_EQ(publish(event(kind::profile, now() - 20, "old")).error().code, ErrorCode::bad_time);
  Filter profile;
  profile.kinds = std::vector<std::uint32_t>{kind::profile};
  profile.authors = std::vector<PubKey>{owner.public_key()};
  EXPECT_EQ(contents(profile), std::vector<std::string>{"new"});
  EXPECT_FALSE(node->query({profile}).with_signatures);
}

TEST_F(ApiTest, RecentIsOldestFirstAndWithoutAPeriodTheNewestFifty) {
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(publish(event(kind::post, now() - 60 + i, std::to_string(i))).ok());
  const auto texts = contents(recent());
  ASSERT_EQ(texts.size(), 50u);
  EXPECT_EQ(texts.front(), "10");
  EXPECT_EQ(texts.back(), "59");
  Filter period = recent();
  period.since = now() - 60;
  EXPECT_EQ(contents(period).size(), 60u);
  period.limit = 3;
  EXPECT_EQ(contents(period), (std::vector<std::string>{"57", "58", "59"}));
}

TEST_F(ApiTest, EmptyListsBesideKind40000MeanNotGiven) {
  ASSERT_TRUE(publish(event(kind::post, now(), "here")).ok());
  Filter filter = recent();
  filter.authors.emplace();
  filter.ids.emplace();
  filter.tags.emplace_back('e', std::vector<std::string>{});
  EXPECT_EQ(contents(filter).size(), 1u);
}

TEST_F(ApiTest, ByIdWithAuthorIsTheOriginalsQuestionAndCarriesNoSignature) {
  const Event post = event(kind::post, now(), "this one");
  ASSERT_TRUE(publish(post).ok());
  Filter one;
  one.kinds = std::vector<std::uint32_t>{kind::post};
  one.ids = std::vector<EventId>{post.id};
  one.authors = std::vector<PubKey>{owner.public_key()};
  const QueryAnswer answer = node->query({one});
  ASSERT_EQ(answer.events.size(), 1u);
  EXPECT_FALSE(answer.with_signatures);
}

TEST_F(ApiTest, AnyNip01FilterIsAnsweredNewestFirst) {
  Tags tags;
  tags.add({"t", "np2p"});
  ASSERT_TRUE(publish(event(kind::post, now() - 2, "first", tags)).ok());
  ASSERT_TRUE(publish(event(kind::post, now() - 1, "second", tags)).ok());
  ASSERT_TRUE(publish(event(kind::post, now(), "untagged")).ok());
  Filter tagged;
  tagged.tags.emplace_back('t', std::vector<std::string>{"np2p"});
  EXPECT_EQ(contents(tagged), (std::vector<std::string>{"second", "first"}));
}

TEST_F(ApiTest, EphemeralEventsAreAnsweredAtOnceAndNotKept) {
  node->publish(RequestId{5}, event(20001, now(), "gone"));
  ASSERT_EQ(ports->outcomes.count(5), 1u);
  EXPECT_TRUE(ports->outcomes.at(5).ok());
  EXPECT_TRUE(contents(recent()).empty());
}

TEST_F(ApiTest, WhatWasAnsweredSurvivesPowerLossAndNothingElseIsPromised) {
  ASSERT_TRUE(publish(event(kind::post, now(), "safe")).ok());
  node->publish(RequestId{99}, event(kind::post, now(), "not answered yet"));
  ports->store.crash();
  EXPECT_EQ(contents(recent()), std::vector<std::string>{"safe"});
}

}  // namespace
}  // namespace np2p
