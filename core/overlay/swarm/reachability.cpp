#include "core/overlay/swarm/reachability.h"

#include <algorithm>

namespace np2p::swarm {
namespace {

constexpr std::size_t kHelpers = 3;  // asked, in different places if possible

}  // namespace

Reachability::Reachability(const Config& config, Host& host, Links& links)
    : config_(config), host_(host), links_(links) {}

void Reachability::start() {
  if (!config_.external.is_unspecified()) return links_.set_listens(config_.external);
  const bool first = config_.bootstrap.empty() && config_.listen.port != 0 && !config_.listen.is_unspecified();
  if (first) links_.set_listens(config_.listen);
}

void Reachability::changed(const LinkChange& change) {
  if (change.kind != LinkChange::Kind::ready || reachable() || config_.listen.port == 0) return;
  if (asked_.size() >= kHelpers) return;
  const Peer* peer = links_.find(change.link);
  if (peer == nullptr || (!peer->outbound && !config_.bootstrap.empty())) return;
  if (std::find(asked_.begin(), asked_.end(), peer->id) != asked_.end()) return;
  asked_.push_back(peer->id);
  links_.send(peer->link, DialBack{config_.listen.port}, Priority::control, Traffic::control);
}

bool Reachability::came_in(const LinkInfo& info) {
  if (info.outbound || !info.proven || reachable()) return false;
  Address own = links_.observed();
  if (std::find(asked_.begin(), asked_.end(), info.peer) == asked_.end() || own.is_unspecified()) return false;
  own.port = config_.listen.port;
  links_.set_listens(own);
  news_ = true;
  host_.observer.noted("others can dial this server at " + own.text());
  return true;
}

// Only to the address that the asking node is seen at, on a budget: nobody else can be made a target.
void Reachability::on(Peer& from, const DialBack& message) {
  Address to = from.remote;
  to.port = message.port;
  if (!links_.may_dial(to) || !budget_.take(host_.clock.mono())) return;
  links_.dial(to, Use::probe);
}

}  // namespace np2p::swarm
