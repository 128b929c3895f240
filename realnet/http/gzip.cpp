#include "realnet/http/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cctype>

#include "core/base/assert.h"

namespace np2p::real {

namespace {

constexpr int kLevel = 1;    // an answer is compressed once and read once
constexpr int kWindow = 15;  // of zlib's format
constexpr int kGzipWindow = kWindow + 16;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool same_token(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(),
                    [](char x, char y) { return std::tolower(static_cast<unsigned char>(x)) == y; });
}

// "q=0", "q=0.0", ...: refused.
bool refused(std::string_view parameters) {
  const auto at = parameters.find("q=");
  if (at == std::string_view::npos) return false;
  const auto value = trimmed(parameters.substr(at + 2));
  return !value.empty() && value.find_first_not_of("0.") == std::string_view::npos;
}

std::string compressed(std::string_view bytes, int window) {
  z_stream stream{};
  int code = deflateInit2(&stream, kLevel, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
  NP2P_ASSERT(code == Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  code = deflate(&stream, Z_FINISH);
  NP2P_ASSERT(code == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

bool accepts(std::string_view accept, std::string_view wanted) {
  bool any = false;
  while (!accept.empty()) {
    const auto comma = accept.find(',');
    const auto item = accept.substr(0, comma);
    accept.remove_prefix(comma == std::string_view::npos ? accept.size() : comma + 1);
    const auto semicolon = item.find(';');
    const auto coding = trimmed(item.substr(0, semicolon));
    const auto parameters = semicolon == std::string_view::npos ? std::string_view{} : item.substr(semicolon + 1);
    if (same_token(coding, wanted)) return !refused(parameters);
    if (coding == "*") any = !refused(parameters);
  }
  return any;
}

}  // namespace

std::string gzip(std::string_view bytes) {
  return compressed(bytes, kGzipWindow);
}

std::string deflated(std::string_view bytes) {
  return compressed(bytes, kWindow);
}

bool accepts_gzip(std::string_view accept_encoding) {
  return accepts(accept_encoding, "gzip");
}

bool accepts_deflate(std::string_view accept_encoding) {
  return accepts(accept_encoding, "deflate");
}

}  // namespace np2p::real
