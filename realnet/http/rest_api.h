// The REST API of the original's clients as a function from request to reply; no socket here.
//
//   POST /publish  a JSON event            -> {"Status":"SUCCESS"} once it is durable
//   POST /req      a JSON filter           -> MessagePack, gzip only if accepted
//   GET  /status   JSON                       loopback only
//   GET  /metrics  Prometheus text            loopback only
//   GET  /healthz  {"Status":"OK"}, or 503 and why; for all who may read
//
// Who may: the Host header must name us (a name of ours, or the socket's own address), else a web page could reach us
// by rebinding its DNS name. Reading is open to loopback and to trusted networks, without a foreign Origin; publishing
// is open to whoever can bring an event that the owner signed. A foreign Origin (not loopback, not in allow_origins) is
// treated as remote and gets no CORS headers. No cookies, no credentials, no JSONP, and a fixed list of error texts and
// reasons: nothing of the machine leaks.
#pragma once

#include "realnet/net/asio.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/api.h"
#include "core/base/address.h"
#include "core/base/limits.h"

namespace np2p::real {

struct HttpRequest {
  std::string method;
  std::string target;  // with its query
  std::string host;
  std::string origin;
  bool has_origin = false;
  std::string content_type;
  std::string accept_encoding;
  std::string requested_private_network;  // of a preflight
  std::string body;
  Address peer;
  Address local;  // the socket's own address
};

struct HttpReply {
  unsigned status = 200;
  std::string content_type = "application/json; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// What the API asks of the node behind it.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual asio::awaitable<Status> publish(Event event) = 0;  // returns when durable, or refused
  virtual QueryAnswer query(const Filter& filter) = 0;
  virtual std::string status_json() = 0;
  virtual std::string metrics_text() = 0;
  virtual Status health() { return {}; }  // an error says what is wrong with the server
};

// A network prefix, as in "10.0.0.0/8" or "fd00::/8"; a bare address is a network of one.
struct NetworkPrefix {
  Address base;
  unsigned bits = 128;  // of the 16 bytes
  static Result<NetworkPrefix> parse(std::string_view text);
  [[nodiscard]] bool contains(const Address& address) const noexcept;
};

struct ApiSettings {
  std::vector<std::string> allow_origins;  // exact, e.g. "https://app.example"
  std::vector<std::string> host_names;     // names of ours besides localhost
  std::vector<NetworkPrefix> trusted;      // may read besides loopback
  bool trust_private = false;              // so may private addresses (the API was opened to them on purpose)
  Limits limits;
};

class RestApi {
 public:
  RestApi(Backend& backend, ApiSettings settings) : backend_(backend), settings_(std::move(settings)) {}
  asio::awaitable<HttpReply> handle(const HttpRequest& request);

 private:
  asio::awaitable<HttpReply> publish(const HttpRequest& request);
  HttpReply req(const HttpRequest& request);
  HttpReply healthz(const HttpRequest& request);
  HttpReply preflight(const HttpRequest& request) const;
  [[nodiscard]] bool host_is_ours(const HttpRequest& request) const;
  [[nodiscard]] bool origin_allowed(std::string_view origin) const;
  [[nodiscard]] bool may_read(const HttpRequest& request) const;
  [[nodiscard]] bool local_owner(const HttpRequest& request) const;

  Backend& backend_;
  ApiSettings settings_;
};

HttpReply http_error(unsigned status, std::string_view reason);
unsigned http_status(ErrorCode code) noexcept;
std::string_view http_reason(unsigned status) noexcept;
std::string json_string(std::string_view text);  // with its quotes; what is not UTF-8 becomes '?'

}  // namespace np2p::real
