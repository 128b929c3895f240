#include "core/api/session.h"

#include <algorithm>
#include <utility>

#include "core/api/client_limits.h"
#include "core/api/server_message.h"
#include "core/base/heap_bytes.h"
#include "core/event/json.h"

namespace np2p {
namespace {

constexpr std::size_t kEventOverhead = 400;  // names, id, key and signature in an event's JSON

std::size_t size_of(const EventPtr& event) noexcept {
  return std::max(event.written().size(), event->content.size() + event->tags.bytes() + kEventOverhead);
}

}  // namespace

Session::Session(SessionId id, ClientOrigin origin, const Config& config, Host& host)
    : id_(id),
      config_(config),
      host_(host),
      visitor_{std::move(origin), {}},
      budget_(config.limits.client.messages_per_second, config.limits.client.messages_burst),
      trusted_budget_(config.limits.client.trusted_messages_per_second, config.limits.client.trusted_messages_burst),
      forgeries_(kForgivenForgeriesPerSecond, kForgeries) {}

void Session::say(std::string text) {
  const std::size_t bytes = text.size();
  push({{}, std::move(text), bytes});
  pump();
}

void Session::push(Outgoing item) {
  if (ended_) return;
  counter(item) += item.bytes;
  queue_.push_back(std::move(item));
}

void Session::pump() {
  const std::size_t busy = config_.limits.client.busy_bytes;
  while (!queue_.empty() && host_.clients.untold_bytes(id_) <= busy) {
    const Outgoing item = std::move(queue_.front());
    queue_.pop_front();
    counter(item) -= item.bytes;
    if (item.subscription && !item.subscription->open) continue;
    if (const std::string text = text_of(item); !text.empty()) host_.clients.tell(id_, text);
  }
  if (queue_bytes_ <= config_.limits.client.queue_bytes) return;
  host_.observer.rejected("session", error(ErrorCode::full, "a client reads too slowly"), {});
  end("too slow");
}

std::string Session::text_of(const Outgoing& item) {
  if (const auto* text = std::get_if<std::string>(&item.what)) return *text;
  if (const auto* json = std::get_if<Json>(&item.what)) return server_message::event(item.subscription->quoted, **json);
  const auto* held = std::get_if<EventPtr>(&item.what);
  const EventPtr event = held != nullptr ? *held : host_.store.get(std::get<EventId>(item.what));
  return event ? server_message::event(item.subscription->quoted, event_json(event)) : std::string();
}

// Of those that were asked for last and wait still: many clients that do not read would hold much of the store in
// memory.
void Session::put_aside(std::size_t newest) {
  const auto from = queue_.end() - static_cast<std::ptrdiff_t>(std::min(newest, queue_.size()));
  for (auto item = from; item != queue_.end(); ++item) {
    if (const auto* event = std::get_if<EventPtr>(&item->what)) item->what = EventId((*event)->id);
  }
}

void Session::forged() {
  if (!forgeries_.take(host_.clock.mono())) end("too many events that are forged");
}

void Session::end(std::string_view reason) {
  if (std::exchange(ended_, true)) return;
  queue_.clear();
  subscriptions_.clear();
  host_.clients.hang_up(id_, reason);
}

bool Session::may_speak(bool insider) {
  TokenBucket& budget = insider ? trusted_budget_ : budget_;
  if (budget.take(host_.clock.mono())) return true;
  // Who does not mind being refused is not listened to for ever.
  if (++refused_ > config_.limits.client.messages_burst) end("too many messages");
  return false;
}

bool Session::has_room_for(const std::string& subscription) const noexcept {
  return subscriptions_.size() < config_.limits.client.subscriptions || subscriptions_.count(subscription) != 0;
}

void Session::subscribe(const std::string& subscription, std::vector<Filter> filters, std::vector<EventPtr> stored) {
  unsubscribe(subscription);
  auto made = std::make_shared<Subscription>();
  made->quoted = server_message::quoted(subscription);
  made->filters = std::move(filters);
  subscriptions_[subscription] = made;
  for (EventPtr& event : stored) {
    const std::size_t bytes = size_of(event);
    push({made, std::move(event), bytes, true});
  }
  std::string end = server_message::end_of_stored(made->quoted);
  const std::size_t bytes = end.size();
  push({made, std::move(end), bytes, true});
  pump();
  put_aside(stored.size() + 1);
}

void Session::unsubscribe(const std::string& subscription) {
  const auto at = subscriptions_.find(subscription);
  if (at == subscriptions_.end()) return;
  at->second->open = false;
  subscriptions_.erase(at);
}

bool Session::wants(const Event& event) const {
  for (const auto& [name, subscription] : subscriptions_) {
    for (const Filter& filter : subscription->filters) {
      if (matches(filter, event)) return true;
    }
  }
  return false;
}

void Session::arrived(const EventPtr& event, const std::shared_ptr<const std::string>& json) {
  for (const auto& [name, subscription] : subscriptions_) {
    const auto& filters = subscription->filters;
    const bool wanted =
        std::any_of(filters.begin(), filters.end(), [&](const Filter& filter) { return matches(filter, *event); });
    if (wanted) push({subscription, json, json->size() + subscription->quoted.size()});
  }
  pump();
}

void Session::challenge(std::string text) {
  challenge_ = std::move(text);
  say(server_message::auth(challenge_));
}

bool Session::proven(const EventId& proof, const PubKey& key) {
  if (std::find(proofs_.begin(), proofs_.end(), proof) != proofs_.end()) return false;
  if (proofs_.size() >= config_.limits.client.proven_keys) return false;
  proofs_.push_back(proof);
  if (!visitor_.is(key)) visitor_.keys.push_back(key);
  return true;
}

std::size_t Session::bytes() const noexcept {
  std::size_t sum = sizeof *this + heap_bytes(subscriptions_) + answer_bytes_ + queue_bytes_ + heap_bytes(proofs_);
  for (const auto& [name, set] : reconciling_) sum += sizeof set + set.size() * sizeof(Stamp);
  for (const auto& [name, subscription] : subscriptions_) {
    for (const Filter& filter : subscription->filters) {
      sum += sizeof filter + (filter.authors ? heap_bytes(*filter.authors) : 0) +
             (filter.ids ? heap_bytes(*filter.ids) : 0) + (filter.kinds ? heap_bytes(*filter.kinds) : 0);
    }
  }
  return sum;
}

}  // namespace np2p
