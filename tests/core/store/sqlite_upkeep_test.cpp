// Copies of a database in use, giving up what is too old, and reading all of it with a critical eye.
#include "core/store/sqlite_upkeep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/rng.h"
#include "core/crypto/signer.h"
#include "core/crypto/verifier.h"
#include "core/event/validation.h"
#include "tests/core/store/store_fixture.h"

namespace np2p::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Upkeep : public testing::Test {
 protected:
  std::unique_ptr<SqliteStore> open(const std::string& name, const Limits& limits = {}) {
    auto store = SqliteStore::open(directory_.file(name), limits);
    if (!store.ok()) throw std::runtime_error(store.error().reason);
    return std::move(store).value();
  }
  TemporaryDirectory directory_;
};

TEST_F(Upkeep, ACopyIsWholeAlthoughTheStoreGoesOnWriting) {
  const auto store = open("store.db");
  Rng rng(1, "backup");
  std::vector<EventId> there;
  int number = 0;
  const auto put = [&] {
    const EventPtr event = made_event(user(1), 1, 1000 + number, std::string(600, 'x') + std::to_string(number));
    ++number;
    ASSERT_EQ(store->put(event), PutOutcome::stored);
    there.push_back(event->id);
  };
  for (int i = 0; i < 2000; ++i) put();
  store->set_value(Table::node, "k", "before");
  const auto backup = SqliteBackup::start(*store, directory_.file("copy.db"));
  ASSERT_TRUE(backup.ok()) << backup.error().reason;
  int steps = 0;
  for (bool whole = false; !whole; ++steps) {
    const auto step = (*backup)->step(8);
    ASSERT_TRUE(step.ok()) << step.error().reason;
    whole = *step;
    if (whole || steps > 200) continue;
    put();
    const std::size_t victim = rng.below(there.size());
    ASSERT_TRUE(store->erase(there[victim]));
    there.erase(there.begin() + static_cast<std::ptrdiff_t>(victim));
    store->set_value(Table::node, "k", std::to_string(steps));
  }
  ASSERT_GT(steps, 50);
  put();  // not in it
  const EventId last = there.back();
  there.pop_back();
  const auto copy = open("copy.db");
  EXPECT_EQ(copy->stats().events, there.size());
  for (const EventId& id : there) ASSERT_TRUE(copy->contains(id));
  EXPECT_FALSE(copy->contains(last));
  EXPECT_EQ(copy->value(Table::node, "k"), store->value(Table::node, "k"));
  EXPECT_EQ(copy->count(Where().search("x*")), there.size());
  EXPECT_TRUE(store->contains(last));
}

TEST_F(Upkeep, GivesUpWhatIsTooOldButWhatIsTheOwnersOrVital) {
  const auto store = open("store.db");
  store->set_standing(user(1), Standing::owner);
  store->set_standing(user(2), Standing::followed);
  store->set_standing(user(3), Standing::follower);
  for (const unsigned author : {1u, 2u, 3u, 4u}) {
    for (const std::uint16_t kind : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{7}}) {
      store->put(made_event(user(author), kind, 1000 + static_cast<std::int64_t>(author), "old"));
    }
    store->put(made_event(user(author), 1, 9000, "new"));
  }
  const auto left = [&](unsigned author) { return store->count(Where().authors({user(author)})); };
  EXPECT_EQ(prune(*store, {}, 10'000, 100), 0u);
  AgeLimits ages;
  ages.strangers = 5000;
  EXPECT_EQ(prune(*store, ages, 10'000, 2), 2u);
  EXPECT_EQ(prune(*store, ages, 10'000, 100), 1u);
  EXPECT_THAT(std::vector({left(1), left(2), left(3), left(4)}), ElementsAre(4u, 4u, 4u, 1u));
  ages.kinds[7] = 2000;
  EXPECT_EQ(prune(*store, ages, 10'000, 100), 2u);
  EXPECT_THAT(std::vector({left(1), left(2), left(3), left(4)}), ElementsAre(4u, 3u, 3u, 1u));
  ages.known = 500;
  EXPECT_EQ(prune(*store, ages, 10'000, 100), 4u);
  EXPECT_THAT(std::vector({left(1), left(2), left(3), left(4)}), ElementsAre(4u, 1u, 1u, 1u));
  EXPECT_EQ(store->count(Where().authors({user(2), user(3)}).kinds({0})), 2u);
  EXPECT_EQ(prune(*store, ages, 1'000'000, 100), 1u);  // the last of the stranger
}

TEST_F(Upkeep, FindsASignatureThatIsNotTheAuthors) {
  const Signer signer = Signer::from_seed(1, 1);
  SecpVerifier verifier;
  const auto store = open("store.db");
  for (int i = 0; i < 5; ++i) store->put(*ValidationGate::trusted(signer.sign(1, i, {}, "good")));
  std::size_t seen = 0;
  const auto count = [&](std::size_t done, std::size_t all) {
    seen = done;
    EXPECT_EQ(all, store->stats().events);
  };
  EXPECT_TRUE(verify_all(*store, verifier, count).ok());
  EXPECT_EQ(seen, 5u);
  Event forged = signer.sign(1, 100, {}, "forged");
  forged.sig.data[3] ^= 1;
  store->put(*ValidationGate::trusted(forged));
  const Status status = verify_all(*store, verifier, count);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().reason, HasSubstr(forged.id.hex()));
}

}  // namespace
}  // namespace np2p::test
