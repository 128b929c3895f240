// How posts travel: what our user publishes goes out by kind and mode, what arrives passes the one gate in, is kept,
// and is handed on only then.
// To whom what of our user goes is the table in routes.h.
//
// The overlay remembers marks of what was broadcast, so that who was away can be told (core/overlay/swarm/history.h).
// It hears of each such event from here, of the store's after a start, and gets what somebody has missed from here.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/base/bounded.h"
#include "core/base/config.h"
#include "core/feed/askers.h"
#include "core/feed/link_judge.h"
#include "core/feed/lookup.h"
#include "core/feed/mode.h"
#include "core/feed/multicast.h"
#include "core/feed/outbox.h"
#include "core/feed/own_events.h"
#include "core/feed/routes.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"

namespace np2p {

class Feed {
 public:
  Feed(const Config& config, Host& host, Overlay& overlay);

  void start();
  void published(const EventPtr& event);  // by our own client; it is in the store already
  void delivered(const EventPtr& event);  // likewise, of another author: it goes nowhere from here
  // What was taken in lately, from clients and from the network, each event once; kept only while somebody listens.
  void listen(bool listening);
  [[nodiscard]] std::vector<EventPtr> take_news() { return std::exchange(news_, {}); }
  // A payload that arrived. The answer is what to hand on if it was a broadcast: all of it, what was new and good of
  // it, nothing.
  std::optional<Frame> receive(const Delivery& delivery);
  // What was broadcast earlier and somebody has missed; empty if the store does not hold it any more.
  [[nodiscard]] Frame recall(const Past& past);
  void copied(const CopyOutcome& outcome);
  void found(const GuardiansOf& guardians);
  void link_down(LinkId link) { judge_.link_down(link); }
  void topology_changed();
  void timer(Timer timer);
  void durable(Ticket ticket);

  [[nodiscard]] Lookup& lookup() noexcept { return lookup_; }
  [[nodiscard]] const Outbox& outbox() const noexcept { return outbox_; }
  [[nodiscard]] const Mode& mode() const noexcept { return mode_; }
  [[nodiscard]] Identity identity() const { return overlay_.identity(); }
  [[nodiscard]] const Multicast& multicast() const noexcept { return multicast_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return sizeof *this + judge_.bytes() + lookup_.bytes() + own_events_.bytes() + outbox_.bytes() +
           multicast_.bytes() + recent_.bytes() + heap_bytes(unacknowledged_) + heap_bytes(unflushed_copies_) +
           heap_bytes(receipts_);
  }

 private:
  // known: we have it, or no longer want it; it was handed on when it came first.
  enum class Arrival : std::uint8_t { fresh, known, bad, later };  // later: our disk fails
  struct Received {
    std::optional<Frame> onward;  // of a broadcast
    std::vector<EventId> events;  // in the packet, as it says itself
    bool good = false;            // all of them are here, or not wanted here
    bool limited = false;         // some were not looked at, or could not be kept
  };
  Received receive_packet(const Delivery& delivery);
  void receive_stream(const Delivery& delivery);
  void receive_extension(const Delivery& delivery);
  const char* refusal(const Event& event);
  bool is_first_bind();
  void own_list_changed();
  Arrival accept(Event event, const Delivery& delivery, EventPtr& accepted);
  void blame(const Delivery& delivery);
  void flush_within(Duration pause);
  void acknowledge_when_durable(const Delivery& delivery, const std::vector<EventPtr>& events);
  void receipt_when_durable(const Delivery& copy);
  void reject(std::string_view what, const Error& why, const Delivery& delivery);
  // What a deletion takes back goes.
  void obey(const EventPtr& deletion);
  // A reaction to what our user published.
  [[nodiscard]] bool is_to_us(const Event& reaction);
  [[nodiscard]] bool is_unwanted(const Event& event, const Delivery& delivery);
  void load_history();
  void heard(const Delivery& delivery, const Event& event);

  void tell(const EventPtr& event) {
    if (listening_) news_.push_back(event);
  }

  const Config& config_;
  Host& host_;
  Overlay& overlay_;
  LinkJudge judge_;
  Askers askers_;
  Lookup lookup_;
  OwnEvents own_events_;
  Outbox outbox_;
  Multicast multicast_;
  Mode mode_;
  // Ids that passed the gate and were not refused: each is handed on once. Of two with the same half, which somebody
  // would have to make with some 2^64 tries, the later is not handed on.
  using HalfId = FixedBytes<struct HalfIdTag, 16>;
  [[nodiscard]] static HalfId half_of(const EventId& id) noexcept { return *HalfId::from(id.view().first(16)); }
  BoundedSet<HalfId> recent_;
  std::optional<MonoTime> flush_at_;                         // the timer is armed
  bool is_ahead_ = false;                                    // the part of a stream that is being looked at
  using Acknowledged = std::map<PubKey, std::set<EventId>>;  // by source
  std::map<Ticket, Acknowledged> unacknowledged_;
  std::size_t unacknowledged_count_ = 0;
  // Copies whose receipts are due: once the next flush is durable, and those of flushes under way.
  std::vector<Delivery> unflushed_copies_;
  std::map<Ticket, std::vector<Delivery>> receipts_;
  std::size_t receipts_due_ = 0;
  bool listening_ = false;
  std::vector<EventPtr> news_;
};

}  // namespace np2p
