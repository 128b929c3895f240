// Budgets and judgement per link: how many events and requests it may bring per second, charged before anything is
// decoded, how many bytes of answers it may cause, and how many faults before it is closed.
#pragma once

#include <map>

#include "core/base/config.h"
#include "core/base/fault_score.h"
#include "core/base/heap_bytes.h"
#include "core/base/token_bucket.h"
#include "core/host/host.h"

namespace np2p {

class LinkJudge {
 public:
  LinkJudge(const Config& config, Host& host) : limits_(config.limits), host_(host) {}

  bool may_bring_event(LinkId link) { return record(link).events.take(host_.clock.mono()); }
  bool may_request(LinkId link) { return record(link).requests.take(host_.clock.mono()); }
  bool may_bring_message(LinkId link) { return record(link).messages.take(host_.clock.mono()); }
  bool may_be_answered(LinkId link, std::uint32_t bytes) {
    return record(link).answers.take(host_.clock.mono(), bytes);
  }
  // Something came that this link's peer is to blame for. True: this was one too many, close the link.
  bool fault(LinkId link) { return record(link).faults.add(host_.clock.mono(), limits_); }
  void link_down(LinkId link) { records_.erase(link); }
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(records_); }

 private:
  struct Record {
    TokenBucket events;
    TokenBucket requests;
    TokenBucket messages;
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
                       TokenBucket(limits_.link_answer_bytes_per_second, limits_.link_answer_bytes_burst),
                       {}};
    return records_.emplace(link, fresh).first->second;
  }
  const Limits& limits_;
  Host& host_;
  std::map<LinkId, Record> records_;
};

}  // namespace np2p
