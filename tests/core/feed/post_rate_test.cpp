// What users post in the mean, as far as a server can count it.
#include "core/feed/post_rate.h"

#include <gtest/gtest.h>

#include "core/crypto/signer.h"
#include "core/event/validation.h"
#include "core/store/memory_store.h"

namespace np2p {
namespace {

constexpr std::int64_t kDay = 86'400;

class PostRateTest : public ::testing::Test {
 protected:
  void put(const Signer& author, std::uint16_t kind, std::int64_t at, const std::string& text, const Tags& tags = {}) {
    EXPECT_NE(store.put(*ValidationGate::trusted(author.sign(kind, at, tags, text))), PutOutcome::refused);
  }
  // For so many days until now; their payloads weigh 800 bytes as they travel.
  void post(const Signer& author, int a_day, int days) {
    for (int i = 0; i < a_day * days; ++i) {
      put(author, kind::post, now - kDay * days + kDay * (2 * i + 1) / (2 * a_day),
          std::string(kPlain, 'x') + std::to_string(1000 + i));
    }
  }
  void known_for(const Signer& author, int days) { put(author, kind::profile, now - kDay * days, "{}"); }
  void follow(int count) {
    Tags tags;
    for (int i = 0; i < count; ++i) tags.add({"p", followed(i).public_key().hex()});
    put(owner, kind::follow_list, now, "", tags);
  }
  static Signer followed(int n) { return Signer::from_seed(7, static_cast<std::uint64_t>(n)); }
  std::uint64_t rate(std::size_t turn = 0) {
    return mean_bytes_per_day(owner.public_key(), store, WallTime{now * 1'000'000'000}, turn);
  }

  static constexpr std::size_t kPlain = 425;
  static constexpr std::uint64_t kUsual = kUsualBytesPerDay;
  Signer owner = Signer::from_seed(7, 1000);
  MemoryStore store{Limits{}};
  std::int64_t now = 1'750'000'000;
};

TEST_F(PostRateTest, WhoKnowsNobodyTakesTheUsual) {
  EXPECT_EQ(rate(), kUsual);
  post(owner, 100, 1);  // since yesterday: too new to count
  EXPECT_EQ(rate(), kUsual);
}

TEST_F(PostRateTest, FiveKnownAuthorsAreTheMeasure) {
  follow(4);
  for (int i = 0; i < 4; ++i) {
    known_for(followed(i), 20);
    post(followed(i), 5 * i, 7);
  }
  known_for(owner, 20);  // who never posts
  // 0, 5, 10, 15 and 0 a day are 6 in the mean.
  const std::uint64_t each = rate() / 6;
  EXPECT_GT(each, 700u);
  EXPECT_LT(each, 900u);
  follow(3);  // one that is missing counts as usual: 0, 5, 10, 0 and 10
  EXPECT_NEAR(static_cast<double>(rate()), static_cast<double>((15 * each + kUsual) / 5), 10);
}

TEST_F(PostRateTest, WhoIsNewIsCountedByTheDaysThatAreKnown) {
  follow(5);
  known_for(owner, 20);
  for (int i = 0; i < 5; ++i) post(followed(i), 12, 4);
  const double each = static_cast<double>(rate()) / 10.0;  // 5 with 12 a day, one without
  EXPECT_NEAR(each, 800, 100);
}

TEST_F(PostRateTest, ASpammerCountsAsOneBusyAuthor) {
  follow(5);
  for (int i = 0; i < 5; ++i) known_for(followed(i), 20);
  post(followed(0), 400, 7);
  known_for(owner, 20);
  const double busy = 50.0 * 800 / 6;
  EXPECT_NEAR(static_cast<double>(rate()), busy, busy / 8);
  // Long ones do not count for more than 2 KiB.
  for (int i = 0; i < 400; ++i) put(followed(0), kind::post, now - i, std::string(50'000, 'y') + std::to_string(i));
  EXPECT_LE(rate(), 50u * 2048 / 6);
}

TEST_F(PostRateTest, StrangersAndOtherKindsCountForNothing) {
  follow(5);
  for (int i = 0; i < 5; ++i) known_for(followed(i), 20);
  known_for(owner, 20);
  post(Signer::from_seed(8, 1), 50, 7);
  for (int i = 0; i < 300; ++i) put(followed(1), kind::reaction, now - 60 * i, "+");
  EXPECT_EQ(rate(), 0u);
}

TEST_F(PostRateTest, OfManyAuthorsAllHaveTheirTurn) {
  constexpr int kMany = 150;
  follow(kMany);
  known_for(owner, 20);
  for (int i = 0; i < kMany; ++i) known_for(followed(i), 20);
  post(followed(17), 50, 7);
  std::uint64_t seen = 0;
  for (std::size_t turn = 0; turn < 3; ++turn) seen += rate(turn) > 0 ? 1u : 0u;
  EXPECT_GE(seen, 1u);
  EXPECT_LT(seen, 3u);
}

}  // namespace
}  // namespace np2p
