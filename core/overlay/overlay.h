// What a feed may ask of an overlay, and what it gets back: payloads to everybody or to one user, by public key. An
// overlay never knows what a post is. Its owner (core/node.h) feeds it the link and timer inputs and drains next()
// after each of them; so no arrow points up and no callback nests.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/config.h"
#include "core/base/frame.h"
#include "core/host/host.h"

namespace np2p {

// Which conversation a payload belongs to. On the mesh each is a gossip channel; an original server hands on a channel
// that it does not know without reading it.
enum class Channel : std::uint8_t {
  packets,     // "nostrp2p": the original's packets
  extension,   // "np2p": our own messages (core/wire/extension.h)
  stream = 3,  // "np2p.stream": numbered parts of what an author posts (core/wire/stream.h); 2 is kMeetingChannel
};
constexpr bool is_for_a_feed(Channel channel) noexcept {
  return channel == Channel::packets || channel == Channel::extension || channel == Channel::stream;
}
constexpr bool carries_events(Channel channel) noexcept {
  return channel == Channel::packets || channel == Channel::stream;
}

struct Delivery {
  enum class Cast : std::uint8_t { broadcast, unicast, copy };
  Channel channel = Channel::packets;
  Cast cast = Cast::broadcast;
  PubKey
      source;  // whose server sent it. On the mesh a claim, of which only the low 48 bits are known (the rest is zero)
  Frame payload;
  LinkId link;  // it came over this link
  // Does it come from the node that this one has found to serve the source? A mere claim may say things that are signed
  // in themselves; it may not acknowledge anything. On the mesh there is nothing to be found.
  bool from_server = true;
  // We asked for it, and it stood in a message that has been charged: nobody pays for it again.
  bool asked = false;
  bool past = false;  // a broadcast of earlier, which we asked for; nothing of it needs to be handed on
  // Of a copy: who made it (not proven), and what it is about; its receipt is for that node. Zero: it is none.
  NodeId copied_by{};
  NodeId copied_by_via{};  // where the receipt goes; zero: back over the link
  NodeId handed_by{};      // to whom there, who gathers them; zero: to who made it
  std::uint64_t tag = 0;
};

// Something that was broadcast: when, as it says itself and all nodes agree, and a mark under which those above find
// it.
struct Past {
  std::uint32_t at = 0;  // Unix seconds
  std::uint64_t mark = 0;
  friend auto operator<=>(const Past&, const Past&) = default;
};
struct Recall {  // a peer lacks this
  LinkId link;
  Past what;
};

// Who is to get a copy: the node, and those through whom it can be reached, itself if it can be dialled.
struct Receiver {
  PubKey user;
  NodeId node;
  std::vector<NodeId> vias;
  std::uint8_t way = 0;  // which of these first, and over which of our own neighbours
  friend bool operator==(const Receiver&, const Receiver&) = default;
};

// Copies of what is only for the moment are sent once and nobody asks what became of them.
enum class Assurance : std::uint8_t { once, receipts };

// The number under which receipts for a payload are counted: the beginning of its SHA-256.
std::uint64_t copy_tag(const Frame& payload);

// What became of a copy: there is a receipt, or there was none after several tries over several ways.
struct CopyOutcome {
  std::uint64_t tag = 0;
  PubKey user;
  NodeId node;
  bool received = false;
  bool tried = true;  // false: there was no room to wait for it
};

// Who keeps mail for a user, as the user's own node has signed.
struct GuardiansOf {
  PubKey user;
  std::vector<PubKey> guardians;
};

// How a node stands in its overlay, for status lines and for who waits until it has joined. On the mesh every server is
// a neighbour, and nothing needs to be published.
struct OverlayStatus {
  OverlayKind kind = OverlayKind::mesh;
  Address dialled_at;                    // where others can dial us; unspecified: they cannot, or it is not known yet
  bool asked = false;                    // peers were asked to dial us, and their time to do so is over
  std::size_t active = 0;                // neighbours: the active view
  std::size_t passive = 0;               // nodes to dial when one of them is lost
  std::size_t clients = 0;               // servers behind NAT that have us for a neighbour
  std::size_t relays = 0;                // home relays named in our contact
  std::vector<Address> relay_addresses;  // where those can be dialled
  std::size_t trees = 0;                 // shortest-path trees in which we have a route to the root
  std::size_t servers = 0;               // in the whole network, this one included; about, 0: not known
  bool published = false;                // where we are now was put into the directory
  std::uint64_t guarded = 0;             // how often somebody we had no link with was asked which roots it knows
  std::uint64_t merged = 0;              // and belonged to another part of the network
  std::size_t cells = 0;                 // that our user's followers are divided into
  std::size_t largest_cell = 0;          // members
  std::size_t cells_led = 0;             // of others, as their head or backup
};

// Whom our user's BIND names (core/event/bind.h).
struct Identity {
  enum class State : std::uint8_t {
    claimed,    // no BIND seen: we serve by claiming to
    bound,      // this node
    expired,    // this node, but it is over: nobody sends us anything until there is a new one
    elsewhere,  // another node
    revoked,    // none
  };
  State state = State::claimed;
  std::uint64_t epoch = 0;
  std::int64_t expires = 0;  // Unix seconds
};

// The mesh name of a user: the low 48 bits of the public key, as the original routes.
std::uint64_t mesh_name(const PubKey& user) noexcept;

namespace mesh {
class Mesh;
}
namespace swarm {
class Swarm;
}

class Overlay {
 public:
  Overlay(const Config& config, Host& host);
  ~Overlay();

