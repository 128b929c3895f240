// Reactions to our user's posts wait here for a moment and then go to the followers together, as do the deletions of
// such reactions. Anybody may react, and what one stranger sends goes to all followers: so one batch holds so many, and
// so many of one author, and so many bytes; the pause between batches grows with the number of those they go to.
#pragma once

#include <optional>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/base/time.h"
#include "core/event/event.h"
#include "core/host/store.h"

namespace np2p {

class Reactions {
 public:
  explicit Reactions(const Limits& limits) : limits_(limits) {}

  // False: the batch has no room for it, or not for another one of its author; it stays with us.
  bool add(const EventPtr& event, MonoTime now, std::size_t followers);
  [[nodiscard]] std::optional<MonoTime> due() const noexcept { return due_; }
  // What of the batch is still there (it may have been deleted since), if it is due.
  std::vector<EventPtr> take(MonoTime now, Store& store);
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(batch_); }

 private:
  const Limits& limits_;
  std::vector<EventPtr> batch_;
  std::size_t batch_bytes_ = 0;
  std::optional<MonoTime> due_;
  MonoTime next_{};  // not before
};

}  // namespace np2p
