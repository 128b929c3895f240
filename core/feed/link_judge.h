// Budgets and judgement per link: how many events and requests it may bring per second, charged before anything is
// decoded, how many bytes of answers it may cause, and how many faults before it is closed. Of our own messages
// (core/wire/extension.h) a link brings those of all who are behind it: whoever is not found to serve the user it names
// shares a part of that, and each who is has a budget of its own before it uses up the link's.
#pragma once

#include <map>

#include "core/base/config.h"
#include "core/base/fault_score.h"
#include "core/base/heap_bytes.h"
#include "core/base/token_bucket.h"
#include "core/feed/askers.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"

namespace np2p {

class LinkJudge {
 public:
  LinkJudge(const Config& config, Host& host)
      : limits_(config.limits),
        host_(host),
        sources_(config.limits, config.limits.source_extensions_per_second, config.limits.source_extensions_burst) {}

  bool may_bring_event(LinkId link) { return record(link).events.take(host_.clock.mono()); }
  bool may_request(LinkId link) { return record(link).requests.take(host_.clock.mono()); }
  bool may_bring_message(const Delivery& message) {
    const MonoTime now = host_.clock.mono();
    Record& one = record(message.link);
    const bool fair = message.from_server ? sources_.may_get(message.source, 1, now) : one.unproven.take(now);
    return fair && one.messages.take(now);
  }
  bool may_be_answered(LinkId link, std::uint32_t bytes) {
    return record(link).answers.take(host_.clock.mono(), bytes);
  }
  // Something came that this link's peer is to blame for. True: this was one too many, close the link.
  bool fault(LinkId link) { return record(link).faults.add(host_.clock.mono(), limits_); }
  void link_down(LinkId link) { records_.erase(link); }
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(records_) + sources_.bytes(); }

 private:
  struct Record {
    TokenBucket events;
    TokenBucket requests;
    TokenBucket messages;
    TokenBucket unproven;
    TokenBucket answers;
    FaultScore faults;
  };
  Record& record(LinkId link) {
    const auto at = records_.find(link);
    if (at != records_.end()) return at->second;
    // A link that the overlay closed by itself leaves its record behind; later links have higher numbers.
    while (records_.size() >= 2 * limits_.links) records_.erase(records_.begin());
    const Record fresh{TokenBucket(limits_.link_events_per_second, limits_.link_events_burst),
                       TokenBucket(limits_.link_requests_per_second, limits_.link_requests_burst),
                       TokenBucket(limits_.link_extensions_per_second, limits_.link_extensions_burst),
                       TokenBucket(limits_.link_unproven_per_second, limits_.link_unproven_burst),
                       TokenBucket(limits_.link_answer_bytes_per_second, limits_.link_answer_bytes_burst),
                       {}};
    return records_.emplace(link, fresh).first->second;
  }
  const Limits& limits_;
  Host& host_;
  Askers sources_;
  std::map<LinkId, Record> records_;
};

}  // namespace np2p
