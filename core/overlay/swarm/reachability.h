// Can others dial us? We ask peers to: a link that comes in from one of them at our listen address is the proof. Until
// then nobody is told an address of ours. A node that starts without any -b is the first of its network and believes
// the address that it listens on; if that is any (0.0.0.0), it asks those who come in, who dialled it somewhere.
// --external says it outright.
#pragma once

#include <utility>
#include <vector>

#include "core/base/token_bucket.h"
#include "core/overlay/swarm/links.h"

namespace np2p::swarm {

class Reachability {
 public:
  Reachability(const Config& config, Host& host, Links& links);

  void start();
  void changed(const LinkChange& change);  // asks peers that we dialled, a few of them; the first asks who comes
  // A link came in from outside; true if it is the answer to our question, which needs no further life.
  bool came_in(const LinkInfo& info);
  void on(Peer& from, const DialBack& message);
  [[nodiscard]] bool reachable() const noexcept { return !links_.listens().is_unspecified(); }
  bool take_news() noexcept { return std::exchange(news_, false); }  // has it become reachable since the last call?
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(asked_); }

 private:
  const Config& config_;
  Host& host_;
  Links& links_;
  std::vector<NodeId> asked_;
  TokenBucket budget_{20, 200};  // dial-backs for others
  bool news_ = false;
};

}  // namespace np2p::swarm
