// FOLLOW floods: what is answered under one key, under many, and to those who mean it.
#include "core/feed/follow_answers.h"

#include <gtest/gtest.h>

namespace np2p {
namespace {

using From = FollowAnswers::From;

PubKey key(std::uint32_t number) {
  PubKey made;
  for (std::size_t i = 0; i < 4; ++i) made.data[i] = static_cast<std::uint8_t>(number >> 8 * i);
  return made;
}

struct FollowAnswersTest : ::testing::Test {
  Limits limits;
  FollowAnswers answers{limits};
  MonoTime now{1};
  std::uint64_t bytes = 0;  // of answers
  static constexpr std::uint32_t kMore = 2000;
  bool says(std::uint32_t who, From from) {
    if (answers.refusal(key(who), from, now) != nullptr) return false;
    bytes += FollowAnswers::kShort;
    if (answers.may_get_more(key(who), from, kMore, now)) bytes += kMore;
    return true;
  }
};

TEST_F(FollowAnswersTest, OneKeyThatFloodsGetsItsShare) {
  EXPECT_TRUE(says(1, From::newcomer));
  for (int i = 0; i < 60 * 50; ++i) {
    now = now + 20ms;
    says(1, From::follower);
  }
  EXPECT_LE(bytes, limits.follow_answer_bytes_burst + 60u * limits.follow_answer_bytes_per_second);
  EXPECT_GE(bytes, limits.follow_answer_bytes_burst / 2);
  EXPECT_TRUE(says(2, From::newcomer)) << "others are answered";
}

TEST_F(FollowAnswersTest, ManyKeysShareWhatIsThereForNewcomersAndLeaveTheRestAlone) {
  std::uint32_t who = 0;
  for (int i = 0; i < 20'000; ++i) says(++who, From::newcomer);  // at once
  EXPECT_LE(bytes, limits.newcomer_bytes_burst);
  bytes = 0;
  int heard = 0;
  for (int i = 0; i < 60 * 1000; ++i) {
    now = now + 1ms;
    heard += says(++who, From::newcomer) ? 1 : 0;
  }
  EXPECT_LE(bytes, 60u * limits.newcomer_bytes_per_second + FollowAnswers::kShort);
  EXPECT_GE(heard, 30 * 60) << "none of them is worth much";
  for (std::uint32_t i = 0; i < 1000; ++i) EXPECT_TRUE(says(1'000'000 + i, From::follower)) << "who is there";
}

TEST_F(FollowAnswersTest, NewcomersGetTheListOfWhatIsRecentUnlessThereAreVeryMany) {
  EXPECT_TRUE(says(1, From::newcomer));
  EXPECT_EQ(bytes, FollowAnswers::kShort + kMore);
  std::uint32_t who = 1;
  while (bytes < limits.newcomer_bytes_burst / 2) says(++who, From::newcomer);
  bytes = 0;
  EXPECT_TRUE(says(++who, From::newcomer));
  EXPECT_EQ(bytes, FollowAnswers::kShort);
}

TEST_F(FollowAnswersTest, WhatSomebodyRecordedKeepsNobodyFromBeingHeard) {
  for (int i = 0; i < 1000; ++i) answers.refusal(key(1), From::recording, now);
  EXPECT_NE(answers.refusal(key(1), From::recording, now), nullptr);
  EXPECT_EQ(answers.refusal(key(1), From::follower, now), nullptr);
}

}  // namespace
}  // namespace np2p
