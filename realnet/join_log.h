// What the log says about joining: the first link, the first neighbour, and which of the servers named with -b cannot
// be reached, each address at most once a minute. It only finds the words; the server writes them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/api.h"
#include "core/base/address.h"
#include "core/base/config.h"
#include "core/base/time.h"
#include "core/host/network.h"

namespace np2p::real {

// Is this an address of the server with that configuration? (Its own address in a private network is not known here; a
// link to it fails with its Hello.)
bool is_own_address(const Address& address, const Config& config);

class JoinLog {
 public:
  explicit JoinLog(const Config& config) : config_(config) {}

  // Each returns a line to log, or nothing.
  [[nodiscard]] std::string started() const;
  std::string link_up(const LinkInfo& info);
  std::string status(const NodeStatus& status);
  std::string unreachable(const Address& address, CloseReason reason, MonoTime now);

  // Why that server of -b could not be reached the last time; empty: it could, or was not tried yet.
  [[nodiscard]] std::string_view trouble(const Address& address) const;

  [[nodiscard]] bool joined() const noexcept { return joined_; }

 private:
  const Config& config_;
  std::map<Address, MonoTime> said_;  // when it was said last that a server of -b cannot be reached
  std::map<Address, CloseReason> trouble_;
  bool linked_ = false;
  bool joined_ = false;
};

}  // namespace np2p::real
