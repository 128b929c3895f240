// A Nostr event (NIP-01). `Event` is a claim: anybody can fill one in. `EventPtr` is a fact: only validate()
// (event/validation.h, the one gate in) makes one, its id is the hash of its content and its author's key signed it,
// and it never changes again; it is shared, not copied. With it goes how the JSON was written that it came as,
// where that is not how we would write it (event/json.h).
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/event/kinds.h"
#include "core/event/tags.h"

namespace np2p {

struct Event {
  EventId id;
  PubKey pubkey;
  std::int64_t created_at = 0;  // Unix seconds, claimed by the author
  std::uint16_t kind = 0;
  Tags tags;
  std::string content;  // UTF-8
  Signature sig;

  friend bool operator==(const Event&, const Event&) = default;
};

// When and which: where an event stands in the order of sets that are reconciled (event/negentropy.h).
struct Stamp {
  std::int64_t created_at = 0;
  EventId id;
  friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

class ValidEvent {
 public:
  const Event& operator*() const noexcept { return event_; }
  const Event* operator->() const noexcept { return &event_; }
  [[nodiscard]] std::string_view written() const noexcept { return written_ ? std::string_view(*written_) : ""; }

 private:
  friend class ValidationGate;  // event/validation.cpp, and stores reading back what they once accepted
  explicit ValidEvent(Event event, std::string_view written = {})
      : event_(std::move(event)), written_(written.empty() ? nullptr : new std::string(written)) {}
  const Event event_;
  const std::unique_ptr<const std::string> written_;  // often null
};

// Never null unless a function says so. Use as (*e)->kind or e->get().kind; get() reads best.
class EventPtr {
 public:
  EventPtr() noexcept = default;
  [[nodiscard]] const Event& get() const noexcept { return **shared_; }
  const Event* operator->() const noexcept { return &**shared_; }
  const Event& operator*() const noexcept { return **shared_; }
  // How the JSON was written that it came as (written_form() of event/json.h); nearly always short or empty.
  [[nodiscard]] std::string_view written() const noexcept { return shared_->written(); }
  explicit operator bool() const noexcept { return shared_ != nullptr; }
  friend bool operator==(const EventPtr& a, const EventPtr& b) noexcept { return a.shared_ == b.shared_; }

 private:
  friend class ValidationGate;
  explicit EventPtr(std::shared_ptr<const ValidEvent> shared) : shared_(std::move(shared)) {}
  std::shared_ptr<const ValidEvent> shared_;
};

}  // namespace np2p
