// From users to nodes: who serves a public key, and where. Contacts are looked up in the directory, or learnt from
// messages that came from there, and remembered. Our own is published whenever it changes, and before it expires.
//
// A user's BIND, once seen, decides: only the bound node is a destination, whatever claims and answers say, and as long
// as the user is remembered here or the BIND in the store nothing undoes it but a BIND with a higher rank. Without one,
// a message from a node that claims to serve a user may be acknowledged at once; what is meant for the user waits until
// the directory was asked.
//
// Who is asked for and not found, or found dead, is looked for again with growing pauses, so that a user who comes back
// is noticed; version() rises then. Only so many are looked for at once. Of those whom the floor above keeps, because
// it sends to them all the time, the others wait in a line, for some turns each; who has had these is looked for again
// an hour later, if it is still wanted then, or says itself that it is back.
#pragma once

#include <optional>
#include <vector>

#include "core/base/token_bucket.h"
#include "core/overlay/swarm/ballot.h"
#include "core/overlay/swarm/contact_table.h"
#include "core/overlay/swarm/directory.h"
#include "core/overlay/swarm/router.h"

namespace np2p::swarm {

class Locator {
 public:
  Locator(const Config& config, Host& host, Links& links, Directory& directory, Router& router, Evidence& evidence,
          std::uint64_t boot);
  void start();

  // False: no contact, or a dead one; a lookup is on its way then.
  bool send(const PubKey& user, Channel channel, const Frame& payload, Priority priority);
  [[nodiscard]] bool reaches(const PubKey& user) const;
  [[nodiscard]] std::optional<Whereabouts> find_alive(const PubKey& user) const;
  // For a copy. What has expired is still tried: a receipt tells whether it holds, and without one the user is looked
  // for (lost). Who is not known at all is looked for at once.
  std::optional<Receiver> find_for_copy(const PubKey& user);
  // Of those who are known well enough for that, who were not when this was asked last, or have moved.
  template <class Visit>
  void each_moved(Visit visit) {
    contacts_.take_moved([&](const Known& one) {
      if (fit_for_copy(one)) visit(receiver_of(one), one.at);
    });
  }
  // Somebody whom the floor above will send to as long as it keeps it: it is not forgotten for strangers, and looked
  // for in its turn as long as it is not known.
  void keep(const PubKey& user, bool kept);
  [[nodiscard]] Coordinates place_of(const PubKey& user) const noexcept;  // vague if not known
  void set_nat(NatClass nat);                                             // of ours, for our contact
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

  void own_changed(const std::vector<LinkId>& active);  // reachability or neighbours: the relays among them
  void answered(const Directory::Answer& answer);
  // False: it comes from a node that claims a user who is bound to another; not to be listened to.
  bool arrived(Arrival& arrival);
  void bound(const BindingPtr& binding);  // a BIND, verified, whichever way it came
  [[nodiscard]] Identity identity() const;
  void lost(const NodeId& node);
  void proved(const NodeId& node);  // it was where we thought it was
  void linked(const Peer& peer);    // it lives, whatever was said
  [[nodiscard]] std::size_t bytes() const noexcept {
    return contacts_.bytes() + heap_bytes(wanted_, [](const Wanted& one) { return one.ballot.bytes(); }) +
           heap_bytes(relays_);
  }
  [[nodiscard]] std::size_t relays() const noexcept { return relays_.size(); }  // in our contact
  [[nodiscard]] const std::vector<PeerRef>& home_relays() const noexcept { return relays_; }
  [[nodiscard]] bool is_published() const noexcept { return is_published_; }  // as it is now
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);

 private:
  struct Wanted {
    PubKey user;
    std::uint64_t query = 0;
    unsigned tries = 0;
    MonoTime at;            // of the next try
    std::size_t asked = 0;  // answers that may come
    std::size_t came = 0;   // and that came
    bool widened = false;   // the further first hops were asked, too
    bool open = false;      // answers are awaited, until
    bool claimed = false;   // nobody here wants it: a message claimed to come from there
    MonoTime until;
    Ballot ballot;
  };
  [[nodiscard]] Known* find(const PubKey& user);
  [[nodiscard]] bool fit_for_copy(const Known& known) const noexcept;
  static Receiver receiver_of(const Known& known);
  [[nodiscard]] bool forbidden(const Known& known) const noexcept;
  [[nodiscard]] bool alive(const Known& known) const noexcept;                            // it has a contact
  [[nodiscard]] const Known* usable(const PubKey& user, Channel channel) const noexcept;  // for that
  void adopt(Known& known, const BindingPtr& binding);
  void forget_contact(Known& known);
  static void take_places(Known& known, const Contact& contact);
  [[nodiscard]] unsigned turn_of(Known& known, Channel channel);
  void count_contact(Wanted& wanted, const ByteVec& record, const NodeId& keeper, bool& voted);
  void believe(Known& known);
  void bound_ourselves(const BindingPtr& binding);
  [[nodiscard]] Wanted* find_wanted(const PubKey& user) noexcept;
  void want(const PubKey& user);
  void want_no_more(const PubKey& user);
  void look_for(const PubKey& user);
  void line_up(Known& known);
  void make_way(MonoTime now);  // for those who stand in line
  void serve_line(MonoTime now);
  void look_again(MonoTime now);
  void check(const PubKey& user, LinkId from);
  void ask(Wanted& wanted, MonoTime now);
  void count(Wanted& wanted, const Directory::Answer& answer);
  bool settle(Wanted& wanted);  // with the answers that are there: asks further or decides
  bool decide(Wanted& wanted);  // true: found, and wanted no more
  [[nodiscard]] const Contact* elected(const Wanted& wanted, const Known* before) const;
  Known& remember(const PubKey& user);
  void publish(MonoTime now);
  void publish_again(MonoTime now);

  const Config& config_;
  Host& host_;
  Links& links_;
  Directory& directory_;
  Router& router_;
  Evidence& evidence_;
  Rng rng_;
  BindingPtr own_;
  std::uint64_t own_query_ = 0;
  ContactTable contacts_;
  std::vector<Wanted> wanted_;
  TokenBucket turns_;                // of those who stand in line
  std::optional<MonoTime> line_at_;  // the next one's
  TokenBucket checks_{100, 100};
  std::vector<PeerRef> relays_;  // ours
  Address published_listens_;
  NatClass nat_;
  std::uint64_t boot_;
  std::uint64_t published_ = 0;  // how often
  bool is_published_ = false;    // where we are now
  std::uint64_t version_ = 0;
  std::optional<MonoTime> publish_at_;
  std::vector<ByteVec> repeated_;  // what was published a moment ago, to go over other first hops as well
  unsigned repeats_ = 0;           // still to come
  std::optional<MonoTime> repeat_at_;
  std::optional<MonoTime> own_asked_at_;  // whom our user has bound
};

}  // namespace np2p::swarm
