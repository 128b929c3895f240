// Following a stream: what is missing is noticed and pulled, and nobody but the author moves a position.
#include "core/feed/positions.h"

#include <gmock/gmock.h>

#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

using test::OneNode;
using testing::IsEmpty;
using testing::SizeIs;

// The peer is the author: its server's word comes over the mesh, where it needs no signature.
class PositionsTest : public OneNode {
 protected:
  PositionsTest() { config.mode = FeedMode::multicast; }
  void begin() {
    start(limits);
    Tags tags;
    const std::string author = peer.public_key().hex();
    tags.add({"p", author});
    node->publish(RequestId{++requests_},
                  owner.sign(kind::follow_list, unix_seconds(ports->wall_now), std::move(tags), ""));
    disk_is_done();
    ASSERT_THAT(messages_to<Follow>(link), SizeIs(1));
    write(3);
    tell(0);
  }
  void write(int count) {
    for (int i = 0; i < count; ++i) {
      stream.push_back(post(word + std::to_string(stream.size() + 1)));
      const Chain before =
          stream.size() == base + 1 ? first_chain(peer.public_key(), incarnation, base) : chains.back();
      chains.push_back(next_chain(before, stream.back().id));
    }
  }
  StreamHead head(std::uint64_t seq) {
    return {peer.public_key(),
            0,
            incarnation,
            base,
            seq,
            seq == base ? first_chain(peer.public_key(), incarnation, base) : chains[seq - 1],
            sig,
            previous};
  }
  void tell(std::uint64_t after, bool announce = false) {
    StreamNews news{head(stream.size()), after, {}, guardians};
    for (std::uint64_t seq = after; seq < stream.size(); ++seq) news.ids.push_back(stream[seq].id);
    announce ? extension(encode_extension(Announce{news}).view())
             : extension(encode_extension(Followed{peer.public_key(), news}).view());
  }
  void part(std::uint64_t first, std::uint64_t last, LinkId from = {}) {
    std::vector<Event> events(stream.begin() + static_cast<std::ptrdiff_t>(first - 1),
                              stream.begin() + static_cast<std::ptrdiff_t>(last));
    const Frame frame = encode_stream_part({head(last), last - first + 1, packet_of(events)});
    if (!from) return send(mesh::Tag::unicast, "np2p.stream", frame.view());
    mesh::Message message;
    message.tag = mesh::Tag::unicast;
    message.channel = "np2p.stream";
    message.source = mesh_name(neighbour.public_key());
    message.destination = mesh_name(owner.public_key());
    message.payload = frame.view();
    node->frame(from, mesh::encode_message(message));
  }
  std::vector<StreamPart> neighbour_asks(std::uint64_t after, std::uint64_t until) {
    mesh::Message message;
    message.tag = mesh::Tag::unicast;
    message.channel = "np2p";
    message.source = mesh_name(neighbour.public_key());
    message.destination = mesh_name(owner.public_key());
    const Pull wanted{neighbour.public_key(), peer.public_key(), incarnation, after, until, false};
    const Frame pull = encode_extension(wanted);
    message.payload = pull.view();
    node->frame(other, mesh::encode_message(message));
    return parts_to(other);
  }
  std::vector<Pull> pulls(LinkId to) { return messages_to<Pull>(to); }
  std::vector<Pull> pulls() { return pulls(link); }
  void expect_one_pull(std::uint64_t after, std::uint64_t until) {
    const auto asked = pulls();
    ASSERT_THAT(asked, SizeIs(1));
    EXPECT_EQ(asked[0].after, after);
    EXPECT_EQ(asked[0].until, until);
  }
  void later(Duration pause) {
    ports->now = ports->now + pause;
    ports->wall_now = ports->wall_now + pause;
    const auto timer = ports->timers.find(Timer::follow);
    if (timer == ports->timers.end() || timer->second > ports->now) return;
    ports->timers.erase(timer);
    node->timer(Timer::follow);
  }
  std::size_t gaps() { return node->status().streams_with_gaps; }
  std::size_t heard() {  // numbers that are kept on the disk
    std::size_t count = 0;
    ports->store.each_value(Table::heard, [&count](std::string_view, std::string_view) { ++count; });
    return count;
  }
  bool has(std::uint64_t seq) { return ports->store.contains(stream[seq - 1].id); }

