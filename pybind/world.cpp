#include "simnet/world.h"

#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "pybind/bindings.h"

namespace py = pybind11;

namespace np2p::py_bind {
namespace {

using sim::NodeIndex;
using sim::World;

using BoxTuple = std::tuple<std::string, std::string, std::string, double, bool>;

sim::NatRule rule_of(const std::string& name) {
  if (name == "endpoint_independent") return sim::NatRule::endpoint_independent;
  if (name == "address_dependent") return sim::NatRule::address_dependent;
  return sim::NatRule::address_and_port_dependent;
}

sim::NatSpec spec_of(const BoxTuple& box) {
  const auto& [mapping, filtering, ports, mapping_timeout, hairpin] = box;
  sim::NatSpec spec;
  spec.mapping = rule_of(mapping);
  spec.filtering = rule_of(filtering);
  spec.ports = ports == "preserving"   ? sim::PortAllocation::preserving
               : ports == "sequential" ? sim::PortAllocation::sequential
                                       : sim::PortAllocation::random;
  spec.mapping_timeout = duration_of(mapping_timeout);
  spec.hairpin = hairpin;
  return spec;
}

// By the names of SwarmParams; np2p.settings has checked names and values. A duration comes in seconds.
SwarmParams params_of(const py::dict& given) {
  SwarmParams params;
  const auto plain = [&](const char* name, auto& target) {
    if (given.contains(name)) target = given[name].cast<std::remove_reference_t<decltype(target)>>();
  };
  const auto duration = [&](const char* name, Duration& target) {
    if (given.contains(name)) target = duration_of(given[name].cast<double>());
  };
  plain("active", params.active);
  plain("active_reachable", params.active_reachable);
  plain("random_active", params.random_active);
  plain("passive", params.passive);
  plain("arwl", params.arwl);
  plain("prwl", params.prwl);
  plain("shuffle_active", params.shuffle_active);
  plain("shuffle_passive", params.shuffle_passive);
  plain("shuffle_ttl", params.shuffle_ttl);
  duration("shuffle_every", params.shuffle_every);
  plain("clients", params.clients);
  duration("nearer_every", params.nearer_every);
  duration("guard_every", params.guard_every);
  plain("trees", params.trees);
  plain("eager_links", params.eager_links);
  return params;
}

// By the names of np2p.settings, which has checked them; times come in seconds.
ModeParams mode_params_of(const py::dict& given) {
  ModeParams params;
  if (given.contains("broadcast_budget")) {
    params.budget_bytes_per_s = given["broadcast_budget"].cast<std::uint32_t>();
  }
  if (given.contains("review_every")) params.review_every = duration_of(given["review_every"].cast<double>());
  if (given.contains("switch_pause")) params.switch_pause = duration_of(given["switch_pause"].cast<double>());
  return params;
}

FeedMode mode_of(const std::string& name) {
  if (name == "auto") return FeedMode::automatic;
  return name == "multicast" ? FeedMode::multicast : FeedMode::broadcast;
}

NodeIndex add_node(World& world, const std::vector<BoxTuple>& boxes, bool hyparview, const py::dict& swarm,
                   const std::string& mode, const py::dict& auto_mode, const std::vector<NodeIndex>& ways_in,
                   bool writable, bool replies_to_all, bool external, std::uint64_t up, std::uint64_t down,
                   std::optional<sim::BoxIndex> behind, const std::string& behaviour, std::uint32_t netgroups,
                   std::optional<std::size_t> keep_events) {
  sim::NodeOptions options;
  options.behind = behind;
  const auto chosen = sim::behaviour_of(behaviour);
  if (!chosen) throw py::value_error("behaviour: there is none of that name");
  options.behaviour = *chosen;
  options.netgroups = netgroups;
  for (const auto& box : boxes) options.nat.push_back(spec_of(box));
  options.config.overlay = hyparview ? OverlayKind::hyparview : OverlayKind::mesh;
  options.config.swarm = params_of(swarm);
  options.config.mode = mode_of(mode);
  options.config.auto_mode = mode_params_of(auto_mode);
  options.config.writable = writable;
  if (keep_events) options.config.limits.stored_events = *keep_events;
  options.config.replies = replies_to_all ? Replies::everybody : Replies::tagged;
  for (const NodeIndex way_in : ways_in) options.config.bootstrap.push_back(world.public_address_of(way_in));
  options.up_bits_per_s = up;
  options.down_bits_per_s = down;
  const NodeIndex node = world.add_node(std::move(options));
  if (external) world.config_of(node).external = world.public_address_of(node);
  return node;
}

// Runs with the GIL released. Between slices of work Python may handle signals (so Ctrl-C works) and draw its bar; an
// exception from there stops the run at a well-defined time and comes out of this call.
void run_for(World& world, double seconds, const py::function& progress) {
  const sim::SimTime start = world.now();
  std::optional<py::error_already_set> raised;
  {
    const py::gil_scoped_release released;
    world.run_for(duration_of(seconds), [&](sim::SimTime now, std::uint64_t) {
      const py::gil_scoped_acquire held;
      try {
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        progress(seconds_of(now - start));
      } catch (py::error_already_set& error) {
        raised.emplace(std::move(error));
        return false;
      }
      return true;
    });
  }
  if (raised) throw std::move(*raised);
}

// Newest first, unbounded: an answer that reaches the server's own limit is continued from its oldest second.
std::vector<Note> query(World& world, NodeIndex node, const std::optional<std::vector<std::uint32_t>>& kinds,
                        const std::optional<std::vector<std::string>>& authors,
                        const std::optional<std::vector<std::string>>& ids, std::optional<std::size_t> limit) {
  const std::size_t page = world.config_of(node).limits.query_events;
  std::map<EventId, EventPtr> found;
  Filter filter = filter_of(kinds, authors, ids, std::nullopt);
  while (!limit || found.size() < *limit) {
    filter.limit = limit ? std::min(page, *limit) : page;
    const QueryAnswer answer = world.query(node, ClientQuery{filter});
    if (!answer.status) throw py::value_error("query refused: " + answer.status.error().reason);
    const std::size_t before = found.size();
    std::int64_t oldest = INT64_MAX;
    for (const auto& event : answer.events) {
      found.emplace(event->id, event);
      oldest = std::min(oldest, event->created_at);
    }
    if (answer.events.size() < *filter.limit || found.size() == before) break;
    filter.until = oldest;
  }
  std::vector<EventPtr> events;
  for (const auto& [id, event] : found) events.push_back(event);
  std::sort(events.begin(), events.end(), [](const EventPtr& a, const EventPtr& b) { return newer(*a, *b); });
  if (limit && events.size() > *limit) events.resize(*limit);
  std::vector<Note> notes;
  notes.reserve(events.size());
  for (const auto& event : events) notes.emplace_back(event);
  return notes;
}

template <class T, class Range, class Get>
py::array_t<T> column(const Range& rows, Get get) {
  py::array_t<T> out(static_cast<py::ssize_t>(rows.size()));
  auto values = out.template mutable_unchecked<1>();
  for (std::size_t i = 0; i < rows.size(); ++i) values(static_cast<py::ssize_t>(i)) = static_cast<T>(get(rows[i]));
  return out;
}

py::tuple deliveries(const World& world, const Note& note) {
  const auto rows = world.deliveries(note.event().id);
  return py::make_tuple(column<std::int64_t>(rows, [](const auto& row) { return row.node; }),
                        column<double>(rows, [](const auto& row) { return seconds_of(row.latency_ns); }),
                        column<std::int64_t>(rows, [](const auto& row) { return row.hops; }),
                        column<double>(rows, [](const auto& row) { return seconds_of(row.direct_latency_ns); }));
}

// Columns by name: "bytes_in", "payload_in", ..., "relay_out_msgs".
py::dict traffic(const World& world) {
  const auto rows = world.traffic();
  const std::pair<const char*, Traffic> kinds[] = {{"payload", Traffic::payload},
                                                   {"duplicate", Traffic::duplicate},
                                                   {"control", Traffic::control},
                                                   {"relay", Traffic::relay}};
  py::dict columns;
  for (const bool out : {false, true}) {
    const std::string side = out ? "_out" : "_in";
    const auto direction = [out](const sim::TrafficRow& row) -> const sim::TrafficCounts::Direction& {
      return out ? row.counts.out : row.counts.in;
    };
    columns[py::str("bytes" + side)] =
        column<std::int64_t>(rows, [&](const auto& row) { return direction(row).total_bytes(); });
    columns[py::str("bytes" + side + "_msgs")] =
        column<std::int64_t>(rows, [&](const auto& row) { return direction(row).total_messages(); });
    for (const auto& [name, kind] : kinds) {
      const auto at = static_cast<std::size_t>(kind);
      columns[py::str(name + side)] =
          column<std::int64_t>(rows, [&](const auto& row) { return direction(row).bytes[at]; });
      columns[py::str(name + side + "_msgs")] =
          column<std::int64_t>(rows, [&](const auto& row) { return direction(row).messages[at]; });
    }
  }
  return columns;
}

py::array_t<std::int64_t> overlay_graph(const World& world, bool active) {
  const auto edges = active ? world.active_edges() : world.overlay_edges();
  py::array_t<std::int64_t> out({static_cast<py::ssize_t>(edges.size()), py::ssize_t{2}});
  auto values = out.mutable_unchecked<2>();
  for (std::size_t i = 0; i < edges.size(); ++i) {
    values(static_cast<py::ssize_t>(i), 0) = edges[i].from;
    values(static_cast<py::ssize_t>(i), 1) = edges[i].to;
  }
  return out;
}

py::array_t<bool> online(const World& world) {
  std::vector<NodeIndex> nodes(world.node_count());
  for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i] = static_cast<NodeIndex>(i);
  return column<bool>(nodes, [&](NodeIndex node) { return world.is_online(node); });
}

py::dict status(const World& world, NodeIndex node) {
  const NodeStatus found = world.status(node);
  py::dict out;
  out["links"] =
      std::count_if(found.neighbours.begin(), found.neighbours.end(), [](const auto& n) { return n.established; });
  out["reachable"] = found.reachable;
  out["active"] = found.overlay.active;
  out["clients"] = found.overlay.clients;
  out["relays"] = found.overlay.relays;
  out["servers"] = found.overlay.servers;
  out["published"] = found.overlay.published;
  out["guarded"] = found.overlay.guarded;
  out["merged"] = found.overlay.merged;
  out["cells"] = found.overlay.cells;
  out["largest_cell"] = found.overlay.largest_cell;
  out["cells_led"] = found.overlay.cells_led;
  out["nat"] = found.nat_class;
  out["dialable"] = !found.overlay.dialled_at.is_unspecified();
  out["stored_events"] = found.stored_events;
  out["outbox"] = found.outbox;
  out["follows"] = found.follows;
  out["followers"] = found.followers;
  out["registered_follows"] = found.registered_follows;
  out["followers_behind"] = found.followers_behind;
  out["posted"] = found.posted;
  out["streams"] = found.streams;
  out["streams_with_gaps"] = found.streams_with_gaps;
  out["forks"] = found.forks;
  out["mode_now"] = found.mode.now == FeedMode::broadcast ? "broadcast" : "multicast";
  out["load"] = found.mode.load;
  out["budget"] = found.mode.budget;
  out["guardians"] = found.mail.guardians.size();
  out["wards"] = found.mail.wards;
  out["mail_letters"] = found.mail.letters;
  out["mail_bytes"] = found.mail.bytes;
  out["mail_posted"] = found.mail.posted;
  out["mail_unposted"] = found.mail.unposted;
  out["mail_fetched"] = found.mail.fetched;
  py::list longest_behind;
  for (const auto& [user, since] : found.longest_behind) {
    longest_behind.append(py::make_tuple(user.hex(), unix_seconds(since)));
  }
  out["longest_behind"] = longest_behind;
  out["return_events"] = found.mail.last_return.events;
  out["return_bytes"] = found.mail.last_return.bytes;
  out["return_guardians"] = found.mail.last_return.guardians;
  return out;
}

// The links that are up: the name at the other end, and which way they go.
std::vector<std::pair<std::string, std::string>> paths(const World& world, NodeIndex node) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& one : world.status(node).neighbours) {
    if (!one.established) continue;
    out.emplace_back(one.name, one.path == Path::direct ? "direct" : one.path == Path::punched ? "punched" : "relayed");
  }
  return out;
}

