// The fabric finishes a send some messages after it was made. Nobody may notice: the naive oracle stops after every
// single event, where everything that waits is finished.
#include <gtest/gtest.h>

#include "core/base/rng.h"
#include "tests/simnet/recorders.h"

namespace np2p::sim {
namespace {

// Does all that a node may do, at random, and lets what it sees decide what it does next.
class Busybody final : public Inhabitant {
 public:
  Busybody(Fabric& fabric, NodeIndex index) : fabric_(fabric), index_(index), rng_(9, "busybody", index) {}
  [[nodiscard]] const NodeId& node_id() const noexcept override { return id_; }
  void link_up(const LinkInfo& info) override {
    links_.push_back(info.link);
    act();
  }
  void frame(LinkId link, const Frame&) override {
    if (rng_.chance(1, 3)) fabric_.frame_was(Traffic::duplicate);
    queued_ += fabric_.queued_bytes(index_, link);
    act();
  }
  void writable(LinkId) override { act(); }
  void link_down(LinkId link, CloseReason) override { std::erase(links_, link); }
  void own_event(std::uint8_t, std::uint64_t) override { act(); }

 private:
  void act() {
    if (left_ == 0) return;
    --left_;
    const std::uint64_t sends = rng_.below(3);
    for (std::uint64_t i = 0; i < sends; ++i) send();
    switch (rng_.below(24)) {
      case 0:
        if (links_.empty()) return;
        fabric_.close(index_, links_.back(), CloseReason::local);
        links_.pop_back();
        return;
      case 1:
        fabric_.dial(index_, Town::address(fabric_.endpoint_of(static_cast<NodeIndex>(rng_.below(12)))));
        return;
      default:
        fabric_.own_event_at(index_, fabric_.now() + rng_.between(0s, 100ms).count(), 0, 0);
    }
    send();
  }
  void send() {
    if (links_.empty()) return;
    const std::size_t size = 1 + static_cast<std::size_t>(rng_.below(rng_.chance(1, 8) ? 60'000 : 300));
    const std::string text(size, static_cast<char>('a' + queued_ % 26));
    const LinkId link = links_[static_cast<std::size_t>(rng_.below(links_.size()))];
    fabric_.send(index_, link, Frame(bytes_of(text)), Traffic::payload);
  }
  Fabric& fabric_;
  NodeIndex index_;
  Rng rng_;
  NodeId id_;
  std::vector<LinkId> links_;
  std::uint64_t queued_ = 0;
  int left_ = 400;
};

struct Outcome {
  std::uint64_t digest = 0;
  std::uint64_t events = 0;
  std::vector<std::uint64_t> traffic;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome run(SimTime base_delay, const LinkProfile& profile, std::uint64_t budget) {
  FabricOptions options;
  options.loss_ppm = 20'000;
  options.base_delay = base_delay;
  Fabric fabric(options);
  std::vector<std::unique_ptr<Busybody>> people;
  for (NodeIndex i = 0; i < 12; ++i) {
    HostOptions host;
    host.listen_port = 7000;
    host.profile = &profile;
    host.up_bits_per_s = i % 2 == 0 ? 2'000'000 : 0;
    host.down_bits_per_s = 5'000'000;
    host.position = {static_cast<std::int32_t>(i) * 1000, 0};
    NatSpec forgetful = symmetric();
    forgetful.mapping_timeout = 3s;
    if (i % 4 == 3) host.box = fabric.add_box(forgetful);
    fabric.add_host(host);
    people.push_back(std::make_unique<Busybody>(fabric, i));
    fabric.boot(i, *people.back());
  }
  const auto run_until = [&](SimTime until) {
    while (!fabric.run_until(until, budget)) {
    }
  };
  for (NodeIndex i = 1; i < 12; ++i) {
    for (NodeIndex j = 0; j < i; ++j) fabric.dial(i, Town::address(fabric.endpoint_of(j)));
  }
  run_until(2 * kSecond);
  fabric.cut({0, 1, 2}, {3, 4, 5});
  fabric.power_off(6);
  run_until(4 * kSecond);
  fabric.heal();
  run_until(200 * kSecond);
  Outcome outcome{fabric.digest(), fabric.events(), {}};
  for (NodeIndex i = 0; i < 12; ++i) {
    const TrafficCounts counts = fabric.traffic_of(i);
    for (const auto* direction : {&counts.in, &counts.out}) {
      outcome.traffic.insert(outcome.traffic.end(), direction->bytes.begin(), direction->bytes.end());
      outcome.traffic.insert(outcome.traffic.end(), direction->messages.begin(), direction->messages.end());
    }
  }
  return outcome;
}

TEST(HeldSends, ChangeNothing) {
  for (const SimTime base_delay : {SimTime{0}, kMillisecond, 40 * kMillisecond}) {
    for (const LinkProfile* profile : {&kMeshLinks, &kOverlayLinks}) {
      const Outcome free = run(base_delay, *profile, UINT64_MAX);
      EXPECT_GT(free.events, 8'000u);
      EXPECT_EQ(free, run(base_delay, *profile, 1)) << base_delay;
      EXPECT_EQ(free, run(base_delay, *profile, 7)) << base_delay;
    }
  }
}

}  // namespace
}  // namespace np2p::sim
