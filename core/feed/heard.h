// Which event had which number in the streams of those our user follows, for the last Limits::heard_events of each: so
// that we can serve others while the author is away, and prove with the heads that the author signed that nothing is
// left out.
#pragma once

#include <optional>

#include "core/base/config.h"
#include "core/host/host.h"
#include "core/wire/stream.h"

namespace np2p {

class Heard {
 public:
  Heard(const Config& config, Host& host) : config_(config), host_(host) {}

  struct Entry {
    EventId event;
    std::optional<StreamHead> head;  // at this number, if it came with one
  };
  // head: signed, at this number; null: none.
  void put(const PubKey& author, std::uint64_t seq, const EventId& event, const StreamHead* head);
  [[nodiscard]] std::optional<Entry> get(const PubKey& author, std::uint64_t seq);
  void forget(const PubKey& author, std::uint64_t last);
  void jumped(const PubKey& author, std::uint64_t from, std::uint64_t to);  // what put() will not come by any more
  [[nodiscard]] std::size_t most() const noexcept { return config_.limits.heard_events; }

 private:
  const Config& config_;
  Host& host_;
};

}  // namespace np2p
