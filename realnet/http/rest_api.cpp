#include "realnet/http/rest_api.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "core/event/json.h"
#include "core/wire/packet.h"
#include "realnet/http/gzip.h"

namespace np2p::real {

namespace {

constexpr std::size_t kWorthGzip = 256;  // bytes; below, gzip's own header eats the gain

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return out;
}

// The host part of "host", "host:port", "[v6]" or "[v6]:port", in lower case, without a trailing dot.
std::string host_part(std::string_view host) {
  if (!host.empty() && host.front() == '[') {
    const auto end = host.find(']');
    return end == std::string_view::npos ? std::string() : lower(host.substr(1, end - 1));
  }
  std::string name = lower(host.substr(0, host.find(':')));
  if (!name.empty() && name.back() == '.') name.pop_back();
  return name;
}

std::optional<Address> ip_literal(std::string_view host) {
  const bool v6 = host.find(':') != std::string_view::npos;
  std::string text = v6 ? "[" : "";
  text.append(host).append(v6 ? "]:1" : ":1");
  const auto address = Address::parse(text);
  if (!address.ok()) return std::nullopt;
  return *address;
}

bool is_loopback_host(const std::string& host) {
  if (host == "localhost") return true;
  const auto ip = ip_literal(host);
  return ip && ip->is_loopback();
}

// "application/json", with no charset but UTF-8.
bool is_json(std::string_view content_type) {
  const std::string type = lower(content_type);
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

Result<NetworkPrefix> NetworkPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto ip = ip_literal(text.substr(0, slash));
  const Error bad = error(ErrorCode::bad_field, std::string(text) + " is not a network like 10.0.0.0/8");
  if (!ip) return bad;
  NetworkPrefix prefix{*ip, 128};
  if (slash == std::string_view::npos) return prefix;
  unsigned bits = 0;
  const auto number = text.substr(slash + 1);
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), bits);
  const unsigned most = ip->is_v4() ? 32 : 128;
  if (number.empty() || parsed.ptr != number.data() + number.size() || parsed.ec != std::errc{} || bits > most) {
    return bad;
  }
  prefix.bits = bits + (ip->is_v4() ? 96 : 0);
  return prefix;
}

bool NetworkPrefix::contains(const Address& address) const noexcept {
  for (unsigned bit = 0; bit < bits; ++bit) {
    const unsigned mask = 0x80u >> (bit % 8);
    if ((base.ip[bit / 8] & mask) != (address.ip[bit / 8] & mask)) return false;
  }
  return true;
}

std::string json_string(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20) {
      out += {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += byte < 0x80 ? c : '?';
    }
  }
  return out + '"';
}

unsigned http_status(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::too_large:
      return 413;
    case ErrorCode::forbidden:
      return 403;
    case ErrorCode::read_only:
      return 406;
    case ErrorCode::rate_limited:
      return 429;
    case ErrorCode::full:
      return 507;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::unreachable:
    case ErrorCode::unavailable:
      return 503;
    default:
      return 400;
  }
}

std::string_view http_reason(unsigned status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 415:
      return "Unsupported Media Type";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 507:
      return "Insufficient Storage";
    default:
      return "Error";
  }
}

HttpReply http_error(unsigned status, std::string_view reason) {
  HttpReply reply;
  reply.status = status;
  reply.body = "{\"Error\":" + json_string(reason) + "}";
  return reply;
}

bool RestApi::host_is_ours(const HttpRequest& request) const {
  const std::string host = host_part(request.host);
  if (is_loopback_host(host)) return true;
  if (const auto ip = ip_literal(host)) return ip->ip == request.local.ip;
  return std::any_of(settings_.host_names.begin(), settings_.host_names.end(),
                     [&](const std::string& name) { return host_part(name) == host; });
}

bool RestApi::origin_allowed(std::string_view origin) const {
  const auto& allowed = settings_.allow_origins;
  if (std::find(allowed.begin(), allowed.end(), origin) != allowed.end()) return true;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.substr(0, scheme.size()) == scheme) return is_loopback_host(host_part(origin.substr(scheme.size())));
  }
  return false;
}

