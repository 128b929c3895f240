// From no link to the best one. Who wants a link to a node climbs as far as the two NATs let it:
//
//   1. the link that is open;
//   2. a dial, if one of the two can be dialled: the other one dials, asked over the route if need be;
//   3. a tunnel through relays, which is up after a few round trips;
//   4. meanwhile a dial on the LAN, if both are seen at the same address;
//   5. and a punch: each side finds out how its NAT maps a fresh port, they exchange that, and at an agreed time (half
//      a round trip after "start" was sent; at once where it arrives) both dial from there. Three tries.
//
// What comes of 4 and 5 replaces the tunnel (links.h); else the tunnel stays, and as long as it is in use who wanted it
// climbs again, a few times with growing pauses and unless both NATs are known to let nothing through. Both sides hold
// the link until nothing was said over it for two minutes. Meetings travel as routed messages, so it is known who asks;
// nobody is dialled but at the address at which it said to be seen, and not more often than a budget allows.
#pragma once

#include <optional>
#include <vector>

#include "core/base/pace.h"
#include "core/base/token_bucket.h"
#include "core/overlay/swarm/reachability.h"
#include "core/overlay/swarm/tunnels.h"

namespace np2p::swarm {

class Ladder {
 public:
  Ladder(const Config& config, Host& host, Links& links, Router& router, Tunnels& tunnels, MappingProbes& probes,
         Reachability& reachability);

  enum class Answer : std::uint8_t { linked, climbing, refused };
  Answer want(const Whereabouts& to);
  void used(const NodeId& node);  // something was said to it or by it
  struct Outcome {
    NodeId node;
    bool linked = false;
  };
  std::optional<Outcome> next();  // of what we wanted; linked as soon as anything carries, be it a tunnel

  void on(const Arrival& arrival);
  void changed(const LinkChange& change);
  bool probed(const MappingProbes::Result& result);  // false: not our probe
  void placed();                                     // somebody said where we are seen
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);
  [[nodiscard]] std::size_t climbing() const noexcept { return climbs_.size(); }
  [[nodiscard]] std::size_t held() const noexcept { return held_.size(); }

 private:
  struct Climb {
    Whereabouts to;
    bool leads = false;        // we asked
    bool offers_dial = false;  // and said where we can be dialled
    bool asked = false;
    bool told = false;  // the outcome
    std::uint64_t number = 0;
    LinkId asked_over;  // by which the other one's question came
    NatClass theirs;
    Address place;             // theirs, as they said at first
    Address mapped;            // and the port for the punch, once they know
    bool needs_place = false;  // ours, before we can prepare
    std::uint32_t probe = 0;
    unsigned failed_probes = 0;
    std::uint16_t port = 0;
    Address own_mapped;
    unsigned tries = 0;
    LinkId dial;
    LinkId tunnel;
    LinkId punch;
    std::optional<MonoTime> arrives;  // until then: the other side's SYN was first, its link is about to be ready
    MonoTime asked_at;
    Duration round_trip{};
    MonoTime until;
  };
  struct Held {
    NodeId node;
    MonoTime used;
    // While it is a tunnel, and we led:
    std::optional<MonoTime> again;  // when to climb again
    std::size_t climbs = 0;         // that ended with it
    std::uint64_t tunnel = 0;
    NatClass theirs;
  };
  struct GivenUp {
    NodeId node;
    MonoTime until;
  };
  using Step = Meeting::Step;
  [[nodiscard]] Climb* find(const NodeId& node) noexcept;
  [[nodiscard]] bool has_room() const noexcept;
  bool say(const Climb& climb, Step step);
  bool ask(Climb& climb);
  LinkId dial(const NodeId& node, const Address& to);
  void asked(const Arrival& arrival, const Meeting& meeting);
  void answered(Climb& climb, const Meeting& meeting);
  void learn(Climb& climb, const Meeting& meeting);
  bool mapped(Climb& climb, const Meeting& meeting);
  void prepare(Climb& climb);  // our side of the punch
  void prepared(Climb& climb);
  void start(Climb& climb);
  void punch(Climb& climb, MonoTime at);
  void refused(Climb& climb);
  [[nodiscard]] static bool is_their_punch(const Climb& climb, const Peer& peer) noexcept;
  void fell(Climb& climb, const LinkChange& change);  // a link of the climb failed or was lost
  void punched_in_vain(Climb& climb);
  void hold(const NodeId& node);
  void stayed(const Climb& climb);  // in its tunnel, if it did: there will be another climb
  void climb_again(Held& held);
  void tell(Climb& climb, bool linked);
  void finish(const NodeId& node);

  const Config& config_;
  Host& host_;
  Links& links_;
  Router& router_;
  Tunnels& tunnels_;
  MappingProbes& probes_;
  Reachability& reachability_;
  Rng rng_;
  std::vector<Climb> climbs_;
  std::vector<Held> held_;
  std::vector<GivenUp> given_up_;
  std::vector<Outcome> outcomes_;
  struct Asker {
    std::uint64_t who = 0;
    Pace asks;
  };
  [[nodiscard]] bool may_ask(const Arrival& arrival);
  std::vector<Asker> over_links_;  // what came over each link, whoever asks
  std::vector<Asker> askers_;      // and of each node, the one that asked last at the end
  TokenBucket punches_{1, 12};     // each three SYNs
};

}  // namespace np2p::swarm
