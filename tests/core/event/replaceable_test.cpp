#include "core/event/replaceable.h"

#include <gtest/gtest.h>

namespace np2p {
namespace {

Event of_kind(std::uint16_t kind) {
  Event event;
  event.kind = kind;
  event.pubkey.data[0] = 9;
  return event;
}

TEST(Replaceable, ClassesOfKinds) {
  using kind::Class;
  for (const auto k : std::vector<std::uint16_t>{0, 3, 10000, 10002, 10848, 19999})
    EXPECT_EQ(kind::class_of(k), Class::replaceable) << k;
  for (const auto k : std::vector<std::uint16_t>{20000, 29999}) EXPECT_EQ(kind::class_of(k), Class::ephemeral) << k;
  for (const auto k : std::vector<std::uint16_t>{30000, 39999}) EXPECT_EQ(kind::class_of(k), Class::addressable) << k;
  for (const auto k : std::vector<std::uint16_t>{1, 2, 4, 7, 9999, 40000, 65535})
    EXPECT_EQ(kind::class_of(k), Class::regular) << k;
}

TEST(Replaceable, OnlyReplaceableAndAddressableKindsHaveAnAddress) {
  EXPECT_FALSE(address_of(of_kind(1)).has_value());
  EXPECT_FALSE(address_of(of_kind(20000)).has_value());
  const auto profile = address_of(of_kind(0));
  ASSERT_TRUE(profile.has_value());
  EXPECT_EQ(profile->author, of_kind(0).pubkey);
  EXPECT_EQ(profile->kind, 0);
  EXPECT_EQ(profile->d, "");
}

TEST(Replaceable, TheDTagCountsOnlyForAddressableKinds) {
  Event list = of_kind(10000);
  list.tags.add({"d", "ignored"});
  EXPECT_EQ(address_of(list)->d, "");
  Event article = of_kind(30023);
  EXPECT_EQ(address_of(article)->d, "");  // no d tag is an empty one
  article.tags.add({"t", "x"});
  article.tags.add({"d", "first", "more"});
  article.tags.add({"d", "second"});
  EXPECT_EQ(address_of(article)->d, "first");
  Event nameless = of_kind(30023);
  nameless.tags.add({"d"});
  EXPECT_EQ(address_of(nameless), address_of(of_kind(30023)));
}

TEST(Replaceable, TheNewestTakesTheSlotAndOfOneSecondTheLowestId) {
  Event holder = of_kind(0);
  holder.created_at = 10;
  holder.id.data[0] = 5;
  Event candidate = holder;
  EXPECT_FALSE(replaces(candidate, holder));  // itself
  candidate.id.data[0] = 4;
  EXPECT_TRUE(replaces(candidate, holder));
  candidate.id.data[0] = 6;
  EXPECT_FALSE(replaces(candidate, holder));
  candidate.created_at = 11;
  EXPECT_TRUE(replaces(candidate, holder));
  candidate.created_at = 9;
  candidate.id.data[0] = 4;
  EXPECT_FALSE(replaces(candidate, holder));
}

}  // namespace
}  // namespace np2p
