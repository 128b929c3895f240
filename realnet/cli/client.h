// What the commands that act for their user have in common: the key file, and asking the user's own server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/signer.h"
#include "core/event/event.h"
#include "realnet/cli/http_call.h"

namespace np2p::real {

// nsec1... or hex. Warns if others may read the file. Errors: one sentence.
Result<Signer> read_key_file(const std::string& path);

// A text field of a JSON object; empty if it is not there.
std::string json_field(const std::string& json, std::string_view name);

// `what` stands in the sentence when the server refuses it.
Status publish_event(const HttpUrl& url, const Event& event, const std::string& what);

// The answer to a filter; events that the original's clients get without a signature have none.
Result<std::vector<Event>> request_events(const HttpUrl& url, const std::string& filter);

}  // namespace np2p::real
