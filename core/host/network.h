// Port: links. A link is reliable, ordered, message-framed and point to point; on a `proven` link the peer's NodeId is
// authenticated. Keepalive and death detection are the host's, by the profile: the node never sends them.
// Inputs that come of it (core/node.h): link up, frame, writable, link down.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/address.h"
#include "core/base/config.h"
#include "core/base/frame.h"
#include "core/base/strong_int.h"
#include "core/base/time.h"

namespace np2p {

// A link on which more waits is busy; `writable` follows when little is left of it.
inline constexpr std::size_t kBusyBytes = 256 * 1024;

enum class Priority : std::uint8_t { control, post, bulk };  // smaller goes first where a link is congested

// What a frame is for; only accounting looks at it.
enum class Traffic : std::uint8_t {
  control,    // keeps the overlay alive: topology, requests, registrations, acknowledgements; of others, too
  payload,    // carries an event to somebody who should have it
  duplicate,  // carried an event that the receiver had already (said by the receiver)
  relay,      // events carried for others (said by the receiver, or by the sender who forwards it)
  count_,
};

enum class CloseReason : std::uint8_t {
  none,
  local,           // we closed it, see our own reason
  peer_closed,     // orderly end by the other side
  reset,           // the other side vanished in a way that TCP notices at once
  refused,         // nobody listens there, or a NAT answered with a reset
  timed_out,       // no answer to a dial, or a dead path
  protocol_error,  // the peer broke a rule; see the counter
  duplicate_link,  // another link to the same peer stays
  crowded,         // over a connection limit
  shutting_down,
  count_,
};

// How a host runs a link: what establishing and framing cost, and how its death is noticed.
struct LinkProfile {
  bool encrypted = true;               // TLS 1.3: one more round trip, handshake bytes, 22 bytes a record
  std::size_t frame_header_bytes = 4;  // length prefix of each frame
  bool heartbeat_always = false;       // ping every interval whatever else is sent (mesh); else only after silence
  Duration ping_after_nat = 50s;       // silence (or interval) before a ping where a NAT is between
  Duration ping_after = 120s;          // the same between reachable nodes
  std::size_t ping_bytes = 1;          // payload of a ping frame
  bool ping_is_answered = true;        // TLS links: pong; mesh: both sides send on their own
  Duration pong_timeout = 5s;          // dead this long after an unanswered ping
  Duration read_timeout = 0s;          // mesh: dead after this long without any byte; 0: not used
};

inline constexpr LinkProfile kOverlayLinks{};
// weaveworks/mesh: plain text, a heartbeat each 30 s from both sides, dead after 60 s without a byte.
inline constexpr LinkProfile kMeshLinks{.encrypted = false,
                                        .heartbeat_always = true,
                                        .ping_after_nat = 30s,
                                        .ping_after = 30s,
                                        .ping_is_answered = false,
                                        .read_timeout = 60s};

inline const LinkProfile& link_profile(OverlayKind overlay) noexcept {
  switch (overlay) {
    case OverlayKind::mesh:
      return kMeshLinks;
    case OverlayKind::hyparview:
      return kOverlayLinks;
  }
  return kOverlayLinks;
}

// How the bytes of a link travel.
enum class Path : std::uint8_t {
  direct,   // one side dialled the other
  punched,  // both dialled at the same time, through their NATs
  tunnel,   // inside messages that other nodes carry; end to end it is a link like any other
  count_,
};

struct LinkInfo {
  LinkId link;
  NodeId peer;            // who it says it is
  bool proven = false;    // and whether that is authenticated
  bool outbound = false;  // we dialled; punched links and tunnels: we are the TLS client
  Path path = Path::direct;
  Address remote;  // as observed: behind a NAT this is the NAT's; unspecified for a tunnel
};

class Network {
 public:
  virtual ~Network() = default;
  // Starts a dial and returns its link at once; link_up or link_down(reason) follows as an input, never inside the
  // call.
  virtual LinkId dial(const Address& to) = 0;

  // --- through NATs (RFC 5382; Ford, Srisuresh, Kegel: "Peer-to-peer communication across NATs", 2005)
  // A fresh local TCP port. Connections that come to it are taken like those to the listen port, and dial_from() and
  // punch() leave from it, so that one mapping of a NAT serves all of them. 0: none to be had. It is held until
  // close_port(); links that use it outlive that.
  virtual std::uint16_t open_port() = 0;
  virtual void close_port(std::uint16_t port) = 0;
  virtual LinkId dial_from(std::uint16_t port, const Address& to) = 0;
  // TCP simultaneous open: from `at` on, SYNs go from `port` to `to` (three, at 0, 1 and 3 s, given 7 s in all), while
  // `peer` does the same towards us. What comes up must prove to be `peer`; of the two the smaller NodeId is the TLS
  // client. Also if only one SYN gets through, because the other side's NAT lets it in: then it is the connection that
  // came to an open port, and this dial ends as duplicate_link or timed_out. (So a connection that comes to an open
  // port from the IP address to which a punch from that port is under way has the roles and the path of the punch.) A
  // refusal ends only the SYN that it answers.
  virtual LinkId punch(std::uint16_t port, const Address& to, const NodeId& peer, MonoTime at) = 0;

  // --- tunnels
  // A link to `peer` over other nodes: the host does its handshake and encrypts its records end to end, the node
  // carries them. Each record is an input (Node::carry), to be taken to the other end, whose node hands it to
  // carried(), in order, with what most of it is for. `outbound`: we are the TLS client and speak first. link_up or
  // link_down follows as for a dial. close() says nothing to the other end, the node does; then no more records come of
  // it. A record that does not decrypt is a protocol_error.
  virtual LinkId tunnel(const NodeId& peer, bool outbound) = 0;
  virtual void carried(LinkId tunnel, Frame record) = 0;
  // The node passes no more records of this tunnel on for now; or does again. Meanwhile frames wait in the link's
  // queue, and only what has been begun and the host's own words become records.
  virtual void hold(LinkId tunnel, bool held) = 0;

  // Queues a frame, whose bytes are shared and not copied. Sending on a link that is down does nothing.
  virtual void send(LinkId link, Frame frame, Priority priority, Traffic traffic) = 0;
  // link_down(local) does not follow: who closes knows.
  virtual void close(LinkId link, CloseReason reason) = 0;
  [[nodiscard]] virtual std::size_t queued_bytes(LinkId link) const noexcept = 0;
};

}  // namespace np2p
