// Who announces to us what others were sent: chosen by lot, now and then others, and others at once if they keep
// silent. And whether they announce what we said ourselves.
#include <algorithm>

#include "core/overlay/swarm/plumtree.h"

namespace np2p::swarm {
namespace {

constexpr std::size_t kWatched = 3;      // neighbours who announce to us
constexpr std::size_t kWatchedLeaf = 2;  // to a leaf, on which nobody depends
constexpr unsigned kRotate = 24;         // payloads between changes of whom we listen to
constexpr Duration kRotationCatchUp = 2s;
constexpr std::size_t kUnheard = 16;  // own payloads that are waited for
constexpr Duration kEcho = 3s;
constexpr unsigned kTries = 4;
constexpr unsigned kEnough = 4;     // payloads of which one who announces must have told something
constexpr Duration kTelling = 2s;   // for the last of them to be announced, too
constexpr Duration kJudging = 10s;  // between judgements
constexpr Duration kJudgedCatchUp = 20s;

}  // namespace

std::size_t Plumtree::watched_at_most() const noexcept {
  return is_leaf() ? kWatchedLeaf : kWatched;
}

// One who announces may be behind the same broken link as we are: while payloads flow, each neighbour is listened to
// for a while.
void Plumtree::watch_another() {
  if (++since_rotation_ < kRotate) return;
  since_rotation_ = 0;
  Neighbour* comes = nullptr;
  std::uint64_t others = 0;
  for (Neighbour& one : neighbours_) {
    const Peer* peer = links_.find(one.link);
    if (one.watched || one.silent || peer == nullptr || !links_.stands(*peer)) continue;
    if (rng_.below(++others) == 0) comes = &one;
  }
  if (comes != nullptr) watch_instead(*comes);
}

// A liar who hands on nothing is as good a neighbour as any until payloads come. So who is to announce, or to push to a
// leaf, and says nothing while several come from others, is replaced.
void Plumtree::count_payload() {
  const MonoTime now = host_.clock.mono();
  if (config_.swarm.trees == 0 || judge_at_ || now < counts_from_) return;
  if (counted_ == 0) {
    for (Neighbour& one : neighbours_) one.told = false;
  }
  if (++counted_ == kEnough) judge_at_ = now + kTelling;
}

void Plumtree::judge(MonoTime now) {
  judge_at_.reset();
  counted_ = 0;
  counts_from_ = now + kJudging;
  bool replaced = false;
  bool orphaned = false;
  for (Neighbour& one : neighbours_) {
    const bool parent = is_leaf() && one.eager != 0;
    if (one.told || !(one.watched || parent)) continue;
    one.silent = replaced = true;
    if (one.watched) links_.send(one.link, Watch{false, 0}, Priority::control, Traffic::control);
    one.watched = false;
    if (!parent) continue;
    leave_parent(one);
    orphaned = true;
  }
  if (!replaced) return;
  graft_somebody();
  watch_somebody(kJudgedCatchUp);
  if (orphaned) repeat_own();
}

void Plumtree::leave_parent(Neighbour& parent) {
  parent.silent = true;
  links_.send(parent.link, Prune{parent.eager}, Priority::control, Traffic::control);
  parent.eager = 0;
}

// What a leaf says goes over its parent alone, and what others say over few links of one tree: all who are at their
// other ends may swallow it. If it was handed on, somebody who had it from others soon announces it.
void Plumtree::await_echo(std::uint64_t head) {
  if (unheard_.size() >= kUnheard) unheard_.erase(unheard_.begin());
  unheard_.push_back({head, host_.clock.mono() + kEcho, 0});
}

void Plumtree::echoed(std::uint64_t head) {
  const auto heard =
      std::find_if(unheard_.begin(), unheard_.end(), [&](const Unheard& one) { return one.head == head; });
  if (heard == unheard_.end()) return;
  const bool by_another_way = heard->tries > 0;
  unheard_.erase(heard);
  if (!by_another_way || !is_leaf()) return;
  for (Neighbour& one : neighbours_) {
    if (one.eager != 0) leave_parent(one);
  }
  graft_somebody();
}

void Plumtree::repeat_unheard(MonoTime now) {
  Unheard due = unheard_.front();
  unheard_.erase(unheard_.begin());
  const RecentPayloads::Entry* entry = recent_.find(due.head);
  if (entry == nullptr || entry->whole.empty()) return;
  if (!is_leaf()) return tell_all(due.head, entry->tree);
  const Neighbour* other = nullptr;
  std::uint64_t others = 0;
  for (const Neighbour& one : neighbours_) {
    const Peer* peer = links_.find(one.link);
    if (one.eager != 0 || one.silent || peer == nullptr || !peer->reachable() || !links_.stands(*peer)) continue;
    if (rng_.below(++others) == 0) other = &one;
  }
  if (other == nullptr) return;
  links_.send(other->link, entry->whole, Priority::post, Traffic::payload);
  if (++due.tries == kTries) return;
  due.at = now + kEcho;
  unheard_.push_back(due);
}

// Who has it has nothing to do; mostly that is everybody, and those who announce to us had it from ourselves.
void Plumtree::tell_all(std::uint64_t head, std::uint8_t tree) {
  for (const Neighbour& one : neighbours_) {
    const Peer* peer = links_.find(one.link);
    const bool has_it = (one.eager & Trees{1} << tree) != 0 || one.watches;  // or was told
    if (!has_it && peer != nullptr && peer->reachable()) announce(one.link, head, tree);
  }
}

// Instead of one of those who announce to us now.
void Plumtree::watch_instead(Neighbour& comes) {
  Neighbour* leaves = nullptr;
  std::uint64_t watched = 0;
  for (Neighbour& one : neighbours_) {
    if (one.watched && rng_.below(++watched) == 0) leaves = &one;
  }
  if (leaves == nullptr) return;
  leaves->watched = false;
  comes.watched = true;
  comes.told = true;
  links_.send(leaves->link, Watch{false, 0}, Priority::control, Traffic::control);
  const Duration recent = host_.clock.mono() < catching_up_ ? kCatchUp : kRotationCatchUp;
  links_.send(comes.link, Watch{true, static_cast<std::uint16_t>(recent / 1s)}, Priority::control, Traffic::control);
}

// Anybody, so that those who miss the same thing do not listen to each other only.
void Plumtree::watch_somebody(Duration recent) {
  std::size_t watched = 0;
  for (const Neighbour& one : neighbours_) watched += one.watched ? 1u : 0u;
  for (; watched < watched_at_most(); ++watched) {
    Neighbour* chosen = nullptr;
    std::uint64_t candidates = 0;
    for (Neighbour& one : neighbours_) {
      const Peer* peer = links_.find(one.link);
      if (one.watched || peer == nullptr || !links_.stands(*peer)) continue;
      if (one.silent && candidates > 0) continue;
      if (chosen != nullptr && chosen->silent && !one.silent) candidates = 0;
      candidates += one.silent ? 0u : 1u;
      if (chosen == nullptr || chosen->silent || rng_.below(candidates) == 0) chosen = &one;
    }
    if (chosen == nullptr) return;
    chosen->watched = true;
    chosen->told = true;
    const auto seconds = static_cast<std::uint16_t>(recent / 1s);
    links_.send(chosen->link, Watch{true, seconds}, Priority::control, Traffic::control);
  }
}

}  // namespace np2p::swarm