  Limits limits;
  Signer third = Signer::from_seed(9, 3);
  std::vector<Event> stream;
  std::vector<Chain> chains;
  std::uint64_t incarnation = 7;
  std::uint64_t base = 0;
  std::uint64_t previous = 0;
  std::string word = "number ";
  Signature sig;
  std::vector<PubKey> guardians;

 private:
  std::uint64_t requests_ = 0;
};

TEST_F(PositionsTest, WhatTheAnswerToAFollowNamesIsPulledUnlessItIsHere) {
  begin();
  EXPECT_EQ(gaps(), 1u);
  later(0s);
  expect_one_pull(0, 3);
  part(1, 3);
  EXPECT_EQ(gaps(), 0u);
  write(2);
  broadcast({stream[3]});
  tell(3);
  later(0s);
  expect_one_pull(4, 5);
}

TEST_F(PositionsTest, WhatIsHereAlreadyIsNotPulledAgain) {
  begin();
  part(1, 3);
  write(4);
  broadcast({stream[4]});
  tell(3);
  later(0s);
  expect_one_pull(3, 4);
  part(4, 4);
  later(1s);
  expect_one_pull(5, 7);
}

TEST_F(PositionsTest, AReactionMayBeHereBeforeItsPost) {
  begin();
  part(1, 3);
  write(1);
  Tags tags;
  const std::string id = stream.back().id.hex();
  tags.add({"e", id});
  stream.push_back(third.sign(kind::reaction, unix_seconds(ports->wall_now), std::move(tags), "+"));
  chains.push_back(next_chain(chains.back(), stream.back().id));
  part(5, 5);
  EXPECT_TRUE(has(5));
  EXPECT_EQ(gaps(), 1u);
  part(4, 4);
  EXPECT_EQ(gaps(), 0u);
}

TEST_F(PositionsTest, AReactionToWhatWillNeverBeHereIsNotMissed) {
  begin();
  part(1, 3);
  Tags tags;
  const std::string id = post("from before we followed").id.hex();
  tags.add({"e", id});
  stream.push_back(third.sign(kind::reaction, unix_seconds(ports->wall_now), std::move(tags), "+"));
  chains.push_back(next_chain(chains.back(), stream.back().id));
  part(4, 4);
  EXPECT_FALSE(has(4));
  EXPECT_EQ(gaps(), 0u);
}

TEST_F(PositionsTest, AGapIsPulledAfterASecondAndEndsIfItComesByItself) {
  begin();
  part(1, 3);
  write(3);
  part(6, 6);
  EXPECT_EQ(gaps(), 1u);
  later(900ms);
  EXPECT_THAT(pulls(), IsEmpty());
  part(4, 5);
  EXPECT_EQ(gaps(), 0u);
  later(1s);
  EXPECT_THAT(pulls(), IsEmpty());
  write(2);
  part(8, 8);
  later(1s);
  const auto asked = pulls();
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_TRUE(asked[0].ids_only) << "it may have come another way";
  tell(6);
  later(0s);
  const auto again = pulls();
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_FALSE(again[0].ids_only);
  EXPECT_EQ(again[0].after, 6u);
  EXPECT_EQ(again[0].until, 7u);
  part(7, 7);
  EXPECT_EQ(gaps(), 0u);
}

TEST_F(PositionsTest, AnAnnouncementOfWhatIsHereIsAnsweredWithAPullForNothing) {
  begin();
  part(1, 3);
  pulls();
  tell(1, true);
  const auto asked = pulls();
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_EQ(asked[0].after, asked[0].until);
}

TEST_F(PositionsTest, AnUnansweredPullIsRepeatedMoreAndMoreSeldomAndGuardiansAreAskedInTurn) {
  guardians = {neighbour.public_key()};
  begin();
  int to_author = 0;
  int to_guardian = 0;
  for (int seconds = 0; seconds < 3600; ++seconds) {
    later(1s);
    to_author += static_cast<int>(pulls().size());
    to_guardian += static_cast<int>(pulls(other).size());
  }
  EXPECT_GE(to_author, 2);
  EXPECT_GE(to_guardian, 2);
  EXPECT_LE(to_author + to_guardian, 8);
}

