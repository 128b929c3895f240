#include "realnet/cli/limit_keys.h"

#include "realnet/http/http_server.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "core/event/size_limits.h"

namespace np2p::real {

namespace {

constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMany = 1'000'000;
// Of one event: a frame between servers has no room for more (Limits::frame_bytes).
constexpr std::int64_t kMostKib = 256;
constexpr auto kMostTagsOfOne = static_cast<std::int64_t>(kMostTags);
constexpr std::int64_t kMostSeconds = 3600;
constexpr std::int64_t kYear = 366 * 86'400;

struct LimitKey {
  std::string name;
  std::int64_t least;
  std::int64_t most;
  std::int64_t value;  // what it is now
  std::function<void(std::int64_t)> set;
  std::string about;
};

template <class Number>
LimitKey number(std::string name, Number& target, std::int64_t least, std::int64_t most, std::string about,
                std::int64_t unit = 1) {
  return {std::move(name),
          least,
          most,
          static_cast<std::int64_t>(target) / unit,
          [&target, unit](std::int64_t value) { target = static_cast<Number>(value * unit); },
          std::move(about)};
}

template <class Number>
LimitKey kib(std::string name, Number& target, std::int64_t least, std::int64_t most, std::string about) {
  return number(std::move(name), target, least, most, std::move(about), kKiB);
}

LimitKey mib(std::string name, std::size_t& target, std::int64_t least, std::int64_t most, std::string about) {
  return number(std::move(name), target, least, most, std::move(about), kKiB * kKiB);
}

LimitKey days(std::string name, Duration& target, std::int64_t least, std::int64_t most, std::string about) {
  return {std::move(name), least, most, target / 24h, [&target](std::int64_t value) { target = value * 24h; },
          std::move(about)};
}

LimitKey seconds(std::string name, Duration& target, std::int64_t least, std::int64_t most, std::string about) {
  return {std::move(name), least, most, target / 1s, [&target](std::int64_t value) { target = value * 1s; },
          std::move(about)};
}

std::vector<LimitKey> event_keys(Limits& limits) {
  return {
      kib("event-kib", limits.event_bytes, 1, kMostKib,
          "The JSON of one event, in KiB, wherever it comes from. Other servers take no more than theirs say."),
      number("event-tags", limits.event_tags, 10, kMostTagsOfOne, "Tags of one event."),
      kib("list-kib", limits.list_bytes, 1, kMostKib,
          "Likewise of a list: kind 3, kinds 10000 to 10102, and 30000 to 30030 but long articles."),
      number("list-tags", limits.list_tags, 10, kMostTagsOfOne, "Tags of a list."),
      seconds("future-seconds", limits.future_tolerance, 0, kYear,
              "So far may created_at of an event lie in the future."),
  };
}

std::vector<LimitKey> client_keys(Limits& limits, HttpLimits& http) {
  ClientLimits& client = limits.client;
  return {
      kib("message-kib", client.message_bytes, 16, 8192,
          "One message of a client, in KiB: a body of the REST interface, or a message on a WebSocket."),
      number("subscriptions", client.subscriptions, 1, 10'000, "Open subscriptions of one WebSocket."),
      number("filters", client.filters, 1, 1000, "Filters of one REQ or COUNT."),
      number("filter-values", limits.filter_values, 100, kMany,
             "Ids, authors, kinds and tag values in all filters of one question."),
      number("pending-publishes", limits.pending_publishes, 10, kMany,
             "Publishes that wait for the disk at once; more are told to come again."),
      number("search-bytes", limits.search_bytes, 16, 65'536, "The text of one search."),
      number("search-candidates", limits.search_candidates, 100, kMany,
             "Events with the words of a search that are looked at, the one stored last first."),
      number("reconciliations", client.reconciliations, 0, 10'000,
             "Sets that clients compare with what is here (NIP-77) at once; some 4 MB of memory each with 100,000 "
             "events."),
      number("reconciliations-per-websocket", client.reconciliations_of_one, 1, 10'000, "Of these, those of one."),
      number("reconciled-events", client.reconciled_events, 100, 10 * kMany, "Events in one of them."),
      number(
          "answer-events", client.answer_events, 1, 5000,
          "Events that are answered to one filter. All filters of a REQ share 4000: NIP-11 announces how many get so "
          "many each."),
      kib("answers-kib", client.answer_bytes, 64, kMany,
          "Answers, in KiB, that a client has asked for and not read yet; then it gets no further ones."),
      kib("outbound-kib", client.queue_bytes, 64, kMany,
          "What came live, in KiB, while a client did not read; then it is disconnected."),
      number("websockets", http.web_sockets, 1, 100'000, "WebSockets at once."),
      number("connections", http.connections, 1, 100'000, "Other HTTP connections at once."),
      number("connections-per-address", http.per_address, 1, 100'000,
             "Of these, those of one IP address or, of IPv6, of one /64; loopback and trusted-proxies may have any "
             "number. "
             "Of one that has all, the longest idle one makes room."),
      number("websockets-per-address", http.web_sockets_per_address, 1, 100'000,
             "Likewise, of the WebSockets; behind trusted-proxies of each client."),
      seconds("header-seconds", http.header_deadline, 1, kMostSeconds, "Time for the header of a request."),
      seconds("body-seconds", http.body_deadline, 1, kMostSeconds, "Time for the body of a request."),
      seconds("idle-seconds", http.idle_deadline, 1, kMostSeconds, "Time between two requests of one connection."),
      seconds("write-seconds", http.write_deadline, 1, kMostSeconds, "Time for a client to take an answer."),
      seconds("ping-seconds", http.web_socket.idle, 1, kMostSeconds,
              "A silent WebSocket is asked after so long whether it is still there, and closed after as long again."),
  };
}

std::vector<LimitKey> rate_keys(Limits& limits, HttpLimits& http) {
  ClientLimits& client = limits.client;
  return {
      number("messages-per-second", client.messages_per_second, 1, kMany,
             "Messages on one WebSocket, of somebody who may not read here."),
      number("messages-burst", client.messages_burst, 1, kMany, "And so many at once."),
      number("trusted-messages-per-second", client.trusted_messages_per_second, 1, kMany,
             "Likewise, of somebody who may read here."),
      number("trusted-messages-burst", client.trusted_messages_burst, 1, kMany, "And so many at once."),
      number("requests-per-second", http.requests_per_second, 1, kMany,
             "HTTP requests of one IP address that is not trusted; of IPv6, of one /64."),
      number("requests-burst", http.requests_burst, 1, kMany, "And so many at once."),
      number("deliveries-per-minute", client.deliveries_per_minute, 1, kMany,
             "Events that name you and that other people's clients bring, from one IP address."),
      number("deliveries-burst", client.deliveries_burst, 1, kMany, "And so many at once."),
      number("all-deliveries-per-minute", client.all_deliveries_per_minute, 1, kMany, "Likewise, from everywhere."),
      number("all-deliveries-burst", client.all_deliveries_burst, 1, kMany, "And so many at once."),
      number("link-events-per-second", limits.link_events_per_second, 1, kMany,
             "Events from one neighbour in the network."),
      number("link-events-burst", limits.link_events_burst, 1, kMany, "And so many at once."),
  };
}

// What is kept for others, or until others have it, besides events ([retention]).
std::vector<LimitKey> keeping_keys(Limits& limits) {
  return {
      number("registered-followers", limits.followers, 10, 100'000'000,
             "Followers who are registered; some 300 bytes of memory each."),
      number("follows", limits.follows, 10, 100'000, "Of those whom you follow, whose posts are seen to."),
      number("outbox", limits.outbox_entries, 10, 10 * kMany, "Events that wait for somebody whose server is away."),
      days("outbox-days", limits.outbox_horizon, 1, 365, "Then an event that waits is given up."),
      number("stream-events", limits.stream_events, 100, 10 * kMany,
             "Of what you published last, whose places are remembered for followers who lack some."),
      number("wards", limits.wards, 0, 10'000,
             "People whose server is away and for whom this one keeps mail, if they ask; half of them such as you do "
             "not follow."),
      days("ward-days", limits.ward_life, 1, 365, "After so long without a sign of life their mail is given up."),
      number("letters", limits.letters, 0, 100 * kMany, "Letters kept for all of them."),
      mib("mail-mib", limits.mail_bytes, 0, kMany, "And their MiB."),
      number("ward-letters", limits.ward_letters, 0, 10 * kMany, "Letters for one of them."),
      mib("ward-mail-mib", limits.ward_mail_bytes, 0, kMany, "And their MiB."),
      number("banned", limits.banned, 10, 10 * kMany, "Keys and ids that you refuse."),
      number("directory-records", limits.directory_records, 100, 10 * kMany,
             "Where others are, kept for the network; some 500 bytes of memory each."),
      number("directory-binds", limits.directory_binds, 100, 10 * kMany, "And their BINDs."),
  };
}

std::vector<LimitKey> link_keys(Limits& limits) {
  return {
      number("links", limits.links, 32, 10'000, "Connections with other servers, whoever began them."),
      kib("link-queue-kib", limits.queued_bytes, 512, kMany,
          "What waits, in KiB, for a neighbour who does not read; then it is cut off."),
      number("relay-slots", limits.relay_slots, 0, 10'000,
             "Connections of others behind NAT that are carried at once."),
      number("relay-slots-per-neighbour", limits.relay_slots_per_client, 1, 10'000,
             "Of these, those of one neighbour."),
      kib("relay-neighbour-kib-per-second", limits.relay_client_bytes_per_s, 1, kMany,
          "KiB a second that are carried for one of them; for all together: relay-rate."),
      kib("followers-kib-per-second", limits.follower_bytes_per_second, 1, kMany,
          "KiB a second of what all followers together missed."),
      kib("history-kib-per-second", limits.history_upload_per_second, 1, kMany,
          "KiB a second of what neighbours missed that went to everybody."),
      kib("answers-kib-per-second", limits.link_answer_bytes_per_second, 1, kMany,
          "KiB a second of answers to questions that come over one neighbour."),
      kib("ward-kib-per-second", limits.ward_answers_per_second, 1, kMany, "KiB a second of mail to one who is back."),
  };
}

std::vector<LimitKey> limit_keys(Limits& limits, HttpLimits& http) {
  std::vector<LimitKey> keys = event_keys(limits);
  for (auto more : {client_keys(limits, http), rate_keys(limits, http), keeping_keys(limits), link_keys(limits)}) {
    std::move(more.begin(), more.end(), std::back_inserter(keys));
  }
  return keys;
}

std::string range_of(const LimitKey& key) {
  return std::to_string(key.least) + " to " + std::to_string(key.most);
}

Error mistake(const std::string& name, std::int64_t value, const std::string& what) {
  return error(ErrorCode::bad_field, "limits." + name + " \"" + std::to_string(value) + "\": " + what);
}

}  // namespace

std::vector<LimitText> limit_texts() {
  Limits limits;
  HttpLimits http;
  std::vector<LimitText> texts;
  for (const LimitKey& key : limit_keys(limits, http)) {
    texts.push_back({key.name, std::to_string(key.value), key.about + " " + range_of(key) + "."});
  }
  return texts;
}

Status apply_limits(const ServerFlags& flags, Limits& limits, HttpLimits& http) {
  for (const LimitKey& key : limit_keys(limits, http)) {
    const auto given = flags.limits.find(key.name);
    if (given == flags.limits.end()) continue;
    if (given->second < key.least || given->second > key.most) {
      return mistake(key.name, given->second, "must be " + range_of(key));
    }
    key.set(given->second);
  }
  // ["EVENT",...] around it, and some white space.
  const std::size_t largest = std::max(limits.event_bytes, limits.list_bytes) + kKiB;
  if (limits.client.message_bytes < largest) {
    return mistake("message-kib", static_cast<std::int64_t>(limits.client.message_bytes) / kKiB,
                   "must be more than event-kib and list-kib, or no client could bring such an event");
  }
  // Of all links some are held free, for who is to be told where else to go.
  const Limits usual;
  const std::size_t free = usual.links - usual.standing_links;
  if (limits.links != usual.links) {
    limits.standing_links = limits.links - free;
    limits.guest_links = std::min(limits.guest_links, limits.standing_links / 3);
    limits.onward_links = std::min(limits.onward_links, limits.standing_links / 2);
  }
  // A place for each that may connect.
  limits.client.sessions = std::max(limits.client.sessions, http.web_sockets);
  return {};
}

}  // namespace np2p::real
