// How far we have got in the streams of those our user follows (core/wire/stream.h), what is missing, and whom to ask
// for it. A head counts if the author's own server says it or the author's node has signed it; what others say about
// numbers moves nothing. Events themselves need no head: they are signed.
//
// What comes in order moves the position, what comes behind a gap is remembered as such, and the gap is pulled: after a
// second (it may be on its way) from the author (first the ids: some may have come another way), then in turn from the
// author's guardians, with pauses of 5 s, 1 min, 10 min, 1 h and 6 h. What somebody else than the author brings counts
// only if it is complete: every id, up to a head that the author signed. An author who is away is asked for nothing,
// but its guardians are, for what was posted since. What our own guardians are about to bring is not pulled. An author
// whose one incarnation has two stories is counted and followed on; if its node signed both, the two heads are kept as
// evidence.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/feed/heard.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"
#include "core/wire/extension.h"

namespace np2p {

class Positions {
 public:
  // Is a guardian of our user about to bring this number of that stream (wardship.h)? Then nobody is asked for it yet.
  using IsComing = std::function<bool(const MailStream&, std::uint64_t)>;
  Positions(const Config& config, Host& host, Overlay& overlay, IsComing is_coming)
      : config_(config), host_(host), overlay_(overlay), is_coming_(std::move(is_coming)), heard_(config, host) {}

  void load();
  void forget(const PubKey& author);
  // Something before it is still missing here.
  [[nodiscard]] bool is_ahead(const StreamPart& part) const;
  [[nodiscard]] std::optional<StreamPosition> of(const PubKey& author) const;
  // How long the author's server keeps our user as a follower, and which guardians it was told of; kept on disk.
  struct Lease {
    WallTime until;
    std::uint64_t told = 0;
  };
  [[nodiscard]] std::optional<Lease> lease(const PubKey& author) const;
  void set_lease(const PubKey& author, const Lease& lease);

  // A part that came with these events, none of which was refused unless the author's server itself sent it.
  void arrived(const StreamPart& part, std::span<const EventId> events, const Delivery& delivery);
  // From the author's server: it answered our FOLLOW, or tells us ids; it announces what we gave no receipt for, and
  // waits for our answer.
  void news(const StreamNews& news, bool announced);
  // What we hold of another author's stream, for somebody who asked: parts up to a head that the author signed.
  std::vector<StreamPart> answer(const Pull& pull);

  // It does not answer: what it posted while we were away its guardians may have.
  void author_is_away(const PubKey& author);
  // Now and then somebody else who may follow the author - one of these, or of its guardians - is asked for the head
  // where we stand: two stories of one stream are only seen by who compares them.
  void ask_witness(const PubKey& author, const std::vector<PubKey>& friends);

  void topology_changed();  // an author may be back
  void timer();             // pulls what is due
  [[nodiscard]] std::optional<MonoTime> next_due() const;

  [[nodiscard]] std::size_t size() const noexcept { return states_.size(); }
  [[nodiscard]] std::size_t with_gaps() const noexcept;
  [[nodiscard]] std::uint64_t forks() const noexcept { return forks_; }  // seen since the start
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Range {  // of numbers that we have, both ends included
    std::uint64_t first = 0;
    StreamHead head;              // at its end
    std::vector<EventId> events;  // empty: its author says that some are gone, or there was no room for all of them
    bool from_author = false;     // else it has to fit the chain
    [[nodiscard]] std::uint64_t last() const noexcept { return head.seq; }
  };
  struct Gap {                     // there is something that we do not have
    std::vector<Range> beyond;     // ascending, behind the position
    std::uint64_t news_after = 0;  // the numbers that follow have these ids
    std::vector<EventId> news;
    bool by_itself = true;  // events of this author may be here already, having come without a number
    MonoTime due;           // of the next pull
    bool asked_ids = false;
    unsigned pulls = 0;      // since something came
    bool away = false;       // nobody who could be asked was there
    bool announced = false;  // its author waits to hear that it is closed
    std::uint64_t asked_until = 0;
  };
  struct State {
    std::uint64_t epoch = 0;
    std::uint64_t incarnation = 0;
    std::uint64_t seq = 0;    // everything up to here we have had
    std::uint64_t known = 0;  // the author has got so far
    Chain chain{};            // at seq; zero: not known
    NodeId node;              // that signs for the author
    std::vector<PubKey> guardians;
    std::optional<Lease> lease;
    bool unsure = false;  // there is a later incarnation
    std::unique_ptr<Gap> gap;
    MonoTime others_asked;    // what the author posted, since it is away: the beginning of the last round
    MonoTime others_due;      // of the next question in it; zero: none
    MonoTime witness_asked;   // what others have heard of it
    std::uint8_t others = 0;  // who of them was asked last
    std::uint8_t asked = 0;   // in this round
  };
  using States = std::map<PubKey, State>;

  [[nodiscard]] bool is_signed(const StreamHead& head, const State& state) const;
  // earlier: a head of an incarnation that is over. later: of one of which we cannot tell how far we are (its disk may
  // be another one, or a copy of an old one); the author can, and is asked.
  enum class Incarnation : std::uint8_t { earlier, current, later };
  Incarnation enter(State& state, const StreamHead& head);
  void begin(State& state, const StreamHead& head, std::uint64_t seq);
  void take(State& state, const StreamPart& part, std::span<const EventId> events, bool from_author);
  void remember(State& state, const StreamPart& part, std::span<const EventId> events, bool from_author);
  bool join(const PubKey& author, State& state, const Range& range);  // false: it does not fit, and is pulled
  void compare(State& state, const StreamHead& head);                 // chains at one number
  void forked(const StreamHead& one, const StreamHead& other);
  bool ask_others(const PubKey& author, State& state, std::uint64_t after, const std::vector<PubKey>& whom);
  void advance(const PubKey& author, State& state, const EventId& event, const StreamHead* head);
  void take_what_is_held(const PubKey& author, State& state);
  void close_or_pull(const PubKey& author, State& state, Duration pause);
  void close(const PubKey& author, State& state);
  void say_all_is_here(const PubKey& author, const State& state);
  [[nodiscard]] std::uint64_t missing_until(const State& state) const;
  bool pull(const PubKey& author, State& state);
  void save(const PubKey& author, const State& state);

  const Config& config_;
  Host& host_;
  Overlay& overlay_;
  IsComing is_coming_;
  Heard heard_;
  States states_;
  std::uint64_t forks_ = 0;
};

}  // namespace np2p
