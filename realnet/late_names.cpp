#include "realnet/late_names.h"

namespace np2p::real {

LateNames::LateNames(asio::io_context& io, std::vector<std::string> hosts, Duration every, std::function<void()> found)
    : hosts_(std::move(hosts)), every_(every), found_(std::move(found)), timer_(io), resolver_(io) {
  if (!hosts_.empty()) wait();
}

LateNames::~LateNames() {
  resolver_.cancel();
}

void LateNames::wait() {
  timer_.expires_after(every_);
  timer_.async_wait([this](const SocketError& cancelled) {
    if (!cancelled) ask(0);
  });
}

void LateNames::ask(std::size_t place) {
  if (place == hosts_.size()) return wait();
  resolver_.async_resolve(hosts_[place], "0", tcp::resolver::numeric_service,
                          [this, place, alive = std::weak_ptr(alive_)](const SocketError& failure,
                                                                       const tcp::resolver::results_type& results) {
                            if (alive.expired()) return;
                            if (failure || results.empty()) return ask(place + 1);
                            const auto found = std::move(found_);  // may be the end of this object
                            found();
                          });
}

}  // namespace np2p::real
