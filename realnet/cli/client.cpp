#include "realnet/cli/client.h"

#include <simdjson.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "core/event/json.h"
#include "core/event/nip19.h"
#include "core/wire/packet.h"

namespace np2p::real {

namespace {

void warn_if_readable(const std::string& path) {
  constexpr auto kOfOthers = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
  std::error_code failure;
  const auto rights = std::filesystem::status(path, failure).permissions();
  if (failure || (rights & kOfOthers) == std::filesystem::perms::none) return;
  std::fprintf(stderr, "Warning: others on this machine may read or change %s; chmod 600 makes it yours alone\n",
               path.c_str());
}

}  // namespace

Result<Signer> read_key_file(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  if (!file || !(file >> text)) return error(ErrorCode::unavailable, "The key file " + path + " cannot be read");
  SecretKey secret;
  if (const auto named = parse_nsec(text); named.ok()) {
    secret = *named;
  } else if (const auto hex = SecretKey::parse_hex(text)) {
    secret = *hex;
  } else {
    return error(ErrorCode::malformed, "The key file " + path + " holds no secret key (nsec1... or 64 hex digits)");
  }
  auto signer = Signer::from_secret(secret);
  if (!signer.ok()) return error(ErrorCode::malformed, "The key file " + path + " holds no valid secret key");
  warn_if_readable(path);
  return signer;
}

std::string json_field(const std::string& json, std::string_view name) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  std::string_view value;
  const simdjson::padded_string padded(json);
  if (parser.parse(padded).get(document) != simdjson::SUCCESS) return {};
  if (document[name].get(value) != simdjson::SUCCESS) return {};
  return std::string(value);
}

Status publish_event(const HttpUrl& url, const Event& event, const std::string& what) {
  const auto answer = http_call(url, "/publish", event_json(event));
  if (!answer.ok()) return answer.error();
  if (answer->status == 200) return {};
  const std::string reason = json_field(answer->body, "Error");
  return error(ErrorCode::forbidden, "The server refuses " + what + " (status " + std::to_string(answer->status) +
                                         "): " + (reason.empty() ? answer->body : reason));
}

Result<std::vector<Event>> request_events(const HttpUrl& url, const std::string& filter) {
  const auto answer = http_call(url, "/req", filter);
  if (!answer.ok()) return answer.error();
  if (answer->status != 200) {
    const std::string reason = json_field(answer->body, "Error");
    return error(ErrorCode::forbidden, "The server refuses the question (status " + std::to_string(answer->status) +
                                           "): " + (reason.empty() ? answer->body : reason));
  }
  auto events = decode_answer(bytes_of(answer->body), Limits{});
  if (!events.ok())
    return error(ErrorCode::malformed, "The server's answer is not one of nostrp2p: " + events.error().reason);
  return events;
}

}  // namespace np2p::real
