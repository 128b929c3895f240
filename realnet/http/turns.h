// Whose request is answered next. There is one thread, and what clients ask for takes from microseconds to
// milliseconds; so requests do not run as they come but one at a time, first those of connections that took least of
// the thread's time lately. Who floods waits for itself, and an honest client for little more than the one request that
// is under way.
#pragma once

#include "realnet/net/asio.h"

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "core/base/time.h"
#include "realnet/clock.h"

namespace np2p::real {

class Turns {
 public:
  // What one connection took: half of it is forgotten each second. Those who come begin with some, so that many who
  // come at once do not go before who is there and asks for little.
  class Account {
   public:
    [[nodiscard]] Duration used(MonoTime now) noexcept;
    void charge(Duration time, MonoTime now) noexcept { used_ = used(now) + time; }

   private:
    Duration used_ = 25ms;
    MonoTime since_ = mono_now();
  };

  explicit Turns(asio::io_context& io) : io_(io) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  // Returns when it is the connection's turn, which lasts until it waits for something else.
  asio::awaitable<void> mine(std::shared_ptr<Account> account) {
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
        [this, &account](auto handler) {
          const auto kept = std::make_shared<decltype(handler)>(std::move(handler));
          wait(account, [kept] { std::move (*kept)(); });
        },
        asio::use_awaitable);
  }

 private:
  struct Waiting {
    std::shared_ptr<Account> account;
    std::function<void()> resume;
  };
  void wait(const std::shared_ptr<Account>& account, std::function<void()> resume);
  void next();
  void next_later();

  asio::io_context& io_;
  std::multimap<Duration, Waiting> waiting_;  // by what they used when they came, then in order
  bool going_ = false;                        // next() is posted
  int pause_ = 0;  // rounds of the loop before the next turn, in which the sockets are looked at
};

}  // namespace np2p::real
