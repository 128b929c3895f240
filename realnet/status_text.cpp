#include "realnet/status_text.h"

#include <fmt/format.h>

#include <iterator>

namespace np2p::real {

namespace {

std::string_view path_name(Path path) noexcept {
  static constexpr std::string_view kNames[] = {"direct", "punched", "relayed"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(Path::count_));
  const auto index = static_cast<std::size_t>(path);
  return index < std::size(kNames) ? kNames[index] : "direct";
}

std::string neighbours_json(const NodeStatus& node) {
  std::string out = "[";
  for (const auto& neighbour : node.neighbours) {
    if (out.size() > 1) out += ',';
    out += fmt::format(R"({{"name":{},"remote":{},"outbound":{},"established":{},"path":"{}"}})",
                       json_string(neighbour.name), json_string(neighbour.remote.text()), neighbour.outbound,
                       neighbour.established, path_name(neighbour.path));
  }
  return out + "]";
}

std::string_view mode_name(FeedMode mode) noexcept {
  return mode == FeedMode::automatic ? "auto" : mode == FeedMode::multicast ? "multicast" : "broadcast";
}

// Null unless the server chooses by itself.
std::string auto_json(const ModeStatus& mode) {
  static constexpr std::string_view kWhy[] = {"unknown", "below", "above", "popular"};
  if (!mode.automatic) return "null";
  return fmt::format(R"({{"why":"{}","load":{},"budget":{},"waits":{},"may_switch_at":{}}})",
                     kWhy[static_cast<std::size_t>(mode.why)], mode.load, mode.budget, mode.waits, mode.may_switch_at);
}

std::string address_json(const Address& address) {
  return address.is_unspecified() ? "null" : json_string(address.text());
}

std::string overlay_json(const OverlayStatus& overlay) {
  std::string relays;
  for (const Address& relay : overlay.relay_addresses) {
    if (!relays.empty()) relays += ',';
    relays += json_string(relay.text());
  }
  return fmt::format(
      R"({{"kind":"{}","dialled_at":{},"asked":{},"active":{},"passive":{},"clients":{},"relays":{},)"
      R"("relay_addresses":[{}],"trees":{},"published":{},"servers":{},"guarded":{},"merged":{},"cells":{},"largest_cell":{},)"
      R"("cells_led":{}}})",
      overlay.kind == OverlayKind::mesh ? "mesh" : "hyparview", address_json(overlay.dialled_at), overlay.asked,
      overlay.active, overlay.passive, overlay.clients, overlay.relays, relays, overlay.trees, overlay.published,
      overlay.servers, overlay.guarded, overlay.merged, overlay.cells, overlay.largest_cell, overlay.cells_led);
}

// How others might come in: what was said on the command line, and what became of it.
std::string entrance_json(const ServerView& view) {
  std::string ways;
  for (const WayIn& way : view.ways_in) {
    if (!ways.empty()) ways += ',';
    ways += fmt::format(R"({{"address":{},"trouble":{}}})", json_string(way.address), json_string(way.trouble));
  }
  return fmt::format(R"("external":{},"port_mapping":{{"asked":{},"outside":{},"by":{}}},"ways_in":[{}])",
                     address_json(view.config.external), view.mapping.asked, address_json(view.mapping.outside),
                     json_string(view.mapping.by), ways);
}

std::string rejects_json(const RealObserver& observer) {
  std::string out = "{";
  for (const auto& [what, count] : observer.rejects()) {
    if (out.size() > 1) out += ',';
    out += fmt::format("{}:{}", json_string(what), count);
  }
  return out + "}";
}

template <class FlowOf>
std::string flows_json(const FlowOf& flow_of) {
  std::string out = "{";
  for (std::size_t i = 0; i < static_cast<std::size_t>(Traffic::count_); ++i) {
    if (out.size() > 1) out += ',';
    const auto [frames, bytes] = flow_of(i);
    out += fmt::format(R"("{}":{{"frames":{},"bytes":{}}})", traffic_name(static_cast<Traffic>(i)), frames, bytes);
  }
  return out + "}";
}

std::string identity_json(const Identity& identity) {
  static constexpr std::string_view kStates[] = {"claimed", "bound", "expired", "elsewhere", "revoked"};
  return fmt::format(R"({{"state":"{}","epoch":{},"expires":{}}})", kStates[static_cast<std::size_t>(identity.state)],
                     identity.epoch, identity.expires);
}

std::string behind_json(const NodeStatus& node) {
  std::string list;
  for (const auto& [user, since] : node.longest_behind) {
    list += fmt::format(R"({}{{"user":"{}","since":{}}})", list.empty() ? "" : ",", user.hex(), unix_seconds(since));
  }
  return '[' + list + ']';
}

std::string return_json(const Return& last) {
  if (last.at == WallTime{}) return "null";
  return fmt::format(R"({{"at":{},"events":{},"bytes":{},"guardians":{}}})", unix_seconds(last.at), last.events,
                     last.bytes, last.guardians);
}

std::string mail_json(const MailStatus& mail) {
  std::string guardians;
  for (const PubKey& guardian : mail.guardians) {
    if (!guardians.empty()) guardians += ',';
    guardians += json_string(guardian.hex());
  }
  return fmt::format(
      R"({{"guardians":[{}],"wards":{},"letters":{},"bytes":{},"posted":{},"unposted":{},"fetched":{},"return":{}}})",
      guardians, mail.wards, mail.letters, mail.bytes, mail.posted, mail.unposted, mail.fetched,
      return_json(mail.last_return));
}

class Metrics {
 public:
  void type(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(text_), "# HELP np2p_{} {}\n# TYPE np2p_{} {}\n", name, help, name, type);
  }
  void value(std::string_view name, std::uint64_t value, std::string_view labels = {}) {
    fmt::format_to(std::back_inserter(text_), "np2p_{}{} {}\n", name, labels, value);
  }
  void gauge(std::string_view name, std::string_view help, std::uint64_t number) {
    type(name, "gauge", help);
    value(name, number);
  }
  void counter(std::string_view name, std::string_view help, std::uint64_t number) {
    type(name, "counter", help);
    value(name, number);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void flow_metrics(Metrics& metrics, const ServerView& view) {
  metrics.type("frame_bytes_total", "counter", "payload bytes of frames by direction and class");
  for (std::size_t i = 0; i < view.links.frame_bytes_out.size(); ++i) {
    const auto name = traffic_name(static_cast<Traffic>(i));
    metrics.value("frame_bytes_total", view.observer.flows_in()[i].bytes,
                  fmt::format(R"({{direction="in",class="{}"}})", name));
    metrics.value("frame_bytes_total", view.links.frame_bytes_out[i],
                  fmt::format(R"({{direction="out",class="{}"}})", name));
  }
  metrics.type("frames_total", "counter", "frames by direction and class");
  for (std::size_t i = 0; i < view.links.frames_out.size(); ++i) {
    const auto name = traffic_name(static_cast<Traffic>(i));
    metrics.value("frames_total", view.observer.flows_in()[i].frames,
                  fmt::format(R"({{direction="in",class="{}"}})", name));
    metrics.value("frames_total", view.links.frames_out[i], fmt::format(R"({{direction="out",class="{}"}})", name));
  }
  metrics.type("wire_bytes_total", "counter", "TLS bytes of links by direction, without TCP and IP");
  metrics.value("wire_bytes_total", view.links.wire_bytes_in, R"({direction="in"})");
  metrics.value("wire_bytes_total", view.links.wire_bytes_out, R"({direction="out"})");
}

void timeout_metrics(Metrics& metrics, const HttpCounters& http) {
  static constexpr std::string_view kNames[] = {"handshake", "idle",   "header",    "body",
                                                "answer",    "linger", "web_socket"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(HttpPhase::count_));
  metrics.type("http_timeouts_total", "counter", "API connections closed because something took too long");
  for (std::size_t i = 0; i < http.timeouts.size(); ++i) {
    metrics.value("http_timeouts_total", http.timeouts[i], fmt::format(R"({{phase="{}"}})", kNames[i]));
  }
}

// What is stored by share of the room, and how much room that is; our own have no bound.
std::string shares_json(const StoreStats& store) {
  std::string text;
  for (std::size_t i = 0; i < kShares; ++i) {
    text += fmt::format(R"({}"{}":{{"events":{},"bytes":{})", i == 0 ? "" : ",", name_of(static_cast<Share>(i)),
                        store.shares[i].events, store.shares[i].bytes);
    if (static_cast<Share>(i) != Share::own) {
      text += fmt::format(R"(,"most_events":{},"most_bytes":{})", store.rooms[i].events, store.rooms[i].bytes);
    }
    text += "}";
  }
  return "{" + text + "}";
}

void share_metrics(Metrics& metrics, const StoreStats& store) {
  const auto add = [&](std::string_view name, std::string_view about, auto value) {
    metrics.type(name, "gauge", about);
    for (std::size_t i = 0; i < kShares; ++i) {
      metrics.value(name, value(i), fmt::format(R"({{share="{}"}})", name_of(static_cast<Share>(i))));
    }
  };
  add("share_events", "events in the store by share of the room",
      [&](std::size_t i) { return store.shares[i].events; });
  add("share_bytes", "bytes of these, about", [&](std::size_t i) { return store.shares[i].bytes; });
  add("share_room_events", "events that a share has room for; 0 of our own: no bound",
      [&](std::size_t i) { return store.rooms[i].events; });
  add("share_room_bytes", "likewise bytes", [&](std::size_t i) { return store.rooms[i].bytes; });
  metrics.counter("evicted_total", "stored events that were given up for others", store.evicted);
}

}  // namespace

std::string_view close_reason_name(CloseReason reason) noexcept {
  static constexpr std::string_view kNames[] = {"none",    "local",        "peer_closed",    "reset",
                                                "refused", "timed_out",    "protocol_error", "duplicate_link",
                                                "crowded", "shutting_down"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(CloseReason::count_));
  const auto index = static_cast<std::size_t>(reason);
  return index < std::size(kNames) ? kNames[index] : "none";
}

std::string status_json(const ServerView& view) {
  const auto in = [&](std::size_t i) {
    return std::pair(view.observer.flows_in()[i].frames, view.observer.flows_in()[i].bytes);
  };
  const auto out = [&](std::size_t i) { return std::pair(view.links.frames_out[i], view.links.frame_bytes_out[i]); };
  std::string text =
      fmt::format(R"({{"owner":"{}","node_id":"{}","listen":"{}","api":"{}","uptime_s":{},"mode":"{}",)"
                  R"("mode_now":"{}","auto":{},"writable":{},)",
                  view.config.owner.hex(), view.node_id.hex(), view.config.listen.text(), view.api.text(),
                  std::chrono::duration_cast<std::chrono::seconds>(view.uptime).count(), mode_name(view.config.mode),
                  mode_name(view.node.mode.now), auto_json(view.node.mode), view.config.writable);
  text += fmt::format(
      R"("overlay":{},"nat":{},"reachable":{},"neighbours":{},"sessions":{},"stored_events":{},"evicted":{},"rotten":{},)"
      R"("outbox":{},)"
      R"("follows":{},"registered_follows":{},"followers":{},"events_accepted":{},"syncs":{},"disk_trouble":{},)",
      overlay_json(view.node.overlay), json_string(view.node.nat_class), view.node.reachable,
      neighbours_json(view.node), view.node.sessions, view.node.stored_events, view.store.evicted, view.store.rotten,
      view.node.outbox, view.node.follows, view.node.registered_follows, view.node.followers,
      view.observer.events_accepted(), view.syncs, json_string(view.trouble));
  text +=
      fmt::format(R"("followers_behind":{},"behind":{},"posted":{},"streams":{},"streams_with_gaps":{},"forks":{},)",
                  view.node.followers_behind, behind_json(view.node), view.node.posted, view.node.streams,
                  view.node.streams_with_gaps, view.node.forks);
  text +=
      fmt::format(R"("links":{{"open":{},"accepted":{},"dialled":{},"refused":{},"slow_readers":{},)"
                  R"("wire_bytes_in":{},"wire_bytes_out":{}}},"frames_in":{},"frames_out":{},)",
                  view.open_links, view.links.accepted, view.links.dialled, view.links.refused, view.links.slow_readers,
                  view.links.wire_bytes_in, view.links.wire_bytes_out, flows_json(in), flows_json(out));
  text += fmt::format(R"("http":{{"open":{},"accepted":{},"refused":{},"evicted":{},"requests":{},"malformed":{}}},)",
                      view.open_http, view.http.accepted, view.http.refused, view.http.evicted, view.http.requests,
                      view.http.malformed);
  text += fmt::format(R"("stored":{},)", shares_json(view.store));
  return text + entrance_json(view) +
         fmt::format(R"(,"identity":{},"mail":{},"rejected":{}}})", identity_json(view.node.identity),
                     mail_json(view.node.mail), rejects_json(view.observer));
}

std::string metrics_text(const ServerView& view) {
  Metrics metrics;
  metrics.gauge("uptime_seconds", "seconds since the start",
                static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(view.uptime).count()));
  metrics.gauge("links_open", "open links", view.open_links);
  metrics.gauge("reachable", "other users' servers with a route", view.node.reachable);
  metrics.gauge("network_servers", "servers in the whole network, about; 0: not known", view.node.overlay.servers);
  metrics.gauge("broadcasting", "1 while the owner's posts go to everybody",
                view.node.mode.now == FeedMode::broadcast ? 1 : 0);
  metrics.gauge("sessions", "clients on WebSockets", view.node.sessions);
  metrics.gauge("stored_events", "events in the store", view.node.stored_events);
  metrics.gauge("rotten_events", "stored events that are damaged on the disk and set aside", view.store.rotten);
  metrics.gauge("outbox", "events waiting for somebody", view.node.outbox);
  metrics.gauge("follows", "users the owner follows", view.node.follows);
  metrics.gauge("followers_behind", "followers who have not got something yet", view.node.followers_behind);
  metrics.gauge("streams_with_gaps", "followed users of whose posts something is missing", view.node.streams_with_gaps);
  metrics.gauge("followers", "registered followers", view.node.followers);
  metrics.gauge("guardians", "servers that keep mail for the owner", view.node.mail.guardians.size());
  metrics.gauge("wards", "users for whom mail is kept", view.node.mail.wards);
  metrics.gauge("mail_letters", "letters kept for wards", view.node.mail.letters);
  metrics.gauge("mail_bytes", "bytes of letters kept for wards", view.node.mail.bytes);
  metrics.gauge("disk_healthy", "1 while the disk takes our writes", view.trouble.empty() ? 1 : 0);
  metrics.counter("events_accepted_total", "events seen for the first time", view.observer.events_accepted());
  metrics.counter("syncs_total", "fdatasync calls of group commits", view.syncs);
  metrics.counter("links_accepted_total", "connections taken", view.links.accepted);
  metrics.counter("links_dialled_total", "connections tried", view.links.dialled);
  metrics.counter("links_refused_total", "connections over a limit", view.links.refused);
  metrics.counter("slow_readers_total", "links closed because they did not read", view.links.slow_readers);
  metrics.gauge("http_open", "open API connections", view.open_http);
  metrics.counter("http_requests_total", "API requests", view.http.requests);
  metrics.counter("http_malformed_total", "API requests that did not parse", view.http.malformed);
  metrics.counter("http_evicted_total", "waiting API connections that gave up their place", view.http.evicted);
  metrics.counter("http_refused_total", "API connections beyond those that there is room for", view.http.refused);
  metrics.counter("web_sockets_refused_total", "WebSockets that there was no place for", view.http.web_sockets_refused);
  metrics.counter("web_sockets_silent_total", "WebSockets that did not answer a ping", view.http.web_sockets_silent);
  share_metrics(metrics, view.store);
  timeout_metrics(metrics, view.http);
  flow_metrics(metrics, view);
  metrics.type("rejected_total", "counter", "input refused, by kind and reason");
  for (const auto& [what, count] : view.observer.rejects()) {
    metrics.value("rejected_total", count, fmt::format("{{what={}}}", json_string(what)));
  }
  return metrics.take();
}

}  // namespace np2p::real
