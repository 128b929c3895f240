#include "realnet/bind_watch.h"

namespace np2p::real {

std::string bind_warning(const Bind& bind, const NodeId& self, std::int64_t unix_now) {
  const std::string renew = "; renew it with: nostrp2p bind --key-file FILE";
  if (!bind.node) return "your key is bound to no server (the BIND was revoked): other servers send nothing here";
  if (*bind.node != self) {
    return "your key is bound to another server, node " + bind.node->hex().substr(0, 12) +
           "...: other servers send nothing here";
  }
  const std::int64_t left = bind.expires - unix_now;
  if (left <= 0) return "the BIND of your key to this server has expired: other servers send nothing here" + renew;
  if (left >= kBindWarning / 1s) return {};
  return "the BIND of your key to this server ends in " + std::to_string(left / 86'400) + " days" + renew;
}

std::string stored_bind_warning(Store& store, const PubKey& owner, const NodeId& self, std::int64_t unix_now) {
  Filter filter;
  filter.authors = {owner};
  filter.kinds = {kind::bind};
  filter.limit = 1;
  for (const EventPtr& event : store.query(filter, Order::newest_first)) {
    if (const auto bind = decode_bind(event.get()); bind.ok()) return bind_warning(*bind, self, unix_now);
  }
  return {};
}

}  // namespace np2p::real
