// From users to nodes: who serves a public key, and where. Contacts are looked up in the directory, or learnt from
// messages that came from there, and remembered. Our own is published whenever it changes, and before it expires.
//
// A user's BIND, once seen, decides: only the bound node is a destination, whatever claims and answers say, and as long
// as the user is remembered here or the BIND in the store nothing undoes it but a BIND with a higher rank. Without one,
// a message from a node that claims to serve a user may be acknowledged at once; what is meant for the user waits until
// the directory was asked.
//
// Who is asked for and not found, or found dead, is looked for again, each time after as long as it has been away, so
// that a user who comes back is noticed; version() rises then. There is one search for a user, whatever waits for it
// and however often it is asked for; and one that is found where it was lost is lost again soon, which begins nothing
// anew. Only so many are looked for at once. Of those whom the floor above keeps, because it sends to them all the
// time, the others wait in a line, for some turns each; who has had these is looked for again an hour later, if it is
// still wanted then, or says itself that it is back.
//
// Contacts of those who are kept are on disk, too, with their age. One that has expired, here or there, is tried first:
// only who does not answer is looked up.
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

  // False: no contact, or a dead one; it is looked for. Or no answer could come back yet.
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
  // There is a sign that a user who could not be found is back: looked for now, if that was not done a moment ago.
  void look_for(const PubKey& user);
  // Somebody whom others have named, such as a guardian of a follower: they may have made it up, so only so many of
  // these are looked for at a time.
  void seek(const PubKey& user);
  // Copies do not arrive where the contact says, which is the newest that we have: the directory may have a newer one.
  // Not asked again within some seconds, nor while many others are looked for: without it the next way is tried.
  void doubt(const PubKey& user);
  std::optional<Receiver> next_found();  // of those: where it is now
  void set_nat(NatClass nat);            // of ours, for our contact
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

  // The node that serves a user, as the user's BIND says, or as far as we know.
  [[nodiscard]] std::optional<NodeId> serving(const PubKey& user) const;
  void publish_with(ByteVec record);                    // soon, beside our contact
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
           heap_bytes(relays_) + heap_bytes(tried_) + heap_bytes(found_);
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
    MonoTime since;         // it has been away for so long
    MonoTime at;            // of the next try
    std::size_t asked = 0;  // answers that may come
    std::size_t came = 0;   // and that came
    bool widened = false;   // the further first hops were asked, too
    bool open = false;      // answers are awaited, until
    bool claimed = false;   // nobody here wants it: a message claimed to come from there,
    NodeId claimant{};      // and this node sent it
    bool named = false;     // others named it, who may have made it up
    bool doubted = false;   // its contact is there, and did not hold
    MonoTime until;
    Ballot ballot;
  };
  struct Tried {  // something was sent where an expired contact says
    NodeId node;
    MonoTime until;  // an answer could have come by then
  };
  void save(const Known& known);
  void restore(Known& known);   // what was saved, if it says something
  void heard_of(Known& known);  // it is where we think
  void try_expired(const Known& known);
  [[nodiscard]] bool can_be_answered(const Known& known) const noexcept;
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
  void begin_search(const PubKey& user);
  void line_up(Known& known);
  void make_way(MonoTime now);  // for those who stand in line
  void serve_line(MonoTime now);
  void look_again(MonoTime now);
  void check(const PubKey& user, const Arrival& arrival);
  bool make_room_for_claim(const NodeId& claimant);
  bool make_room_for_named();
  [[nodiscard]] bool has_room() const noexcept;  // for one more of our own
  void ask(Wanted& wanted, MonoTime now);
  void count(Wanted& wanted, const Directory::Answer& answer);
  bool settle(Wanted& wanted);  // with the answers that are there: asks further or decides
  bool decide(Wanted& wanted);  // true: found, and wanted no more
  void take(Known& known, const Contact& contact);
  void take_at_once(Wanted& wanted, const Contact& contact);
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
  std::vector<Tried> tried_;         // oldest first
  TokenBucket turns_;                // of those who stand in line
  std::optional<MonoTime> line_at_;  // the next one's
  std::vector<Receiver> found_;      // of those who were doubted
  TokenBucket checks_{100, 100};
  std::vector<PeerRef> relays_;  // ours
  Address published_listens_;
  NatClass nat_;
  std::uint64_t boot_;
  std::uint64_t published_ = 0;  // how often
  bool is_published_ = false;    // where we are now
  bool has_way_back_ = false;    // who can be reached can answer
  std::uint64_t version_ = 0;
  std::optional<MonoTime> publish_at_;
  ByteVec beside_;                 // is published together with the next contact
  std::vector<ByteVec> repeated_;  // what was published a moment ago, to go over other first hops as well
  unsigned repeats_ = 0;           // still to come
  std::optional<MonoTime> repeat_at_;
  std::optional<MonoTime> own_asked_at_;  // whom our user has bound
};

}  // namespace np2p::swarm
