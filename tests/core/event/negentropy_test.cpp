// Set reconciliation: against conversations of another implementation (tests/vectors/negentropy), against itself on
// random sets, and against messages that are wrong.
#include "core/event/negentropy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <set>

#include "core/base/rng.h"
#include "core/event/sha256.h"

namespace np2p {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kRoomy = 10'000'000;

// As in tests/vectors/negentropy: item `i` of `count`, without every `left_out`th (0: with all).
std::vector<Stamp> vector_set(std::int64_t count, std::int64_t left_out) {
  std::vector<Stamp> set;
  for (std::int64_t i = 0; i < count; ++i) {
    if (left_out != 0 && i % left_out == 0) continue;
    const std::string text = "item " + std::to_string(i);
    set.push_back({1000 + (i * 7) % 50, *EventId::from(sha256(bytes_of(text)))});
  }
  return set;
}

ByteVec unhex(std::string_view text) {
  ByteVec bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

EventId id_of(std::uint8_t first, std::uint8_t last = 0) {
  EventId id;
  id.data[0] = first;
  id.data[31] = last;
  return id;
}

std::set<EventId> ids_of(const std::vector<Stamp>& set) {
  std::set<EventId> ids;
  for (const Stamp& stamp : set) ids.insert(stamp.id);
  return ids;
}

struct Outcome {
  std::vector<EventId> have;
  std::vector<EventId> need;
  std::size_t rounds = 0;
  std::size_t longest = 0;
};

Outcome talk(const std::vector<Stamp>& ours, const std::vector<Stamp>& theirs, std::size_t our_room,
             std::size_t their_room) {
  const Negentropy initiator(ours, our_room);
  const Negentropy responder(theirs, their_room);
  Outcome outcome;
  ByteVec message = initiator.initiate();
  for (bool done = false; !done; ++outcome.rounds) {
    EXPECT_LE(message.size(), our_room);
    const auto reply = responder.answer(message);
    if (!reply.ok()) throw std::runtime_error(reply.error().reason);
    EXPECT_LE(reply->size(), their_room);
    outcome.longest = std::max({outcome.longest, message.size(), reply->size()});
    auto step = initiator.take(*reply);
    if (!step.ok()) throw std::runtime_error(step.error().reason);
    outcome.have.insert(outcome.have.end(), step->have.begin(), step->have.end());
    outcome.need.insert(outcome.need.end(), step->need.begin(), step->need.end());
    message = std::move(step->message);
    done = step->done;
    if (outcome.rounds > 10'000) throw std::runtime_error("it does not come to an end");
  }
  return outcome;
}

void expect_difference(const Outcome& outcome, const std::vector<Stamp>& ours, const std::vector<Stamp>& theirs) {
  const auto a = ids_of(ours);
  const auto b = ids_of(theirs);
  std::vector<EventId> have;
  std::vector<EventId> need;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(have));
  std::set_difference(b.begin(), b.end(), a.begin(), a.end(), std::back_inserter(need));
  auto sorted = [](std::vector<EventId> ids) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
  };
  EXPECT_TRUE(sorted(outcome.have) == have) << outcome.have.size() << " instead of " << have.size();
  EXPECT_TRUE(sorted(outcome.need) == need) << outcome.need.size() << " instead of " << need.size();
}

TEST(Negentropy, TalksAsAnotherImplementationDoes) {
  simdjson::dom::parser parser;
  for (const auto& conversation : parser.load(NP2P_VECTORS "/negentropy/conversations.json").get_array()) {
    const std::int64_t count = conversation["n"].get_int64();
    SCOPED_TRACE(count);
    const Negentropy ours(vector_set(count, conversation["a"].get_int64()), kRoomy);
    const Negentropy theirs(vector_set(count, conversation["b"].get_int64()), kRoomy);
    std::vector<ByteVec> messages;
    for (std::string_view message : conversation["messages"].get_array()) messages.push_back(unhex(message));
    EXPECT_EQ(ours.initiate(), messages[0]);
    std::size_t have = 0;
    std::size_t need = 0;
    // Bounds may be written in more than one way, so what we say need not be the same bytes: it means the same, as the
    // other side's replies to their own messages show.
    for (std::size_t i = 1; i < messages.size(); i += 2) {
      const auto step = ours.take(messages[i]);
      ASSERT_TRUE(step.ok()) << step.error().reason;
      have += step->have.size();
      need += step->need.size();
      EXPECT_EQ(step->done, i + 1 == messages.size());
      const auto reply = theirs.answer(messages[i - 1]);
      ASSERT_TRUE(reply.ok()) << reply.error().reason;
      const auto same = ours.take(*reply);
      ASSERT_TRUE(same.ok());
      EXPECT_EQ(same->have, step->have);
      EXPECT_EQ(same->need, step->need);
    }
    EXPECT_EQ(have, static_cast<std::size_t>(conversation["have"].get_int64().value()));
    EXPECT_EQ(need, static_cast<std::size_t>(conversation["need"].get_int64().value()));
  }
}

TEST(Negentropy, FindsTheDifferenceOfRandomSets) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed, "negentropy");
    std::vector<Stamp> ours;
    std::vector<Stamp> theirs;
    const std::uint64_t count = rng.below(seed % 6 == 0 ? 8000 : 600);
    const std::uint64_t times = 1 + rng.below(200);
    const std::uint64_t differ = 1 + rng.below(seed % 3 == 0 ? 4 : 200);
    for (std::uint64_t i = 0; i < count; ++i) {
      Stamp stamp{static_cast<std::int64_t>(rng.below(times)), {}};
      // Ids with common beginnings, so that bounds need many bytes.
      const std::size_t random_from = rng.below(3) == 0 ? 28 : 0;
      for (std::size_t byte = random_from; byte < 32; ++byte)
        stamp.id.data[byte] = static_cast<std::uint8_t>(rng.next());
      const std::uint64_t fate = rng.below(differ);
      if (fate != 0) ours.push_back(stamp);
      if (fate != 1) theirs.push_back(stamp);
    }
    expect_difference(talk(ours, theirs, kRoomy, kRoomy), ours, theirs);
    expect_difference(talk(ours, theirs, 4096, 4096), ours, theirs);
    expect_difference(talk(ours, theirs, kRoomy, 4096), ours, theirs);
    expect_difference(talk(ours, theirs, 4096, kRoomy), ours, theirs);
  }
}

