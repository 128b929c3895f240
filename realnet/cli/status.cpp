#include <cstdio>

#include "realnet/cli/commands.h"
#include "realnet/cli/http_call.h"
#include "realnet/cli/status_words.h"

namespace np2p::real {

namespace {

Status status(const StatusFlags& flags) {
  const auto url = parse_http_url(flags.server, flags.insecure);
  if (!url.ok()) return url.error();
  const auto answer = http_call(*url, "/status", {});
  if (!answer.ok()) return answer.error();
  const std::string who = "The server at " + url->host + ":" + url->port;
  if (answer->status == 403) {
    return error(ErrorCode::forbidden, who + " tells its status only on its own machine, over loopback");
  }
  const auto report = answer->status == 200 ? parse_status(answer->body)
                                            : Result<StatusReport>(error(ErrorCode::malformed, "no status"));
  if (!report.ok()) {
    return error(ErrorCode::malformed, who + " is no server of nostrp2p (GET /status gives " +
                                           std::to_string(answer->status) + " and no status of one)");
  }
  if (flags.json) {
    std::printf("%s\n", answer->body.c_str());
  } else {
    std::fputs(status_words(*report).c_str(), stdout);
  }
  return {};
}

}  // namespace

int run_status(const StatusFlags& flags) {
  const Status outcome = status(flags);
  return outcome.ok() ? 0 : fail(outcome.error());
}

}  // namespace np2p::real
