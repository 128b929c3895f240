// What clients read while the store can throw nothing away, as once it is damaged.
#include <gtest/gtest.h>

#include <stdexcept>

#include "core/crypto/signer.h"
#include "core/event/json.h"
#include "core/event/validation.h"
#include "core/node.h"
#include "tests/core/fake_ports.h"

namespace np2p {
namespace {

// Reads as another store does; erases nothing, or what it may.
class StuckStore : public Store {
 public:
  explicit StuckStore(Store& store) : store_(store) {}
  PutOutcome put(const EventPtr& event) override { return store_.put(event); }
  EventPtr get(const EventId& id) override { return store_.get(id); }
  bool contains(const EventId& id) override { return store_.contains(id); }
  std::vector<EventPtr> query(const Filter& filter, Order order) override {
    if (++queries > 100) throw std::logic_error("asked for ever");
    return store_.query(filter, order);
  }
  std::size_t count(const Filter& filter) override { return store_.count(filter); }
  std::vector<Stamp> stamps(const Filter& filter, std::size_t most) override { return store_.stamps(filter, most); }
  bool erase(const EventId& id) override { return !is_stuck && store_.erase(id); }
  std::size_t expire(std::int64_t) override { return 0; }
  void set_standing(const PubKey& author, Standing standing) override { store_.set_standing(author, standing); }
  Standing standing(const PubKey& author) override { return store_.standing(author); }
  bool is_addressed(const Event& event) override { return store_.is_addressed(event); }
  bool is_trusted(const PubKey& author) override { return store_.is_trusted(author); }
  bool set_value(Table table, std::string_view key, std::string_view value) override {
    return store_.set_value(table, key, value);
  }
  void erase_value(Table table, std::string_view key) override { store_.erase_value(table, key); }
  std::string value(Table table, std::string_view key) override { return store_.value(table, key); }
  void each_value(Table table, const std::function<void(std::string_view, std::string_view)>& visit) override {
    store_.each_value(table, visit);
  }
  Ticket flush() override { return store_.flush(); }
  Ticket durable() const noexcept override { return store_.durable(); }
  StoreStats stats() override { return store_.stats(); }

  bool is_stuck = true;
  int queries = 0;

 private:
  Store& store_;
};

class ReaderTest : public ::testing::Test {
 protected:
  ReaderTest() {
    config.owner = owner.public_key();
    node = std::make_unique<Node>(config, Host{ports, ports, ports, store, ports.verifier, ports, ports, ports, ports});
    node->start();
    const std::int64_t now = unix_seconds(ports.wall_now);
    for (int i = 0; i < 3; ++i) {
      Tags until;
      until.add({"expiration", std::to_string(now + 100)});
      put(owner.sign(kind::post, now - i, std::move(until), "for a while"));
    }
    put(owner.sign(kind::post, now - 10, {}, "lasts"));
    put(owner.sign(kind::post, now - 11, {}, "lasts, too"));
    ports.wall_now = ports.wall_now + 200s;
  }
  void put(const Event& event) { EXPECT_EQ(store.put(*ValidationGate::trusted(event)), PutOutcome::stored); }
  std::vector<std::string> answer(std::size_t limit) {
    Filter filter;
    filter.kinds = std::vector<std::uint32_t>{kind::post};
    filter.limit = limit;
    std::vector<std::string> texts;
    for (const EventPtr& event : node->query({filter}).events) texts.push_back(event->content);
    return texts;
  }
  using Texts = std::vector<std::string>;

  Config config;
  Signer owner = Signer::from_seed(1, 1);
  test::FakePorts ports{Limits{}};
  StuckStore store{ports.store};
  std::unique_ptr<Node> node;
};

TEST_F(ReaderTest, WhatHasExpiredIsNotShownThoughItCannotBeErased) {
  EXPECT_EQ(answer(10), (Texts{"lasts", "lasts, too"}));
  EXPECT_EQ(answer(4), (Texts{"lasts"}));
  EXPECT_EQ(answer(2), Texts{});

  ASSERT_TRUE(node->session_opened(SessionId{1}, {Address::v4(0x7F000001, 1), true, "ws://relay.example"}));
  node->session_text(SessionId{1}, R"(["REQ","s",{"kinds":[1]}])");
  EXPECT_EQ(ports.told[SessionId{1}].size(), 3u);  // two, and EOSE
  EXPECT_EQ(ports.store.stats().events, 5u);
}

TEST_F(ReaderTest, WhatHasExpiredMakesRoomForWhatIsOlder) {
  store.is_stuck = false;
  EXPECT_EQ(answer(2), (Texts{"lasts", "lasts, too"}));
  EXPECT_EQ(ports.store.stats().events, 2u);
}

}  // namespace
}  // namespace np2p
