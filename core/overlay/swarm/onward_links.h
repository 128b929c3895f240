// Links over which the head of a cell sends on (cell_heads.h): to the heads of its parts, and to the relays of its
// members while their author posts often. A copy that is routed takes two or three hops across the whole network,
// though these live near us, and all behind them wait for it.
//
// A head of a part is linked with from the first payload on, for Limits::cell_lease after the last. A relay serves a
// few, so a link with it is worth its price only from the second payload within kOften on, and no longer than that
// after the last. We know these nodes by their ids alone, so each is asked where it can be dialled once something went
// to it, and the next payload takes the link. Until then, and where there is no room for it, copies are routed.
//
// Authors name whom they like: of the room for these links one has half at most. What they name is asked once, only
// what we asked for is dialled, once, and nobody but that node can be at the other end.
#pragma once

#include <optional>
#include <vector>

#include "core/overlay/swarm/links.h"
#include "core/overlay/swarm/router.h"
#include "core/wire/cell_messages.h"

namespace np2p::swarm {

class OnwardLinks {
 public:
  OnwardLinks(const Config& config, Host& host, Links& links, Router& router)
      : config_(config), host_(host), links_(links), router_(router) {}
  // A payload of that author's followers goes there,
  void to_head(const NodeId& node, const NodeId& author);   // who leads a part of a cell of ours,
  void to_relay(const NodeId& node, const NodeId& author);  // or has some of its members as neighbours.
  void on(const Arrival& arrival, const CellWhere& message);
  void on(const Arrival& arrival, const CellHere& message);
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(held_); }

 private:
  struct Held {
    NodeId node;
    NodeId author;  // because of whom it was remembered
    MonoTime until;
    MonoTime ask_at;       // not before
    Duration pause;        // then
    unsigned sent = 0;     // payloads
    bool awaited = false;  // its answer
  };
  [[nodiscard]] Held* find(const NodeId& node) noexcept;
  Held* remember(const NodeId& node, const NodeId& author);
  void sent(Held& held, Duration stays, unsigned worth);

  const Config& config_;
  Host& host_;
  Links& links_;
  Router& router_;
  std::vector<Held> held_;
};

}  // namespace np2p::swarm
