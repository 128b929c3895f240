#include <algorithm>
#include <cstdio>

#include "core/crypto/signer.h"
#include "core/event/bind.h"
#include "core/event/json.h"
#include "core/wire/packet.h"
#include "realnet/cli/client.h"
#include "realnet/cli/commands.h"
#include "realnet/cli/status_report.h"
#include "realnet/clock.h"

namespace np2p::real {

namespace {

Error mistake(const std::string& why) {
  return error(ErrorCode::bad_field, why);
}

Result<NodeId> ask_node(const HttpUrl& url, const PubKey& user) {
  const auto answer = http_call(url, "/status", {});
  if (!answer.ok()) return answer.error();
  if (answer->status != 200) {
    return error(ErrorCode::unavailable, "The server does not tell its node id from here (status " +
                                             std::to_string(answer->status) + "); give it with --node");
  }
  const std::string owner = json_field(answer->body, "owner");
  if (owner != user.hex()) {
    const auto theirs = PubKey::parse_hex(owner);
    return error(ErrorCode::forbidden, "That server belongs to " +
                                           (theirs ? npub(*theirs) : std::string("somebody else")) +
                                           ", and the key file is of " + npub(user));
  }
  const auto node = NodeId::parse_hex(json_field(answer->body, "node_id"));
  if (!node) return error(ErrorCode::malformed, "The server's status names no node id; give it with --node");
  return *node;
}

// One more than the server knows of; 1 if it knows none.
Result<std::uint64_t> next_epoch(const HttpUrl& url, const PubKey& user) {
  const auto answer = http_call(url, "/req", "{\"kinds\":[10848],\"authors\":[\"" + user.hex() + "\"],\"limit\":1}");
  if (!answer.ok()) return answer.error();
  const auto events = answer->status == 200 ? decode_answer(bytes_of(answer->body), Limits{})
                                            : Result<std::vector<Event>>(error(ErrorCode::forbidden, "refused"));
  if (!events.ok()) {
    return error(ErrorCode::unavailable, "The server does not tell the epoch of the last BIND (status " +
                                             std::to_string(answer->status) + "); give one with --epoch");
  }
  std::uint64_t highest = 0;
  // A server with a new disk has heard of it from others, and holds none itself.
  if (const auto status = http_call(url, "/status", {}); status.ok() && status->status == 200) {
    if (const auto report = parse_status(status->body); report.ok()) highest = report->epoch;
  }
  for (const Event& event : *events) {
    if (const auto bind = decode_bind(event); bind.ok()) highest = std::max(highest, bind->epoch);
  }
  return highest + 1;
}

Result<Event> make_bind(const BindFlags& flags, const Signer& signer, const HttpUrl& url) {
  std::optional<NodeId> node;
  if (flags.node && !flags.revoke) {
    node = NodeId::parse_hex(*flags.node);
    if (!node) return mistake("--node \"" + *flags.node + "\": a node id has 64 hex digits");
  } else if (!flags.revoke) {
    const auto asked = ask_node(url, signer.public_key());
    if (!asked.ok()) return asked.error();
    node = *asked;
  }
  std::uint64_t epoch = flags.epoch.value_or(0);
  if (!flags.epoch) {
    const auto next = next_epoch(url, signer.public_key());
    if (!next.ok()) return next.error();
    epoch = *next;
  }
  const std::int64_t now = unix_seconds(wall_now());
  Event event = signer.sign(kind::bind, now, bind_tags(node, epoch, now + flags.days * 86'400), "");
  if (const auto bind = decode_bind(event); !bind.ok()) return bind.error();
  return event;
}

Status bind(const BindFlags& flags) {
  if (flags.revoke && flags.node) return mistake("--revoke binds no node; leave --node out");
  if (flags.epoch && (*flags.epoch < 1 || *flags.epoch > kLastEpoch)) {
    return mistake("--epoch must be a number from 1 to 2^53");
  }
  if (flags.days < 1 || flags.days > 366) return mistake("--days must be a number from 1 to 366");
  const auto url = parse_http_url(flags.server, flags.insecure);
  if (!url.ok()) return url.error();
  const auto signer = read_key_file(flags.key_file);
  if (!signer.ok()) return signer.error();
  const auto event = make_bind(flags, *signer, *url);
  if (!event.ok()) return event.error();
  if (flags.print) {
    std::printf("%s\n", event_json(*event).c_str());
    return {};
  }
  if (Status status = publish_event(*url, *event, "the BIND"); !status.ok()) return status;
  const Bind bind = *decode_bind(*event);
  if (bind.node) {
    std::printf("%s is bound to node %s, epoch %llu, for %lld days\n", npub(bind.user).c_str(),
                bind.node->hex().c_str(), static_cast<unsigned long long>(bind.epoch),
                static_cast<long long>(flags.days));
  } else {
    std::printf("%s is bound to no node any more, epoch %llu\n", npub(bind.user).c_str(),
                static_cast<unsigned long long>(bind.epoch));
  }
  return {};
}

}  // namespace

int run_bind(const BindFlags& flags) {
  const Status status = bind(flags);
  return status.ok() ? 0 : fail(status.error());
}

}  // namespace np2p::real
