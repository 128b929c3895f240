#include "core/overlay/swarm/ballot.h"

#include <gtest/gtest.h>

#include "core/crypto/verifier.h"
#include "core/overlay/swarm/voucher.h"
#include "tests/core/overlay/swarm/swarm_world.h"
#include "tests/core/wire/swarm_samples.h"

namespace np2p::swarm {
namespace {

const Key kKey{};  // all zero: ids that begin with a small byte are near

Contact naming(std::uint8_t node) {
  Contact contact;
  contact.node = filled<NodeId>(node);
  return contact;
}

struct Votes : ::testing::Test {
  Ballot ballot;
  void vote(std::uint8_t node, const NodeId& keeper) {
    Ballot::Claim* claim = ballot.find(filled<NodeId>(node));
    if (claim == nullptr) claim = ballot.add(naming(node), {});
    ASSERT_NE(claim, nullptr);
    ballot.vote(*claim, keeper);
  }
  [[nodiscard]] Ballot::Outcome count(bool unvoted = false) const {
    return ballot.count(
        kKey, [](const Contact&) { return true; }, unvoted);
  }
};

TEST_F(Votes, AKeeperHasOneVoteHoweverOftenItAnswers) {
  for (int i = 0; i < 10; ++i) vote(1, filled<NodeId>(20));
  vote(2, filled<NodeId>(21));
  vote(2, filled<NodeId>(22));
  vote(2, filled<NodeId>(20));  // it has voted already
  const auto outcome = count();
  EXPECT_EQ(outcome.best->contact.node, filled<NodeId>(2));
  EXPECT_EQ(outcome.votes, 2u);
  EXPECT_EQ(outcome.next, 1u);
}

TEST_F(Votes, OnlyTheNearestKeepersCount) {
  for (std::uint8_t i = 0; i < 20; ++i) vote(1, filled<NodeId>(static_cast<std::uint8_t>(100 + i)));
  for (std::uint8_t i = 0; i < 7; ++i) vote(2, filled<NodeId>(i));
  const auto outcome = count();
  EXPECT_EQ(outcome.best->contact.node, filled<NodeId>(2));
  EXPECT_EQ(outcome.votes, 7u);
  EXPECT_EQ(outcome.next, 1u);
}

TEST_F(Votes, HearsayCountsOnlyAlone) {
  for (int i = 0; i < 5; ++i) vote(1, {});
  EXPECT_EQ(count().best->contact.node, filled<NodeId>(1));
  EXPECT_EQ(count().votes, 5u);
  vote(2, filled<NodeId>(30));
  EXPECT_EQ(count().best->contact.node, filled<NodeId>(2));
  EXPECT_EQ(count().votes, 1u);
  EXPECT_EQ(count().next, 0u);
  ballot.forget_hearsay();
  EXPECT_EQ(count(true).best->contact.node, filled<NodeId>(2));
}

TEST_F(Votes, WhatIsNotAdmittedIsNotElectedAndWhatIsTooMuchIsRefused) {
  vote(1, filled<NodeId>(20));
  vote(1, filled<NodeId>(21));
  vote(2, filled<NodeId>(22));
  const auto bound = ballot.count(
      kKey, [](const Contact& contact) { return contact.node == filled<NodeId>(2); }, true);
  EXPECT_EQ(bound.best->contact.node, filled<NodeId>(2));
  EXPECT_EQ(bound.next, 0u);
  for (std::uint8_t i = 3; i < 33; ++i) EXPECT_NE(ballot.add(naming(i), {}), nullptr);
  EXPECT_EQ(ballot.add(naming(40), {}), nullptr);
}

TEST(Voucher, IsGoodForItsAnswerAndNoOther) {
  const auto key = test::key_of(1);
  SecpVerifier verifier;
  const std::vector<ByteVec> records = {ByteVec(3, 1), ByteVec(50, 2)};
  std::vector<ByteVec> vouched = records;
  vouch(vouched, 42, *key, "net");
  const auto taken = [&](std::vector<ByteVec> answer, std::uint64_t query, std::string_view network) {
    return take_voucher(answer, query, verifier, network);
  };
  EXPECT_EQ(taken(vouched, 42, "net"), key->id());
  EXPECT_EQ(taken(vouched, 43, "net"), std::nullopt);
  EXPECT_EQ(taken(vouched, 42, "another net"), std::nullopt);
  EXPECT_EQ(taken(records, 42, "net"), std::nullopt);
  std::vector<ByteVec> altered = vouched;
  altered[0][1] ^= 1;
  EXPECT_EQ(taken(altered, 42, "net"), std::nullopt);
  std::vector<ByteVec> in_another_name = vouched;
  in_another_name.back()[5] ^= 1;
  EXPECT_EQ(taken(in_another_name, 42, "net"), std::nullopt);
  std::vector<ByteVec> cut = vouched;
  cut.back().pop_back();
  EXPECT_EQ(taken(cut, 42, "net"), std::nullopt);
  EXPECT_EQ(take_voucher(vouched, 42, verifier, "net"), key->id());
  EXPECT_EQ(vouched, records);
}

}  // namespace
}  // namespace np2p::swarm
