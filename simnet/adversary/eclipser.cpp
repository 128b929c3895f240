#include <algorithm>

#include "core/overlay/swarm/ring.h"
#include "simnet/adversary/kinds.h"

namespace np2p::sim {
namespace {

constexpr std::size_t kNames = 24;  // in an answer
constexpr std::size_t kPushed = 7;  // in a walk, as many as an honest one has

}  // namespace

using namespace swarm;

std::vector<PeerRef> Eclipser::names(std::size_t count) {
  const std::vector<PeerRef>& all = means_.fellows();
  std::vector<PeerRef> chosen;
  for (std::size_t i = 0; i < count && !all.empty(); ++i) {
    chosen.push_back(all[static_cast<std::size_t>(means_.rng.below(all.size()))]);
  }
  return chosen;
}

// What an honest node says to be taken in and to make others known, only more often.
void Eclipser::push(LinkId link) {
  const auto origin = names(1);
  if (origin.empty()) return;
  means_.send(link, Neighbor{Urgency::high});
  means_.send(link, Shuffle{origin.front(), 6, names(kPushed)});
  means_.send(link, ForwardJoin{origin.front(), 3});
}

bool Eclipser::hears(LinkId link, const Message& message) {
  if (std::holds_alternative<Hello>(message) || std::holds_alternative<Probe>(message) ||
      std::holds_alternative<HelloEcho>(message)) {
    push(link);
    return true;
  }
  if (std::holds_alternative<Unused>(message) || std::holds_alternative<DialBack>(message)) return true;
  if (std::holds_alternative<Join>(message) || std::holds_alternative<Neighbor>(message)) {
    means_.send(link, NeighborAnswer{true, {}});
    means_.send(link, ShuffleReply{names(kNames)});
  } else if (const Shuffle* shuffle = std::get_if<Shuffle>(&message); shuffle != nullptr && !shuffle->origin) {
    means_.send(link, ShuffleReply{names(kPushed)});
  } else if (const FindNode* question = std::get_if<FindNode>(&message)) {
    FoundNodes answer{question->query, names(4 * kNames)};
    const Point& target = question->target.data;
    std::sort(answer.nodes.begin(), answer.nodes.end(),
              [&](const PeerRef& a, const PeerRef& b) { return nearer(a.id.data, b.id.data, target); });
    answer.nodes.resize(std::min(answer.nodes.size(), kNames));
    means_.send(link, answer);
  }
  return false;
}

}  // namespace np2p::sim
