// What proxies on the way wrote about where a request came from.
#pragma once

#include <functional>
#include <string_view>

#include "core/base/address.h"
#include "core/base/result.h"

namespace np2p::real {

enum class ForwardedStyle : std::uint8_t { x_forwarded_for, rfc7239 };

// Each proxy appends who called it, so the last hop was written by the proxy beside us, and further to the left may
// stand whatever the client liked to write. From the right: the first hop that is no proxy of ours is the client; if
// all are, the leftmost. Only what is looked at has to be well-formed. Error malformed: a sentence without what was
// sent. The port is 0.
Result<Address> forwarded_client(std::string_view header, ForwardedStyle style,
                                 const std::function<bool(const Address&)>& is_proxy);

}  // namespace np2p::real
