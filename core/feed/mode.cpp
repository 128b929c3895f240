#include "core/feed/mode.h"

#include <string>

#include "core/feed/persist.h"
#include "core/feed/post_rate.h"

namespace np2p {
namespace {

constexpr std::string_view kKey = "mode";
constexpr int kSooner = 4;  // so many times, until enough has been seen to decide

}  // namespace

Mode::Mode(const Config& config, Host& host)
    : config_(config), host_(host), rng_(config.seed, "mode"), policy_(config.auto_mode, host.node_key.id()) {}

void Mode::load() {
  if (!automatic()) return;
  const std::string stored = host_.store.value(Table::node, kKey);
  std::string_view rest = stored;
  const auto mode = take_u64(rest);
  const auto switched_at = take_u64(rest);
  if (mode && switched_at) {
    policy_.restore(*mode == 0 ? FeedMode::broadcast : FeedMode::multicast,
                    WallTime{static_cast<std::int64_t>(*switched_at)});
  }
  arm();
}

void Mode::arm() {
  const Duration every = config_.auto_mode.review_every;
  const Duration pause = policy_.has_seen_enough() ? every : every / kSooner;
  host_.timers.arm(Timer::mode, host_.clock.mono() + rng_.between(pause * 9 / 10, pause * 11 / 10));
}

void Mode::timer(std::size_t servers, std::size_t followers) {
  ModePolicy::Seen seen;
  seen.servers = servers;
  seen.followers = followers;
  if (servers != 0) {
    seen.bytes_per_day = mean_bytes_per_day(config_.owner, host_.store, host_.clock.wall(), reviews_++);
  }
  if (policy_.review(seen, host_.clock.wall())) {
    save();
    host_.observer.noted(current() == FeedMode::multicast ? "posts go to followers only from now on"
                                                          : "posts go to everybody from now on");
  }
  arm();
}

void Mode::save() {
  std::string value;
  append_u64(value, policy_.current() == FeedMode::broadcast ? 0 : 1);
  append_u64(value, static_cast<std::uint64_t>(policy_.switched_at().ns));
  host_.store.set_value(Table::node, kKey, value);
  host_.store.flush();
}

ModeStatus Mode::status() const noexcept {
  ModeStatus status;
  status.automatic = automatic();
  status.now = current();
  status.why = policy_.why();
  status.load = policy_.load();
  status.budget = policy_.budget();
  status.waits = policy_.wants_to_switch();
  status.may_switch_at = unix_seconds(policy_.may_switch_at());
  return status;
}

}  // namespace np2p
