// gzip (RFC 1952) of an answer, for clients that accept it. We never decompress what others send.
#pragma once

#include <string>
#include <string_view>

namespace np2p::real {

std::string gzip(std::string_view bytes);
// Whether an Accept-Encoding header accepts gzip (RFC 9110 12.5.3): named, or "*", and not with q=0.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace np2p::real
