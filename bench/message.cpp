// One simulated message, all of the fabric: access queues, a NAT for seven hosts of ten, loss, coordinates, wire
// accounting, the digest over both its ends, and a payload of 200 bytes that is read, written anew and sent on to one
// of twenty neighbours. N hosts, N messages under way. The inhabitant is as small as can be: what is measured is the
// simulator.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "core/base/rng.h"
#include "simnet/fabric.h"

namespace {

using namespace np2p;
using namespace np2p::sim;

constexpr std::uint32_t kNeighbours = 10;  // dialled; as many dial us
constexpr std::size_t kPayload = 200;

class Forwarder final : public Inhabitant {
 public:
  Forwarder(Fabric& fabric, NodeIndex index) : fabric_(&fabric), index_(index), random_(1000 + index) {}
  [[nodiscard]] const NodeId& node_id() const noexcept override {
    static const NodeId kNobody{};
    return kNobody;
  }
  void link_up(const LinkInfo& info) override { links_[count_++ % links_.size()] = info.link; }
  void frame(LinkId, const Frame& frame) override {
    std::uint64_t words[kPayload / 8];
    std::memcpy(words, frame.view().data(), kPayload);
    std::uint64_t sum = 0;
    for (const std::uint64_t word : words) sum += word;
    ++handled;
    forward(sum);
  }
  void link_down(LinkId link, CloseReason) override {
    for (auto& mine : links_) {
      if (mine == link) mine = {};
    }
  }
  void forward(std::uint64_t sum) {
    if (count_ == 0) return;
    random_ += 0x9E3779B97F4A7C15ull;
    const std::uint64_t draw = mix64(random_);
    std::uint8_t payload[kPayload];
    for (std::size_t i = 0; i < kPayload; i += 8) std::memcpy(payload + i, &draw, 8);
    std::memcpy(payload, &sum, 8);
    const std::uint32_t known = std::min<std::uint32_t>(count_, static_cast<std::uint32_t>(links_.size()));
    fabric_->send(index_, links_[(draw >> 32) % known], Frame(ByteView(payload, kPayload)), Traffic::payload);
  }
  static inline std::uint64_t handled = 0;

 private:
  Fabric* fabric_;
  NodeIndex index_;
  std::uint32_t count_ = 0;
  std::uint64_t random_;
  std::array<LinkId, 2 * kNeighbours> links_{};
};

struct Crowd {
  explicit Crowd(std::uint32_t hosts) : fabric(options()) {
    Rng rng(42);
    people.reserve(hosts);
    for (NodeIndex i = 0; i < hosts; ++i) {
      HostOptions host;
      host.position.x = static_cast<std::int32_t>(rng.below(100'000));
      host.position.y = static_cast<std::int32_t>(rng.below(100'000));
      host.listen_port = 7000;
      host.up_bits_per_s = 10'000'000;
      host.down_bits_per_s = 100'000'000;
      const std::uint64_t nat = rng.below(100);
      if (nat >= 30) host.box = fabric.add_box(nat < 45 ? full_cone() : nat < 60 ? restricted() : symmetric());
      fabric.add_host(host);
    }
    for (NodeIndex i = 0; i < hosts; ++i) {
      people.emplace_back(fabric, i);
      fabric.boot(i, people.back());
      if (fabric.outermost_box(i) == kNone) open.push_back(i);
    }
    // Whoever is dialled has to be open: every host, open or not, dials ten of them.
    for (NodeIndex i = 0; i < hosts; ++i) {
      for (std::uint32_t k = 0; k < kNeighbours; ++k) {
        const Endpoint to = fabric.endpoint_of(open[static_cast<std::size_t>(rng.below(open.size()))]);
        fabric.dial(i, Address::v4(to.ip, to.port));
      }
      if (i % 1000 == 999) fabric.run_until(fabric.now() + 10 * kMillisecond, UINT64_MAX);
    }
    fabric.run_until(fabric.now() + 20 * kSecond, UINT64_MAX);
    for (Forwarder& person : people) person.forward(1);
  }
  static FabricOptions options() {
    FabricOptions o;
    o.loss_ppm = 7'812;  // one in 128
    return o;
  }
  void handle_messages(std::uint64_t count) {
    const std::uint64_t end = Forwarder::handled + count;
    while (Forwarder::handled < end)
      fabric.run_until(INT64_MAX / 2, std::max<std::uint64_t>(1, (end - Forwarder::handled) / 2));
  }
  Fabric fabric;
  SlabVector<Forwarder> people;
  std::vector<NodeIndex> open;
};

void message(benchmark::State& state) {
  Crowd crowd(static_cast<std::uint32_t>(state.range(0)));
  constexpr std::uint64_t kMessages = 500'000;
  crowd.handle_messages(kMessages);
  const std::uint64_t first_event = crowd.fabric.events();
  const std::uint64_t first = Forwarder::handled;
  for (auto _ : state) crowd.handle_messages(kMessages);
  state.SetItemsProcessed(static_cast<std::int64_t>(Forwarder::handled - first));
  std::uint64_t bytes = 0;
  for (NodeIndex i = 0; i < crowd.fabric.host_count(); ++i) bytes += crowd.fabric.bytes_of(i);
  state.counters["bytes_per_host"] = static_cast<double>(bytes) / static_cast<double>(crowd.fabric.host_count());
  state.counters["events_per_message"] =
      static_cast<double>(crowd.fabric.events() - first_event) / static_cast<double>(Forwarder::handled - first);
}
BENCHMARK(message)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
