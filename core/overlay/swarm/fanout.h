// One payload for many: a copy goes to each relay, which hands it to those of its neighbours that are named; receipts
// come back the same way, gathered for a moment. Whoever can be dialled is its own relay. A tag is the beginning of the
// payload's hash: nobody on the way can get a receipt for something else.
//
// A payload must be good by its own signatures: who sent it is not proven here. A receipt is, by the key that only the
// receiver and the sender have in common; a relay cannot make one.
#pragma once

#include <optional>
#include <vector>

#include "core/overlay/swarm/router.h"
#include "core/overlay/swarm/tunnels.h"

namespace np2p::swarm {

// A node's name among the neighbours of one relay.
[[nodiscard]] inline ShortNode short_node(const NodeId& node) noexcept {
  ShortNode first = 0;
  for (std::size_t i = 0; i < sizeof first; ++i) first = first << 8 | node.data[i];
  return first;
}

class Fanout {
 public:
  struct Copy {  // of a payload, under way
    Channel channel = Channel::packets;
    Priority priority = Priority::post;
    Traffic traffic = Traffic::payload;
    std::uint64_t tag = 0;
  };
  Fanout(const Config& config, Host& host, Links& links, Router& router, Relay& relay);

  // Copies whose receipts are awaited: each receiver that gives none is tried again over its other relays; then an
  // outcome says so.
  void send(std::vector<Receiver> to, Channel channel, const Frame& payload, Priority priority,
            Assurance assurance = Assurance::receipts);
  void receipt(const Delivery& copy);  // we have it, and shall have it

  // --- for cells, whose heads send copies in our stead (cells.h), or we in that of others (cell_heads.h)
  // As send(), but somebody else sends the first copies: ours go to whoever gave no receipt in time.
  void expect(std::vector<Receiver> to, Channel channel, const Frame& payload, Priority priority);
  void wait(std::uint64_t tag, MonoTime until);                     // nobody is tried again before this
  void confirm(std::uint64_t tag, const NodeId& node);              // there is a receipt
  void send_now(std::uint64_t tag, const std::vector<NodeId>& to);  // to those of them who gave none yet
  [[nodiscard]] bool awaits(std::uint64_t tag, const NodeId& node) noexcept;
  [[nodiscard]] const Frame* awaited(std::uint64_t tag) noexcept;  // the payload; null: everybody has it, or gave up
  // Copies by one relay; `to` is put in order. False: there is no way.
  bool spread(const NodeId& via, unsigned way, const NodeId& origin, const Copy& copy, const Frame& payload,
              std::vector<ShortNode>& to);
  // A payload for ourselves that somebody passed on: `by`, zero if it was its origin.
  void arrive(LinkId link, const NodeId& origin, const NodeId& by, const NodeId& by_via, std::uint8_t channel,
              std::uint64_t tag, const Frame& payload);
  [[nodiscard]] PairMac mac_of(const NodeId& other, const NodeId& receiver, std::uint64_t tag);

  void on(Peer& from, const Spread& message);
  void on(Peer& from, const Handed& message);
  void on(Peer& from, const Receipt& message, bool counted = false);  // as a head's own already
  void on(Peer& from, const Receipts& message);
  std::optional<Delivery> next();
  std::optional<CopyOutcome> next_outcome();
  // Somebody whom copies do not reach where we think it is, while other ways are still tried: ask for its contact.
  std::optional<PubKey> next_doubt();
  void moved(const Receiver& now);  // what it waits for goes there at once
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);
  [[nodiscard]] std::size_t waiting() const noexcept { return receivers_; }
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Awaited {
    Receiver receiver;
    std::uint8_t way = 0;
    std::uint8_t hints = 0;  // that it was lost, and another way was tried at once
    bool done = false;       // a receipt is there; gone soon
  };
  struct Sent {  // by us
    std::uint64_t tag = 0;
    Channel channel = Channel::packets;
    Priority priority = Priority::post;
    Frame payload;
    unsigned tries = 0;
    MonoTime at;                   // of the next try
    std::vector<Awaited> missing;  // ascending by node
    std::size_t open = 0;          // of these, not done
  };
  struct Passed {  // for somebody else
    std::uint64_t tag = 0;
    NodeId origin;
    NodeId from;
    NodeId from_via;
    MonoTime until;
    std::optional<MonoTime> flush_at;
    std::vector<ShortNode> to;  // who may give a receipt still, ascending
    std::vector<Receipted> got;
  };
  std::vector<Awaited> admit(std::vector<Receiver> to, std::uint64_t tag);
  void await(std::vector<Awaited> fresh, const Copy& copy, const Frame& payload, Duration first);
  void pass(const std::vector<Awaited>& to, const Copy& copy, const Frame& payload);
  void serve(Peer& from, const Spread& message);
  void count(std::uint64_t tag, const NodeId* node, ShortNode who, const PairMac& mac, LinkId link);
  void flush(Passed& passed);
  static void drop_done(Sent& sent);
  void received(Sent& sent, Awaited& one);
  void doubt(const Awaited& one);
  [[nodiscard]] Awaited* missing(Sent& sent, const NodeId& node) noexcept;
  [[nodiscard]] Sent* find(std::uint64_t tag) noexcept;
  [[nodiscard]] LinkId toward(const NodeId& via, LinkId from, const NodeId& avoid) {
    return router_.carrier(via, via, from, avoid);
  }

  const Config& config_;
  Host& host_;
  Links& links_;
  Router& router_;
  Relay& relay_;
  std::vector<Sent> sent_;
  std::size_t receivers_ = 0;   // that are awaited
  std::vector<Passed> passed_;  // oldest first
  std::vector<Delivery> arrivals_;
  std::vector<CopyOutcome> outcomes_;
  std::vector<PubKey> doubts_;
};

}  // namespace np2p::swarm
