// Membership: HyParView (Leitao, Pereira, Rodrigues: "HyParView: a membership protocol for reliable gossip-based
// broadcast", DSN 2007) for networks in which most nodes cannot be dialled.
//
// Every link of a view has a reachable end, and views hold only nodes that can be dialled. Among reachable nodes the
// active view is the paper's: symmetric, bounded, refilled at once from the passive view. A node behind NAT dials all
// of its neighbours; they count it as a client, beside their own active view, and it never enters anybody's view. Of
// the active view a few members are random for ever, which keeps the graph connected; the others move towards nearer
// ones (after X-BOT: Leitao, Marques, Pereira, Rodrigues 2009), by the coordinates that every reference carries.
#pragma once

#include <optional>
#include <vector>

#include "core/overlay/swarm/active_view.h"
#include "core/overlay/swarm/links.h"
#include "core/overlay/swarm/passive_view.h"

namespace np2p::swarm {

class HyParView {
 public:
  struct NeighbourChange {
    LinkId link;
    bool up = false;
  };

  HyParView(const Config& config, const SwarmParams& params, Host& host, Links& links);

  void join(LinkId link);  // through the server at the end of a ready link
  // Old neighbours of before a restart: each is asked to be one again once, and not to refuse.
  void set_anchors(const std::vector<Address>& anchors) { anchors_ = anchors; }
  // The node at the other end belongs to a part of the network that ours has no link with: each part gets to know one
  // of the other.
  void merge(LinkId link);
  void heard(const PeerRef& ref);
  void linked(const Peer& peer);  // whatever for

  void on(Peer& from, const Join& message);
  void on(Peer& from, const ForwardJoin& message);
  void on(Peer& from, const Neighbor& message);
  void on(Peer& from, const NeighborAnswer& message);
  void on(Peer& from, const Disconnect& message);
  void on(Peer& from, const Shuffle& message);
  bool awaits_sample(Peer& from);  // false: it answers nothing, and is not to be heard
  void on(Peer& from, const ShuffleReply& message);
  void changed(const LinkChange& change);
  void peer_updated(const Peer& peer);  // it can be dialled now, or no longer
  void became_reachable();
  void became_unreachable();

  [[nodiscard]] MonoTime next_due() const noexcept;
  void due(MonoTime now);

  std::optional<NeighbourChange> next();  // since the last call, oldest first
  [[nodiscard]] std::size_t active_size() const noexcept { return view_.size(); }
  // It has neighbours, and not only such as came by themselves while we hear what our doors say.
  [[nodiscard]] bool is_inside() const noexcept { return !chooses_at_ && view_.size() > 0; }
  [[nodiscard]] std::size_t client_count() const noexcept { return view_.client_count(); }
  [[nodiscard]] bool is_neighbour(LinkId link) const noexcept { return view_.find(link) != nullptr; }
  [[nodiscard]] std::vector<LinkId> active_links() const { return view_.links(); }  // without clients
  [[nodiscard]] std::vector<PeerRef> oldest_dialled(std::size_t count) const { return view_.oldest_dialled(count); }
  [[nodiscard]] const PassiveView& passive() const noexcept { return passive_; }
  [[nodiscard]] std::vector<PeerRef> sample(std::size_t count);  // of both views
  [[nodiscard]] std::size_t bytes() const noexcept {
    return passive_.bytes() + view_.bytes() + heap_bytes(attempts_) + heap_bytes(anchors_) + heap_bytes(doors_) +
           heap_bytes(pushing_) + heap_bytes(changes_);
  }

 private:
  struct Attempt {  // a neighbour-to-be: being dialled, or asked
    NodeId id;
    std::uint64_t group = 0;
    LinkId link;
    Urgency urgency = Urgency::low;
    bool asked = false;
    bool chosen = true;  // by us: nobody else named it as a joiner
    MonoTime since;
  };

  [[nodiscard]] bool knows(const NodeId& id) const noexcept;  // active or attempted
  void add(Peer& peer, bool client, bool chosen);
  void remove(LinkId link);
  void disconnect(LinkId link);
  bool try_neighbour(const PeerRef& ref, Urgency urgency, bool chosen = true);
  void ask(Attempt& attempt);
  void drop_attempt(std::size_t index);
  void make_room(LinkId comes = {});                      // in the active view, for that one
  [[nodiscard]] bool wished(LinkId link) const noexcept;  // we have chosen the node there and wait for it
  [[nodiscard]] bool is_one_too_many(const Address& at) const noexcept;  // of its netgroup
  void walk(const PeerRef& joiner, LinkId but);
  void accept(Peer& from);
  void refuse(Peer& from);
  void refill();
  [[nodiscard]] const PeerRef* candidate();
  void beg(MonoTime now);
  void ask_for_sample(LinkId to, const Message& question);
  void shuffle();
  void look_for_nearer(MonoTime now);
  // With Plumtree's own tree alone we are held against the paper, which knows no other ways of learning of nodes than
  // joins and shuffles. Ours hand out neighbours of neighbours, which closes triangles.
  [[nodiscard]] bool as_published() const noexcept { return params_.trees == 0; }
  void answered(LinkId door);
  [[nodiscard]] bool may_push(const Address& from) const noexcept;
  bool push(LinkId comes);
  void ask_around();
  [[nodiscard]] std::vector<PeerRef> around(const Peer& asker);
  [[nodiscard]] bool wants_nearer() const noexcept { return params_.nearer_every > Duration{}; }
  [[nodiscard]] Duration jittered(Duration mean);

  const SwarmParams& params_;
  Host& host_;
  Links& links_;
  Rng rng_;
  ActiveView view_;
  PassiveView passive_;
  std::vector<Attempt> attempts_;
  std::vector<Address> anchors_;  // not asked yet
  // Outside, nobody is chosen before all doors have named some, or it took too long: else the first one decides alone.
  std::vector<LinkId> doors_;  // asked, and silent until now
  std::size_t doors_awaited_;
  std::optional<MonoTime> chooses_at_;
  struct Pushing {  // somebody out
    std::uint64_t group = 0;
    MonoTime until;
  };
  std::vector<Pushing> pushing_;  // who did lately, oldest first
  std::vector<NeighbourChange> changes_;
  std::size_t taken_ = 0;
  MonoTime shuffle_at_;
  MonoTime nearer_at_;
  MonoTime refill_at_;
  Duration refill_pause_;
  Duration nearer_pause_;
  MonoTime beg_at_;
  Duration beg_pause_;
};

}  // namespace np2p::swarm
