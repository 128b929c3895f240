#include "realnet/http/authorization.h"

#include <openssl/evp.h>

#include <string>

#include "core/event/json.h"

namespace np2p::real {

namespace {

constexpr std::size_t kMost = 8 * 1024;  // as many as a header may have

// Nothing if it is not base64 with its padding.
std::string decode_base64(std::string_view text) {
  if (text.empty() || text.size() > kMost || text.size() % 4 != 0) return {};
  std::string out(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return {};
  const std::size_t padding = text.substr(text.size() - 2) == "==" ? 2 : text.back() == '=' ? 1 : 0;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

}  // namespace

Result<Event> parse_authorization(std::string_view header, const Limits& limits) {
  constexpr std::string_view kScheme = "Nostr ";
  if (header.substr(0, kScheme.size()) != kScheme) return error(ErrorCode::malformed, "it is not of the scheme Nostr");
  const std::string json = decode_base64(header.substr(kScheme.size()));
  if (json.empty()) return error(ErrorCode::malformed, "it is not base64");
  return parse_event_json(json, limits);
}

}  // namespace np2p::real
