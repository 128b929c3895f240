// Requests between servers: asking for a profile, a follow list or one event that our client wants and we do not hold,
// and answering the same of others. Of an event by id whose author is not said, or away, a few are asked who may hold
// it, with growing pauses and within a budget: those whom stored events name beside it, then some of those whom our
// user follows or who posted lately. What comes passes the gate as everything does, so it is what the id says.
//
// An answer is small and comes from what our own user published or what was asked for by id or author; everything
// recent (kind 40000) is our own user's latest posts, bounded, not three days of everybody's. Who asks much gets
// little: answers have budgets in bytes per link and per asker, and wait for nobody's full queue. Who asks and cannot
// be reached yet, because it is still being found out where that user's server is, gets its answer then: else a large
// one would be charged and lost, and the next refused.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "core/base/bounded.h"
#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/base/rng.h"
#include "core/base/token_bucket.h"
#include "core/feed/askers.h"
#include "core/feed/link_judge.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"
#include "core/wire/packet.h"

namespace np2p {

class Lookup {
 public:
  Lookup(const Config& config, Host& host, Overlay& overlay, LinkJudge& judge, Askers& askers);

  // Asks the author's server; the answer arrives as any other event. `held` tells that we hold an older copy: then the
  // same question goes out at most once per lookup_interval, otherwise once per lookup_retry.
  void ask(std::uint16_t kind, const PubKey& author, const std::optional<EventId>& event, bool held);
  // Events of these authors, or of anybody if there are none.
  void find(std::span<const EventId> missing, std::span<const PubKey> authors);
  // Our own user's newest of these kinds, of which another's server may have copies. False: there is no way to it now.
  bool ask_for_own(std::span<const std::uint16_t> kinds, const PubKey& whom);
  // This is what was asked for lately, whoever brings it.
  [[nodiscard]] bool has_asked_for(const Event& event) const {
    return asked_.contains({event.kind, event.pubkey, EventId{}}) ||
           asked_.contains({event.kind, event.pubkey, event.id});
  }
  // Answers to whom it came from, once for each kind in `answered` (those of one packet). True: a broadcast worth
  // handing on (not seen before).
  bool answer(const Request& request, const Delivery& delivery, std::set<std::uint16_t>& answered);
  void topology_changed();  // asks those who could not be reached before, and answers those
  [[nodiscard]] std::size_t bytes() const noexcept {
    return heap_bytes(asked_) + heap_bytes(unsent_) + heap_bytes(searched_) + heap_bytes(unanswered_) + seen_.bytes();
  }

 private:
  using Key = std::tuple<std::uint16_t, PubKey, EventId>;
  void forget_old(MonoTime now);
  void search(std::span<const EventId> missing);
  bool may_search(const EventId& id, MonoTime now);
  [[nodiscard]] std::vector<PubKey> named_beside(const EventId& id);
  [[nodiscard]] std::vector<PubKey> readers();
  void when_reachable(const Key& key, MonoTime now);
  [[nodiscard]] std::vector<EventPtr> wanted(const Request& request, const PubKey& asker);
  struct Asker {
    PubKey user;
    LinkId link;  // over which the question came
  };
  struct Unanswered {  // who asked is not known to serve that user yet, which is being found out
    Request request;
    Asker asker;
    MonoTime since;
  };
  void send_answer(const Request& request, const Asker& asker, MonoTime since);
  void answer_later(const Request& request, const Asker& asker, MonoTime since);

  const Config& config_;
  Host& host_;
  Overlay& overlay_;
  LinkJudge& judge_;
  Askers& askers_;
  Rng rng_;
  std::map<Key, MonoTime> asked_;
  std::map<Key, MonoTime> unsent_;  // no route: for a minute worth another try
  struct Searched {
    MonoTime until;  // not again before
    Duration pause;
  };
  std::map<EventId, Searched> searched_;
  TokenBucket guesses_;
  std::vector<Unanswered> unanswered_;
  BoundedSet<std::uint64_t> seen_;
};

}  // namespace np2p
