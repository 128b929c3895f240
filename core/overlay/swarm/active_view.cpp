#include "core/overlay/swarm/active_view.h"

#include <algorithm>

#include "core/base/vectors.h"
#include "core/overlay/swarm/coordinates.h"
#include "core/overlay/swarm/netgroup.h"

namespace np2p::swarm {
namespace {

// Near neighbours of a node behind NAT: it sends over the nearest, and the others are there to take its place.
constexpr std::size_t kNearOfLeaf = 3;
constexpr std::size_t kPerGroup = 2;    // neighbours of one netgroup, while there are others to choose
constexpr std::size_t kKeptPlaces = 4;  // of a view of 16; a quarter of a smaller one

// Where the other end is seen, whatever it says of itself.
std::uint64_t group_of(const Peer& peer) noexcept {
  return netgroup(peer.path == Path::tunnel ? peer.listens : peer.remote);
}

}  // namespace

void ActiveView::add(const Peer& peer, bool client, bool chosen) {
  make_room_for_one(neighbours_);
  neighbours_.push_back({peer.link, peer.id.hash(), client, !client && random_members() < random_wanted(), chosen});
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
  const auto at =
      std::find_if(neighbours_.begin(), neighbours_.end(), [&](const Neighbour& one) { return one.link == link; });
  if (at == neighbours_.end() || at->client == client) return;
  at->client = client;
  active_ += client ? std::size_t(-1) : 1;
  if (!client) std::rotate(at, at + 1, neighbours_.end());
}

void ActiveView::choose(LinkId link) {
  for (Neighbour& one : neighbours_) one.chosen = one.chosen || one.link == link;
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

// Who cannot be dialled has chosen all of its neighbours; but a node that has just started counts as such, too, and
// is knocked at where it was known before. The paper's own protocol knows nothing of this.
std::size_t ActiveView::kept_places() const noexcept {
  if (params_.trees == 0) return 0;
  return is_leaf() ? capacity() * 3 / 4 : std::min(kKeptPlaces, capacity() / 4);
}

std::size_t ActiveView::unchosen() const noexcept {
  std::size_t count = 0;
  for (const Neighbour& one : neighbours_) count += one.client || one.chosen ? 0u : 1u;
  return count;
}

bool ActiveView::has_room(bool chosen) const noexcept {
  return !is_full() && (chosen || unchosen() + kept_places() < capacity());
}

// The longest standing are safe: of the chosen as many as there are kept places, of the others half of theirs.
LinkId ActiveView::leaver(Rng& rng, LinkId comes) const {
  const std::size_t kept = kept_places();
  const std::size_t settled = kept == 0 ? 0 : (capacity() - kept) / 2;
  const Peer* newcomer = kept == 0 ? nullptr : links_.find(comes);
  const std::uint64_t group = newcomer == nullptr ? 0 : group_of(*newcomer);
  const bool relieves = newcomer != nullptr && count_of(group) < kPerGroup;
  LinkId leaver;
  std::uint64_t candidates = 0;
  std::size_t most = 0;
  std::size_t chosen = 0;
  std::size_t others = 0;
  for (const Neighbour& one : neighbours_) {
    if (one.client || one.link == comes) continue;
    const bool safe = one.chosen ? chosen++ < kept : others++ < settled;
    std::size_t crowd = 0;
    if (const Peer* peer = kept == 0 ? nullptr : links_.find(one.link); peer != nullptr) {
      crowd = count_of(group_of(*peer));
      if (group != 0 && group_of(*peer) == group) ++crowd;
    }
    if (safe && !(relieves && crowd > kPerGroup)) continue;
    crowd = std::max<std::size_t>(crowd, 1);
    if (crowd < most) continue;
    if (crowd > most) candidates = 0;
    most = crowd;
    ++candidates;
    if (rng.below(candidates) == 0) leaver = one.link;
  }
  return leaver;
}

std::vector<PeerRef> ActiveView::oldest_dialled(std::size_t count) const {
  std::vector<PeerRef> refs;
  for (const Neighbour& one : neighbours_) {
    const Peer* peer = one.client || !one.chosen ? nullptr : links_.find(one.link);
    if (peer == nullptr || !peer->outbound || !peer->reachable()) continue;
    if (refs.size() == count) break;
    refs.push_back(peer->ref());
  }
  return refs;
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

const Peer* ActiveView::farthest(bool for_chosen) const noexcept {
  const bool others_only = !for_chosen && unchosen() + kept_places() >= capacity();
  const Peer* chosen = nullptr;
  Duration most{};
  for (const Neighbour& one : neighbours_) {
    const Peer* peer = one.client || one.random ? nullptr : links_.find(one.link);
    if (peer == nullptr || (others_only && one.chosen)) continue;
    const Duration rtt = rtt_of(*peer);
    if (chosen != nullptr && rtt <= most) continue;
    chosen = peer;
    most = rtt;
  }
  return chosen;
}

std::size_t ActiveView::count_of(std::uint64_t group) const noexcept {
  if (group == 0) return 0;
  std::size_t same = 0;
  for (const Neighbour& one : neighbours_) {
    const Peer* peer = one.client ? nullptr : links_.find(one.link);
    if (peer != nullptr && group_of(*peer) == group) ++same;
  }
  return same;
}

std::vector<std::uint64_t> ActiveView::groups() const {
  std::vector<std::uint64_t> all;
  for (const Neighbour& one : neighbours_) {
    const Peer* peer = one.client ? nullptr : links_.find(one.link);
    if (peer != nullptr) all.push_back(group_of(*peer));
  }
  return all;
}

bool ActiveView::group_is_full(const Address& address) const noexcept {
  return count_of(netgroup(address)) >= kPerGroup;
}

Duration ActiveView::rtt_of(const Peer& peer) const noexcept {
  return peer.rtt != Duration{} ? peer.rtt : expected_rtt(peer.at);
}

Duration ActiveView::expected_rtt(const Coordinates& at) const noexcept {
  return is_vague(at) ? Duration::max() : predicted_rtt(links_.coordinates(), at);
}

}  // namespace np2p::swarm
