#include "core/overlay/mesh/connection_maker.h"

#include <algorithm>

namespace np2p::mesh {
namespace {

constexpr Duration kFirstInterval = 2s;
constexpr Duration kLastInterval = 6min;
constexpr Duration kResetAfter = 1min;

}  // namespace

ConnectionMaker::ConnectionMaker(const Config& config, Host& host, Rng& rng)
    : config_(config), host_(host), rng_(rng), all_loopback_(config.listen.is_loopback()) {
  for (const Address& address : config.bootstrap) all_loopback_ = all_loopback_ && address.is_loopback();
}

bool ConnectionMaker::is_ours(const Address& address) const noexcept {
  const Address& listen = config_.listen;
  if (listen.port == 0 || address.port != listen.port) return false;
  return address.ip == listen.ip || (listen.is_unspecified() && address.is_loopback());
}

bool ConnectionMaker::may_dial(const Address& address) const noexcept {
  if (address.port == 0 || address.is_unspecified() || address.is_multicast() || is_ours(address)) return false;
  if (address.is_loopback()) return config_.dial_loopback;
  if (address.is_private()) return config_.dial_private || config_.listen.is_private();
  return !all_loopback_;
}

void ConnectionMaker::add(const Address& address, bool bounded, const std::vector<Address>& connected) {
  if (std::binary_search(connected.begin(), connected.end(), address)) return;
  auto found = targets_.find(address);
  if (found == targets_.end()) {
    if (bounded && targets_.size() >= config_.limits.mesh_targets) return;
    found = targets_.emplace(address, Target{}).first;
    found->second.try_after = host_.clock.mono();
    found->second.interval = kFirstInterval;
  }
  found->second.valid = true;
}

void ConnectionMaker::hear(const Topology& topology, const std::vector<Neighbour>& neighbours,
                           const std::vector<Address>& connected) {
  std::vector<bool> ours(topology.slots());
  ours[kOwn] = true;
  for (const Neighbour& neighbour : neighbours) ours[neighbour.slot] = true;
  std::vector<bool> wanted(topology.addresses().size());
  for (const auto& [name, slot] : topology.by_name()) {
    if (slot == kOwn) continue;
    for (const Edge& edge : topology.at(slot).edges)
      if (!ours[edge.to] && edge.address != kNoAddress) wanted[edge.address] = true;
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i]) continue;
    Address address = topology.addresses()[i];
    if (address.port == 0) address.port = config_.listen.port;
    if (may_dial(address)) add(address, true, connected);
  }
}

std::optional<MonoTime> ConnectionMaker::run(const Topology& topology, const std::vector<Neighbour>& neighbours,
                                             bool full) {
  if (full) return std::nullopt;  // the next connection that ends asks again
  for (auto& [address, target] : targets_) target.valid = false;
  std::vector<Address> connected;
  for (const Neighbour& neighbour : neighbours) connected.push_back(neighbour.remote);
  std::sort(connected.begin(), connected.end());
  for (const Address& address : config_.bootstrap)
    if (!is_ours(address) && address.port != 0) add(address, false, connected);
  hear(topology, neighbours, connected);

  const MonoTime now = host_.clock.mono();
  std::optional<MonoTime> next;
  for (auto at = targets_.begin(); at != targets_.end();) {
    auto& [address, target] = *at;
    if (target.state == State::waiting && !target.valid) {
      at = targets_.erase(at);
      continue;
    }
    ++at;
    if (target.state != State::waiting || target.never) continue;
    if (target.try_after <= now) {
      target.state = State::attempting;
      dials_.emplace(host_.network.dial(address), address);
    } else if (!next || target.try_after < *next) {
      next = target.try_after;
    }
  }
  return next;
}

bool ConnectionMaker::is_direct(LinkId link) const {
  const auto dial = dials_.find(link);
  if (dial == dials_.end()) return false;
  return std::find(config_.bootstrap.begin(), config_.bootstrap.end(), dial->second) != config_.bootstrap.end();
}

Address ConnectionMaker::address(LinkId link) const {
  const auto dial = dials_.find(link);
  return dial == dials_.end() ? Address{} : dial->second;
}

void ConnectionMaker::try_later(Target& target) {
  const auto jitter = static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(target.interval.count())));
  target.try_after = host_.clock.mono() + target.interval / 2 + Duration{jitter};
  target.interval = std::min(target.interval * 3 / 2, kLastInterval);
}

void ConnectionMaker::ended(LinkId link, bool never) {
  const auto dial = dials_.find(link);
  if (dial == dials_.end()) return;
  const auto found = targets_.find(dial->second);
  dials_.erase(dial);
  if (found == targets_.end()) return;
  Target& target = found->second;
  const bool lasted = target.state == State::connected && host_.clock.mono() > target.try_after + kResetAfter;
  target.state = State::waiting;
  if (never) {
    target.never = true;
  } else if (lasted) {
    target.try_after = host_.clock.mono();
    target.interval = kFirstInterval;
  } else {
    try_later(target);
  }
}

void ConnectionMaker::connected(LinkId link) {
  const auto dial = dials_.find(link);
  if (dial == dials_.end()) return;
  const auto found = targets_.find(dial->second);
  if (found != targets_.end()) found->second.state = State::connected;
}

}  // namespace np2p::mesh
