// What clients publish: admitted, stored, handed to the feed, and acknowledged once the disk has it.
#pragma once

#include <deque>
#include <functional>

#include "core/api/access.h"
#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/event/event.h"
#include "core/event/json.h"
#include "core/host/host.h"

namespace np2p {

class Feed;

class Publisher {
 public:
  // As the original's clients want it, or as NIP-01 does: an empty post is no mistake there.
  enum class Style : std::uint8_t { original, nip01 };
  struct Outcome {
    Status status;
    bool known = false;      // it was here already
    bool ephemeral = false;  // handed on, kept nowhere
    bool heard = false;      // of an ephemeral one: there are followers who may hear it
  };
  using Done = std::function<void(const Outcome&)>;

  Publisher(const Config& config, Host& host, Feed& feed, Access& access);

  // `done` is called exactly once, now (refused, or nothing to wait for) or when the event is durable.
  void publish(WrittenEvent event, const Visitor& by, Style style, Done done);
  void durable(Ticket ticket);
  // The disk has refused for a while: whoever waits is refused, and whoever comes, until it works again (durable()).
  void disk_failed();
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(pending_); }

 private:
  Result<EventPtr> admit(WrittenEvent written, const Visitor& by, Style style);
  Status admit_bind(const EventPtr& event);
  Status admit_deletion(const Event& event);
  void refuse(const Error& why, const Done& done);
  void acknowledge(Ticket ticket);

  struct Pending {
    Ticket ticket;
    Done done;
    bool known;
  };
  const Config& config_;
  Host& host_;
  Feed& feed_;
  Access& access_;
  std::deque<Pending> pending_;  // ascending tickets
  bool disk_fails_ = false;
};

}  // namespace np2p
