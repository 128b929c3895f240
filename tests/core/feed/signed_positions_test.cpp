// What others than the author bring of its stream: heads that its node signed, and what stands under them.
#include <gmock/gmock.h>

#include <memory>

#include "core/crypto/node_key.h"
#include "core/crypto/signer.h"
#include "core/event/validation.h"
#include "core/feed/packets.h"
#include "core/feed/persist.h"
#include "core/feed/positions.h"
#include "core/host/node_signature.h"
#include "tests/core/fake_ports.h"

namespace np2p {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class SignedPositions : public ::testing::Test {
 protected:
  SignedPositions() {
    config.owner = Signer::from_seed(5, 1).public_key();
    config.mode = FeedMode::multicast;
    for (int i = 1; i <= 12; ++i) post("number " + std::to_string(i));
    // As it stood on the disk: ten numbers, and the node that signs.
    std::string row;
    append_u64(row, 0);
    append_u64(row, kIncarnation);
    append_u64(row, 10);
    row.append(text_of(chains[9]));
    row.append(text_of(node.id().view()));
    row.append(text_of(guardian.view()));
    ports.store.set_value(Table::follows, text_of(author.public_key().view()), row);
    positions.load();
  }
  void post(const std::string& text) {
    stream.push_back(*ValidationGate::trusted(author.sign(kind::post, 1'750'000'000, {}, text)));
    const Chain before = chains.empty() ? first_chain(author.public_key(), kIncarnation, 0) : chains.back();
    chains.push_back(next_chain(before, stream.back()->id));
  }
  StreamHead head(std::uint64_t seq, const Chain& chain) {
    StreamHead made{author.public_key(), 0, kIncarnation, 0, seq, chain, {}, 0};
    made.sig = sign_as_node(node, kStreamTag, config.network_id, signed_part(made));
    return made;
  }
  // From a guardian: the head of that number, and these events.
  void bring(std::uint64_t seq, const std::vector<EventPtr>& events) { bring(head(seq, chains[seq - 1]), events); }
  void bring(const StreamHead& head, const std::vector<EventPtr>& events) {
    std::vector<EventId> ids;
    for (const EventPtr& event : events) {
      ports.store.put(event);
      ids.push_back(event->id);
    }
    Delivery delivery;
    delivery.cast = Delivery::Cast::unicast;
    delivery.source = guardian;
    positions.arrived({head, ids.size(), encode_events(events)}, ids, delivery);
  }
  std::uint64_t at() { return positions.of(author.public_key())->seq; }

  static constexpr std::uint64_t kIncarnation = 7;
  Config config;
  test::FakePorts ports{config.limits};
  Host host = ports.host();
  Overlay overlay{config, host};
  Positions positions{config, host, overlay, [](const MailStream&, std::uint64_t) { return false; }};
  Signer author = Signer::from_seed(5, 2);
  std::unique_ptr<SecpNodeKey> key = SecpNodeKey::generate(ports);
  SecpNodeKey& node = *key;
  PubKey guardian = Signer::from_seed(5, 4).public_key();
  std::vector<EventPtr> stream;
  std::vector<Chain> chains;
};

TEST_F(SignedPositions, AreMovedByWhatFitsTheChain) {
  bring(12, {stream[10], stream[11]});
  EXPECT_EQ(at(), 12u);
  EXPECT_EQ(positions.with_gaps(), 0u);
}

TEST_F(SignedPositions, AreNotMovedOverWhatWasLeftOutBehindAGap) {
  const EventPtr other = *ValidationGate::trusted(author.sign(kind::post, 1'749'000'000, {}, "from another time"));
  bring(12, {other});  // a true head and a true event, which do not belong together
  EXPECT_EQ(at(), 10u);
  bring(11, {stream[10]});
  EXPECT_EQ(at(), 11u) << "number 12 has not come";
  EXPECT_EQ(positions.with_gaps(), 1u);
  EXPECT_EQ(ports.rejections["stream bad_field"], 1);
  EXPECT_EQ(positions.forks(), 0u) << "the author did nothing";
  bring(12, {stream[11]});
  EXPECT_EQ(at(), 12u);
  EXPECT_EQ(positions.with_gaps(), 0u);
}

TEST_F(SignedPositions, AreMovedOverWhatCameInAnotherOrder) {
  bring(12, {stream[11]});
  EXPECT_EQ(at(), 10u);
  bring(11, {stream[10]});
  EXPECT_EQ(at(), 12u);
}

TEST_F(SignedPositions, ShowTwoStoriesOfOneNumberWheneverTheSecondComes) {
  bring(11, {stream[10]});
  bring(12, {stream[11]});
  const EventPtr other = *ValidationGate::trusted(author.sign(kind::post, 1'750'000'000, {}, "what others were told"));
  bring(head(11, next_chain(chains[9], other->id)), {other});
  EXPECT_EQ(positions.forks(), 1u);
  EXPECT_EQ(at(), 12u);
  EXPECT_NE(ports.store.value(Table::node, "fork " + author.public_key().hex()), "") << "both signed heads are kept";
  positions.forget(author.public_key());
  EXPECT_EQ(ports.store.value(Table::node, "fork " + author.public_key().hex()), "");
}

TEST_F(SignedPositions, WaitForTheAuthorWhereItsDiskMayBeAnother) {
  StreamHead later = head(11, chains[10]);
  later.incarnation = 8;
  later.base = 10;
  later.previous = kIncarnation;
  later.chain = next_chain(first_chain(author.public_key(), 8, 10), stream[10]->id);
  StreamHead foreign = later;
  foreign.previous = 0;
  foreign.sig = sign_as_node(node, kStreamTag, config.network_id, signed_part(foreign));
  bring(foreign, {stream[10]});
  EXPECT_EQ(at(), 10u) << "its number 10 need not be ours";
  EXPECT_EQ(positions.with_gaps(), 1u);
  later.sig = sign_as_node(node, kStreamTag, config.network_id, signed_part(later));
  bring(later, {stream[10]});
  EXPECT_EQ(at(), 11u);
  EXPECT_EQ(positions.with_gaps(), 0u);
}

}  // namespace
}  // namespace np2p