std::optional<std::string> outcome(const World& world, std::uint64_t request) {
  const auto found = world.outcome(RequestId{request});
  if (!found) return std::nullopt;
  return found->ok() ? std::string{} : found->error().reason;
}

py::tuple memory(const World& world) {
  const auto rows = world.memory();
  return py::make_tuple(column<std::int64_t>(rows, [](const auto& row) { return row.simnet; }),
                        column<std::int64_t>(rows, [](const auto& row) { return row.store; }),
                        column<std::int64_t>(rows, [](const auto& row) { return row.overlay; }),
                        column<std::int64_t>(rows, [](const auto& row) { return row.feed; }));
}

}  // namespace

void bind_world(py::module_& module) {
  py::class_<World>(module, "World", "simnet's world; scenarios use np2p.Simulation.")
      .def(py::init([](std::uint64_t seed, const std::string& trace, bool memo, double base_delay, double jitter,
                       double plane) {
             sim::WorldOptions options;
             options.seed = seed;
             options.trace_path = trace;
             options.memo = memo;
             options.base_delay = duration_of(base_delay);
             options.jitter = duration_of(jitter);
             options.plane_us = static_cast<std::int32_t>(duration_of(plane) / 1us);
             return std::make_unique<World>(std::move(options));
           }),
           py::arg("seed"), py::arg("trace"), py::arg("memo"), py::arg("base_delay"), py::arg("jitter"),
           py::arg("plane"))
      .def("add_node", &add_node, py::arg("boxes"), py::arg("hyparview"), py::arg("swarm"), py::arg("mode"),
           py::arg("auto_mode"), py::arg("ways_in"), py::arg("writable"), py::arg("replies_to_all"),
           py::arg("external"), py::arg("up"), py::arg("down"), py::arg("behind"), py::arg("behaviour"),
           py::arg("netgroups"), py::arg("keep_events"))
      .def(
          "add_nat_box",
          [](World& world, const BoxTuple& box, std::optional<sim::BoxIndex> behind) {
            return world.add_nat_box(spec_of(box), behind);
          },
          py::arg("box"), py::arg("behind"))
      .def("key", [](const World& world,
                     NodeIndex node) { return std::move(Signer::from_secret(world.user(node).secret())).value(); })
      .def("start", &World::start)
      .def("stop", &World::stop)
      .def("crash", &World::crash)
      .def("power_off", &World::power_off)
      .def("restart", &World::restart, py::arg("node"), py::arg("lose_disk"))
      .def("go_offline", &World::go_offline)
      .def("come_online", &World::come_online, py::arg("node"), py::arg("new_address"))
      .def("rebind_nat", &World::rebind_nat)
      .def("is_running",
           [](const World& world, NodeIndex node) { return world.state_of(node) == sim::HostState::running; })
      .def("is_online", &World::is_online)
      .def("online", &online)
      .def("partition", &World::partition)
      .def("heal", &World::heal)
      .def("set_loss", &World::set_loss)
      .def("run_for", &run_for, py::arg("seconds"), py::arg("progress"))
      .def("publish", [](World& world, NodeIndex node,
                         const Note& note) { return world.publish(node, note.event()).request.value; })
      .def("outcome", &outcome)
      .def("query", &query, py::arg("node"), py::arg("kinds"), py::arg("authors"), py::arg("ids"), py::arg("limit"))
      .def("open_session",
           [](World& world, NodeIndex node, bool trusted) -> std::optional<std::uint64_t> {
             const auto session = world.open_session(node, trusted);
             return session ? std::optional(session->value) : std::nullopt;
           })
      .def("session_text", [](World& world, NodeIndex node, std::uint64_t session,
                              const std::string& text) { world.session_text(node, SessionId{session}, text); })
      .def("take_told", [](World& world, NodeIndex node,
                           std::uint64_t session) { return world.take_told(node, SessionId{session}); })
      .def("close_session",
           [](World& world, NodeIndex node, std::uint64_t session) { world.close_session(node, SessionId{session}); })
      .def("has_session", [](const World& world, NodeIndex node,
                             std::uint64_t session) { return world.has_session(node, SessionId{session}); })
      .def("ban", &World::ban, py::arg("node"), py::arg("user"), py::arg("undo"))
      .def("status", &status)
      .def("paths", &paths)
      .def("node_id", [](const World& world, NodeIndex node) { return world.node_id(node).hex(); })
      .def("server_of",
           [](const World& world, NodeIndex asked, NodeIndex user) -> std::optional<std::string> {
             const auto found = world.server_of(asked, user);
             return found ? std::optional(found->hex()) : std::nullopt;
           })
      .def("rejections",
           [](const World& world, NodeIndex node) {
             std::map<std::string, std::uint64_t> counts;
             for (const auto& one : world.rejections(node)) {
               counts[one.what + " " + std::string(name(one.code))] += one.count;
             }
             return counts;
           })
      .def("deliveries", &deliveries)
      .def("traffic", &traffic)
      .def("overlay_graph", &overlay_graph, py::arg("active"))
      .def("memory", &memory)
      .def("digest", &World::digest)
      .def_property_readonly("events", &World::events)
      .def_property_readonly("now", [](const World& world) { return seconds_of(world.now()); })
      .def_property_readonly("wall", [](const World& world) { return unix_seconds(world.wall()); });
}

}  // namespace np2p::py_bind
