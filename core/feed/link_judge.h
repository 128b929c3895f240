// Budgets and judgement per link, charged before any crypto runs: how many events and requests a link may bring per
// second, and how many bad signatures before it is closed.
#pragma once

#include <map>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/base/token_bucket.h"
#include "core/host/host.h"

namespace np2p {

class LinkJudge {
 public:
  LinkJudge(const Config& config, Host& host) : limits_(config.limits), host_(host) {}

  bool may_bring_event(LinkId link) { return record(link).events.take(host_.clock.mono()); }
  bool may_request(LinkId link) { return record(link).requests.take(host_.clock.mono()); }
  // True: this was one too many, close the link.
  bool bad_signature(LinkId link) { return ++record(link).bad_signatures >= limits_.bad_signatures; }
  void link_down(LinkId link) { records_.erase(link); }
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(records_); }

 private:
  struct Record {
    TokenBucket events;
    TokenBucket requests;
    std::uint32_t bad_signatures = 0;
  };
  Record& record(LinkId link) {  // at most one per open link, of which Limits bounds the number
    const auto at = records_.find(link);
    if (at != records_.end()) return at->second;
    const Record fresh{TokenBucket(limits_.link_events_per_second, limits_.link_events_burst),
                       TokenBucket(limits_.link_requests_per_second, limits_.link_requests_burst)};
    return records_.emplace(link, fresh).first->second;
  }
  const Limits& limits_;
  Host& host_;
  std::map<LinkId, Record> records_;
};

}  // namespace np2p
