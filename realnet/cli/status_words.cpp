#include "realnet/cli/status_words.h"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "core/event/nip19.h"

namespace np2p::real {

namespace {

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

// The two largest units that count: "3 days 4 hours".
std::string period(std::uint64_t seconds) {
  struct Unit {
    std::uint64_t seconds;
    std::string_view one;
    std::string_view many;
  };
  static constexpr std::array<Unit, 4> kUnits = {
      {{86'400, "day", "days"}, {3600, "hour", "hours"}, {60, "minute", "minutes"}, {1, "second", "seconds"}}};
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    const Unit& unit = kUnits[i];
    if (seconds < unit.seconds && i + 1 < kUnits.size()) continue;
    std::string words = counted(seconds / unit.seconds, unit.one, unit.many);
    if (i + 1 == kUnits.size()) return words;
    const Unit& next = kUnits[i + 1];
    const std::uint64_t rest = seconds % unit.seconds / next.seconds;
    return rest == 0 ? words : words + " " + counted(rest, next.one, next.many);
  }
  return {};
}

std::string size(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  static constexpr std::array<std::string_view, 4> kUnits = {"kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  std::uint64_t tenths = bytes / 100;
  while (tenths >= 10'000 && unit + 1 < kUnits.size()) {
    tenths /= 1000;
    ++unit;
  }
  return fmt::format("{}.{} {}", tenths / 10, tenths % 10, kUnits[unit]);
}

std::string day(std::int64_t unix_time) {
  const std::chrono::year_month_day date =
      std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(unix_time)));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::string moment(std::int64_t unix_time) {
  const std::int64_t minute = (unix_time % 86'400 + 86'400) % 86'400 / 60;
  return fmt::format("{} {:02}:{:02} UTC", day(unix_time), minute / 60, minute % 60);
}

std::string identity(const StatusReport& report) {
  if (report.identity == "bound") {
    return fmt::format("bound to this node until {} (epoch {})", day(report.expires), report.epoch);
  }
  if (report.identity == "expired") {
    return fmt::format(
        "the BIND ended on {} (epoch {}): nobody sends this server anything until a new one, see "
        "nostrp2p bind",
        day(report.expires), report.epoch);
  }
  if (report.identity == "elsewhere") {
    return fmt::format("the user's key is bound to another node (epoch {}): what is meant for the user goes there",
                       report.epoch);
  }
  if (report.identity == "revoked") {
    return fmt::format("revoked (epoch {}): nobody serves this user until the next BIND, see nostrp2p bind",
                       report.epoch);
  }
  return "claimed only: no BIND of the user says so, see nostrp2p bind";
}

std::string mode(const StatusReport& report) {
  const auto to_whom = [&](bool everybody) { return everybody ? "to everybody" : "to followers only"; };
  const bool everybody = report.mode_now == "broadcast";
  std::string words = fmt::format("{}: posts go {}", report.mode, to_whom(everybody));
  if (report.mode != "auto") return words;
  if (report.auto_why == "unknown") return words + "; how large the network is has yet to be seen";
  const std::string cost = fmt::format("everybody's posts to everybody would cost {}/s", size(report.load));
  if (report.auto_why == "popular") {
    words += fmt::format("; a quarter of the network follows you ({})", cost);
  } else {
    words += fmt::format("; {}, and {}/s is what they may cost here", cost, size(report.budget));
  }
  if (report.mode_waits) {
    words += fmt::format("; they will go {} from {} on, a day after the last change", to_whom(!everybody),
                         moment(report.may_switch_at));
  }
  return words;
}

std::string links(const StatusReport& report) {
  return fmt::format("{} direct, {} punched, {} in tunnels through others", report.direct, report.punched,
                     report.tunnelled);
}

std::string cells(const StatusReport& report) {
  const std::string led = fmt::format("head or backup of {}", report.cells_led);
  if (report.cells == 0) return "none; " + led;
  return fmt::format("followers in {}, the largest of {}; {}", report.cells, report.largest_cell, led);
}

std::string store(const StatusReport& report) {
  const std::string trouble = report.disk_trouble.empty() ? "" : "; the disk fails: " + report.disk_trouble;
  const std::string own = report.own_events == 0 ? "" : fmt::format(" ({} your own)", report.own_events);
  return fmt::format("{}{}, {} waiting for somebody{}", counted(report.events, "event", "events"), own, report.outbox,
                     trouble);
}

std::string follows(const StatusReport& report) {
  std::string words =
      fmt::format("{}, registered with {}", counted(report.follows, "user", "users"), report.registered);
  words += fmt::format("; {}", counted(report.streams, "stream", "streams"));
  if (report.gaps > 0) words += fmt::format(", {} with something missing", report.gaps);
  if (report.forks > 0) words += fmt::format("; {} caught with two stories", report.forks);
  return words;
}

std::string user_words(const std::string& hex) {
  const auto key = PubKey::parse_hex(hex);
  return key ? npub(*key) : hex;
}

// Who has not taken everything, the longest first: whoever stays away for weeks is seen here.
std::string behind(const StatusReport& report) {
  std::string words;
  for (const auto& one : report.longest_behind) {
    words += fmt::format("{}{} since {}", words.empty() ? "" : ", ", user_words(one.user), moment(one.since));
  }
  const std::uint64_t named = report.longest_behind.size();
  return report.behind > named ? words + fmt::format(", and {} more", report.behind - named) : words;
}

std::string last_return(const StatusReport& report) {
  const std::string when = fmt::format("on {}", moment(report.returned_at));
  if (report.returned_events == 0) return when + "; guardians had nothing";
  return when + fmt::format("; {} brought {} ({})", counted(report.returned_from, "guardian", "guardians"),
                            counted(report.returned_events, "event", "events"), size(report.returned_bytes));
}

std::string followers(const StatusReport& report) {
  std::string words = std::to_string(report.followers);
  if (report.behind > 0) words += fmt::format(", {} not yet with everything", report.behind);
  return words + fmt::format("; {} in their stream", counted(report.posted, "event", "events"));
}

// Whom the user's mail is left with while this server is away, and what it keeps for others.
std::string mail(const StatusReport& report) {
  std::string words = report.guardians.empty() ? "nobody guards this user" : "guarded by ";
  for (const std::string& guardian : report.guardians) {
    if (&guardian != &report.guardians.front()) words += ", ";
    words += user_words(guardian);
  }
  if (report.wards == 0) return words;
  return words + fmt::format("; guards {}, {} kept ({})", counted(report.wards, "user", "users"),
                             counted(report.letters, "letter", "letters"), size(report.letter_bytes));
}

std::string traffic(std::uint64_t wire, const StatusReport::Counts& kinds) {
  std::string words = size(wire) + " on the wire";
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    words += fmt::format("{}{} {}", i == 0 ? ": " : ", ", kinds[i].first, size(kinds[i].second));
  }
  return words;
}

std::string refused(const StatusReport::Counts& rejects) {
  if (rejects.empty()) return "nothing";
  std::string words;
  for (const auto& [what, count] : rejects) words += fmt::format("{}{} {}", words.empty() ? "" : ", ", count, what);
  return words;
}

class Lines {
 public:
  void add(std::string_view name, std::string_view words) {
    text_ += fmt::format("{:<14}{}\n", fmt::format("{}:", name), words);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

std::string status_words(const StatusReport& report) {
  Lines lines;
  lines.add("node id", report.node.hex());
  lines.add("user", npub(report.user));
  lines.add("identity", identity(report));
  lines.add("up for", period(report.uptime_s));
  lines.add("overlay", report.mesh ? "mesh" : "hyparview");
  lines.add("listens at", report.listen.text());
  if (!report.mesh) lines.add("NAT", report.nat == "unknown" ? "not known" : report.nat);
  lines.add("reach", reach_words(report));
  if (report.mesh) {
    lines.add("neighbours", std::to_string(report.active));
  } else {
    lines.add("views", fmt::format("{} active, {} passive, {}", report.active, report.passive,
                                   counted(report.clients, "client", "clients")));
    if (!report.relays.empty()) lines.add("home relays", comma_list(report.relays));
  }
  if (report.servers != 0) lines.add("network", "about " + counted(report.servers, "server", "servers"));
  if (!report.mode.empty()) lines.add("mode", mode(report));
  lines.add("links", links(report));
  if (!report.mesh && !report.dialled_at.is_unspecified()) {
    lines.add("trees", fmt::format("a route in {}", counted(report.trees, "tree", "trees")));
  }
  lines.add("store", store(report));
  lines.add("follows", follows(report));
  lines.add("followers", followers(report));
  if (!report.longest_behind.empty()) lines.add("behind", behind(report));
  if (!report.mesh) lines.add("cells", cells(report));
  if (!report.mesh) lines.add("guardians", mail(report));
  if (!report.mesh && report.returned_at != 0) lines.add("last return", last_return(report));
  lines.add("received", traffic(report.wire_in, report.bytes_in));
  lines.add("sent", traffic(report.wire_out, report.bytes_out));
  lines.add("refused", refused(report.rejects));
  return lines.take();
}

}  // namespace np2p::real