  void start();
  void stop();  // closes every link

  void link_up(const LinkInfo& info);
  void frame(LinkId link, const Frame& frame);
  void writable(LinkId link);
  void link_down(LinkId link, CloseReason reason);
  void port_mapped(const Address& outside);
  void carry(LinkId tunnel, const Frame& record, Traffic traffic);
  void timer(Timer timer);  // overlay_* timers

  // To everybody who can be reached now. Best effort; no acknowledgement.
  void broadcast(Channel channel, Frame payload, Priority priority);
  // Hands a broadcast that arrived on to those whom this node serves in its tree. Only its owner can say that the
  // payload is good, so nothing unverified is forwarded; `payload` is the delivery's, or what was good of it.
  void forward(const Delivery& delivery, Frame payload);
  // Something that was broadcast, by us or by others, now or earlier, came by and is known to be what it says. Who has
  // missed it may ask for it as long as it is remembered.
  void remember(const Past& past);
  std::optional<Recall> next_recall();
  void recalled(const Recall& recall, Frame payload);  // empty: it is not kept any more
  // To one user's server. False: no route at the moment, nothing was sent. True: sent, not acknowledged.
  bool unicast(const PubKey& user, Channel channel, Frame payload, Priority priority);

  // A copy to each of these users' servers, one over each relay that several share. Returns those without a route, who
  // are looked for. What became of the others follows, on the mesh nothing.
  std::vector<PubKey> copies(const std::vector<PubKey>& users, Channel channel, const Frame& payload, Priority priority,
                             Assurance assurance = Assurance::receipts);
  std::optional<CopyOutcome> next_outcome();
  void receipt(const Delivery& copy);  // this node has what was in that copy, and will not lose it
  // Somebody who gets what we send all the time, or not any more: as long as it is kept, where its server is is not
  // forgotten for strangers, and looked for, in its turn, as long as it is not known. The mesh knows everybody.
  void keep(const PubKey& user, bool kept);

  // A BIND of any user that passed the gate; the mesh knows none. Of our own user's it is published, too.
  void bind(const EventPtr& event);
  [[nodiscard]] Identity identity() const;

  // Our user's guardians; the directory tells who asks for them. The mesh has none of this.
  void set_guardians(std::vector<PubKey> guardians);
  [[nodiscard]] ByteVec guardian_record();  // as it is signed now, for those to renew; empty: none
  bool renew_guardians(const PubKey& user, const ByteVec& record);  // false: it says nothing any more
  void find_guardians(const PubKey& user);  // next_guardians() brings them within seconds, if there are some
  std::optional<GuardiansOf> next_guardians();

  // Closes the link of a peer that broke a rule of a floor above.
  void close_link(LinkId link, CloseReason reason);

  [[nodiscard]] bool reaches(const PubKey& user) const;  // is there a route now?
  // A user without a route shows signs of being back: worth a look now, whatever pauses there are.
  void look_for(const PubKey& user);
  void seek(const PubKey& user);  // whom others have named, who may have made it up: only so many at a time
  [[nodiscard]] std::size_t reachable_count() const;  // users other than ours with a route
  // Servers in the whole network, this one included: an estimate within a quarter for most, 0 as long as nobody knows.
  [[nodiscard]] std::size_t network_size() const;
  // Rises each time the set of reachable users changes: a cheap "worth retrying?" for the outbox.
  [[nodiscard]] std::uint64_t topology_version() const noexcept;

  struct Peer {
    std::uint64_t name = 0;
    LinkId link;
    Address remote;
    bool outbound = false;
    bool established = false;
    Path path = Path::direct;
  };
  [[nodiscard]] std::vector<Peer> peers() const;  // links, by name
  // The node that serves that user, as far as this one has found out; the mesh does not say.
  [[nodiscard]] std::optional<NodeId> server_of(const PubKey& user) const;
  [[nodiscard]] std::vector<NodeId> active_view() const;  // neighbours that can be dialled; the mesh has no such view
  [[nodiscard]] OverlayStatus status() const;
  [[nodiscard]] std::size_t bytes() const noexcept;  // of memory

  // What is known of our NAT, in a word or two.
  [[nodiscard]] std::string_view nat_class() const;

  // Payloads that arrived for this node since the last call, oldest first.
  std::optional<Delivery> next();

 private:
  // One of the two, by Config::overlay.
  std::unique_ptr<mesh::Mesh> mesh_;
  std::unique_ptr<swarm::Swarm> swarm_;
};

}  // namespace np2p
