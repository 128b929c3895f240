// Compressed answers for clients that accept them: gzip (RFC 1952), or what HTTP calls deflate (RFC 1950). We never
// decompress what others send.
#pragma once

#include <string>
#include <string_view>

namespace np2p::real {

std::string gzip(std::string_view bytes);
std::string deflated(std::string_view bytes);
// Whether an Accept-Encoding header accepts it (RFC 9110 12.5.3): named, or "*", and not with q=0.
bool accepts_gzip(std::string_view accept_encoding);
bool accepts_deflate(std::string_view accept_encoding);

}  // namespace np2p::real
