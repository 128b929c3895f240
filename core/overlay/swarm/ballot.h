// The answers to one lookup, as votes of those who keep the records for the nodes that they name. Each keeper has one
// vote, whichever ways its answers took and however often it is asked, and only the nearest keepers count: so the votes
// of a node do not grow with the number of ways that lead through it - unless it invents a key for each of them, which
// nothing prevents; only a BIND outweighs that. Answers that no keeper vouches for are hearsay
// and count only as long as there is nothing else.
#pragma once

#include <functional>
#include <vector>

#include "core/base/heap_bytes.h"
#include "core/overlay/swarm/contact.h"

namespace np2p::swarm {

class Ballot {
 public:
  struct Claim {
    Contact contact;  // the newest
    ByteVec record;
    std::vector<NodeId> keepers;
    std::size_t hearsay = 0;
  };
  struct Outcome {
    const Claim* best = nullptr;  // of equals the one that came first
    std::size_t votes = 0;
    std::size_t next = 0;  // votes of the second
  };

  [[nodiscard]] Claim* find(const NodeId& node) noexcept;
  Claim* add(Contact contact, const ByteVec& record);  // null: too many
  void vote(Claim& claim, const NodeId& keeper);       // zero: hearsay
  void forget_hearsay();                               // before it is asked for again
  // Of the claims that are admitted; `unvoted` ones, too?
  [[nodiscard]] Outcome count(const Key& key, const std::function<bool(const Contact&)>& admits, bool unvoted) const;
  [[nodiscard]] std::size_t size() const noexcept { return claims_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return heap_bytes(claims_, [](const Claim& one) { return heap_bytes(one.record) + heap_bytes(one.keepers); });
  }

 private:
  std::vector<Claim> claims_;
};

}  // namespace np2p::swarm
