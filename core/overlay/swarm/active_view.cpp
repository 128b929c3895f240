#include "core/overlay/swarm/active_view.h"

#include <algorithm>

#include "core/base/vectors.h"
#include "core/overlay/swarm/coordinates.h"
#include "core/overlay/swarm/netgroup.h"

namespace np2p::swarm {
namespace {

// Near neighbours of a node behind NAT: it sends over the nearest, and the others are there to take its place.
constexpr std::size_t kNearOfLeaf = 3;
constexpr std::size_t kPerGroup = 2;  // neighbours of one netgroup, while there are others to choose

}  // namespace

void ActiveView::add(const Peer& peer, bool client) {
  make_room_for_one(neighbours_);
  neighbours_.push_back({peer.link, peer.id.hash(), client, !client && random_members() < random_wanted()});
  if (!client) ++active_;
}

bool ActiveView::remove(LinkId link) {
  const auto gone =
      std::find_if(neighbours_.begin(), neighbours_.end(), [&](const Neighbour& one) { return one.link == link; });
  if (gone == neighbours_.end()) return false;
  if (!gone->client) --active_;
  neighbours_.erase(gone);
  return true;
}

void ActiveView::set_client(LinkId link, bool client) {
  for (Neighbour& one : neighbours_) {
    if (one.link != link || one.client == client) continue;
    one.client = client;
    active_ += client ? std::size_t(-1) : 1;
  }
}

const ActiveView::Neighbour* ActiveView::find(LinkId link) const noexcept {
  for (const Neighbour& one : neighbours_) {
    if (one.link == link) return &one;
  }
  return nullptr;
}

bool ActiveView::contains(const NodeId& id) const noexcept {
  for (const Neighbour& one : neighbours_) {
    if (one.head != id.hash()) continue;
    const Peer* peer = links_.find(one.link);
    if (peer != nullptr && peer->id == id) return true;
  }
  return false;
}

std::vector<LinkId> ActiveView::links() const {
  std::vector<LinkId> links;
  for (const Neighbour& one : neighbours_) {
    if (!one.client) links.push_back(one.link);
  }
  return links;
}

std::size_t ActiveView::random_members() const noexcept {
  std::size_t count = 0;
  for (const Neighbour& one : neighbours_) count += one.random ? 1u : 0u;
  return count;
}

std::size_t ActiveView::random_wanted() const noexcept {
  const std::size_t most = params_.active - std::min(params_.active, kNearOfLeaf);
  return is_leaf() ? std::max(params_.random_active, most) : params_.random_active;
}

std::size_t ActiveView::capacity() const noexcept {
  return is_leaf() ? params_.active : params_.active_reachable;
}

LinkId ActiveView::random(Rng& rng, LinkId but) const {
  LinkId chosen;
  std::uint64_t candidates = 0;
  for (const Neighbour& one : neighbours_) {
    if (one.client || one.link == but) continue;
    ++candidates;
    if (rng.below(candidates) == 0) chosen = one.link;
  }
  return chosen;
}

const Peer* ActiveView::nearest() const noexcept {
  const Peer* least = nullptr;
  for (const Neighbour& one : neighbours_) {
    const Peer* peer = one.client ? nullptr : links_.find(one.link);
    if (peer != nullptr && (least == nullptr || rtt_of(*peer) < rtt_of(*least))) least = peer;
  }
  return least;
}

const Peer* ActiveView::farthest() const noexcept {
  const Peer* chosen = nullptr;
  Duration most{};
  for (const Neighbour& one : neighbours_) {
    const Peer* peer = one.client || one.random ? nullptr : links_.find(one.link);
    if (peer == nullptr) continue;
    const Duration rtt = rtt_of(*peer);
    if (chosen != nullptr && rtt <= most) continue;
    chosen = peer;
    most = rtt;
  }
  return chosen;
}

bool ActiveView::group_is_full(const Address& address) const noexcept {
  const std::uint64_t group = netgroup(address);
  if (group == 0) return false;
  std::size_t same = 0;
  for (const Neighbour& one : neighbours_) {
    const Peer* peer = one.client ? nullptr : links_.find(one.link);
    if (peer != nullptr && netgroup(peer->listens) == group) ++same;
  }
  return same >= kPerGroup;
}

Duration ActiveView::rtt_of(const Peer& peer) const noexcept {
  return peer.rtt != Duration{} ? peer.rtt : expected_rtt(peer.at);
}

Duration ActiveView::expected_rtt(const Coordinates& at) const noexcept {
  return is_vague(at) ? Duration::max() : predicted_rtt(links_.coordinates(), at);
}

}  // namespace np2p::swarm
