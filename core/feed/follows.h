// Whom our user follows, read from the latest kind-3 list, and how far we are with registering at each followee's node:
// FOLLOW is sent when there is a route, sent again with growing pauses until answered, renewed at half its lease, and
// sent again when a followee's node comes back (it may have lost its disk) or another node serves the followee.
//
// After an absence of our own, guardians tell what was missed (wardship.h), and authors who know these keep our user
// for a month. So FOLLOW, which finds what guardians do not know, has time then: it goes to who never registered our
// user at once, to those whose lease ends or who were told of other guardians soon, to those who posted meanwhile
// within minutes, as they hold back posts until they hear from us, and to the others within an hour. It also goes to
// whose user has signed BIND again, within half a minute: their server may have lost its disk. Nobody answers
// UNFOLLOW, so it is said three times, and again to who believes that we follow and is wrong, as its posts tell.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/base/rng.h"
#include "core/feed/positions.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"

namespace np2p {

class Follows {
 public:
  struct Change {
    std::vector<PubKey> added;
    std::vector<PubKey> removed;
  };

  Follows(const Config& config, Host& host, Overlay& overlay, Positions& positions);

  // The new list, null if there is none any more. FOLLOW and UNFOLLOW go out at once; what changed is returned, because
  // the authors' standing follows it.
  Change set(const EventPtr& list);
  void registered(const PubKey& followee);  // its node answered
  void leave(const PubKey& user);           // who is not followed, but thinks so
  // Whom FOLLOW names as our guardians from now on; who has been told of others hears of it soon.
  void set_guardians(std::vector<PubKey> guardians);
  void topology_changed();
  void returned();                          // after a while without neighbours: all of them, as far as it is urgent
  void missed_us(const PubKey& followee);   // it posted while we were away
  void bound(const PubKey& user);           // by a new BIND: its server may have lost its disk, and know us no longer
  void hurry(Duration within);              // guardians do not tell what was missed
  void timer();                             // asks whoever is due
  [[nodiscard]] MonoTime next_due() const;  // kNever if there is nothing to do
  [[nodiscard]] MonoTime next_due(const PubKey& followee) const;
  static constexpr MonoTime kNever{INT64_MAX};

  [[nodiscard]] bool contains(const PubKey& user) const { return follows_.count(user) != 0; }
  [[nodiscard]] std::size_t size() const noexcept { return follows_.size(); }
  [[nodiscard]] bool has_list() const noexcept {
    return has_list_;
  }  // else our disk is new: whom we follow is not known
  [[nodiscard]] std::size_t leaving() const noexcept { return leaving_.size(); }  // to whom UNFOLLOW is being said
  [[nodiscard]] std::vector<PubKey> users() const;
  [[nodiscard]] std::size_t registered_count() const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(follows_) + heap_bytes(leaving_); }

 private:
  struct Followee {
    MonoTime due;                  // the next FOLLOW
    unsigned unanswered = 0;       // FOLLOWs since the last answer
    bool registered = false;       // answered since it was last seen away
    bool reachable = false;        // at the last look
    bool lazy = false;             // its next FOLLOW has time
    std::uint64_t told = 0;        // of which guardians, by the last FOLLOW
    std::optional<NodeId> server;  // that was asked last, as far as the overlay says
  };
  struct Leaving {
    MonoTime due;    // the next UNFOLLOW
    MonoTime until;  // by then the lease has ended that it gave us
    unsigned sent = 0;
  };
  void ask(const PubKey& followee, Followee& state);
  bool check_lazily(const PubKey& followee, Followee& state);  // false: that would be too late
  [[nodiscard]] std::uint64_t mark_of_guardians() const noexcept;
  void say_unfollow();
  Duration search_pause();
  [[nodiscard]] std::uint64_t next_said();

  const Config& config_;
  Host& host_;
  Overlay& overlay_;
  Positions& positions_;
  Rng rng_;
  std::map<PubKey, Followee> follows_;
  std::map<PubKey, Leaving> leaving_;
  std::vector<PubKey> guardians_;
  std::uint64_t said_ = 0;  // of the last FOLLOW or UNFOLLOW
  bool has_list_ = false;
};

}  // namespace np2p
