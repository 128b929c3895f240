#include "realnet/http/rest_api.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/wire/packet.h"
#include "realnet/http/authorization.h"
#include "realnet/http/gzip.h"

namespace np2p::real {

namespace {

constexpr std::size_t kWorthGzip = 256;  // bytes; below, gzip's own header eats the gain

// "application/json", with no charset but UTF-8.
bool is_json(std::string_view content_type) {
  const std::string type = lower_case(content_type);
  const auto semicolon = type.find(';');
  std::string media = type.substr(0, semicolon);
  while (!media.empty() && media.back() == ' ') media.pop_back();
  if (media != "application/json") return false;
  const auto charset = type.find("charset=");
  if (charset == std::string::npos) return true;
  std::string value = type.substr(charset + 8);
  value = value.substr(0, value.find_first_of("; "));
  std::erase(value, '"');
  return value == "utf-8" || value == "utf8";
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

}  // namespace

HttpReply RestApi::preflight(const HttpRequest& request) const {
  HttpReply reply;
  if (!request.has_origin || !door_.allows_origin(request)) return reply;
  reply.headers = {{"Access-Control-Allow-Methods", "GET, POST, OPTIONS"},
                   {"Access-Control-Allow-Headers", "Content-Type, Accept, Accept-Encoding, Authorization"},
                   {"Access-Control-Expose-Headers", "WWW-Authenticate"},
                   {"Access-Control-Max-Age", "3600"}};
  if (lower_case(request.requested_private_network) == "true") {
    reply.headers.emplace_back("Access-Control-Allow-Private-Network", "true");
  }
  return reply;
}

Result<Visitor> RestApi::visitor(const HttpRequest& request) {
  Visitor visitor{door_.origin(request), {}};
  if (request.authorization.empty()) return visitor;
  const auto refused = [&](const Error& why) {
    backend_.refused(request.peer, "proof", why);
    if (why.code == ErrorCode::rate_limited) return why;
    return error(ErrorCode::unauthenticated, "the proof is refused: " + why.reason);
  };
  auto proof = parse_authorization(request.authorization, settings_.limits);
  if (!proof.ok()) return refused(proof.error());
  const RequestClaim claim{request.host + request.target, request.method, request.body};
  const auto key = backend_.access().prove(std::move(proof).value(), claim, visitor.origin);
  if (!key.ok()) return refused(key.error());
  visitor.keys.push_back(*key);
  return visitor;
}

Status RestApi::may_see_state(const HttpRequest& request) {
  const auto who = visitor(request);
  return who.ok() ? backend_.access().may_see_state(*who) : Status(who.error());
}

HttpReply RestApi::refusal(const Error& why) {
  HttpReply reply = http_error(http_status(why.code), why.reason);
  if (why.code == ErrorCode::unauthenticated) {
    reply.headers.emplace_back("WWW-Authenticate", "Nostr nonce=\"" + backend_.access().nonce() + "\"");
  }
  return reply;
}

// For everybody, wherever the page that asks comes from: a client shows what kind of relay this is before it connects.
HttpReply RestApi::document(const HttpRequest& request) {
  HttpReply reply;
  reply.headers = {{"Access-Control-Allow-Origin", "*"},
                   {"Access-Control-Allow-Headers", "*"},
                   {"Access-Control-Allow-Methods", "GET, OPTIONS"},
                   {"Vary", "Accept"}};
  if (request.method == "OPTIONS") return reply;
  reply.content_type = "application/nostr+json";
  reply.body = backend_.relay_document(door_.origin(request).trusted);
  return reply;
}

std::variant<ClientOrigin, HttpReply> RestApi::upgrade(const HttpRequest& request) {
  if (!door_.calls_us(request)) return http_error(403, "this server does not go by that name");
  if (path_of(request.target) != "/") return http_error(404, "Resource not found");
  return door_.origin(request);
}

std::optional<HttpReply> RestApi::find_client(HttpRequest& request) {
  const Status found = door_.find_client(request);
  if (found.ok()) return std::nullopt;
  const unsigned status = http_status(found.error().code);
  refused(request.peer, status, found.error().reason);
  return http_error(status, found.error().reason);
}

void RestApi::refused(const Address& from, unsigned status, std::string_view reason) {
  const auto code = [status] {
    switch (status) {
      case 413:
      case 431:
        return ErrorCode::too_large;
      case 429:
        return ErrorCode::rate_limited;
      case 503:
        return ErrorCode::full;
      default:
        return ErrorCode::malformed;
    }
  };
  backend_.refused(from, "request", error(code(), std::string(reason)));
}

asio::awaitable<HttpReply> RestApi::handle(const HttpRequest& request) {
  if (!door_.calls_us(request)) co_return http_error(403, "this server does not go by that name");
  const std::string path(path_of(request.target));
  const bool wants_document = lower_case(request.accept).find("application/nostr+json") != std::string::npos;
  if (path == "/" && ((request.reads() && wants_document) || request.method == "OPTIONS")) co_return document(request);
  if (request.reads() && files_.has(path)) co_return files_.reply(request, path);
  co_return co_await api(request, path);
}

asio::awaitable<HttpReply> RestApi::api(const HttpRequest& request, const std::string& path) {
  const bool page = path == "/status" || path == "/metrics" || path == "/healthz";
  if (path != "/publish" && path != "/req" && !page) co_return http_error(404, "Resource not found");
  HttpReply reply;
  if (request.method == "OPTIONS") {
    reply = preflight(request);
  } else if (page ? !request.reads() : request.method != "POST") {
    reply = http_error(405, "Method not allowed");
    reply.headers.emplace_back("Allow", page ? "GET, HEAD, OPTIONS" : "POST, OPTIONS");
  } else if (path == "/metrics") {
    if (!door_.is_local(request)) co_return http_error(403, "only for clients on this machine");
    reply.body = backend_.metrics_text();
    reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  } else if (path == "/healthz") {
    reply = healthz(request);
  } else if (page) {
    const Status may = may_see_state(request);
    if (may.ok()) reply.body = backend_.status_json();
    if (!may.ok()) reply = refusal(may.error());
  } else if (request.body.empty()) {
    reply = http_error(400, "JSON payload is empty");
  } else if (!is_json(request.content_type)) {
    reply = http_error(415, "Bad Content-Type or charset, expected 'application/json'");
  } else if (path == "/publish") {
    reply = co_await publish(request);
  } else {
    reply = req(request);
  }
  if (request.has_origin) {
    reply.headers.emplace_back("Vary", "Origin");
    if (door_.allows_origin(request)) {
      reply.headers.emplace_back("Access-Control-Allow-Origin", request.origin);
      if (request.method != "OPTIONS") reply.headers.emplace_back("Access-Control-Expose-Headers", "WWW-Authenticate");
    }
  }
  co_return reply;
}

HttpReply RestApi::healthz(const HttpRequest& request) {
  if (const Status may = may_see_state(request); !may.ok()) return refusal(may.error());
  const Status health = backend_.health();
  if (!health.ok()) return http_error(503, health.error().reason);
  HttpReply reply;
  reply.body = "{\"Status\":\"OK\"}";
  return reply;
}

asio::awaitable<HttpReply> RestApi::publish(const HttpRequest& request) {
  auto event = parse_written_event(request.body, settings_.limits);
  if (!event.ok()) {
    backend_.refused(request.peer, "publish", event.error());
    co_return http_error(http_status(event.error().code), event.error().reason);
  }
  const auto by = visitor(request);
  if (!by.ok()) co_return refusal(by.error());
  const Status outcome = co_await backend_.publish(std::move(event).value(), *by);
  if (!outcome.ok()) co_return refusal(outcome.error());
  HttpReply reply;
  reply.body = "{\"Status\":\"SUCCESS\"}";
  co_return reply;
}

HttpReply RestApi::req(const HttpRequest& request) {
  const auto who = visitor(request);
  if (!who.ok()) return refusal(who.error());
  if (const Status may = backend_.access().may_read(*who); !may.ok()) return refusal(may.error());
  const auto filter = parse_filter_json(request.body);
  if (!filter.ok()) return http_error(http_status(filter.error().code), filter.error().reason);
  const QueryAnswer answer = backend_.query(*filter);
  if (!answer.status.ok()) return http_error(http_status(answer.status.error().code), answer.status.error().reason);
  HttpReply reply;
  reply.content_type = "application/octet-stream";
  reply.body = encode_answer(answer.events, answer.with_signatures);
  if (reply.body.size() >= kWorthGzip) {
    if (accepts_gzip(request.accept_encoding)) {
      reply.body = gzip(reply.body);
      reply.headers.emplace_back("Content-Encoding", "gzip");
    } else if (accepts_deflate(request.accept_encoding)) {
      reply.body = deflated(reply.body);
      reply.headers.emplace_back("Content-Encoding", "deflate");
    }
  }
  reply.headers.emplace_back("Vary", "Accept-Encoding");
  return reply;
}

}  // namespace np2p::real
