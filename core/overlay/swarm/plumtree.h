// Broadcast: Plumtree (Leitao, Pereira, Rodrigues: "Epidemic broadcast trees", SRDS 2007): payloads are pushed along
// eager links, announced over lazy ones, and pulled by who missed them.
//
// Each link is eager or lazy per tree, one bit each. The trees are those of paths.h, each a shortest-path tree among
// the reachable nodes; the source's first reachable node chooses the one whose root is nearest, so latency is near the
// least and nothing has to be warmed up. A node behind NAT is a leaf of all trees, below one parent, the nearest of its
// neighbours. Who knows no root uses the shared tree, which grows by GRAFT and PRUNE alone as in the paper.
//
// What differs from the paper:
// * In the shared tree a new link starts lazy, and a node without any eager link makes one eager: so joining grows it
//   by one edge and nothing is sent twice, not even the first message of an author never heard of.
// * Announcements cost more than the posts if each lazy link carries them, so a node has them from a few neighbours
//   only, whom it tells (Watch).
//
// Nothing is handed on before forward() says that it is good.
#pragma once

#include <optional>
#include <vector>

#include "core/base/pace.h"
#include "core/overlay/overlay.h"
#include "core/overlay/swarm/links.h"
#include "core/overlay/swarm/paths.h"
#include "core/overlay/swarm/recent_payloads.h"

namespace np2p::swarm {

class Plumtree {
 public:
  Plumtree(const Config& config, Host& host, Links& links, const Paths& paths);

  void neighbour_up(LinkId link);  // of HyParView, or any standing link between two reachable nodes
  void neighbour_down(LinkId link);
  void became_reachable();                     // no leaf any more
  void rerouted(const Paths::Change& change);  // a parent has changed; said to the peers with the next flush_routes()
  void flush_routes();

  void broadcast(Channel channel, const Frame& payload);
  void forward(const Delivery& delivery, const Frame& payload);

  void on(Peer& from, const Gossip& message, const Frame& whole);  // whole: as it came
  void on(Peer& from, const IHave& message);
  void on(Peer& from, const Graft& message);
  void on(Peer& from, const Prune& message);
  void on(Peer& from, const Watch& message);

  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);
  std::optional<Delivery> next();
  [[nodiscard]] bool is_neighbour(LinkId link) const noexcept;
  [[nodiscard]] std::size_t neighbours() const noexcept { return neighbours_.size(); }
  [[nodiscard]] std::size_t eager_links(std::uint8_t tree) const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  static constexpr Duration kCatchUp = 60s;  // we want to hear of what is younger than this
  struct Neighbour {
    LinkId link;
    Trees eager = 0;
    bool watched = false;  // it announces to us
    bool watches = false;  // we announce to it
    bool told = false;     // it sent or announced something since we began to count
    bool silent = false;   // it did not, while others did
    Pace pulls;            // what it asked to be sent
  };
  struct Rerouted {  // what a neighbour is to be told
    LinkId link;
    Trees graft = 0;
    Trees prune = 0;
  };
  struct Announcing {  // to a neighbour that watches
    LinkId link;
    std::vector<Announced> waiting;
  };
  struct Missing {
    std::uint64_t head = 0;  // of the id
    std::uint8_t tree = 0;
    LinkId asked;
    MonoTime at;                 // when somebody (else) is asked
    std::vector<LinkId> places;  // who announced it and was not asked yet
  };
  struct Arrived {  // handed up, not judged yet
    PayloadId id;
    LinkId from;
    std::uint8_t tree = 0;
    Frame whole;  // the Gossip message
  };

  struct Unheard {  // an own payload that nobody has announced to us yet
    std::uint64_t head = 0;
    MonoTime at;  // when it is given to somebody else
    unsigned tries = 0;
  };

  [[nodiscard]] Neighbour* find(LinkId link) noexcept;
  [[nodiscard]] bool is_leaf() const noexcept { return links_.listens().is_unspecified(); }
  [[nodiscard]] Trees own_trees() const noexcept;         // in which we have to see for a parent ourselves
  [[nodiscard]] std::uint8_t best_tree() const noexcept;  // for a payload that enters the network here
  void repeat_own();
  void catch_up(LinkId link);
  void graft_somebody();  // where no link is eager
  void hang_below(LinkId link);
  [[nodiscard]] std::size_t watched_at_most() const noexcept;
  void watch_somebody(Duration recent);
  void watch_instead(Neighbour& comes);
  void watch_another();
  void forget_announcer(LinkId link);
  void count_payload();
  void judge(MonoTime now);
  void await_echo(std::uint64_t head);
  void echoed(std::uint64_t head);
  void repeat_unheard(MonoTime now);
  void tell_all(std::uint64_t head, std::uint8_t tree);
  void leave_parent(Neighbour& parent);
  void push(const Frame& whole, std::uint8_t along, const PayloadId& id, LinkId from);
  Rerouted& rerouted(LinkId link);
  void announce(LinkId link, std::uint64_t head, std::uint8_t tree);
  void flush(LinkId link);  // what waits to be announced there
  void flush(Announcing& announcing);
  void repeated(Peer& from, Neighbour& neighbour, std::uint8_t tree);
  void miss(Peer& from, std::uint64_t head, std::uint8_t tree);
  void ask(Missing& missing, MonoTime now);

  const Config& config_;
  Host& host_;
  Links& links_;
  const Paths& paths_;
  Rng rng_;
  RecentPayloads recent_;
  std::vector<Neighbour> neighbours_;
  std::vector<Rerouted> rerouted_;
  std::vector<Announcing> announcing_;
  MonoTime alone_since_;         // when the last neighbour went
  MonoTime catching_up_;         // until then whoever announces from now on tells of the last minute
  unsigned since_rotation_ = 0;  // payloads
  std::vector<Missing> missing_;
  std::vector<Arrived> arrived_;
  std::vector<Delivery> deliveries_;
  std::size_t taken_ = 0;
  unsigned counted_ = 0;  // payloads since we began
  MonoTime counts_from_;
  std::optional<MonoTime> judge_at_;
  std::vector<Unheard> unheard_;
  std::optional<MonoTime> flush_at_;
  std::optional<MonoTime> forget_at_;
};

}  // namespace np2p::swarm
