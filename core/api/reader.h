// What clients read: the store's events by filters, without what has expired; what is missing is asked for in the
// network and shows up later.
#pragma once

#include <vector>

#include "core/base/config.h"
#include "core/event/event.h"
#include "core/event/filter.h"
#include "core/host/host.h"

namespace np2p {

class Feed;

struct QueryAnswer {
  Status status;                 // not ok: the reason to tell the client
  std::vector<EventPtr> events;  // in the order to send
  bool with_signatures = true;   // the original leaves them out of single-event answers
};

class Reader {
 public:
  Reader(const Config& config, Host& host, Feed& feed) : config_(config), host_(host), feed_(feed) {}

  // As the original answers POST /req.
  QueryAnswer original(const Filter& filter);
  // As NIP-01 has it: what one of the filters matches, each once, newest first, of the same second the lowest id first.
  std::vector<EventPtr> stored(const std::vector<Filter>& filters);
  struct Count {
    std::size_t events = 0;
    bool at_least = false;  // the store gives no more than so many at once
  };
  Count count(const std::vector<Filter>& filters);

 private:
  QueryAnswer recent(Filter filter);
  QueryAnswer single(const Filter& filter);
  std::vector<EventPtr> unexpired(const Filter& filter, Order order);
  void look_up_missing(const Filter& filter, const std::vector<EventPtr>& held);
  void look_up_events(const Filter& filter, const std::vector<EventPtr>& held);
  void look_up_latest(std::uint16_t kind, const Filter& filter, const std::vector<EventPtr>& held);

  const Config& config_;
  Host& host_;
  Feed& feed_;
};

}  // namespace np2p
