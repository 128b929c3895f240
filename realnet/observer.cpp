#include "realnet/observer.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "realnet/clock.h"
#include "realnet/log.h"

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
  const auto from = link && remote_of_ ? remote_of_(link) : client_;
  rejected(from.value_or(Address{}), what, why);
}

void RealObserver::rejected(const Address& from, std::string_view what, const Error& why) {
  const AddressGroup group = group_of(from);
  const std::string_view peer(reinterpret_cast<const char*>(group.data()), group.size());
  if (!rejects_.note(peer, what, name(why.code), mono_now())) return;
  // Unspecified: it has left, or the node found out by itself.
  const std::string who = from.is_unspecified() ? "an unknown peer" : from.ip_text();
  log_event(spdlog::level::info, "refused",
            fmt::format("refused {} of {}: {} ({})", what, who, why.reason, name(why.code)),
            {{"what", what}, {"peer", who}, {"reason", why.reason}, {"code", name(why.code)}});
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
