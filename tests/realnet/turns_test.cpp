#include "realnet/http/turns.h"

#include <gtest/gtest.h>

#include <string>

namespace np2p::real {
namespace {

using Account = std::shared_ptr<Turns::Account>;

Account account(Duration used) {
  auto made = std::make_shared<Turns::Account>();
  made->charge(used, mono_now());
  return made;
}

class TurnsTest : public testing::Test {
 protected:
  void wait(const Account& account, const std::string& name) {
    asio::co_spawn(
        io_, [this, account, name] { return take(account, name); },
        [](const std::exception_ptr& bug) {
          if (bug) std::rethrow_exception(bug);
        });
  }
  asio::awaitable<void> take(Account account, std::string name) {
    co_await turns_.mine(account);
    order_ += name;
  }
  asio::io_context io_{1};
  Turns turns_{io_};
  std::string order_;
};

TEST_F(TurnsTest, WhoUsedLeastGoesFirstThenWhoCameFirst) {
  const Account busy = account(1h);
  wait(busy, "a");
  wait(busy, "b");
  wait(account(1s), "c");
  wait(account(30min), "d");
  io_.run();
  EXPECT_EQ(order_, "cdab");
}

TEST_F(TurnsTest, TakingTurnsIsChargedFor) {
  const Account mine = account({});
  const Duration before = mine->used(mono_now());
  const auto spin = [&]() -> asio::awaitable<void> {
    co_await turns_.mine(mine);
    const MonoTime begin = mono_now();
    while (mono_now() - begin < 5ms) {
    }
  };
  asio::co_spawn(io_, spin, [](const std::exception_ptr&) {});
  io_.run();
  EXPECT_GE(mine->used(mono_now()), before + 5ms);
}

TEST(TurnsAccount, HalfOfItIsForgottenEachSecond) {
  Turns::Account account;
  const MonoTime start = mono_now() + 1000s;  // what newcomers begin with is forgotten by then
  account.charge(800ms, start);
  EXPECT_EQ(account.used(start), 800ms);
  EXPECT_EQ(account.used(start + 1s), 400ms);
  EXPECT_EQ(account.used(start + 3s), 100ms);
  EXPECT_EQ(account.used(start + 1000s), 0ms);
}

TEST_F(TurnsTest, WhoComesOverManyConnectionsHasOneAccountForThem) {
  const MonoTime now = mono_now();
  const auto flooding = Address::v4(0xc6120001, 1);  // 198.18.0.1
  const Account one = turns_.account_for(flooding);
  const Account other = turns_.account_for(Address::v4(0xc6120001, 2));
  const Account modest = turns_.account_for(Address::v4(0xc6120002, 1));
  one->charge(10s, now);
  EXPECT_GE(other->used(now), 10s);
  EXPECT_LT(other->used(now), one->used(now));
  EXPECT_LT(modest->used(now), 1s);
  wait(other, "a");
  wait(modest, "b");
  io_.run();
  EXPECT_EQ(order_, "ba");
}

TEST_F(TurnsTest, CustomersOfIPv6HaveManyAddresses) {
  const MonoTime now = mono_now();
  const auto from = [&](const char* text) { return turns_.account_for(*Address::parse(text)); };
  const Account one = from("[2001:db8::1]:1");
  one->charge(10s, now);
  EXPECT_GE(from("[2001:db8::ffff:1]:1")->used(now), 10s);
  EXPECT_LT(from("[2001:db8:0:1::1]:1")->used(now), 1s);
}

TEST_F(TurnsTest, NobodyWaitsForEver) {
  const Account greedy = account(300ms);
  wait(greedy, "a");
  int others = 0;
  // Always somebody who took less: each comes later, and once later than the greedy one is due, it has its turn.
  const auto coming = [&]() -> asio::awaitable<void> {
    while (order_.empty()) {
      ++others;
      co_await turns_.mine(account({}));
      const MonoTime begin = mono_now();
      while (mono_now() - begin < 1ms) {
      }
    }
  };
  asio::co_spawn(io_, coming, [](const std::exception_ptr&) {});
  io_.run();
  EXPECT_EQ(order_, "a");
  EXPECT_GT(others, 1);
}

TEST_F(TurnsTest, WhoWaitsAtTheEndIsForgotten) {
  auto turns = std::make_unique<Turns>(io_);
  bool ran = false;
  const auto wait = [&]() -> asio::awaitable<void> {
    co_await turns->mine(account({}));
    ran = true;
  };
  asio::co_spawn(io_, wait, [](const std::exception_ptr&) {});
  io_.poll_one();
  turns.reset();
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace np2p::real
