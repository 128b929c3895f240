// Host names of -b that do not resolve yet, because the name service is not up or not reachable: asked for again, time
// after time, until one of them resolves. The resolver waits on a thread of its own, so nothing else does.
#pragma once

#include "realnet/net/asio.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/time.h"

namespace np2p::real {

class LateNames {
 public:
  // `found` is called once, when one of the hosts resolves.
  LateNames(asio::io_context& io, std::vector<std::string> hosts, Duration every, std::function<void()> found);
  ~LateNames();
  LateNames(const LateNames&) = delete;
  LateNames& operator=(const LateNames&) = delete;

 private:
  void wait();
  void ask(std::size_t place);

  std::vector<std::string> hosts_;
  Duration every_;
  std::function<void()> found_;
  asio::steady_timer timer_;
  tcp::resolver resolver_;
  std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);  // an answer may be under way when we are gone
};

}  // namespace np2p::real
