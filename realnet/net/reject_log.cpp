#include "realnet/net/reject_log.h"

namespace np2p::real {

namespace {

constexpr Duration kQuiet = 1min;
constexpr std::size_t kRemembered = 1024;  // (peer, reason) pairs; beyond it nothing more is logged this minute

}  // namespace

bool RejectLog::note(std::string_view peer, std::string_view what, std::string_view reason, MonoTime now) {
  std::string key(what);
  key.append(" ").append(reason);
  ++counts_[key];
  while (!order_.empty() && now - order_.front().at >= kQuiet) {
    logged_.erase(order_.front().key);
    order_.pop_front();
  }
  key.append(" ").append(peer);
  if (order_.size() >= kRemembered || !logged_.emplace(key, now).second) return false;
  order_.push_back({std::move(key), now});
  return true;
}

}  // namespace np2p::real
