// The REST API of the original's clients as a function from request to reply; no socket here.
//
//   POST /publish  a JSON event            -> {"Status":"SUCCESS"} once it is durable
//   POST /req      a JSON filter           -> MessagePack, gzip only if accepted
//   GET  /status   JSON                       for the owner and who is trusted
//   GET  /metrics  Prometheus text            loopback only
//   GET  /healthz  {"Status":"OK"}, or 503 and why; likewise
//   GET  /         NIP-11's document if application/nostr+json is accepted, for everybody; else the page, if there is
//                  one (static_files.h); a WebSocket if it asks to become one (web_socket.h)
//
// Who is trusted says doorkeeper.h, what that means core/api/access.h. Who is not trusted proves with NIP-98 to be the
// owner: a 401 brings a nonce, which goes once into the query of the URL ("/req?nonce=..."), signed with it. Publishing
// is open to whoever can bring an event that the owner signed. A foreign Origin gets no CORS headers. No cookies, no
// JSONP, and a fixed list of error texts and reasons: nothing of the machine leaks.
#pragma once

#include "realnet/net/asio.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/api/api.h"
#include "core/base/limits.h"
#include "core/event/json.h"
#include "realnet/http/doorkeeper.h"
#include "realnet/http/http_message.h"
#include "realnet/http/static_files.h"

namespace np2p::real {

// What the API asks of the node behind it.
class Backend {
 public:
  virtual ~Backend() = default;
  // Returns when durable, or refused. The event's text is valid until then.
  virtual asio::awaitable<Status> publish(WrittenEvent event, const Visitor& by) = 0;
  // To be counted and logged: what never came to any of these.
  virtual void refused(const Address& from, std::string_view what, const Error& why) {
    static_cast<void>(from);
    static_cast<void>(what);
    static_cast<void>(why);
  }
  virtual QueryAnswer query(const Filter& filter) = 0;
  virtual Access& access() = 0;
  virtual std::string status_json() = 0;
  virtual std::string metrics_text() = 0;
  virtual std::string relay_document(bool open) = 0;  // NIP-11
  virtual Status health() { return {}; }              // an error says what is wrong with the server
};

class RestApi {
 public:
  RestApi(Backend& backend, ApiSettings settings, const StaticFiles& files)
      : backend_(backend), settings_(std::move(settings)), files_(files), door_(settings_) {}
  asio::awaitable<HttpReply> handle(const HttpRequest& request);
  // May this connection become a WebSocket? Who it is, or the refusal.
  std::variant<ClientOrigin, HttpReply> upgrade(const HttpRequest& request);
  // Who sent it, before anything else is asked of it: a trusted proxy may know better than the socket. A refusal if
  // that cannot be read.
  std::optional<HttpReply> find_client(HttpRequest& request);
  [[nodiscard]] bool is_proxy(const Address& address) const { return door_.is_proxy(address); }
  [[nodiscard]] bool is_trusted(const HttpRequest& request) const { return door_.origin(request).trusted; }
  // To be counted: what came was no request, or too much of something; it was answered with this status.
  void refused(const Address& from, unsigned status, std::string_view reason);

 private:
  asio::awaitable<HttpReply> publish(const HttpRequest& request);
  asio::awaitable<HttpReply> api(const HttpRequest& request, const std::string& path);
  HttpReply req(const HttpRequest& request);
  HttpReply healthz(const HttpRequest& request);
  HttpReply preflight(const HttpRequest& request) const;
  HttpReply document(const HttpRequest& request);
  // With what its Authorization proves, if there is one. Errors: unauthenticated, if it proves nothing; rate_limited.
  Result<Visitor> visitor(const HttpRequest& request);
  Status may_see_state(const HttpRequest& request);
  HttpReply refusal(const Error& why);

  Backend& backend_;
  ApiSettings settings_;
  const StaticFiles& files_;
  Doorkeeper door_;
};

}  // namespace np2p::real
