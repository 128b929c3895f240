// The digest: it sees one changed byte, and it catches an inhabitant that is not deterministic.
#include <gtest/gtest.h>

#include <functional>

#include "core/base/rng.h"
#include "tests/simnet/recorders.h"

namespace np2p::sim {
namespace {

// Sends what it gets on to a random peer, `left` times altogether.
class Gossiper final : public Inhabitant {
 public:
  Gossiper(Fabric& fabric, NodeIndex index, std::function<std::uint64_t()> extra)
      : fabric_(fabric), index_(index), rng_(3, "gossiper", index), extra_(std::move(extra)) {}
  [[nodiscard]] const NodeId& node_id() const noexcept override { return id_; }
  void link_up(const LinkInfo& info) override {
    links_.push_back(info.link);
    say("hello");
  }
  void frame(LinkId, const Frame& frame) override { say(std::string(text_of(frame.view()))); }
  void link_down(LinkId link, CloseReason) override { std::erase(links_, link); }

 private:
  void say(std::string text) {
    if (links_.empty() || left_ == 0) return;
    --left_;
    text.back() = static_cast<char>('a' + (rng_.below(26) + extra_()) % 26);
    fabric_.send(index_, links_[rng_.below(links_.size())], Frame(bytes_of(text)), Traffic::payload);
  }
  Fabric& fabric_;
  NodeIndex index_;
  Rng rng_;
  std::function<std::uint64_t()> extra_;
  NodeId id_;
  std::vector<LinkId> links_;
  int left_ = 300;
};

std::uint64_t run(std::uint64_t seed, const std::function<std::uint64_t()>& extra) {
  FabricOptions options;
  options.seed = seed;
  options.loss_ppm = 20'000;
  Fabric fabric(options);
  std::vector<std::unique_ptr<Gossiper>> people;
  for (NodeIndex i = 0; i < 12; ++i) {
    HostOptions host;
    host.listen_port = 7000;
    host.up_bits_per_s = 1'000'000;
    host.down_bits_per_s = 1'000'000;
    host.position = {static_cast<std::int32_t>(i) * 1000, 0};
    if (i % 3 == 2) host.box = fabric.add_box(symmetric());
    fabric.add_host(host);
    people.push_back(std::make_unique<Gossiper>(fabric, i, extra));
    fabric.boot(i, *people.back());
  }
  for (NodeIndex i = 1; i < 12; ++i) {
    for (NodeIndex j = 0; j < i; ++j) fabric.dial(i, Town::address(fabric.endpoint_of(j)));
  }
  fabric.run_until(20 * kSecond, UINT64_MAX);
  fabric.cut({0, 1, 2}, {3, 4, 5});
  fabric.power_off(6);
  fabric.run_until(60 * kSecond, UINT64_MAX);
  fabric.heal();
  fabric.run_until(90 * kSecond, 1000);
  fabric.run_until(90 * kSecond, UINT64_MAX);
  EXPECT_GT(fabric.events(), 3000u);
  return fabric.digest();
}

std::uint64_t nothing() {
  return 0;
}

TEST(Digest, IsTheSameOnEveryRunAndDifferentForEverySeed) {
  const std::uint64_t digest = run(1, nothing);
  EXPECT_EQ(digest, run(1, nothing));
  EXPECT_NE(digest, run(2, nothing));
}

TEST(Digest, IsTheSameForEveryCompilerAndLevel) {
  // Golden: whoever changes it changes what a seed means, and says so.
  EXPECT_EQ(run(1, nothing), 18342067530147531840ull);
}

TEST(Digest, SeesOneChangedByteOfOneMessage) {
  int calls = 0;
  const auto once = [&calls]() -> std::uint64_t { return ++calls == 1000 ? 1 : 0; };
  EXPECT_NE(run(1, nothing), run(1, once));
  EXPECT_GT(calls, 1000);
}

// The canary: an inhabitant that lets something of this process into its behaviour, here a counter that outlives the
// run. Comparing two runs has to catch it, else the comparison is worth nothing.
TEST(Canary, AnInhabitantThatIsNotDeterministicIsCaught) {
  std::uint64_t leak = 0;
  const auto leaking = [&leak] { return ++leak; };
  EXPECT_NE(run(1, leaking), run(1, leaking));
}

TEST(Digest, FoldsEveryOneOfItsInputs) {
  const std::uint64_t digest = fold(1, 2, Io::in_frame, 3, 4);
  EXPECT_NE(digest, fold(0, 2, Io::in_frame, 3, 4));
  EXPECT_NE(digest, fold(1, 3, Io::in_frame, 3, 4));
  EXPECT_NE(digest, fold(1, 2, Io::out_send, 3, 4));
  EXPECT_NE(digest, fold(1, 2, Io::in_frame, 4, 4));
  EXPECT_NE(digest, fold(1, 2, Io::in_frame, 3, 5));
}

}  // namespace
}  // namespace np2p::sim
