#include "realnet/cli/status_report.h"

#include <simdjson.h>

#include <algorithm>
#include <optional>

namespace np2p::real {

namespace {

using simdjson::dom::element;

// Goes to a terminal: nothing in it may steer that.
std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) c = '?';
  }
  return out;
}

// What stands at that path, "overlay/kind"; at the empty one `at` itself.
template <class T>
std::optional<T> value(element at, std::string_view path) {
  while (!path.empty()) {
    const auto key = path.substr(0, path.find('/'));
    if (at[key].get(at) != simdjson::SUCCESS) return std::nullopt;
    path.remove_prefix(std::min(path.size(), key.size() + 1));
  }
  T found{};
  if (at.get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

std::uint64_t number(const element& at, std::string_view path) {
  return value<std::uint64_t>(at, path).value_or(0);
}

bool flag(const element& at, std::string_view path) {
  return value<bool>(at, path).value_or(false);
}

std::string text(const element& at, std::string_view path, std::string_view otherwise = {}) {
  return printable(value<std::string_view>(at, path).value_or(otherwise));
}

Address address(const element& at, std::string_view path) {
  const auto parsed = Address::parse(value<std::string_view>(at, path).value_or(""));
  return parsed.ok() ? *parsed : Address{};
}

template <class Each>
void for_each(const element& at, std::string_view path, Each each) {
  const auto list = value<simdjson::dom::array>(at, path);
  if (!list) return;
  for (const element one : *list) each(one);
}

StatusReport::Counts counts(const element& at, std::string_view path, std::string_view of_each) {
  StatusReport::Counts out;
  const auto object = value<simdjson::dom::object>(at, path);
  if (!object) return out;
  for (const auto [key, one] : *object) {
    std::uint64_t plain = 0;
    if (one.get(plain) != simdjson::SUCCESS) plain = number(one, of_each);
    out.emplace_back(printable(key), plain);
  }
  return out;
}

void read_links(const element& at, StatusReport& report) {
  for_each(at, "neighbours", [&](const element& one) {
    if (!flag(one, "established")) return;
    const std::string path = text(one, "path", "direct");
    ++(path == "punched" ? report.punched : path == "relayed" ? report.tunnelled : report.direct);
  });
}

void read_reach(const element& at, StatusReport& report) {
  report.listen = address(at, "listen");
  report.external = address(at, "external");
  report.dialled_at = address(at, "overlay/dialled_at");
  report.asked = flag(at, "overlay/asked");
  report.nat = text(at, "nat", "unknown");
  report.router_asked = flag(at, "port_mapping/asked");
  report.router_opened = address(at, "port_mapping/outside");
  report.router_by = text(at, "port_mapping/by");
  for_each(at, "ways_in", [&](const element& one) {
    report.ways_in.push_back({text(one, "address"), text(one, "trouble")});
  });
}

void read_overlay(const element& at, StatusReport& report) {
  report.active = number(at, "overlay/active");
  report.passive = number(at, "overlay/passive");
  report.clients = number(at, "overlay/clients");
  for_each(at, "overlay/relay_addresses", [&](const element& one) { report.relays.push_back(text(one, "")); });
  report.trees = number(at, "overlay/trees");
  report.published = flag(at, "overlay/published");
  report.servers = number(at, "overlay/servers");
  report.cells = number(at, "overlay/cells");
  report.largest_cell = number(at, "overlay/largest_cell");
  report.cells_led = number(at, "overlay/cells_led");
}

void read_mode(const element& at, StatusReport& report) {
  report.mode = text(at, "mode");
  report.mode_now = text(at, "mode_now", report.mode);
  report.auto_why = text(at, "auto/why", "unknown");
  report.load = number(at, "auto/load");
  report.budget = number(at, "auto/budget");
  report.mode_waits = flag(at, "auto/waits");
  report.may_switch_at = value<std::int64_t>(at, "auto/may_switch_at").value_or(0);
}

void read_mail(const element& at, StatusReport& report) {
  for_each(at, "mail/guardians", [&](const element& one) { report.guardians.push_back(text(one, "")); });
  report.wards = number(at, "mail/wards");
  report.letters = number(at, "mail/letters");
  report.letter_bytes = number(at, "mail/bytes");
  report.returned_at = value<std::int64_t>(at, "mail/return/at").value_or(0);
  report.returned_events = number(at, "mail/return/events");
  report.returned_bytes = number(at, "mail/return/bytes");
  report.returned_from = number(at, "mail/return/guardians");
}

}  // namespace

Result<StatusReport> parse_status(const std::string& json) {
  const auto strange = [] { return error(ErrorCode::malformed, "these are not the words of a server of nostrp2p"); };
  simdjson::dom::parser parser;
  element at;
  const simdjson::padded_string padded(json);
  if (parser.parse(padded).get(at) != simdjson::SUCCESS) return strange();
  const auto user = PubKey::parse_hex(text(at, "owner"));
  const auto node = NodeId::parse_hex(text(at, "node_id"));
  const std::string overlay = text(at, "overlay/kind");
  if (!user || !node || (overlay != "mesh" && overlay != "hyparview")) return strange();
  StatusReport report;
  report.user = *user;
  report.node = *node;
  report.mesh = overlay == "mesh";
  report.uptime_s = number(at, "uptime_s");
  read_reach(at, report);
  read_overlay(at, report);
  read_mode(at, report);
  read_links(at, report);
  report.identity = text(at, "identity/state", "claimed");
  report.epoch = number(at, "identity/epoch");
  report.expires = value<std::int64_t>(at, "identity/expires").value_or(0);
  report.events = number(at, "stored_events");
  report.own_events = number(at, "stored/own/events");
  report.outbox = number(at, "outbox");
  report.follows = number(at, "follows");
  report.registered = number(at, "registered_follows");
  report.streams = number(at, "streams");
  report.gaps = number(at, "streams_with_gaps");
  report.forks = number(at, "forks");
  report.followers = number(at, "followers");
  report.behind = number(at, "followers_behind");
  for_each(at, "behind", [&](const element& one) {
    report.longest_behind.push_back({text(one, "user"), value<std::int64_t>(one, "since").value_or(0)});
  });
  report.posted = number(at, "posted");
  read_mail(at, report);
  report.disk_trouble = text(at, "disk_trouble");
  report.wire_in = number(at, "links/wire_bytes_in");
  report.wire_out = number(at, "links/wire_bytes_out");
  report.bytes_in = counts(at, "frames_in", "bytes");
  report.bytes_out = counts(at, "frames_out", "bytes");
  report.rejects = counts(at, "rejected", "");
  return report;
}

}  // namespace np2p::real
