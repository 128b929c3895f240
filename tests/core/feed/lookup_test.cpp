// Events that are asked for by their ids alone, and who answers; and what our own user lacks after a disk was lost.
#include "core/feed/lookup.h"

#include <gmock/gmock.h>

#include "core/event/bind.h"
#include "core/event/json.h"
#include "tests/core/feed/one_node.h"

namespace np2p {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class LookupTest : public test::OneNode {
 protected:
  void begin(const Limits& limits = {}) {
    start(limits);
    ASSERT_TRUE(node->session_opened(session, {Address::v4(0x7F000001, 1), true, "ws://relay.example"}));
    ports->sent.clear();
  }
  // A client's REQ; what the node asks of each neighbour because of it.
  struct Asked {
    std::vector<Request> peer;
    std::vector<Request> neighbour;
  };
  Asked req(const std::string& filter) {
    node->session_text(session, "[\"REQ\",\"s\"," + filter + "]");
    return {requests_to(link), requests_to(other)};
  }
  Asked req(const EventId& id) { return req("{\"ids\":[\"" + id.hex() + "\"]}"); }
  std::vector<Request> requests_to(LinkId to) {
    std::vector<Request> all;
    for (const Packet& packet : packets_to(to, mesh::Tag::unicast)) {
      all.insert(all.end(), packet.requests.begin(), packet.requests.end());
    }
    return all;
  }
  static std::vector<EventId> ids(const std::vector<Request>& requests) {
    std::vector<EventId> found;
    for (const Request& one : requests) {
      EXPECT_EQ(one.kind, kind::post);
      if (one.event_id) found.push_back(*one.event_id);
    }
    return found;
  }
  EventId unknown(std::uint8_t number) const {
    EventId id;
    id.data.fill(number);
    return id;
  }
  Event by(const Signer& who, std::uint16_t kind, Tags tags, const std::string& text = "") {
    return who.sign(kind, unix_seconds(ports->wall_now), std::move(tags), text);
  }
  // What it is asked for over `link`, and says to the peer.
  std::vector<Event> answer_to(const Request& request) {
    unicast(packet_of({}, {request}).view());
    std::vector<Event> events;
    for (const Packet& packet : packets_to(link, mesh::Tag::unicast)) {
      events.insert(events.end(), packet.events.begin(), packet.events.end());
    }
    return events;
  }
  SessionId session{1};
};

TEST_F(LookupTest, WhoIsNamedBesideAnIdIsAskedForIt) {
  begin();
  const Event lost = by(neighbour, kind::post, {}, "lost");
  Tags thread;
  thread.add({"e", lost.id.hex(), "", "root", neighbour.public_key().hex()});
  unicast({post("a reply to it", std::move(thread))});
  const Asked asked = req(lost.id);
  EXPECT_THAT(ids(asked.neighbour), ElementsAre(lost.id));  // who is said to have written it
  EXPECT_THAT(ids(asked.peer), ElementsAre(lost.id));       // and who answered it
  broadcast({lost});
  EXPECT_THAT(ids(req(lost.id).neighbour), IsEmpty());
}

TEST_F(LookupTest, WithoutAnyTraceThoseAreAskedWhomOneFollowsOrReads) {
  begin();
  EXPECT_THAT(req(unknown(1)).peer, IsEmpty());  // nobody is known
  unicast({post("hello")});
  EXPECT_THAT(ids(req(unknown(2)).peer), ElementsAre(unknown(2)));
  Tags list;
  list.add({"p", neighbour.public_key().hex()});
  node->publish(RequestId{1}, by(owner, kind::follow_list, std::move(list)));
  const Asked asked = req(unknown(3));
  EXPECT_THAT(ids(asked.peer), ElementsAre(unknown(3)));
  EXPECT_THAT(ids(asked.neighbour), ElementsAre(unknown(3)));
}

TEST_F(LookupTest, AnAuthorThatTheClientNamesIsAskedWithoutKindsToo) {
  begin();
  unicast({post("hello")});
  const auto filter = [&](const Signer& author) {
    return "{\"ids\":[\"" + unknown(1).hex() + "\"],\"authors\":[\"" + author.public_key().hex() + "\"]}";
  };
  const Asked asked = req(filter(neighbour));
  EXPECT_THAT(ids(asked.neighbour), ElementsAre(unknown(1)));
  EXPECT_THAT(asked.peer, IsEmpty());
  EXPECT_THAT(ids(req(filter(Signer::from_seed(3, 9))).peer), ElementsAre(unknown(1)));  // an author who is away
}

TEST_F(LookupTest, TheSameIsAskedForAgainWithGrowingPauses) {
  begin();
  unicast({post("hello")});
  std::size_t asked = 0;
  for (int second = 0; second < 3600; ++second) {
    asked += req(unknown(1)).peer.size();
    ports->now = ports->now + 1s;
  }
  EXPECT_EQ(asked, 7u);  // after 0, 5, 20, 65, 200, 605 and 1820 seconds
}

TEST_F(LookupTest, AFloodOfIdsHasABudget) {
  Limits limits;
  limits.guesses_burst = 5;
  limits.guesses_per_second = 2;
  begin(limits);
  unicast({post("hello")});
  std::string list;
  for (std::uint8_t i = 1; i < 100; ++i) list += (i > 1 ? ",\"" : "\"") + unknown(i).hex() + "\"";
  EXPECT_THAT(req("{\"ids\":[" + list + "]}").peer, SizeIs(5));
  ports->now = ports->now + 2s;
  EXPECT_THAT(req(unknown(200)).peer, SizeIs(1));
  EXPECT_LE(ports->sent.size(), 3u);
}

TEST_F(LookupTest, AnEncryptedMessageIsForThoseItNames) {
  begin();
  Tags to_neighbour;
  to_neighbour.add({"p", neighbour.public_key().hex()});
  const Event secret = by(owner, kind::message, std::move(to_neighbour), "not for the peer?iv=x");
  const Event open = by(owner, kind::post, {}, "for all");
  node->publish(RequestId{1}, secret);
  node->publish(RequestId{2}, open);
  ports->sent.clear();
  EXPECT_THAT(answer_to({1, kind::post, secret.id}), IsEmpty());
  EXPECT_THAT(answer_to({2, kind::post, open.id}), SizeIs(1));
}

// --- our own

class OwnEventsTest : public LookupTest {
 protected:
  void bind() {
    node->publish(RequestId{++published_}, sign_bind(1));
    ports->sent.clear();
  }
  Event sign_bind(std::uint64_t epoch) {
    Tags tags;
    tags.add({"node", ports->node_id.hex()});
    tags.add({"epoch", std::to_string(epoch)});
    tags.add({"expires", std::to_string(unix_seconds(ports->wall_now) + 86'400)});
    return by(owner, kind::bind, std::move(tags));
  }
  void followed_by_peer() { extension(encode_extension(Follow{peer.public_key(), 0}).view()); }
  std::uint64_t published_ = 0;
};

TEST_F(OwnEventsTest, AfterALostDiskFollowersAreAskedForWhatIsOurs) {
  begin();
  followed_by_peer();
  EXPECT_THAT(requests_to(link), IsEmpty());  // nobody has said that our user lives here
  bind();
  followed_by_peer();
  std::vector<std::uint16_t> kinds;
  for (const Request& request : requests_to(link)) {
    EXPECT_EQ(request.author, owner.public_key());
    kinds.push_back(request.kind);
  }
  EXPECT_THAT(kinds, UnorderedElementsAre(kind::profile, kind::follow_list, kind::relay_list));
  followed_by_peer();
  EXPECT_THAT(requests_to(link), IsEmpty());  // once

  // Whatever comes first, the newest stays and counts.
  const auto list = [&](std::int64_t age, const std::vector<PubKey>& users) {
    Tags tags;
    for (const PubKey& user : users) tags.add({"p", user.hex()});
    return owner.sign(kind::follow_list, unix_seconds(ports->wall_now) - age, std::move(tags), "");
  };
  unicast({list(100, {peer.public_key()})});
  EXPECT_EQ(node->status().follows, 1u);
  unicast({list(50, {peer.public_key(), neighbour.public_key()})});
  unicast({list(200, {Signer::from_seed(3, 9).public_key()})});
  EXPECT_EQ(node->status().follows, 2u);
}

TEST_F(OwnEventsTest, WhoLacksNothingAsksNobody) {
  begin();
  for (const std::uint16_t k : {kind::profile, kind::follow_list, kind::relay_list}) {
    node->publish(RequestId{++published_}, by(owner, k, {}));
  }
  bind();
  followed_by_peer();
  EXPECT_THAT(requests_to(link), IsEmpty());
}

TEST_F(OwnEventsTest, ACopyOfAnothersListIsGivenToWhoAsksForIt) {
  begin();
  const Event list = by(neighbour, kind::follow_list, {}, "kept here");
  broadcast({list});
  packets_to(link, mesh::Tag::unicast);
  EXPECT_THAT(answer_to({1, kind::follow_list}), IsEmpty());  // our own user has none
  const auto answer = answer_to({2, kind::follow_list, {}, neighbour.public_key()});
  ASSERT_THAT(answer, SizeIs(1));
  EXPECT_EQ(answer[0].id, list.id);
}

}  // namespace
}  // namespace np2p
