// One machine and the test around it: as the keeper of directory records, and as who asks for them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/event/validation.h"
#include "core/overlay/swarm/directory.h"
#include "core/overlay/swarm/voucher.h"
#include "tests/core/overlay/swarm/swarm_world.h"

namespace np2p::swarm::test {

inline constexpr std::string_view kNetwork = "nostrp2p";

inline Signer signer_of(std::uint64_t user) {
  return std::move(Signer::from_secret(secret_of(2, user))).value();
}

// As that user's client signs it; nothing is checked. `node` none: revokes.
inline Event bind_event(std::uint64_t user, const std::optional<NodeId>& node, std::uint64_t epoch,
                        std::int64_t created_at, std::int64_t life = kBindLife / 1s) {
  return signer_of(user).sign(kind::bind, created_at, bind_tags(node, epoch, created_at + life), "");
}

// Of whatever event, as a record; an honest node would not make it of a forged one.
inline ByteVec bind_record(const Event& event) {
  return encode_bind(std::move(ValidationGate::trusted(event)).value());
}

inline EventPtr valid(const Event& event) {
  SecpVerifier verifier;
  return std::move(ValidationGate::validate(event, Limits{}, verifier)).value();
}

struct OneKeeper : ::testing::Test {
  World world;
  void boot(Config config = {}) {
    world.add(false, std::move(config));
    world[0].boot();
  }
  [[nodiscard]] std::int64_t now() { return unix_seconds(world[0].wall()); }
  // Of a node that serves `user`, reachable at a place of its own.
  Contact contact(const NodeKey& node, const PubKey& user, std::uint64_t sequence = 1) {
    Contact made;
    made.owner = user;
    made.node = node.id();
    made.listens = home(150);
    made.sequence = sequence;
    made.expires = now() + 3600;
    return made;
  }
  static Put put(const Contact& made, NodeKey& key, std::string_view network = kNetwork) {
    Put message;
    message.key = directory_key(made.owner);
    message.hops = 12;  // it stays where it comes
    message.records = {encode_contact(made, key, network)};
    return message;
  }
  // What the node keeps for that user.
  static std::vector<ByteVec> get(RawPeer& asker, const PubKey& user) {
    asker.heard();
    asker.say(Get{directory_key(user), 4711, 12});
    auto answers = asker.heard_of<Got>();
    EXPECT_EQ(answers.size(), 1u);
    if (answers.empty() || answers[0].records.empty()) return {};
    std::vector<ByteVec> records = std::move(answers[0].records);
    SecpVerifier verifier;
    EXPECT_EQ(take_voucher(records, 4711, verifier, kNetwork), asker.machine().id());
    return records;
  }
  int refused(const std::string& why) { return world[0].rejections["record " + why]; }
};

// --- asking: this node has nothing, and three raw peers are its first hops

struct OneAsker : OneKeeper {
  const PubKey wanted = user_of(800);
  std::unique_ptr<SecpNodeKey> right = key_of(800);
  std::vector<std::unique_ptr<RawPeer>> hops;
  std::vector<Get> questions;

  void ask(Config config = {}) {
    boot(std::move(config));
    for (std::uint64_t i = 0; i < 3; ++i) {
      hops.push_back(std::make_unique<RawPeer>(world, 0, 1 + i));
      hops.back()->join();
      hops.back()->heard();
    }
    EXPECT_FALSE(world.unicast(0, wanted, "anybody there?"));
    for (const auto& hop : hops) {
      const auto heard = hop->heard_of<Get>();
      ASSERT_EQ(heard.size(), 1u);
      EXPECT_EQ(heard[0].key, directory_key(wanted));
      questions.push_back(heard[0]);
    }
  }
  void answer(std::size_t hop, const std::vector<ByteVec>& records) {
    hops[hop]->say(Got{questions[hop].query, 1, records});
  }
  ByteVec truth(std::uint64_t sequence = 1) {
    Contact made = contact(*right, wanted, sequence);
    made.listens = {};
    made.relays = {hops[1]->ref()};
    return encode_contact(made, *right, kNetwork);
  }
  // A claim of the liar's own, properly signed, with all the sequence it likes.
  ByteVec lie() {
    RawPeer& liar = *hops[0];
    Contact made = contact(liar.key(), wanted, 1'000'000'000);
    made.relays = {liar.ref()};
    return encode_contact(made, liar.key(), kNetwork);
  }
  // To whom a message for that user goes now; zero if to nobody.
  NodeId goes_to() {
    world.run_for(5s);
    for (const auto& hop : hops) hop->heard();
    if (!world.unicast(0, wanted, "for you")) return {};
    for (const auto& hop : hops) {
      for (const Message& message : hop->heard()) {
        if (const Routed* routed = std::get_if<Routed>(&message)) return routed->to;
        if (std::holds_alternative<Direct>(message)) return hop->id();
      }
    }
    return {};
  }
};

}  // namespace np2p::swarm::test
