// One client on a WebSocket: what it has subscribed to and proven, and what waits to go out to it.
//
// What goes out keeps its order: the stored events of a subscription, EOSE, then what comes live. Answers that a slow
// client has not read wait here, and behind them what came meanwhile; beyond its bound the client is given up. Stored
// events that have to wait do so by their ids alone.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/api/access.h"
#include "core/base/config.h"
#include "core/base/token_bucket.h"
#include "core/event/filter.h"
#include "core/event/negentropy.h"
#include "core/host/host.h"

namespace np2p {

class Session {
 public:
  Session(SessionId id, ClientOrigin origin, const Config& config, Host& host);

  [[nodiscard]] SessionId id() const noexcept { return id_; }
  [[nodiscard]] const Visitor& visitor() const noexcept { return visitor_; }
  [[nodiscard]] bool ended() const noexcept { return ended_; }

  void say(std::string text);
  void writable() { pump(); }
  void end(std::string_view reason);
  // One more message; false: too many lately. Who is at home here has the larger budget.
  bool may_speak(bool insider);
  // It brought an event whose id or signature is not true. Verifying costs us more than sending does others.
  void forged();

  // --- subscriptions
  [[nodiscard]] bool has_room_for(const std::string& subscription) const noexcept;
  [[nodiscard]] bool answers_wait() const noexcept { return answer_bytes_ > config_.limits.client.answer_bytes; }
  void subscribe(const std::string& subscription, std::vector<Filter> filters, std::vector<EventPtr> stored);
  void unsubscribe(const std::string& subscription);
  [[nodiscard]] bool wants(const Event& event) const;
  void arrived(const EventPtr& event, const std::shared_ptr<const std::string>& json);

  // --- sets that it compares with ours (NIP-77), by subscription
  [[nodiscard]] std::map<std::string, Negentropy>& reconciling() noexcept { return reconciling_; }
  [[nodiscard]] const std::map<std::string, Negentropy>& reconciling() const noexcept { return reconciling_; }

  // --- who is it? (NIP-42)
  [[nodiscard]] const std::string& challenge() const noexcept { return challenge_; }
  void challenge(std::string text);
  // False: the same proof once more, or too many keys.
  bool proven(const EventId& proof, const PubKey& key);

  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Subscription {
    std::string quoted;  // the id
    std::vector<Filter> filters;
    bool open = true;
  };
  using SubscriptionPtr = std::shared_ptr<Subscription>;
  using Json = std::shared_ptr<const std::string>;  // of an event that came live: all who hear of it share it
  struct Outgoing {                                 // a text, or an event for a subscription
    SubscriptionPtr subscription;
    std::variant<std::string, EventPtr, EventId, Json> what;
    std::size_t bytes = 0;  // about, when it goes out
    bool answer = false;
  };
  void push(Outgoing item);
  void pump();
  void put_aside(std::size_t newest);
  [[nodiscard]] std::string text_of(const Outgoing& item);  // empty: it is gone meanwhile
  std::size_t& counter(const Outgoing& item) noexcept { return item.answer ? answer_bytes_ : queue_bytes_; }

  const SessionId id_;
  const Config& config_;
  Host& host_;
  Visitor visitor_;
  std::map<std::string, SubscriptionPtr> subscriptions_;
  std::map<std::string, Negentropy> reconciling_;
  std::deque<Outgoing> queue_;
  std::size_t answer_bytes_ = 0;  // in the queue, of answers
  std::size_t queue_bytes_ = 0;   // and of all else
  TokenBucket budget_;
  TokenBucket trusted_budget_;
  TokenBucket forgeries_;
  std::size_t refused_ = 0;
  std::string challenge_;
  std::vector<EventId> proofs_;
  bool ended_ = false;
};

}  // namespace np2p
