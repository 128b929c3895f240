// What the one who started this process is told of it: sd_notify(3)'s protocol, by which systemd (Type=notify) knows
// when a service serves and why it ends.
#pragma once

#include <string_view>

namespace np2p::real {

// Lines of NAME=value, such as "READY=1", as one datagram to the Unix socket that NOTIFY_SOCKET names (a path, or @name
// for an abstract one). Nobody need be there: without the variable, or if nobody takes it, nothing happens.
void tell_supervisor(std::string_view state);

}  // namespace np2p::real
