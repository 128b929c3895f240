// Links without a node: what its place records of its inputs, and a world of them on one io_context.
#pragma once

#include "realnet/net/links.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/crypto/node_key.h"
#include "realnet/clock.h"
#include "realnet/entropy.h"

namespace np2p::real::test {

// A node's place: records its inputs, all on one io_context that the test drives.
class Recorder : public LinkInputs {
 public:
  explicit Recorder(asio::io_context& io, std::string network = "test", Limits limits = {}, LinkProfile profile = {},
                    const Address& listen = Address::v4(0x7F000001, 0))
      : key(SecpNodeKey::generate(entropy)),
        links(io, *this, LinkSettings{*key, std::move(network), profile, limits, 2s, 1s, 1s}) {
    auto acceptor = listen_on(io, listen);
    address = to_address(acceptor->local_endpoint());
    links.serve(std::move(acceptor).value());
  }
  void on_link_up(const LinkInfo& info) override {
    up.push_back(info);
    if (when_up) when_up(info);
  }
  void on_frame(LinkId, const Frame& frame, Traffic traffic) override {
    frames.emplace_back(text_of(frame.view()));
    traffics.push_back(traffic);
  }
  void on_writable(LinkId link) override { writable.push_back(link); }
  void on_link_down(LinkId link, CloseReason reason) override { down.emplace_back(link, reason); }
  void on_carry(LinkId tunnel, const Frame& record, Traffic traffic) override {
    ++records;
    record_traffics.push_back(traffic);
    if (when_carry) when_carry(tunnel, record);
  }
  void on_link_rejected(const Address&, const Error& why) override { ++rejected[why.code]; }

  KernelEntropy entropy;
  std::unique_ptr<SecpNodeKey> key;
  Address address;
  std::vector<LinkInfo> up;
  std::vector<std::string> frames;
  std::vector<Traffic> traffics;
  std::vector<LinkId> writable;
  std::vector<std::pair<LinkId, CloseReason>> down;
  std::size_t records = 0;
  std::vector<Traffic> record_traffics;
  std::map<ErrorCode, int> rejected;
  std::function<void(const LinkInfo&)> when_up;
  std::function<void(LinkId, const Frame&)> when_carry;
  // How this link ended; none while it has not.
  [[nodiscard]] CloseReason fate(LinkId link) const {
    for (const auto& [id, reason] : down) {
      if (id == link) return reason;
    }
    return CloseReason::none;
  }
  Links links;  // last: it calls the others
};

class LinkWorld : public testing::Test {
 protected:
  // Runs the world until `done` holds; false after `within`.
  bool run_until(const std::function<bool()>& done, Duration within = 10s) {
    const MonoTime end = mono_now() + within;
    while (!done() && mono_now() < end) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(50));
    }
    return done();
  }
  asio::io_context io_;
};

}  // namespace np2p::real::test
