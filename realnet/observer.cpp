#include "realnet/observer.h"

#include <spdlog/spdlog.h>

#include "realnet/clock.h"

namespace np2p::real {

std::string_view traffic_name(Traffic traffic) noexcept {
  switch (traffic) {
    case Traffic::control:
      return "control";
    case Traffic::payload:
      return "payload";
    case Traffic::duplicate:
      return "duplicate";
    case Traffic::relay:
      return "relay";
    case Traffic::count_:
      break;
  }
  return "other";
}

void RealObserver::event_accepted(const EventId& id, LinkId link) {
  ++events_accepted_;
  if (spdlog::should_log(spdlog::level::debug)) spdlog::debug("event {} accepted over link {}", id.hex(), link.value);
}

void RealObserver::rejected(std::string_view what, const Error& why, LinkId link) {
  const std::string peer = link && peer_name_ ? peer_name_(link) : std::string("client");
  log_reject(peer, what, why);
}

void RealObserver::link_rejected(const std::string& peer, const Error& why) {
  log_reject(peer, "link", why);
}

void RealObserver::log_reject(std::string_view peer, std::string_view what, const Error& why) {
  if (rejects_.note(peer, what, name(why.code), mono_now())) {
    spdlog::info("refused {} of {}: {} ({})", what, peer, why.reason, name(why.code));
  }
}

void RealObserver::noted(std::string_view line) {
  spdlog::debug("{}", line);
}

void RealObserver::frame_begins(Traffic said, std::size_t bytes, bool in_tunnel) {
  in_tunnel_ = in_tunnel;
  frame_class_ = said;
  frame_bytes_ = bytes;
}

void RealObserver::frame_ends() {
  if (in_tunnel_ && frame_class_ != Traffic::duplicate) return;
  auto& flow = flows_in_[static_cast<std::size_t>(frame_class_)];
  ++flow.frames;
  flow.bytes += frame_bytes_;
}

}  // namespace np2p::real
