#include "realnet/net/port_mapping.h"

#include <signal.h>

#include <algorithm>

namespace np2p::real {

namespace {

constexpr Duration kLeastRenewal = 1s;

// Signals are the main thread's business; and a router that hangs up must not end the process with SIGPIPE.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

// A router behind another NAT gives an address that nobody can reach.
bool useful(const Address& external) {
  return !external.is_unspecified() && !external.is_private() && !external.is_loopback() && !external.is_multicast();
}

}  // namespace

bool needs_port_mapping(const Address& listen) noexcept {
  return listen.is_unspecified() || (listen.is_v4() && listen.is_private());
}

PortMapping::PortMapping(asio::io_context& io, const PortMappingSettings& settings, Report report)
    : io_(io), settings_(settings), report_(std::make_shared<Report>(std::move(report))) {
  gateways_.push_back(natpmp_gateway());
  gateways_.push_back(upnp_gateway(settings.listen));
  thread_ = std::thread([this] { run(); });
}

PortMapping::~PortMapping() {
  stop();
  thread_.join();
}

void PortMapping::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
}

bool PortMapping::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void PortMapping::run() {
  block_signals();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const Duration pause = attempt();
    lock.lock();
    wake_.wait_for(lock, pause, [this] { return stopping_; });
  }
  lock.unlock();
  if (current_ != nullptr) current_->unmap();
}

Duration PortMapping::attempt() {
  // Whoever holds the mapping is asked first.
  std::stable_partition(gateways_.begin(), gateways_.end(),
                        [this](const auto& gateway) { return gateway.get() == current_; });
  for (const auto& gateway : gateways_) {
    if (stopping()) return settings_.retry;
    const auto mapped = gateway->map(settings_.listen.port, settings_.lifetime);
    if (mapped && useful(mapped->external)) {
      if (current_ != nullptr && current_ != gateway.get()) current_->unmap();
      current_ = gateway.get();
      report(mapped->external);
      const Duration granted = mapped->lifetime > 0s ? mapped->lifetime : settings_.lifetime;
      return std::max(granted / 2, kLeastRenewal);
    }
    if (mapped) gateway->unmap();
  }
  current_ = nullptr;
  report(std::nullopt);
  return settings_.retry;
}

void PortMapping::report(std::optional<Address> external) {
  if (external == external_) return;
  external_ = external;
  const std::string who(current_ == nullptr ? std::string_view() : current_->name());
  asio::post(io_, [weak = std::weak_ptr<Report>(report_), external, who] {
    if (const auto report = weak.lock()) (*report)(external, who);
  });
}

}  // namespace np2p::real
