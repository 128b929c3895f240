#include <arpa/inet.h>
#include <natpmp.h>
#include <poll.h>

#include <algorithm>

#include "realnet/clock.h"
#include "realnet/net/gateway.h"

namespace np2p::real {

namespace {

constexpr Duration kPatience = 2s;  // RFC 6886 goes on for 64 s; a router in the next room answers the first request

std::uint32_t in_seconds(Duration duration) {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(duration / 1s, 1));
}

class NatPmp final : public Gateway {
 public:
  std::string_view name() const noexcept override { return "NAT-PMP"; }

  std::optional<Mapped> map(std::uint16_t port, Duration lifetime) override {
    Session session;
    natpmpresp_t response{};
    if (!session.ok || sendpublicaddressrequest(&session.natpmp) < 0 || !session.answer(response)) return std::nullopt;
    Address external = Address::v4(ntohl(response.pnu.publicaddress.addr.s_addr), 0);
    const std::uint16_t wish = external_port_ == 0 ? port : external_port_;
    if (sendnewportmappingrequest(&session.natpmp, NATPMP_PROTOCOL_TCP, port, wish, in_seconds(lifetime)) < 0 ||
        !session.answer(response)) {
      return std::nullopt;
    }
    internal_port_ = port;
    external_port_ = external.port = response.pnu.newportmapping.mappedpublicport;
    const std::chrono::seconds granted(response.pnu.newportmapping.lifetime);
    if (external.port == 0 || granted == 0s) return std::nullopt;
    return Mapped{external, granted};
  }

  void unmap() override {
    Session session;
    natpmpresp_t response{};
    if (internal_port_ == 0 || !session.ok) return;
    if (sendnewportmappingrequest(&session.natpmp, NATPMP_PROTOCOL_TCP, internal_port_, 0, 0) < 0) return;
    session.answer(response);
    internal_port_ = external_port_ = 0;
  }

 private:
  struct Session {
    natpmp_t natpmp{};
    bool ok = initnatpmp(&natpmp, 0, 0) == 0;
    Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() {
      if (ok) closenatpmp(&natpmp);
    }
    bool answer(natpmpresp_t& response) {
      const MonoTime end = mono_now() + kPatience;
      int result = NATPMP_TRYAGAIN;
      while (result == NATPMP_TRYAGAIN && mono_now() < end) {
        timeval until{};
        getnatpmprequesttimeout(&natpmp, &until);
        pollfd waiting{natpmp.s, POLLIN, 0};
        const auto ms = until.tv_sec * 1000 + until.tv_usec / 1000 + 1;
        ::poll(&waiting, 1, static_cast<int>(std::clamp<long>(ms, 1, 1000)));
        result = readnatpmpresponseorretry(&natpmp, &response);
      }
      return result == 0;
    }
  };
  std::uint16_t internal_port_ = 0;
  std::uint16_t external_port_ = 0;
};

}  // namespace

std::unique_ptr<Gateway> natpmp_gateway() {
  return std::make_unique<NatPmp>();
}

}  // namespace np2p::real
