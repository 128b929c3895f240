// The scalable overlay: bounded state, links and traffic per node whatever the size of the network. It composes the
// parts of this folder, hands them the messages and changes that are theirs, and decides nothing itself:
//
//   links         who is at the other end, and what for
//   entrance      the way in and back in
//   reachability  can others dial us, and what does our NAT do?
//   hyparview     who are the neighbours
//   paths         shortest-path trees among the reachable ones
//   guard         finds other parts of a network that has come apart
//   plumtree      broadcast along neighbours and paths
//   history       what was broadcast earlier, for those who were away or cut off
//   fingers       standing links among reachable nodes, by id
//   evidence      keys that signed two different things
//   census        how many servers there are
//   directory     who serves a user, kept by the nodes nearest to the hash of the public key
//   guardian_finder  who keeps mail for whom, as it stands there
//   router        small messages to any node, over fingers and relays
//   locator       users to nodes: lookups, remembered contacts, our own
//   tunnels       links that others carry, and what we carry for others
//   ladder        from no link to the best one: dials, tunnels, punches
//   correspondence  messages to single users: routed, or worth a link
//   fanout        one payload for many: one copy for each relay
//   cells         our followers, when they are too many for that
//   head_links    links to the heads of these
//   cell_heads    those of others whom we lead
#pragma once

#include <optional>

#include "core/overlay/overlay.h"
#include "core/overlay/swarm/cell_heads.h"
#include "core/overlay/swarm/cells.h"
#include "core/overlay/swarm/census.h"
#include "core/overlay/swarm/correspondence.h"
#include "core/overlay/swarm/entrance.h"
#include "core/overlay/swarm/fanout.h"
#include "core/overlay/swarm/guard.h"
#include "core/overlay/swarm/guardian_finder.h"
#include "core/overlay/swarm/head_links.h"
#include "core/overlay/swarm/history.h"
#include "core/overlay/swarm/hyparview.h"
#include "core/overlay/swarm/ladder.h"
#include "core/overlay/swarm/locator.h"
#include "core/overlay/swarm/paths.h"
#include "core/overlay/swarm/plumtree.h"
#include "core/overlay/swarm/reachability.h"

namespace np2p::swarm {

class Swarm {
 public:
  Swarm(const Config& config, Host& host);

  void start();
  void stop();
  void link_up(const LinkInfo& info);
  void frame(LinkId link, const Frame& frame);
  void writable(LinkId link);
  void link_down(LinkId link, CloseReason reason);
  void timer(Timer timer);
  void port_mapped(const Address& outside);
  void carry(LinkId tunnel, const Frame& record, Traffic traffic);

  void broadcast(Channel channel, const Frame& payload);
  void forward(const Delivery& delivery, const Frame& payload);
  void remember(const Past& past);
  std::optional<Recall> next_recall() { return history_.next_recall(); }
  void recalled(const Recall& recall, const Frame& payload);
  void close_link(LinkId link, CloseReason reason);
  void look_for(const PubKey& user);
  void seek(const PubKey& user);
  void set_guardians(std::vector<PubKey> guardians);
  void find_guardians(const PubKey& user);
  [[nodiscard]] GuardianFinder& guardian_finder() noexcept { return guardian_finder_; }
  bool unicast(const PubKey& user, Channel channel, const Frame& payload, Priority priority);
  std::vector<PubKey> copies(const std::vector<PubKey>& users, Channel channel, const Frame& payload, Priority priority,
                             Assurance assurance = Assurance::receipts);
  void receipt(const Delivery& copy);
  void keep(const PubKey& user, bool kept);
  std::optional<CopyOutcome> next_outcome();
  std::optional<Delivery> next();
  void bind(const EventPtr& event);
  [[nodiscard]] Identity identity() const { return locator_.identity(); }
  [[nodiscard]] const Evidence& evidence() const noexcept { return evidence_; }
  [[nodiscard]] bool reaches(const PubKey& user) const { return locator_.reaches(user); }
  [[nodiscard]] std::optional<NodeId> server_of(const PubKey& user) const {
    const auto found = locator_.find_alive(user);
    return found ? std::optional(found->node) : std::nullopt;
  }
  [[nodiscard]] std::size_t reachable_count() const noexcept { return hyparview_.active_size(); }
  [[nodiscard]] std::size_t network_size() const { return census(links_); }
  [[nodiscard]] std::uint64_t version() const noexcept { return locator_.version() + correspondence_.version(); }

  [[nodiscard]] std::vector<Overlay::Peer> peers() const;
  [[nodiscard]] const Paths& paths() const noexcept { return paths_; }
  [[nodiscard]] OverlayStatus status() const;
  [[nodiscard]] std::vector<NodeId> active_view() const;
  [[nodiscard]] std::size_t bytes() const noexcept;
  [[nodiscard]] const HyParView& membership() const noexcept { return hyparview_; }
  [[nodiscard]] std::string_view nat_class() const noexcept { return reachability_.word(); }
  [[nodiscard]] const Tunnels& tunnels() const noexcept { return tunnels_; }
  [[nodiscard]] const Ladder& ladder() const noexcept { return ladder_; }
  [[nodiscard]] const Correspondence& correspondence() const noexcept { return correspondence_; }
  [[nodiscard]] const History& history() const noexcept { return history_; }
  [[nodiscard]] Router& router() noexcept { return router_; }
  [[nodiscard]] Fanout& fanout() noexcept { return fanout_; }
  [[nodiscard]] Cells& cells() noexcept { return cells_; }
  [[nodiscard]] CellHeads& cell_heads() noexcept { return cell_heads_; }
  [[nodiscard]] bool reachable() const noexcept { return reachability_.reachable(); }

 private:
  void handle(Peer& from, const Message& message, const Frame& whole);
  void handle(const Arrival& arrival);  // about cells
  void offer_to_tree(const Peer& peer);
  std::vector<PubKey> copies_to_cells(const std::vector<PubKey>& users, Channel channel, const Frame& payload,
                                      Priority priority);
  void settle_reachability();
  void settle_trees();  // what a message of paths or broadcasts may have changed: most are of these
  void settle();        // changes of links to the parts, changes of neighbours to Plumtree; arms the timers
  void arm_directory();
  void arm(Timer timer, std::optional<MonoTime> at, std::optional<MonoTime>& armed);

  const Config& config_;
  Host& host_;
  SwarmParams params_;
  Links links_;
  Entrance entrance_;
  MappingProbes probes_;
  Reachability reachability_;
  HyParView hyparview_;
  Paths paths_;
  Plumtree plumtree_;
  History history_;
  Fingers fingers_;
  Guard guard_;
  Evidence evidence_;
  Directory directory_;
  Router router_;
  Locator locator_;
  GuardianFinder guardian_finder_;
  Tunnels tunnels_;
  Ladder ladder_;
  Correspondence correspondence_;
  Fanout fanout_;
  Cells cells_;
  HeadLinks head_links_;
  CellHeads cell_heads_;
  std::vector<Delivery> unicasts_;
  std::optional<MonoTime> armed_connect_;
  std::optional<MonoTime> armed_gossip_;
  std::optional<MonoTime> armed_directory_;
};

}  // namespace np2p::swarm
