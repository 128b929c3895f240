// Keeps a port of this host open on the router before it, as long as this object lives: asks with NAT-PMP, then with
// UPnP, renews at half the time that was granted, takes it back at the end. Where no router answers it stays quiet and
// asks again later: a laptop moves. A thread of its own does all this, because the libraries block (net/gateway.h).
#pragma once

#include "realnet/net/asio.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/base/address.h"
#include "core/base/time.h"
#include "realnet/net/gateway.h"

namespace np2p::real {

struct PortMappingSettings {
  Address listen;
  Duration lifetime = 1h;  // asked for
  Duration retry = 10min;  // after nobody answered
};

// A loopback listener needs none, and neither does one on a public address; routers map IPv4 only.
bool needs_port_mapping(const Address& listen) noexcept;

class PortMapping {
 public:
  // Where others reach the port now, and who opened it ("UPnP"); absent: it is not open. Said when it changes, on the
  // thread of `io`, not after the end of this object.
  using Report = std::function<void(std::optional<Address>, const std::string& who)>;
  PortMapping(asio::io_context& io, const PortMappingSettings& settings, Report report);
  ~PortMapping();  // waits until the mapping is taken back
  void stop();     // begins to; does not wait
  PortMapping(const PortMapping&) = delete;
  PortMapping& operator=(const PortMapping&) = delete;

 private:
  void run();
  Duration attempt();  // until the next one
  bool stopping();
  void report(std::optional<Address> external);
  asio::io_context& io_;
  const PortMappingSettings settings_;
  const std::shared_ptr<Report> report_;
  // Of the thread:
  std::vector<std::unique_ptr<Gateway>> gateways_;
  Gateway* current_ = nullptr;  // who holds our mapping
  std::optional<Address> external_;
  // Of both:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace np2p::real
