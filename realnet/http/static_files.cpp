#include "realnet/http/static_files.h"

#include <cctype>

#include "core/event/sha256.h"
#include "realnet/http/gzip.h"

namespace np2p::real {

namespace {

constexpr std::size_t kWorthGzip = 512;
constexpr std::size_t kTagBytes = 12;

bool is_text(std::string_view type) {
  return type.substr(0, 5) == "text/" || type.find("javascript") != std::string_view::npos ||
         type.find("json") != std::string_view::npos || type.find("svg") != std::string_view::npos;
}

// Nothing of the page comes from elsewhere, and nothing goes elsewhere; the WebSocket is named because older browsers
// do not count it as 'self'. The host is ours: who calls us by another name is refused before.
std::string policy(const std::string& called) {
  std::string host;
  for (const char c : called) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 ||
        std::string_view(".:[]-").find(c) != std::string_view::npos) {
      host += c;
    }
  }
  std::string out(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
      "manifest-src 'self'; worker-src 'self'; connect-src 'self' ws://");
  out.append(host).append(" wss://").append(host);
  return out.append("; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
}

}  // namespace

StaticFiles::StaticFiles(const Map& files) {
  for (const auto& [path, file] : files) {
    Entry entry{file, {}, {}};
    const Sha256 hash = sha256(bytes_of(file.bytes));
    entry.tag.append("\"").append(to_hex(ByteView(hash).first(kTagBytes))).append("\"");
    if (file.bytes.size() >= kWorthGzip && is_text(file.content_type)) entry.zipped = gzip(file.bytes);
    files_.emplace(path, std::move(entry));
  }
}

HttpReply StaticFiles::reply(const HttpRequest& request, std::string_view path) const {
  const auto at = files_.find(path);
  if (at == files_.end()) return http_error(404, "Resource not found");
  const Entry& entry = at->second;
  HttpReply reply;
  reply.cache_control = entry.file.immutable ? "public, max-age=31536000, immutable" : "no-cache";
  reply.headers = {{"ETag", entry.tag},
                   {"Vary", "Accept, Accept-Encoding"},
                   {"Content-Security-Policy", policy(request.host)},
                   {"Referrer-Policy", "no-referrer"},
                   {"Cross-Origin-Opener-Policy", "same-origin"},
                   {"X-Frame-Options", "DENY"}};
  reply.content_type = entry.file.content_type;
  if (request.if_none_match.find(entry.tag) != std::string::npos) {
    reply.status = 304;
  } else if (!entry.zipped.empty() && accepts_gzip(request.accept_encoding)) {
    reply.headers.emplace_back("Content-Encoding", "gzip");
    reply.body = entry.zipped;
  } else {
    reply.body = entry.file.bytes;
  }
  return reply;
}

}  // namespace np2p::real
