#include "realnet/cli/http_call.h"

#include "realnet/net/asio.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <optional>

#include "realnet/cli/tls_client.h"
#include "realnet/clock.h"

namespace np2p::real {

namespace {

constexpr std::size_t kMostBytes = 4 * 1024 * 1024;  // of an answer

Error unavailable(const HttpUrl& url, const std::string& what) {
  return error(ErrorCode::unavailable, "The server at " + url.host + ":" + url.port + " " + what);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

void limit(tcp::socket& socket, Duration silence) {
  const std::int64_t micros = silence / 1us;
  const timeval time{micros / 1'000'000, micros % 1'000'000};
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

// The bytes behind the head, once as many are there as it says; nothing: more must come.
std::optional<HttpAnswer> complete(const std::string& in, bool ended) {
  const auto end = in.find("\r\n\r\n");
  if (end == std::string::npos || in.rfind("HTTP/1.", 0) != 0 || end < 12) return std::nullopt;
  HttpAnswer answer;
  std::from_chars(in.data() + 9, in.data() + 12, answer.status);
  const std::string head = lower(std::string_view(in).substr(0, end + 2));
  std::size_t length = std::string::npos;
  if (const auto at = head.find("\r\ncontent-length: "); at != std::string::npos) {
    std::from_chars(head.data() + at + 18, head.data() + head.size(), length);
  }
  const std::size_t there = in.size() - end - 4;
  if (length == std::string::npos ? !ended : there < length) return std::nullopt;
  answer.body = in.substr(end + 4, length);
  return answer;
}

}  // namespace

Result<HttpUrl> parse_http_url(std::string_view text, bool insecure) {
  const auto mistake = [given = std::string(text)](const std::string& what) {
    return error(ErrorCode::bad_field, "--server \"" + given + "\": " + what);
  };
  const bool tls = text.rfind("https://", 0) == 0;
  if (tls) text.remove_prefix(8);
  if (!tls && text.rfind("http://", 0) == 0) text.remove_prefix(7);
  if (!text.empty() && text.back() == '/') text.remove_suffix(1);
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return mistake("expected http://host:port");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool digits = !port.empty() && port.size() <= 5 &&
                      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return mistake("expected http://host:port");
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return HttpUrl{std::string(host), std::string(port), tls, insecure};
}

Result<HttpAnswer> http_call(const HttpUrl& url, std::string_view target, std::string_view body, Duration silence) {
  asio::io_context io;
  SocketError failure;
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(url.host, url.port, tcp::resolver::numeric_service, failure);
  if (failure) return error(ErrorCode::unavailable, "The host name \"" + url.host + "\" does not resolve");
  tcp::socket socket(io);
  for (const auto& entry : found) {
    SocketError ignored;
    socket.close(ignored);
    socket.open(entry.endpoint().protocol(), failure);
    if (failure) continue;
    limit(socket, silence);
    // Not through Asio: its blocking calls would wait on after the kernel's timeout.
    const auto to = entry.endpoint();
    if (::connect(socket.native_handle(), to.data(), static_cast<socklen_t>(to.size())) == 0) break;
    const int why = errno == EINPROGRESS ? ETIMEDOUT : errno;
    failure.assign(why, boost::system::system_category());
  }
  if (failure) return unavailable(url, "does not answer (" + failure.message() + "); is it running?");
  const bool v6 = url.host.find(':') != std::string::npos;
  std::string request = std::string(body.empty() ? "GET " : "POST ") + std::string(target) +
                        " HTTP/1.1\r\nHost: " + (v6 ? "[" + url.host + "]" : url.host) + ":" + url.port +
                        "\r\nConnection: close\r\n";
  if (!body.empty()) {
    request += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  request += "\r\n" + std::string(body);
  std::optional<TlsClient> tls;
  if (url.tls) {
    const bool here = socket.remote_endpoint(failure).address().is_loopback();
    auto made = TlsClient::connect(socket.native_handle(), url.host, !url.insecure && !here);
    if (!made.ok()) return unavailable(url, made.error().reason);
    tls = std::move(made).value();
  }
  if (tls && !tls->write(request)) failure = asio::error::connection_reset;
  if (!tls) asio::write(socket, asio::buffer(request), failure);
  if (failure) return unavailable(url, "does not take the request (" + failure.message() + ")");
  std::string in;
  std::array<char, 16384> buffer{};
  const MonoTime patience = mono_now() + silence;
  while (in.size() < kMostBytes && mono_now() < patience) {
    if (auto answer = complete(in, false)) return std::move(*answer);
    const auto got = tls ? tls->read(buffer) : ::recv(socket.native_handle(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) {
      if (auto answer = complete(in, got == 0)) return std::move(*answer);
      return unavailable(url,
                         tls ? "does not answer as a server of nostrp2p does"
                             : "does not answer as a server of nostrp2p does (one with -s is asked over https://)");
    }
    in.append(buffer.data(), static_cast<std::size_t>(got));
  }
  if (in.size() >= kMostBytes) return unavailable(url, "answers without end");
  return unavailable(url,
                     in.empty() ? "takes the connection and says nothing" : "does not come to the end of its answer");
}

}  // namespace np2p::real
