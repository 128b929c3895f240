// Port Observer: counts and logs. What a peer does wrong is logged at most once per peer, reason and minute. A peer is
// an address; of IPv6 the /64 that it can choose its address in (AddressGroup).
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/base/address_budgets.h"
#include "core/host/observer.h"
#include "realnet/net/reject_log.h"

namespace np2p::real {

class RealObserver final : public Observer {
 public:
  using RemoteOf = std::function<std::optional<Address>(LinkId)>;  // nothing: it has left
  void find_peers(RemoteOf remote_of) { remote_of_ = std::move(remote_of); }

  // While one of these lives, the node hears a client at that address: what is refused and came over no link is its.
  class Client {
   public:
    Client(RealObserver& observer, const Address& address) : observer_(observer) { observer_.client_ = address; }
    ~Client() { observer_.client_.reset(); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

   private:
    RealObserver& observer_;
  };

  void event_accepted(const EventId& id, LinkId link) override;
  void frame_was(Traffic traffic) override { frame_class_ = traffic; }
  void rejected(std::string_view what, const Error& why, LinkId link) override;
  void noted(std::string_view line) override;

  // The host brackets each frame: it counts as what the node says, else as what its sender said. One in a tunnel came
  // in what carried it, and counts only if nobody needed it.
  void frame_begins(Traffic said, std::size_t bytes, bool in_tunnel);
  void frame_ends();
  void rejected(const Address& from, std::string_view what, const Error& why);

  struct Flow {
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;
  };
  using Flows = std::array<Flow, static_cast<std::size_t>(Traffic::count_)>;
  [[nodiscard]] const std::map<std::string, std::uint64_t>& rejects() const noexcept { return rejects_.counts(); }
  [[nodiscard]] const Flows& flows_in() const noexcept { return flows_in_; }
  [[nodiscard]] std::uint64_t events_accepted() const noexcept { return events_accepted_; }

 private:
  RemoteOf remote_of_;
  std::optional<Address> client_;
  RejectLog rejects_;
  Flows flows_in_{};
  Traffic frame_class_ = Traffic::control;
  std::size_t frame_bytes_ = 0;
  bool in_tunnel_ = false;
  std::uint64_t events_accepted_ = 0;
};

std::string_view traffic_name(Traffic traffic) noexcept;

}  // namespace np2p::real
