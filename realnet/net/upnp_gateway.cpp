#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <miniupnpc/upnperrors.h>

#include <array>
#include <string>

#include "realnet/net/gateway.h"

namespace np2p::real {

namespace {

constexpr int kDiscoveryMs = 2000;
constexpr unsigned char kTtl = 2;
constexpr int kPorts = 5;  // external ports that are tried where others have taken the first
constexpr int kConflict = 718;
constexpr int kOnlyPermanent = 725;
constexpr char kDescription[] = "nostrp2p";

class Upnp final : public Gateway {
 public:
  explicit Upnp(const Address& host) : host_(host.is_unspecified() ? std::string() : host.ip_text()) {}
  std::string_view name() const noexcept override { return "UPnP"; }

  std::optional<Mapped> map(std::uint16_t port, Duration lifetime) override {
    auto address = router_ ? router_->external() : std::nullopt;
    if (!address) {  // none known, or it went
      router_ = std::make_unique<Router>(host_);
      address = router_->external();
    }
    if (!address) {
      router_.reset();
      return std::nullopt;
    }
    const Router& router = *router_;
    Duration lease = lifetime;
    std::uint16_t wish = external_port_ == 0 ? port : external_port_;
    for (int attempt = 0; attempt < kPorts; ++attempt) {
      int result = router.add(wish, port, lease);
      if (result == kOnlyPermanent) {
        lease = 0s;
        result = router.add(wish, port, lease);
      }
      if (result == 0) {
        external_port_ = address->port = wish;
        return Mapped{*address, lease};
      }
      if (result != kConflict) return std::nullopt;
      wish = wish == 65535 ? std::uint16_t{1024} : static_cast<std::uint16_t>(wish + 1);
    }
    return std::nullopt;
  }

  void unmap() override {
    if (external_port_ == 0 || !router_) return;
    UPNP_DeletePortMapping(router_->urls.controlURL, router_->data.first.servicetype,
                           std::to_string(external_port_).c_str(), "TCP", nullptr);
    external_port_ = 0;
  }

 private:
  struct Router {
    UPNPUrls urls{};
    IGDdatas data{};
    std::array<char, 64> host{};
    bool found = false;
    bool connected = false;

    explicit Router(const std::string& from) {
      int failure = 0;
      const char* interface = from.empty() ? nullptr : from.c_str();
      UPNPDev* devices = upnpDiscover(kDiscoveryMs, interface, nullptr, UPNP_LOCAL_PORT_ANY, 0, kTtl, &failure);
      if (devices == nullptr) return;
      const int state = UPNP_GetValidIGD(devices, &urls, &data, host.data(), static_cast<int>(host.size()));
      found = state != 0;
      connected = state == 1;
      freeUPNPDevlist(devices);
    }
    Router(const Router&) = delete;
    Router& operator=(const Router&) = delete;
    ~Router() {
      if (found) FreeUPNPUrls(&urls);
    }
    [[nodiscard]] std::optional<Address> external() const {
      std::array<char, 64> text{};
      if (!connected || UPNP_GetExternalIPAddress(urls.controlURL, data.first.servicetype, text.data()) != 0) {
        return std::nullopt;
      }
      const auto address = Address::parse(std::string(text.data()) + ":0");
      return address.ok() ? std::optional(*address) : std::nullopt;
    }
    [[nodiscard]] int add(std::uint16_t external, std::uint16_t internal, Duration lease) const {
      return UPNP_AddPortMapping(urls.controlURL, data.first.servicetype, std::to_string(external).c_str(),
                                 std::to_string(internal).c_str(), host.data(), kDescription, "TCP", nullptr,
                                 std::to_string(lease / 1s).c_str());
    }
  };
  std::string host_;
  std::unique_ptr<Router> router_;  // found once: to look for it takes seconds
  std::uint16_t external_port_ = 0;
};

}  // namespace

std::unique_ptr<Gateway> upnp_gateway(const Address& host) {
  return std::make_unique<Upnp>(host);
}

}  // namespace np2p::real
