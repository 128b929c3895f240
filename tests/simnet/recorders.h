// Small inhabitants for tests of the fabric: they write down what happens to them, and do nothing by themselves.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "simnet/fabric.h"

namespace np2p::sim {

struct Happening {
  enum Kind { up, frame, writable, down, own } kind;
  SimTime at = 0;
  LinkId link;
  std::string text;  // of a frame
  CloseReason reason = CloseReason::none;
  LinkInfo info;
};

class Recorder final : public Inhabitant {
 public:
  Recorder(Fabric& fabric, NodeIndex index) : fabric_(fabric) { id_.data[0] = static_cast<std::uint8_t>(index + 1); }
  [[nodiscard]] const NodeId& node_id() const noexcept override { return id_; }
  void link_up(const LinkInfo& info) override { add({Happening::up, 0, info.link, {}, CloseReason::none, info}); }
  void frame(LinkId link, const Frame& f) override {
    add({Happening::frame, 0, link, std::string(text_of(f.view())), CloseReason::none, {}});
  }
  void writable(LinkId link) override { add({Happening::writable, 0, link, {}, CloseReason::none, {}}); }
  void link_down(LinkId link, CloseReason reason) override { add({Happening::down, 0, link, {}, reason, {}}); }
  void own_event(std::uint8_t, std::uint64_t) override { add({Happening::own, 0, {}, {}, CloseReason::none, {}}); }

  [[nodiscard]] std::vector<Happening> all(Happening::Kind kind) const {
    std::vector<Happening> found;
    for (const auto& h : happenings) {
      if (h.kind == kind) found.push_back(h);
    }
    return found;
  }
  [[nodiscard]] LinkId link() const {  // the last that came up
    const auto ups = all(Happening::up);
    return ups.empty() ? LinkId{} : ups.back().link;
  }
  std::vector<Happening> happenings;

 private:
  void add(Happening h) {
    h.at = fabric_.now();
    happenings.push_back(std::move(h));
  }
  Fabric& fabric_;
  NodeId id_;
};

// A fabric with recorders on it. Without jitter, so that times can be computed by hand.
struct Town {
  static constexpr std::uint16_t kPort = 7000;
  explicit Town(FabricOptions options = exact()) : fabric(options) {}
  static FabricOptions exact() {
    FabricOptions options;
    options.jitter = 0;
    return options;
  }
  NodeIndex add(HostOptions options = {}) {
    if (options.listen_port == 0) options.listen_port = kPort;
    const NodeIndex index = fabric.add_host(options);
    people.push_back(std::make_unique<Recorder>(fabric, index));
    fabric.boot(index, *people.back());
    return index;
  }
  NodeIndex add_behind(const NatSpec& spec, bool from_listen_port = false) {
    HostOptions options;
    options.box = fabric.add_box(spec);
    options.dial_from_listen_port = from_listen_port;
    return add(options);
  }
  static Address address(Endpoint at) { return Address::v4(at.ip, at.port); }
  LinkId dial(NodeIndex from, NodeIndex to) { return fabric.dial(from, address(fabric.endpoint_of(to))); }
  // Dials and waits; true if both sides are up.
  bool connect(NodeIndex from, NodeIndex to) {
    const std::size_t before = of(to).all(Happening::up).size();
    const LinkId link = dial(from, to);
    run(8 * kSecond);
    return of(from).link() == link && of(to).all(Happening::up).size() > before;
  }
  void run(SimTime duration) { fabric.run_until(fabric.now() + duration, UINT64_MAX); }
  Recorder& of(NodeIndex index) { return *people[index]; }
  void say(NodeIndex from, const std::string& text, Traffic traffic = Traffic::payload) {
    fabric.send(from, of(from).link(), Frame(bytes_of(text)), traffic);
  }
  Fabric fabric;
  std::vector<std::unique_ptr<Recorder>> people;
};

}  // namespace np2p::sim