bool RestApi::local_owner(const HttpRequest& request) const {
  return request.peer.is_loopback() && (!request.has_origin || origin_allowed(request.origin));
}

bool RestApi::may_read(const HttpRequest& request) const {
  if (request.has_origin && !origin_allowed(request.origin)) return false;
  if (request.peer.is_loopback()) return true;
  if (settings_.trust_private && request.peer.is_private()) return true;
  return std::any_of(settings_.trusted.begin(), settings_.trusted.end(),
                     [&](const NetworkPrefix& prefix) { return prefix.contains(request.peer); });
}

HttpReply RestApi::preflight(const HttpRequest& request) const {
  HttpReply reply;
  if (!request.has_origin || !origin_allowed(request.origin)) return reply;
  reply.headers = {{"Access-Control-Allow-Methods", "POST, OPTIONS"},
                   {"Access-Control-Allow-Headers", "Content-Type, Accept, Accept-Encoding"},
                   {"Access-Control-Max-Age", "3600"}};
  if (lower(request.requested_private_network) == "true") {
    reply.headers.emplace_back("Access-Control-Allow-Private-Network", "true");
  }
  return reply;
}

asio::awaitable<HttpReply> RestApi::handle(const HttpRequest& request) {
  if (!host_is_ours(request)) co_return http_error(403, "this server does not go by that name");
  const std::string path(path_of(request.target));
  const bool page = path == "/status" || path == "/metrics" || path == "/healthz";
  if (path != "/publish" && path != "/req" && !page) co_return http_error(404, "Resource not found");
  HttpReply reply;
  if (request.method == "OPTIONS") {
    reply = preflight(request);
  } else if (request.method != (page ? "GET" : "POST")) {
    reply = http_error(405, "Method not allowed");
    reply.headers.emplace_back("Allow", page ? "GET, OPTIONS" : "POST, OPTIONS");
  } else if (path == "/healthz") {
    reply = healthz(request);
  } else if (page) {
    if (!local_owner(request)) co_return http_error(403, "only for clients on this machine");
    reply.body = path == "/status" ? backend_.status_json() : backend_.metrics_text();
    if (path == "/metrics") reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
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
    if (origin_allowed(request.origin)) reply.headers.emplace_back("Access-Control-Allow-Origin", request.origin);
  }
  co_return reply;
}

HttpReply RestApi::healthz(const HttpRequest& request) {
  if (!may_read(request)) return http_error(403, "reading is not open to this address or origin");
  const Status health = backend_.health();
  if (!health.ok()) return http_error(503, health.error().reason);
  HttpReply reply;
  reply.body = "{\"Status\":\"OK\"}";
  return reply;
}

asio::awaitable<HttpReply> RestApi::publish(const HttpRequest& request) {
  auto event = parse_event_json(request.body, settings_.limits);
  if (!event.ok()) co_return http_error(http_status(event.error().code), event.error().reason);
  const Status outcome = co_await backend_.publish(std::move(event).value());
  if (!outcome.ok()) co_return http_error(http_status(outcome.error().code), outcome.error().reason);
  HttpReply reply;
  reply.body = "{\"Status\":\"SUCCESS\"}";
  co_return reply;
}

HttpReply RestApi::req(const HttpRequest& request) {
  if (!may_read(request)) return http_error(403, "reading is not open to this address or origin");
  const auto filter = parse_filter_json(request.body);
  if (!filter.ok()) return http_error(http_status(filter.error().code), filter.error().reason);
  const QueryAnswer answer = backend_.query(*filter);
  if (!answer.status.ok()) return http_error(http_status(answer.status.error().code), answer.status.error().reason);
  HttpReply reply;
  reply.content_type = "application/octet-stream";
  reply.body = encode_answer(answer.events, answer.with_signatures);
  if (reply.body.size() >= kWorthGzip && accepts_gzip(request.accept_encoding)) {
    reply.body = gzip(reply.body);
    reply.headers.emplace_back("Content-Encoding", "gzip");
  }
  reply.headers.emplace_back("Vary", "Accept-Encoding");
  return reply;
}

}  // namespace np2p::real
