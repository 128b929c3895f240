#include "core/overlay/swarm/ballot.h"

#include <algorithm>

#include "core/overlay/swarm/ring.h"

namespace np2p::swarm {
namespace {

constexpr std::size_t kClaims = 32;   // each liar may bring some of its own
constexpr std::size_t kKeepers = 32;  // in one claim
constexpr std::size_t kNearest = 8;   // as many as keep a record

}  // namespace

Ballot::Claim* Ballot::find(const NodeId& node) noexcept {
  for (Claim& one : claims_) {
    if (one.contact.node == node) return &one;
  }
  return nullptr;
}

Ballot::Claim* Ballot::add(Contact contact, const ByteVec& record) {
  if (claims_.size() >= kClaims) return nullptr;
  return &claims_.emplace_back(Claim{std::move(contact), record, {}, 0});
}

void Ballot::vote(Claim& claim, const NodeId& keeper) {
  if (keeper == NodeId{}) {
    ++claim.hearsay;
    return;
  }
  for (const Claim& one : claims_) {
    if (std::find(one.keepers.begin(), one.keepers.end(), keeper) != one.keepers.end()) return;
  }
  if (claim.keepers.size() < kKeepers) claim.keepers.push_back(keeper);
}

void Ballot::forget_hearsay() {
  for (Claim& one : claims_) one.hearsay = 0;
}

Ballot::Outcome Ballot::count(const Key& key, const std::function<bool(const Contact&)>& admits, bool unvoted) const {
  std::vector<NodeId> keepers;
  for (const Claim& one : claims_) keepers.insert(keepers.end(), one.keepers.begin(), one.keepers.end());
  std::sort(keepers.begin(), keepers.end(),
            [&](const NodeId& a, const NodeId& b) { return nearer(a.data, b.data, key.data); });
  const bool vouched = !keepers.empty();
  if (keepers.size() > kNearest) keepers.resize(kNearest);
  Outcome outcome;
  for (const Claim& one : claims_) {
    if (!admits(one.contact)) continue;
    std::size_t votes = vouched ? 0 : one.hearsay;
    for (const NodeId& keeper : one.keepers) {
      votes += std::find(keepers.begin(), keepers.end(), keeper) != keepers.end() ? 1u : 0u;
    }
    if (votes == 0 && !unvoted) continue;
    if (outcome.best != nullptr) outcome.next = std::max(outcome.next, std::min(outcome.votes, votes));
    if (outcome.best != nullptr && votes <= outcome.votes) continue;
    outcome.best = &one;
    outcome.votes = votes;
  }
  return outcome;
}

}  // namespace np2p::swarm
