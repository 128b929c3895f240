// From flags to what a server is started with: keys parsed, host names resolved, defaults filled in.
#pragma once

#include <string>
#include <string_view>

#include "realnet/cli/command_line.h"
#include "realnet/server.h"

namespace np2p::real {

// A mistake of the user (bad_field: exit 2) or of the environment (unavailable: exit 1), as one sentence each. What is
// no reason to stop, such as a bootstrap name that does not resolve (yet), goes to `warnings`.
Result<ServerOptions> server_options(const ServerFlags& flags, std::vector<std::string>& warnings);

// [retention] of the config file: how much is kept.
// The keys of --writers, without *.
Result<std::vector<PubKey>> named_writers(const ServerFlags& flags);
Status apply_retention(const ServerFlags& flags, Limits& limits);

// "host:port", "[v6]:port", ":port"; names are resolved, IPv4 preferred.
Result<Address> resolve(std::string_view host_port, std::string_view flag);

}  // namespace np2p::real