TEST(Negentropy, CostsAsMuchAsTheDifference) {
  const auto all = vector_set(20'000, 0);
  const auto few = vector_set(20'000, 2'000);
  EXPECT_LE(talk(all, all, kRoomy, kRoomy).rounds, 1u);
  EXPECT_LT(talk(all, all, kRoomy, kRoomy).longest, 500u);
  EXPECT_LE(talk(all, few, kRoomy, kRoomy).rounds, 3u);
  EXPECT_LT(talk(all, few, kRoomy, kRoomy).longest, 10'000u);
}

TEST(Negentropy, MessagesByHand) {
  EXPECT_EQ(Negentropy({}, 0).initiate(), unhex("6100000200"));
  const Negentropy one({{5, id_of(0xAA)}}, 0);
  EXPECT_EQ(to_hex(one.initiate()), "6100000201aa" + std::string(62, '0'));
  // Nothing there: everything is needed.
  EXPECT_EQ(to_hex(*Negentropy({}, 0).answer(one.initiate())), "6100000200");
  const auto step = one.take(unhex("6100000200"));
  ASSERT_TRUE(step.ok());
  EXPECT_THAT(step->have, ElementsAre(id_of(0xAA)));
  EXPECT_THAT(step->need, IsEmpty());
  EXPECT_TRUE(step->done);
  // All is told to be the same: nothing more to say.
  EXPECT_EQ(*one.answer(unhex("61000000")), unhex("61"));
  EXPECT_EQ(*one.answer(unhex("61")), unhex("61"));
  // A range up to time 5, which has nothing, and the rest.
  EXPECT_EQ(to_hex(*one.answer(unhex("6106000200"
                                     "00000200"))),
            "6106000200"
            "00000201aa" +
                std::string(62, '0'));
}

TEST(Negentropy, DuplicatesCountOnceAndTheOrderIsOurs) {
  const Negentropy ours({{9, id_of(1)}, {5, id_of(2)}, {9, id_of(1)}}, 0);
  EXPECT_EQ(ours.size(), 2u);
  EXPECT_EQ(ours.initiate(), Negentropy({{5, id_of(2)}, {9, id_of(1)}}, 0).initiate());
}

TEST(Negentropy, SpeaksOfItsVersionAndOfNoOther) {
  const Negentropy ours({{5, id_of(1)}}, 0);
  EXPECT_EQ(*ours.answer(unhex("60000000")), unhex("61"));
  EXPECT_EQ(*ours.answer(unhex("62ffff")), unhex("61"));
  EXPECT_EQ(ours.take(unhex("60")).error().code, ErrorCode::wrong_version);
}

TEST(Negentropy, RefusesWhatIsWrong) {
  const Negentropy ours(vector_set(100, 0), 0);
  const std::string id(64, '1');
  for (const std::string& wrong :
       {std::string(), std::string("00"), std::string("7100"), std::string("6100"), std::string("610000"),
        std::string("61000003"),      // of an unknown kind
        std::string("61000001ffff"),  // half a fingerprint
        "61000002"
        "02" +
            id,                                       // one id of two
        std::string("61000002ffffffffffffffff7f"),    // more ids than there are bytes
        std::string("6100210000"),                    // a bound of 33 bytes
        std::string("61ffffffffffffffffffff7f0000"),  // a number of more than 64 bits
        std::string("618180808080808080808080"),      // a number without an end
        "610520" + id +
            "00"
            "0101"
            "00"
            "00"}) {  // a bound below the one before
    const auto answer = ours.answer(unhex(wrong));
    ASSERT_FALSE(answer.ok()) << wrong;
    EXPECT_EQ(answer.error().code, ErrorCode::malformed);
    EXPECT_FALSE(ours.take(unhex(wrong)).ok()) << wrong;
  }
}

TEST(Negentropy, RandomBytesAreAnsweredOrRefused) {
  const Negentropy ours(vector_set(1000, 0), 0);
  Rng rng(7, "negentropy bytes");
  const ByteVec good = Negentropy(vector_set(1000, 3), 0).initiate();
  for (int i = 0; i < 3000; ++i) {
    ByteVec bytes = good;
    for (std::uint64_t left = 1 + rng.below(4); left > 0; --left) {
      bytes[1 + rng.below(bytes.size() - 1)] = static_cast<std::uint8_t>(rng.next());
    }
    bytes.resize(1 + rng.below(bytes.size()));
    if (const auto answer = ours.answer(bytes); answer.ok()) {
      EXPECT_LE(answer->size(), Negentropy::kLeastMessage);
    }
    static_cast<void>(ours.take(bytes));
  }
}

}  // namespace
}  // namespace np2p
