// Our user's stream (core/wire/stream.h): every event that goes to followers gets a number, whatever way it goes, and
// the store remembers which number was which. So whoever missed something can name it, and gets it.
//
// Each start begins another incarnation: what a crash or a backup put back took from us, we number again under another
// name.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/config.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"
#include "core/wire/stream.h"

namespace np2p {

class OwnStream {
 public:
  OwnStream(const Config& config, Host& host, const Overlay& overlay)
      : config_(config), host_(host), overlay_(overlay) {}

  // After a start. `before`: our user's events that go to followers, oldest first, from a time when nothing was
  // numbered; they are if the store knows no stream.
  void load(const std::vector<EventPtr>& before);
  std::uint64_t append(const EventId& event);  // its number

  // Signed. Nothing if that number is not known (any more).
  [[nodiscard]] std::optional<StreamHead> head_at(std::uint64_t seq);
  [[nodiscard]] StreamHead head();
  [[nodiscard]] std::optional<EventId> event_at(std::uint64_t seq);
  // The last number of what somebody has who says that. What they had of an incarnation of which we know less, we do
  // not count: it got lost here, and its numbers were given again.
  [[nodiscard]] std::uint64_t after(const StreamPosition& position);
  [[nodiscard]] std::uint64_t last() const noexcept { return last_; }
  [[nodiscard]] std::uint64_t first() const noexcept { return first_; }  // that is known; after last() if none is
  [[nodiscard]] std::uint64_t incarnation() const noexcept { return incarnation_; }

 private:
  StreamHead sign(std::uint64_t incarnation, std::uint64_t base, std::uint64_t seq, const Chain& chain,
                  std::uint64_t previous);

  const Config& config_;
  Host& host_;
  const Overlay& overlay_;  // knows the BIND under which we serve
  std::uint64_t incarnation_ = 0;
  std::uint64_t base_ = 0;
  std::uint64_t previous_ = 0;  // incarnation, of number base_
  std::uint64_t first_ = 1;
  std::uint64_t last_ = 0;
  Chain chain_{};
};

}  // namespace np2p
