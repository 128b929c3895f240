// One HTTP request to a server's REST interface, as the commands of the command line make it: it blocks, and it gives
// up after ten seconds of silence, or of an answer that does not come to its end.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/time.h"

namespace np2p::real {

inline constexpr Duration kHttpSilence = 10s;

struct HttpUrl {
  std::string host;  // without the brackets of IPv6
  std::string port;
  bool tls = false;
  bool insecure = false;  // over TLS: any certificate will do; so it does on loopback, where nobody is on the way
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

// "http://host:port" or "https://host:port"; the scheme (then http) and a final slash may be missing. Error bad_field:
// one sentence.
Result<HttpUrl> parse_http_url(std::string_view text, bool insecure);
// An empty `body` makes it a GET. Error unavailable: one sentence.
Result<HttpAnswer> http_call(const HttpUrl& url, std::string_view target, std::string_view body,
                             Duration silence = kHttpSilence);

}  // namespace np2p::real
