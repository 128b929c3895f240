// HyParView's active view: the neighbours that can be dialled, symmetric and bounded; and beside it the clients, nodes
// behind NAT that count us as their neighbour. It knows who is in it and who would have to leave; who comes, and what
// is said about it, is hyparview.h's business.
//
// Whoever fills a view decides what its node gets to see. So a reachable node keeps some places for those that it chose
// and dialled itself; whoever came by a wish of his own, or because others named him, gets the rest, and who comes
// again and again displaces only those who came lately. Of one netgroup, as far as the other ends are seen there, two
// are enough.
#pragma once

#include <algorithm>
#include <vector>

#include "core/base/heap_bytes.h"
#include "core/base/rng.h"
#include "core/base/swarm_params.h"
#include "core/overlay/swarm/links.h"

namespace np2p::swarm {

class ActiveView {
 public:
  struct Neighbour {
    LinkId link;
    std::uint64_t head = 0;  // the first bytes of its id
    bool client = false;
    bool random = false;  // never swapped for a nearer one
    bool chosen = false;  // by us
  };

  ActiveView(const SwarmParams& params, Links& links) : params_(params), links_(links) {}

  void add(const Peer& peer, bool client, bool chosen);
  bool remove(LinkId link);  // false: it is no neighbour
  void choose(LinkId link);
  // It can be dialled no longer; or now it can, and takes a place as if it came only now.
  void set_client(LinkId link, bool client);

  [[nodiscard]] const std::vector<Neighbour>& all() const noexcept { return neighbours_; }  // in the order of coming
  [[nodiscard]] const Neighbour* find(LinkId link) const noexcept;
  [[nodiscard]] bool contains(const NodeId& id) const noexcept;
  [[nodiscard]] std::vector<LinkId> links() const;  // without clients
  [[nodiscard]] std::size_t size() const noexcept { return active_; }
  [[nodiscard]] std::size_t client_count() const noexcept { return neighbours_.size() - active_; }
  [[nodiscard]] std::size_t capacity() const noexcept;
  [[nodiscard]] bool is_full() const noexcept { return size() >= capacity(); }
  [[nodiscard]] bool has_room(bool chosen) const noexcept;
  [[nodiscard]] std::size_t places_for_uninvited() const noexcept {
    return capacity() - std::min(capacity(), unchosen() + kept_places());
  }
  [[nodiscard]] bool lacks_chosen() const noexcept { return size() < unchosen() + kept_places(); }
  [[nodiscard]] bool nearly_full() const noexcept { return size() * 4 >= capacity() * 3; }
  [[nodiscard]] bool has_its_random() const noexcept { return random_members() >= random_wanted(); }

  [[nodiscard]] LinkId random(Rng& rng, LinkId but = {}) const;  // without clients; 0: there is none
  [[nodiscard]] const Peer* nearest() const noexcept;
  // Of those that may be swapped; for one who came by a wish of his own, so that the places of the chosen stay theirs.
  [[nodiscard]] const Peer* farthest(bool for_chosen) const noexcept;
  // Who goes for one who comes over that link: one of the netgroup with most neighbours, the newcomer counted among its
  // own; by lot, if there are several. 0: nobody.
  [[nodiscard]] LinkId leaver(Rng& rng, LinkId comes) const;
  [[nodiscard]] bool group_is_full(const Address& address) const noexcept;
  [[nodiscard]] std::vector<std::uint64_t> groups() const;  // one for each neighbour
  // Those we dialled that have stood longest.
  [[nodiscard]] std::vector<PeerRef> oldest_dialled(std::size_t count) const;

  // As measured, or as the coordinates say; most for those who do not know their place yet.
  [[nodiscard]] Duration rtt_of(const Peer& peer) const noexcept;
  [[nodiscard]] Duration expected_rtt(const Coordinates& at) const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(neighbours_); }

 private:
  [[nodiscard]] std::size_t random_members() const noexcept;
  [[nodiscard]] std::size_t random_wanted() const noexcept;
  [[nodiscard]] bool is_leaf() const noexcept { return links_.listens().is_unspecified(); }
  [[nodiscard]] std::size_t kept_places() const noexcept;  // for those that we choose
  [[nodiscard]] std::size_t unchosen() const noexcept;
  [[nodiscard]] std::size_t count_of(std::uint64_t group) const noexcept;

  const SwarmParams& params_;
  Links& links_;
  std::vector<Neighbour> neighbours_;
  std::size_t active_ = 0;  // of them, without clients
};

}  // namespace np2p::swarm
