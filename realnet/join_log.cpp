#include "realnet/join_log.h"

#include <algorithm>

namespace np2p::real {

namespace {

constexpr Duration kQuiet = 1min;

std::string_view why(CloseReason reason) {
  switch (reason) {
    case CloseReason::refused:
      return "connection refused";
    case CloseReason::timed_out:
      return "no answer";
    case CloseReason::protocol_error:
      return "no server of this network answers there";
    case CloseReason::crowded:
      return "too many connections";
    default:
      return "the connection was closed";
  }
}

}  // namespace

bool is_own_address(const Address& address, const Config& config) {
  if (address == config.external) return true;
  if (address.port != config.listen.port) return false;
  return address.ip == config.listen.ip || (config.listen.is_unspecified() && address.is_loopback());
}

std::string JoinLog::started() const {
  if (!config_.bootstrap.empty()) return {};
  return "no -b, so nobody to join through: others can join through this server, at " + config_.listen.text();
}

std::string JoinLog::link_up(const LinkInfo& info) {
  if (info.outbound) trouble_.erase(info.remote);
  if (linked_) return {};
  linked_ = true;
  return "first link: " + std::string(info.outbound ? "to " : "from ") + info.remote.text();
}

std::string JoinLog::status(const NodeStatus& status) {
  // On the mesh everybody with a route counts; it has no other neighbours.
  const std::size_t neighbours =
      config_.overlay == OverlayKind::mesh ? status.reachable : status.overlay.active + status.overlay.clients;
  if (joined_ || neighbours == 0) return {};
  joined_ = true;
  return "joined the network: the first neighbour is there";
}

std::string JoinLog::unreachable(const Address& address, CloseReason reason, MonoTime now) {
  const auto& ways_in = config_.bootstrap;
  // Addresses heard of in the network fail all the time, and nobody has to know.
  if (std::find(ways_in.begin(), ways_in.end(), address) == ways_in.end()) return {};
  trouble_[address] = reason;
  const auto said = said_.find(address);
  if (said != said_.end() && now - said->second < kQuiet) return {};
  said_[address] = now;
  return "cannot reach " + address.text() + ": " + std::string(why(reason)) + "; retrying";
}

std::string_view JoinLog::trouble(const Address& address) const {
  const auto at = trouble_.find(address);
  return at == trouble_.end() ? std::string_view{} : why(at->second);
}

}  // namespace np2p::real