TEST_F(PositionsTest, WhatAnotherThanTheAuthorSaysOfNumbersMovesNothing) {
  begin();
  part(1, 3);
  write(4);
  part(4, 7, other);  // its head is not signed
  EXPECT_EQ(rejected("stream bad_signature"), 1);
  EXPECT_EQ(gaps(), 0u);
  EXPECT_TRUE(has(7)) << "but an event is good by its own signature";
  write(1);
  part(8, 8);
  later(1s);
  const auto asked = pulls();
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_EQ(asked[0].after, 3u);
}

TEST_F(PositionsTest, APositionOutlivesARestart) {
  begin();
  part(1, 3);
  disk_is_done();
  node = std::make_unique<Node>(config, ports->host());
  node->start();
  link = LinkId{link.value + 20};
  connect(link, peer);
  later(1s);
  const auto asked = messages_to<Follow>(link);
  ASSERT_FALSE(asked.empty());
  ASSERT_TRUE(asked.back().position);
  EXPECT_EQ(*asked.back().position, (StreamPosition{incarnation, 3}));
}

TEST_F(PositionsTest, AnotherIncarnationGoesOnFromItsBase) {
  begin();
  part(1, 3);
  write(1);
  part(4, 4);  // which the author loses in a crash
  stream.resize(3);
  chains.resize(3);
  previous = incarnation;
  incarnation = 8;
  base = 3;
  write(1);
  pulls();
  part(4, 4);
  EXPECT_TRUE(has(4));
  later(1s);
  const auto asked = pulls();
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_TRUE(asked[0].ids_only) << "only the author knows how far we are in this one";
  tell(3, true);
  EXPECT_EQ(gaps(), 0u);
  EXPECT_EQ(node->status().forks, 0u);
  write(1);
  part(5, 5);
  EXPECT_EQ(gaps(), 0u);
}

TEST_F(PositionsTest, WhoHasAllGoesOnIntoTheNextIncarnation) {
  begin();
  part(1, 3);
  pulls();
  previous = incarnation;
  incarnation = 8;
  base = 3;
  write(1);
  part(4, 4);
  EXPECT_TRUE(has(4));
  EXPECT_EQ(gaps(), 0u);
}

TEST_F(PositionsTest, AStreamThatBeginsAnewIsTakenAsAWhole) {
  begin();
  part(1, 3);
  pulls();
  stream.clear();  // the author lost its disk,
  word = "reborn ";
  chains.clear();
  incarnation = 8;
  write(2);
  previous = incarnation;  // posted twice and started again
  incarnation = 9;
  base = 2;
  write(1);
  part(3, 3);
  EXPECT_EQ(gaps(), 1u) << "our first three are not those";
  later(1s);
  ASSERT_THAT(pulls(), SizeIs(1));
  tell(0, true);
  later(0s);
  expect_one_pull(0, 2);
  part(1, 2);
  EXPECT_TRUE(has(1));
  EXPECT_EQ(gaps(), 0u);
}

TEST_F(PositionsTest, AnyNumberInAHeadIsTakenCalmly) {
  begin();
  part(1, 3);
  StreamHead far = head(3);
  far.seq = std::uint64_t{1} << 61;
  extension(encode_extension(Announce{StreamNews{far, 3, {}, {}}}).view());
  for (int i = 0; i < 100; ++i) later(10s);
  EXPECT_FALSE(pulls().empty());
  const auto gone = [&](std::uint64_t seq, std::uint64_t covers) {
    StreamHead one = head(3);
    one.seq = seq;
    send(mesh::Tag::unicast, "np2p.stream", encode_stream_part({one, covers, {}}).view());
  };
  gone(far.seq, far.seq - 100);  // behind a gap
  EXPECT_EQ(gaps(), 1u);
  gone(100, 97);
  EXPECT_EQ(gaps(), 0u);
}

