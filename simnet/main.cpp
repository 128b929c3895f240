// nostrp2p-sim: the simulator's own program. Runs a small named world and prints what came of it; the same arguments
// print the same digest on every machine. Experiments are written in Python over the module np2p.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/event/kinds.h"
#include "simnet/eventful.h"
#include "simnet/world.h"

namespace {

using namespace np2p;
using namespace np2p::sim;

struct Arguments {
  std::string world = "mesh";
  std::string overlay = "hyparview";
  std::uint64_t seed = 1;
  std::uint32_t nodes = 8;
  std::uint32_t nated_percent = 60;
  std::uint32_t posts = 10;
  std::uint32_t seconds = 60;
  std::uint32_t crashes = 0;
  std::uint32_t loss_ppm = 0;
  bool no_memo = false;
  std::string trace;
};

// Everybody joins through node 0, which is public; then posts come from random nodes, others crash and come back, and
// at the end a rest in which the last post arrives. In the eventful world its own script (simnet/eventful.h) takes the
// place of both.
struct Run {
  explicit Run(const Arguments& a) : arguments(a), world(options(a)), rng(a.seed, "nostrp2p-sim") {}

  static WorldOptions options(const Arguments& a) {
    WorldOptions o;
    o.seed = a.seed;
    o.memo = !a.no_memo;
    o.loss_ppm = a.loss_ppm;
    o.trace_path = a.trace;
    return o;
  }
  void live() {
    if (arguments.world == "eventful") {
      Eventful eventful(world, overlay(), arguments.nodes, arguments.seed);
      eventful.run();
      posts = eventful.posts();
      std::printf("mentions   %zu of %zu reached the one they name\n", eventful.mentions_delivered(),
                  eventful.mentions());
      std::printf("lookups    %zu of %zu answered\n", eventful.lookups_answered(), eventful.lookups());
    } else {
      build();
      work();
    }
    report();
    report_servers();
  }
  [[nodiscard]] OverlayKind overlay() const {
    return arguments.overlay == "mesh" ? OverlayKind::mesh : OverlayKind::hyparview;
  }
  void build() {
    for (std::uint32_t i = 0; i < arguments.nodes; ++i) {
      NodeOptions node;
      const bool nated = i > 0 && rng.below(100) < arguments.nated_percent;
      if (nated) node.nat = {arguments.world == "symmetric" ? symmetric() : port_restricted()};
      node.config.overlay = overlay();
      if (i > 0) node.config.bootstrap = {world.address_of(0)};
      world.add_node(node);
    }
    for (NodeIndex i = 0; i < arguments.nodes; ++i) world.start(i);
    world.run_for(60s);
  }
  void post() {
    const auto author = static_cast<NodeIndex>(rng.below(arguments.nodes));
    if (world.state_of(author) != HostState::running) return;
    const std::string text = "post " + std::to_string(posts.size()) + " of " + std::to_string(author);
    const Event event = world.user(author).sign(kind::post, unix_seconds(world.wall()), {}, text);
    world.publish(author, event);
    posts.push_back(event.id);
  }
  // Whoever lies down gets up when the next but one does.
  void crash() {
    const auto node = static_cast<NodeIndex>(rng.below(arguments.nodes));
    if (world.state_of(node) == HostState::running) {
      world.crash(node);
      down.push_back(node);
    }
    if (down.size() > 2) get_up();
  }
  void get_up() {
    world.restart(down.front());
    down.erase(down.begin());
  }
  void work() {
    const Duration all = std::chrono::seconds{arguments.seconds};
    const std::uint32_t steps = std::max(arguments.posts, arguments.crashes);
    for (std::uint32_t i = 0; i < steps; ++i) {
      world.run_for(all / (steps + 1));
      if (i < arguments.crashes) crash();
      if (i < arguments.posts) post();
    }
    while (!down.empty()) get_up();
    world.run_for(all / (steps + 1) + 10s);
  }
  void report() {
    std::size_t got = 0;
    std::vector<std::int64_t> latencies;
    for (const EventId& id : posts) {
      for (const DeliveryRow& row : world.deliveries(id)) {
        ++got;
        latencies.push_back(row.latency_ns);
      }
    }
    std::sort(latencies.begin(), latencies.end());
    const std::size_t due = posts.size() * (arguments.nodes - 1);
    std::printf("digest     %016llx\n", static_cast<unsigned long long>(world.digest()));
    std::printf("events     %llu in %lld simulated seconds\n", static_cast<unsigned long long>(world.events()),
                static_cast<long long>(world.now() / kSecond));
    std::printf("delivered  %zu of %zu\n", got, due);
    if (arguments.world == "eventful") {
      std::printf(
          "           (every third author posts to followers only, and servers are off, cut off or moving "
          "meanwhile)\n");
    }
    if (!latencies.empty()) {
      const auto ms = [&](std::size_t percent) {
        return static_cast<double>(latencies[(latencies.size() - 1) * percent / 100]) / 1e6;
      };
      std::printf("latency    median %.1f ms, 99 %% %.1f ms\n", ms(50), ms(99));
    }
    std::uint64_t bytes = 0;
    std::uint64_t payload = 0;
    for (const TrafficRow& row : world.traffic()) {
      bytes += row.counts.out.total_bytes();
      payload += row.counts.out.bytes[static_cast<std::size_t>(Traffic::payload)];
    }
    std::printf("traffic    %llu wire bytes sent, %llu of them payload\n", static_cast<unsigned long long>(bytes),
                static_cast<unsigned long long>(payload));
  }

