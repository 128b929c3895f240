#include "core/overlay/swarm/mapping_probe.h"

#include <algorithm>

namespace np2p::swarm {
namespace {

constexpr Duration kPatience = 8s;  // with helpers that do not answer

}  // namespace

std::uint32_t MappingProbes::start(const std::vector<PeerRef>& helpers) {
  if (helpers.empty()) return 0;
  Probe probe;
  probe.result.port = host_.network.open_port();
  if (probe.result.port == 0) return 0;
  for (const PeerRef& helper : helpers) {
    if (const LinkId link = links_.look(probe.result.port, helper)) probe.looking.push_back(link);
  }
  if (probe.looking.empty()) {
    host_.network.close_port(probe.result.port);
    return 0;
  }
  probe.result.probe = ++made_;
  probe.until = host_.clock.mono() + kPatience;
  probes_.push_back(std::move(probe));
  return made_;
}

void MappingProbes::release(std::uint32_t number) {
  const auto probe =
      std::find_if(probes_.begin(), probes_.end(), [number](const Probe& one) { return one.result.probe == number; });
  if (probe == probes_.end()) return;
  const std::vector<LinkId> looking = std::move(probe->looking);
  host_.network.close_port(probe->result.port);
  probes_.erase(probe);
  for (const LinkId link : looking) links_.close(link, CloseReason::local);
}

void MappingProbes::seen(const Links::Seen& seen) {
  for (Probe& probe : probes_) {
    const auto link = std::find(probe.looking.begin(), probe.looking.end(), seen.link);
    if (link == probe.looking.end()) continue;
    probe.looking.erase(link);
    if (!seen.from.is_unspecified() && seen.from.port != 0) probe.result.seen.push_back(seen.from);
    links_.close(seen.link, CloseReason::local);
    return check(probe);
  }
}

void MappingProbes::changed(const LinkChange& change) {
  if (change.kind != LinkChange::Kind::failed) return;
  for (Probe& probe : probes_) {
    if (std::erase(probe.looking, change.link) != 0) return check(probe);
  }
}

void MappingProbes::check(Probe& probe) {
  if (!probe.looking.empty() || probe.over) return;
  probe.over = true;
  results_.push_back(probe.result);
}

std::optional<MappingProbes::Result> MappingProbes::next() {
  if (results_.empty()) return std::nullopt;
  Result result = std::move(results_.front());
  results_.erase(results_.begin());
  return result;
}

std::optional<MonoTime> MappingProbes::next_due() const noexcept {
  std::optional<MonoTime> first;
  for (const Probe& probe : probes_) {
    if (!probe.over && (!first || probe.until < *first)) first = probe.until;
  }
  return first;
}

void MappingProbes::due(MonoTime now) {
  for (Probe& probe : probes_) {
    if (probe.over || probe.until > now) continue;
    const std::vector<LinkId> late = std::move(probe.looking);
    probe.looking.clear();
    check(probe);
    for (const LinkId link : late) links_.close(link, CloseReason::timed_out);
  }
}

}  // namespace np2p::swarm