TEST_F(PositionsTest, TwoStoriesOfOneIncarnationAreCountedAndFollowedOn) {
  begin();
  part(1, 3);
  write(1);
  part(4, 4);
  stream.resize(3);
  chains.resize(3);
  write(0);
  stream.push_back(post("another number 4"));
  chains.push_back(next_chain(chains.back(), stream.back().id));
  part(4, 4);
  EXPECT_EQ(node->status().forks, 1u);
  EXPECT_EQ(rejected("stream forbidden"), 1);
  EXPECT_TRUE(has(4));
  write(1);
  part(5, 5);
  EXPECT_EQ(gaps(), 0u);
  EXPECT_EQ(node->status().forks, 1u);
}

TEST_F(PositionsTest, OthersAreServedUpToAHeadThatTheAuthorHasSigned) {
  begin();
  part(1, 3);
  const auto ask = [&](std::uint64_t until) { return neighbour_asks(1, until); };
  EXPECT_THAT(ask(3), IsEmpty()) << "there was no signature yet";
  write(2);
  sig.data.fill(1);
  part(4, 4);
  sig = {};
  part(5, 5);
  const auto parts = ask(5);
  ASSERT_THAT(parts, SizeIs(1));
  EXPECT_EQ(parts[0].head.seq, 4u);
  EXPECT_EQ(parts[0].covers, 3u);
  EXPECT_THAT(events_in(parts[0]), SizeIs(3));
}

TEST_F(PositionsTest, OthersAreServedAnEventThatFillsMoreThanHalfAFrame) {
  limits.event_bytes = limits.list_bytes;
  begin();
  sig.data.fill(1);
  part(1, 3);
  word = std::string(limits.frame_bytes / 2 + 10'000, 'x');
  write(1);
  part(4, 4);
  const auto parts = neighbour_asks(3, 4);
  ASSERT_THAT(parts, SizeIs(1));
  EXPECT_EQ(parts[0].head.seq, 4u);
  EXPECT_THAT(events_in(parts[0]), SizeIs(1));
}

TEST_F(PositionsTest, WhoIsNoLongerFollowedIsForgotten) {
  begin();
  part(1, 3);
  EXPECT_EQ(node->status().streams, 1u);
  ports->wall_now = ports->wall_now + 1s;
  node->publish(RequestId{99}, owner.sign(kind::follow_list, unix_seconds(ports->wall_now), {}, ""));
  disk_is_done();
  EXPECT_EQ(node->status().streams, 0u);
  EXPECT_EQ(ports->store.value(Table::follows, text_of(peer.public_key().view())), "");
  part(1, 3);
  EXPECT_EQ(node->status().streams, 0u);
}

TEST_F(PositionsTest, WhatComesBehindGapsLeavesNothingOnTheDiskUntilTheyAreFilled) {
  begin();
  part(1, 3);
  EXPECT_EQ(heard(), 3u);
  write(97);
  for (std::uint64_t seq = 5; seq <= 99; seq += 2) part(seq, seq);
  EXPECT_EQ(heard(), 3u);
  part(4, 4);
  EXPECT_EQ(heard(), 5u);
  part(6, 6);
  EXPECT_EQ(heard(), 7u);
  // Another life of its server: nothing is left of the ranges of the one before.
  previous = incarnation++;
  base = stream.size();
  write(2);
  part(101, 102);
  tell(100);
  part(101, 102);
  EXPECT_LE(heard(), 9u);
}

TEST_F(PositionsTest, OfManyThatComeBehindAGapTheIdsAreNotKept) {
  limits.ahead_events = 10;
  begin();
  part(1, 3);
  const std::size_t before = node->memory().feed;
  write(201);
  part(5, 204);
  const std::size_t many = node->memory().feed;
  EXPECT_LT(many - before, 200 * EventId::size + 200 * 64);  // ids of events that passed the gate are remembered anyway
  EXPECT_EQ(gaps(), 1u);
  part(4, 4);  // its author's word is enough
  EXPECT_EQ(gaps(), 0u);
  EXPECT_LE(heard(), limits.heard_events);
}

}  // namespace
}  // namespace np2p
