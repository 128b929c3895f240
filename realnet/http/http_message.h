// A request and its answer, without a socket.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/address.h"
#include "core/base/result.h"

namespace np2p::real {

struct HttpRequest {
  std::string method;
  [[nodiscard]] bool reads() const {
    return method == "GET" || method == "HEAD";
  }                    // one answer, with a body or without
  std::string target;  // with its query
  std::string host;
  std::string origin;
  bool has_origin = false;
  std::string content_type;
  std::string accept;
  std::string accept_encoding;
  std::string authorization;
  std::string if_none_match;
  std::string requested_private_network;  // of a preflight
  std::string body;
  Address peer;
  Address local;                 // the socket's own address
  bool secure = false;           // it came over TLS
  bool forwarded = false;        // by a proxy, which says so
  std::string x_forwarded_for;   // all of that name, in their order
  std::string forwarded_header;  // likewise
  bool vouched_for = false;      // a trusted proxy says that `peer` sent it
  struct Upgrade {               // to a WebSocket (RFC 6455 4.1)
    std::string key;
    std::string version;
    std::string extensions;  // that it offers
  };
  std::optional<Upgrade> web_socket;
};

struct HttpReply {
  unsigned status = 200;
  std::string content_type = "application/json; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string cache_control = "no-store";
  std::string body;
  std::string reason;  // of an error, as the body has it
};

HttpReply http_error(unsigned status, std::string_view reason);
unsigned http_status(ErrorCode code) noexcept;
std::string_view http_reason(unsigned status) noexcept;
std::string json_string(std::string_view text);  // with its quotes; what is not UTF-8 becomes '?'

}  // namespace np2p::real
