#include "core/feed/outbox.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/feed/persist.h"
#include "core/wire/packet.h"

namespace np2p {
namespace {

std::string stored_key(const PubKey& recipient, const EventId& event) {
  return std::string(text_of(recipient.view())) + std::string(text_of(event.view()));
}

}  // namespace

Outbox::Outbox(const Config& config, Host& host, Overlay& overlay)
    : config_(config), host_(host), overlay_(overlay), rng_(config.seed, "outbox") {}

void Outbox::load() {
  const MonoTime now = host_.clock.mono();
  host_.store.each_value(Table::outbox, [&](std::string_view key, std::string_view value) {
    if (key.size() != PubKey::size + EventId::size || entries_.size() >= config_.limits.outbox_entries) return;
    const auto since = take_u64(value);
    const auto attempts = take_u64(value);
    if (!since || !attempts) return;
    const Key id{*PubKey::from(bytes_of(key.substr(0, PubKey::size))),
                 *EventId::from(bytes_of(key.substr(PubKey::size)))};
    Entry entry;
    entry.since = WallTime{static_cast<std::int64_t>(*since)};
    entry.attempts = static_cast<std::uint32_t>(*attempts);
    entry.waiting = true;
    entry.due = now + pause(entry.attempts);
    entries_.emplace(id, entry);
    due_.emplace(entry.due, id);
  });
  arm();
}

void Outbox::add(const PubKey& recipient, const EventPtr& event, bool is_on_its_way) {
  const Key key{recipient, event->id};
  if (entries_.count(key) != 0) return;
  if (entries_.size() >= config_.limits.outbox_entries) {
    host_.observer.rejected("outbox", error(ErrorCode::full, "too many events wait for their recipients"), {});
    overlay_.unicast(recipient, Channel::packets, encode_events({&event, 1}), Priority::post);
    return;
  }
  Entry entry;
  entry.since = host_.clock.wall();
  entry.due = host_.clock.mono() + (is_on_its_way ? pause(0) : Duration{});
  const auto at = entries_.emplace(key, entry).first;
  due_.emplace(entry.due, key);
  is_on_its_way ? save(key, entry) : attempt(at);
  arm();
}

void Outbox::acknowledged(const PubKey& recipient, const EventId& event) {
  const auto at = entries_.find(Key{recipient, event});
  if (at == entries_.end()) return;
  drop(at);
  arm();
}

void Outbox::topology_changed() {
  const MonoTime now = host_.clock.mono();
  bool changed = false;
  for (auto at = entries_.begin(); at != entries_.end();) {
    // Entries are ordered by recipient: one look at the routes per recipient.
    const PubKey recipient = at->first.first;
    const bool reachable = overlay_.reaches(recipient);
    for (; at != entries_.end() && at->first.first == recipient; ++at) {
      if (!reachable) at->second.waiting = true;  // gone before it acknowledged: worth a try when it is back
      if (!reachable || !at->second.waiting || at->second.due <= now) continue;
      schedule(at, now);
      changed = true;
    }
  }
  if (changed) arm();
}

void Outbox::timer() {
  const MonoTime now = host_.clock.mono();
  std::vector<Key> ready;
  for (const auto& [at, key] : due_) {
    if (at > now) break;
    ready.push_back(key);
  }
  for (const Key& key : ready) attempt(entries_.find(key));
  arm();
}

void Outbox::attempt(Entries::iterator at) {
  const auto& [recipient, id] = at->first;
  Entry& entry = at->second;
  if (host_.clock.wall() - entry.since > config_.limits.outbox_horizon) {
    host_.observer.rejected("outbox", error(ErrorCode::unreachable, "recipient not reached within the horizon"), {});
    drop(at);
    return;
  }
  const EventPtr event = host_.store.get(id);
  if (!event) {
    drop(at);
    return;
  }
  entry.waiting = !overlay_.unicast(recipient, Channel::packets, encode_events({&event, 1}), Priority::post);
  ++entry.attempts;
  save(at->first, entry);
  schedule(at, host_.clock.mono() + pause(entry.attempts));
}

void Outbox::drop(Entries::iterator at) {
  host_.store.erase_value(Table::outbox, stored_key(at->first.first, at->first.second));
  due_.erase({at->second.due, at->first});
  entries_.erase(at);
}

void Outbox::schedule(Entries::iterator at, MonoTime due) {
  due_.erase({at->second.due, at->first});
  at->second.due = due;
  due_.emplace(due, at->first);
}

void Outbox::save(const Key& key, const Entry& entry) {
  std::string value;
  append_u64(value, static_cast<std::uint64_t>(entry.since.ns));
  append_u64(value, entry.attempts);
  if (host_.store.set_value(Table::outbox, stored_key(key.first, key.second), value)) return;
  host_.observer.rejected("outbox", error(ErrorCode::unavailable, "the store does not keep what waits"), {});
}

void Outbox::arm() {
  if (due_.empty()) {
    host_.timers.cancel(Timer::outbox);
  } else {
    host_.timers.arm(Timer::outbox, due_.begin()->first);
  }
}

Duration Outbox::pause(std::uint32_t attempts) {
  const std::uint32_t doublings = std::min<std::uint32_t>(attempts == 0 ? 0 : attempts - 1, 20);
  const Duration plain =
      std::min(config_.limits.outbox_max_retry, config_.limits.outbox_first_retry * (std::int64_t{1} << doublings));
  return rng_.between(plain * 4 / 5, plain * 6 / 5);
}

}  // namespace np2p