  void report_servers() {
    std::size_t stored = 0;
    std::size_t followers = 0;
    std::size_t waiting = 0;
    std::uint64_t rejected = 0;
    for (NodeIndex i = 0; i < arguments.nodes; ++i) {
      const NodeStatus status = world.status(i);
      stored += status.stored_events;
      followers += status.followers;
      waiting += status.outbox;
      for (const World::Rejection& rejection : world.rejections(i)) rejected += rejection.count;
    }
    std::printf("servers    %zu events stored, %zu in outboxes, %zu followers, %llu inputs refused\n", stored, waiting,
                followers, static_cast<unsigned long long>(rejected));
  }

  // Everything that was said and traced is where it should be, or why it is not.
  std::string trouble() {
    if (!world.flush_trace()) return "the trace could not be written to " + arguments.trace;
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return "cannot write to standard output";
    return {};
  }

  const Arguments& arguments;
  World world;
  Rng rng;
  std::vector<EventId> posts;
  std::vector<NodeIndex> down;
};

// What the parser complains of, in our words.
std::string sentence(const CLI::ParseError& wrong) {
  const std::string text = wrong.what();
  const std::string first = text.substr(0, text.find('\n'));
  if (dynamic_cast<const CLI::ExtrasError*>(&wrong) != nullptr) {
    return "nothing is known of \"" + first.substr(first.rfind(": ") + 2) + "\"; --help tells what there is";
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&wrong) != nullptr) {
    return first.substr(0, first.find(':')) + " needs a value";
  }
  if (dynamic_cast<const CLI::ConversionError*>(&wrong) != nullptr) return "not a number: " + first;
  return first;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments a;
  CLI::App app{"Runs a small world of nostrp2p servers in the deterministic simulator", "nostrp2p-sim"};
  app.add_option("world", a.world,
                 "mesh: port-restricted NATs; symmetric: symmetric ones; eventful: a script of everything that can "
                 "happen, by itself")
      ->check(CLI::IsMember({"mesh", "symmetric", "eventful"}))
      ->capture_default_str();
  app.add_option("--overlay", a.overlay, "mesh: the original's, up to 65 servers; hyparview: the one that scales")
      ->check(CLI::IsMember({"mesh", "hyparview"}))
      ->capture_default_str();
  // A stream would read -1 as 2^64 - 1 without a word.
  const auto whole = [](const std::string& text) {
    std::uint64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool good = read.ec == std::errc() && read.ptr == text.data() + text.size();
    return good ? std::string() : "must be a whole number from 0 to 2^64 - 1, not " + text;
  };
  app.add_option("--seed", a.seed, "the same seed gives the same run")->check(whole)->capture_default_str();
  const auto* nodes = app.add_option("--nodes", a.nodes, "servers; in the eventful world 10, and no less, if not given")
                          ->check(CLI::Range(2u, 100'000u))
                          ->capture_default_str();
  app.add_option("--nated", a.nated_percent, "percentage behind NAT")
      ->check(CLI::Range(0u, 100u))
      ->capture_default_str();
  app.add_option("--posts", a.posts, "posts by random users")->check(CLI::Range(0u, 1'000'000u))->capture_default_str();
  app.add_option("--seconds", a.seconds, "simulated seconds over which they are posted")
      ->check(CLI::Range(1u, 1'000'000u))
      ->capture_default_str();
  app.add_option("--crashes", a.crashes, "crashes of random servers meanwhile; each comes back")
      ->check(CLI::Range(0u, 1'000'000u))
      ->capture_default_str();
  app.add_option("--loss-ppm", a.loss_ppm, "lost segments per million")->check(CLI::Range(0u, 500'000u));
  app.add_option("--trace", a.trace, "write every input and output to this file, as JSON lines");
  app.add_flag("--no-memo", a.no_memo, "verify every signature at every node again; the digest stays the same");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError& wrong) {
    std::fprintf(stderr, "nostrp2p-sim: %s\n", sentence(wrong).c_str());
    return 2;
  }
  if (a.world == "eventful" && nodes->count() == 0) a.nodes = Eventful::kLeastNodes;
  if (a.world == "eventful" && a.nodes < Eventful::kLeastNodes) {
    std::fprintf(stderr, "nostrp2p-sim: --nodes must be at least %u in the eventful world, not %u\n",
                 Eventful::kLeastNodes, a.nodes);
    return 2;
  }
  std::printf("seed %llu: world %s, overlay %s, %u nodes, %u %% behind NAT, %u posts and %u crashes in %u s, ",
              static_cast<unsigned long long>(a.seed), a.world.c_str(), a.overlay.c_str(), a.nodes, a.nated_percent,
              a.posts, a.crashes, a.seconds);
  std::printf("loss %u ppm, memo %s\n", a.loss_ppm, a.no_memo ? "off" : "on");
  if (a.overlay == "mesh" && a.nodes > Limits{}.mesh_connections + 1) {
    std::fprintf(stderr, "nostrp2p-sim: a mesh holds %zu servers; the others stay locked out\n",
                 static_cast<std::size_t>(Limits{}.mesh_connections) + 1);
  }
  std::fflush(stdout);
  try {
    Run run(a);
    run.live();
    if (const std::string trouble = run.trouble(); !trouble.empty()) {
      std::fprintf(stderr, "nostrp2p-sim: %s\n", trouble.c_str());
      return 1;
    }
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "nostrp2p-sim: %s\n", wrong.what());
    return 2;
  }
  return 0;
}
