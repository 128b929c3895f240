// Whose request is answered next. There is one thread, and what clients ask for takes from microseconds to
// milliseconds; so requests do not run as they come but one at a time. Each is due when so much time has passed since
// it came as its connection took of the thread lately, and what is due first goes first (EDF). Who floods waits for
// itself, and an honest client for little more than the one request that is under way; and nobody waits for ever, as of
// many who ask for as much as they may each takes less than a modest client that is busy.
#pragma once

#include "realnet/net/asio.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "core/base/address_budgets.h"
#include "core/base/time.h"
#include "realnet/clock.h"

namespace np2p::real {

class Turns {
 public:
  // What one connection, or all of an address together, took: half of it is forgotten each second. Those who come begin
  // with some, so that many who come at once do not go before who is there and asks for little.
  class Account {
   public:
    explicit Account(std::shared_ptr<Account> group = nullptr) : group_(std::move(group)) {}
    [[nodiscard]] Duration used(MonoTime now) noexcept;  // by it, and by its group beside
    void charge(Duration time, MonoTime now) noexcept;

   private:
    Duration fade(MonoTime now) noexcept;
    const std::shared_ptr<Account> group_;
    Duration used_ = 25ms;
    MonoTime since_ = mono_now();
  };

  explicit Turns(asio::io_context& io) : io_(io) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  // For a connection from there. Who comes often over many connections has one account for them all beside each one's.
  std::shared_ptr<Account> account_for(const Address& remote);

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
  std::map<AddressGroup, std::weak_ptr<Account>> groups_;  // of those who are connected
  std::multimap<MonoTime, Waiting> waiting_;               // by when they are due, then in order
  bool going_ = false;                                     // next() is posted
  int pause_ = 0;  // rounds of the loop before the next turn, in which the sockets are looked at
};

}  // namespace np2p::real
