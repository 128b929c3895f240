#include "core/base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "core/base/strong_int.h"
#include "core/base/time.h"

namespace np2p {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return error(ErrorCode::bad_field, "it is odd");
  return n / 2;
}

TEST(Result, IsAValueOrAReason) {
  ASSERT_TRUE(half(4).ok());
  EXPECT_EQ(*half(4), 2);
  const auto failed = half(3);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::bad_field);
  EXPECT_EQ(failed.error().reason, "it is odd");
}

TEST(Result, StatusIsOkByDefault) {
  EXPECT_TRUE(Status().ok());
  EXPECT_FALSE(Status(error(ErrorCode::full, "no room")).ok());
}

TEST(Result, ValuesCanBeMovedOut) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 7);
}

TEST(ResultDeathTest, TakingTheWrongHalfIsOurOwnBug) {
  EXPECT_DEATH((void)half(3).value(), "internal error");
  EXPECT_DEATH((void)half(4).error(), "internal error");
}

TEST(Result, EveryCodeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  const auto count = static_cast<std::uint8_t>(ErrorCode::count_);
  for (std::uint8_t code = 0; code < count; ++code) names.insert(name(static_cast<ErrorCode>(code)));
  EXPECT_EQ(names.size(), count);
  EXPECT_EQ(names.count("unknown"), 0u);
}

TEST(StrongInt, KindsDoNotMix) {
  static_assert(!std::is_convertible_v<LinkId, Ticket>);
  EXPECT_LT(Ticket{1}, Ticket{2});
  EXPECT_FALSE(static_cast<bool>(LinkId{}));
  EXPECT_TRUE(static_cast<bool>(LinkId{3}));
}

TEST(Time, ClocksDoNotMixAndArithmeticIsExact) {
  static_assert(!std::is_convertible_v<MonoTime, WallTime>);
  const MonoTime start{5};
  EXPECT_EQ((start + 1s).ns, 1'000'000'005);
  EXPECT_EQ((start + 1s) - start, 1s);
  EXPECT_EQ(unix_seconds(WallTime{1'999'999'999}), 1);
}

}  // namespace
}  // namespace np2p
