// Who was away or cut off gets what was broadcast meanwhile. When a link between neighbours comes up, who dialled says
// a digest of what it knows (marks.h). If the other side knows the same that was all:
//
//   dialler                                     the other one
//     HistoryDigest of the whole span   ->
//                                       <-      HistoryParts, if it knows something else
//     HistoryIds of the parts that differ ->
//     (asks for what is offered)        <-      HistoryOffer of what the dialler does not know
//     ...                               <->     HistoryAsk, Recalled: in both directions, newest first
//
// What comes is judged above like any broadcast. It is not pushed along the trees, where nearly everybody may have it:
// who has learned something that way says its digest to all its neighbours a moment later, and those who lack it ask.
// So after a cut in two halves it spreads from whoever is linked to the other half, and hardly anything is sent twice,
// as a node learns from two peers at a time at most and asks for each thing in one place.
//
// What is younger than a minute comes along the trees or is announced (plumtree.h) and stands in no digest; if there is
// something so young, there is a second digest a little later. Each direction of each link has a budget of bytes; what
// is asked for beyond it waits, and who offers what it does not give is not listened to for some time.
#pragma once

#include <optional>
#include <vector>

#include "core/base/pace.h"
#include "core/overlay/swarm/links.h"
#include "core/overlay/swarm/marks.h"
#include "core/overlay/swarm/plumtree.h"

namespace np2p::swarm {

class History {
 public:
  History(const Config& config, Host& host, Links& links, const Plumtree& plumtree);

  void neighbour_up(LinkId link);  // as often as one likes; it counts once for a link
  void link_down(LinkId link);
  void remember(const Past& past);

  void on(Peer& from, const HistoryDigest& message);
  void on(Peer& from, const HistoryParts& message);
  void on(Peer& from, const HistoryIds& message);
  void on(Peer& from, const HistoryOffer& message);
  void on(Peer& from, const HistoryAsk& message);
  void on(Peer& from, const Recalled& message);

  std::optional<Recall> next_recall();
  void recalled(const Recall& recall, const Frame& payload);
  std::optional<Delivery> next();
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);
  [[nodiscard]] const Marks& marks() const noexcept { return marks_; }
  [[nodiscard]] std::size_t talks() const noexcept { return talks_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Talk {  // with one peer; most links have none
    LinkId link;
    Pace out;
    Pace in;
    std::optional<MonoTime> greet_at;  // our digest is due
    // We learn from it:
    bool learning = false;
    bool gained = false;   // something new
    bool brought = false;  // something of what was asked for last
    bool filled = false;   // something, at least
    unsigned owed = 0;     // answers that may still come
    MonoTime until;        // of patience with this answer,
    MonoTime ends;         // and with the peer: others have their turn then
    std::optional<MonoTime> ignored_until;
    std::vector<std::uint64_t> wanted;  // newest last
    std::vector<std::uint64_t> asked;
    std::vector<Past> serving;  // it learns from us: next last
  };

  [[nodiscard]] Talk& talk(LinkId link);
  [[nodiscard]] Talk* find(LinkId link) noexcept;
  [[nodiscard]] std::int64_t unix_now() const noexcept { return unix_seconds(host_.clock.wall()); }
  [[nodiscard]] std::optional<Span> own_span() const noexcept;
  [[nodiscard]] bool is_fair(Span span, LinkId link);
  [[nodiscard]] bool may_answer(Talk& one);
  [[nodiscard]] bool may_learn(Talk& one);  // else it is greeted later
  void greet(LinkId link, bool again);
  void greet_by(Talk& one, MonoTime at);
  void want(Talk& one, const std::vector<std::uint64_t>& marks);
  void ask_next(Talk& one);
  void asked_long_enough(Talk& one);
  void finish(Talk& one);
  void ignore(Talk& one);
  [[nodiscard]] bool is_busy() const noexcept;
  void start_learning(Talk& one);
  void say(Talk& one, const Message& message);
  void forget_idle(MonoTime now);
  void reject(ErrorCode code, const char* why, LinkId link);

  const Config& config_;
  Host& host_;
  Links& links_;
  const Plumtree& plumtree_;
  Marks marks_;
  Pace upload_;
  std::optional<MonoTime> spread_at_;
  std::vector<Talk> talks_;
  std::vector<Delivery> deliveries_;
};

}  // namespace np2p::swarm
