#include "core/overlay/swarm/census.h"

#include <algorithm>
#include <vector>

namespace np2p::swarm {

std::uint32_t own_census(const Directory& directory, const Fingers& fingers, const Links& links) noexcept {
  if (links.listens().is_unspecified()) return 0;
  // With fewer than eight others each of them keeps everything.
  const std::size_t bits = fingers.has_leaves() ? std::min<std::size_t>(fingers.shared_bits() + 1, 31) : 0;
  const std::uint64_t users = std::max<std::uint64_t>(directory.users_near(bits), bits == 0 ? 1 : 0);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(users << bits, UINT32_MAX));
}

std::uint32_t census(const Links& links) {
  std::vector<std::uint32_t> counts;
  if (links.servers() != 0) counts.push_back(links.servers());
  for (const Peer& peer : links.ready()) {
    if (peer.servers != 0 && peer.reachable() && peer.outbound) counts.push_back(peer.servers);
  }
  if (counts.empty()) return 0;
  std::sort(counts.begin(), counts.end());
  const std::size_t aside = counts.size() / 4;
  const std::size_t kept = counts.size() - 2 * aside;
  std::uint64_t sum = 0;
  for (std::size_t i = aside; i < aside + kept; ++i) sum += counts[i];
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(sum / kept, 1));
}

}  // namespace np2p::swarm
