// The outbox: events that must reach particular users (replies, mentions, reactions) and are tried again, with growing
// pauses and across restarts, until the recipient's server acknowledges them as durable or the horizon (7 days) passes.
// Silence says nothing: a server in trouble with its disk and one that never acknowledges (an original one) are sent to
// alike, at most once an hour in the end; who holds the event already drops the copy.
#pragma once

#include <map>
#include <set>
#include <utility>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/base/rng.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"

namespace np2p {

class Outbox {
 public:
  Outbox(const Config& config, Host& host, Overlay& overlay);

  void load();  // what the store still holds for others
  // Sends at once if there is a route; kept until acknowledged either way. Over the limit the event is not queued
  // (counted as rejected "outbox" full), which leaves the one attempt. is_on_its_way: another way; it is sent from here
  // if nobody has acknowledged it after the first pause.
  void add(const PubKey& recipient, const EventPtr& event, bool is_on_its_way = false);
  void acknowledged(const PubKey& recipient, const EventId& event);
  void topology_changed();  // somebody may have come back
  void timer();             // Timer::outbox

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(entries_) + heap_bytes(due_); }

 private:
  using Key = std::pair<PubKey, EventId>;
  struct Entry {
    WallTime since;  // when it was queued
    MonoTime due;    // next attempt
    std::uint32_t attempts = 0;
    bool waiting = false;  // there was no route at the last attempt, or since
  };
  using Entries = std::map<Key, Entry>;

  void attempt(Entries::iterator at);
  void drop(Entries::iterator at);
  void schedule(Entries::iterator at, MonoTime due);
  void save(const Key& key, const Entry& entry);
  void arm();
  Duration pause(std::uint32_t attempts);

  const Config& config_;
  Host& host_;
  Overlay& overlay_;
  Rng rng_;
  Entries entries_;
  std::set<std::pair<MonoTime, Key>> due_;
};

}  // namespace np2p
