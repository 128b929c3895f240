// The table of how each kind travels, a row for each of its cells: kind and tags, and where that goes in either mode.
#include "core/feed/routes.h"

#include <gmock/gmock.h>

#include "core/crypto/signer.h"
#include "core/event/validation.h"
#include "core/store/memory_store.h"

namespace np2p {
namespace {

using TagList = std::vector<std::vector<std::string>>;
using Users = std::set<PubKey>;

constexpr Audience kNobody = Audience::nobody;
constexpr Audience kFollowers = Audience::followers;
constexpr Audience kEverybody = Audience::everybody;

class RoutesTest : public ::testing::Test {
 protected:
  RoutesTest() { config.owner = owner.public_key(); }

  Event sign(const Signer& author, std::uint16_t kind, const TagList& tags, const std::string& text = "") {
    Tags all;
    for (const auto& tag : tags) {
      all.begin_tag();
      for (const auto& value : tag) all.add_value(value);
    }
    return author.sign(kind, ++now, all, text);
  }
  Event put(const Signer& author, std::uint16_t kind, const TagList& tags = {}, const std::string& text = "") {
    const Event event = sign(author, kind, tags, text);
    EXPECT_EQ(store.put(*ValidationGate::trusted(event)), PutOutcome::stored);
    return event;
  }
  Route route(std::uint16_t kind, const TagList& tags, FeedMode mode, Replies replies = Replies::everybody) {
    config.mode = mode;
    config.replies = replies;
    return route_of(sign(owner, kind, tags), config, mode, store);
  }
  static std::vector<std::string> tag(const std::string& name, const std::string& value) { return {name, value}; }
  static std::vector<std::string> p(const Signer& user) { return {"p", user.public_key().hex()}; }
  static std::vector<std::string> e(const Event& event) { return {"e", event.id.hex()}; }

  Config config;
  Signer owner = Signer::from_seed(5, 1);
  Signer bob = Signer::from_seed(5, 2);
  Signer carol = Signer::from_seed(5, 3);
  Signer dave = Signer::from_seed(5, 4);
  MemoryStore store{Limits{}};
  std::int64_t now = 1'750'000'000;
  const std::string unknown = std::string(64, '7');  // the id of an event that is not here
};

TEST_F(RoutesTest, EachKindGoesWhereTheTableSays) {
  const Event of_bob = put(bob, kind::post, {}, "of bob");
  const std::string bob_key = bob.public_key().hex();
  const Users none;
  const Users named_bob{bob.public_key()};
  const Users named_both{bob.public_key(), carol.public_key()};
  const struct Row {
    const char* what;
    std::uint16_t kind;
    TagList tags;
    Audience broadcast;
    Audience multicast;
    Users named;
    bool stored = true;
  } rows[] = {
      {"plain post", 1, {}, kEverybody, kFollowers, none},
      {"post with a subject", 1, {{"t", "cats"}}, kEverybody, kFollowers, none},
      {"post in a thread that names nobody", 1, {{"e", unknown, "", "root"}}, kEverybody, kFollowers, none},
      {"quote of what we hold", 1, {tag("q", of_bob.id.hex())}, kEverybody, kFollowers, named_bob},
      {"quote of what only its tag knows", 1, {{"q", unknown, "", bob_key}}, kEverybody, kFollowers, named_bob},
      {"quote of nobody knows whom", 1, {{"q", unknown}}, kEverybody, kFollowers, none},
      {"quote of an address", 1, {{"q", "30023:" + bob_key + ":d"}}, kEverybody, kFollowers, named_bob},
      {"quote that names another", 1, {{"q", unknown, "", bob_key}, p(carol)}, kEverybody, kFollowers, named_both},
      {"repost of what we hold", 6, {e(of_bob)}, kEverybody, kFollowers, named_bob},
      {"repost that names the author", 6, {{"e", unknown}, p(bob)}, kEverybody, kFollowers, named_bob},
      {"profile", 0, {}, kEverybody, kFollowers, none},
      {"profile with people in it", 0, {p(bob)}, kEverybody, kFollowers, none},
      {"BIND", 10848, {}, kEverybody, kFollowers, none},
      {"mention", 1, {p(bob)}, kEverybody, kFollowers, named_bob},
      {"mention of two", 1, {p(bob), p(carol), p(bob)}, kEverybody, kFollowers, named_both},
      {"reply", 1, {{"e", of_bob.id.hex(), "", "root", bob_key}, p(bob)}, kEverybody, kFollowers, named_bob},
      {"mention of oneself", 1, {p(owner)}, kEverybody, kFollowers, none},
      {"reaction", 7, {e(of_bob), p(bob)}, kNobody, kNobody, named_bob},
      {"reaction that names nobody", 7, {e(of_bob)}, kNobody, kNobody, named_bob},
      {"reaction in a thread", 7, {{"e", unknown}, p(carol), e(of_bob), p(bob)}, kNobody, kNobody, named_both},
      {"reaction to what is not here", 7, {{"e", unknown}}, kNobody, kNobody, none},
      {"follow list", 3, {p(bob), p(carol)}, kNobody, kNobody, none},
      {"relay list", 10002, {}, kFollowers, kFollowers, none},
      {"article", 30023, {{"d", "x"}, p(bob)}, kFollowers, kFollowers, none},
      {"article that names somebody", 30023, {{"d", "x"}, p(bob)}, kFollowers, kFollowers, none},
      {"direct message", 4, {p(bob)}, kNobody, kNobody, named_bob},
      {"comment", 1111, {{"e", unknown}, p(bob)}, kFollowers, kFollowers, named_bob},
      {"zap receipt", 9735, {p(bob), {"P", carol.public_key().hex()}}, kFollowers, kFollowers, named_bob},
      {"generic repost", 16, {{"e", unknown}, p(carol)}, kFollowers, kFollowers, Users{carol.public_key()}},
      {"generic repost of what we hold", 16, {e(of_bob)}, kFollowers, kFollowers, named_bob},
      {"unheard of", 39999, {}, kFollowers, kFollowers, none},
      {"first ephemeral", 20000, {}, kFollowers, kFollowers, none, false},
      {"last ephemeral", 29999, {p(bob)}, kFollowers, kFollowers, none, false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(route(row.kind, row.tags, FeedMode::broadcast), (Route{row.broadcast, row.named, row.stored}))
        << row.what << ", broadcast";
    EXPECT_EQ(route(row.kind, row.tags, FeedMode::multicast), (Route{row.multicast, row.named, row.stored}))
        << row.what << ", multicast";
  }
}

TEST_F(RoutesTest, RepliesMayGoToNobodyElse) {
  const Users named{bob.public_key()};
  for (const FeedMode mode : {FeedMode::broadcast, FeedMode::multicast}) {
    EXPECT_EQ(route(1, {p(bob)}, mode, Replies::tagged), (Route{kNobody, named, true}));
    EXPECT_EQ(route(1, {p(owner)}, mode, Replies::tagged), (Route{kNobody, {}, true}));
  }
  EXPECT_EQ(route(1, {{"q", unknown}, p(bob)}, FeedMode::broadcast, Replies::tagged), (Route{kEverybody, named, true}));
  EXPECT_EQ(route(1, {}, FeedMode::broadcast, Replies::tagged), (Route{kEverybody, {}, true}));
  EXPECT_EQ(route(6, {{"e", unknown}, p(bob)}, FeedMode::broadcast, Replies::tagged), (Route{kEverybody, named, true}));
}

TEST_F(RoutesTest, ADeletionGoesWhereAllThatItDeletesWent) {
  const Event of_bob = put(bob, kind::post, {}, "of bob");
  const Event post = put(owner, kind::post, {}, "plain");
  const Event mention = put(owner, kind::post, {p(carol)}, "mention");
  const Event message = put(owner, kind::message, {p(carol)}, "?iv=");
  const Event quote = put(owner, kind::post, {tag("q", of_bob.id.hex())}, "quote");
  const Event reaction = put(owner, kind::reaction, {e(of_bob)}, "+");
  const Event list = put(owner, kind::follow_list, {p(dave)});
  const Event article = put(owner, 30023, {{"d", "x"}}, "article");
  const Event older = put(owner, kind::deletion, {{"e", unknown}});
  const std::string article_address = "30023:" + owner.public_key().hex() + ":x";
  const std::string other_address = "30023:" + owner.public_key().hex() + ":y";
  const std::string profile_address = "0:" + owner.public_key().hex() + ":";
  const std::string of_bob_address = "30023:" + bob.public_key().hex() + ":x";
  const Users none;
  const Users named_bob{bob.public_key()};
  const Users named_carol{carol.public_key()};
  const Users named_both{bob.public_key(), carol.public_key()};
  const struct Row {
    const char* what;
    TagList tags;
    Audience broadcast;
    Audience multicast;
    Users named;
  } rows[] = {
      {"of a post", {e(post)}, kEverybody, kFollowers, none},
      {"of a post, said to be a reaction", {e(post), {"k", "7"}}, kEverybody, kFollowers, none},
      {"of a mention", {e(mention)}, kEverybody, kFollowers, named_carol},
      {"of a direct message", {e(message)}, kNobody, kNobody, named_carol},
      {"of a quote", {e(quote)}, kEverybody, kFollowers, named_bob},
      {"of a reaction", {e(reaction)}, kNobody, kNobody, named_bob},
      {"of a follow list", {e(list)}, kNobody, kNobody, none},
      {"of an article", {e(article)}, kFollowers, kFollowers, none},
      {"of an article by its address", {tag("a", article_address)}, kFollowers, kFollowers, none},
      {"of an address that is not here", {tag("a", other_address)}, kFollowers, kFollowers, none},
      {"of a profile that is not here", {tag("a", profile_address)}, kEverybody, kFollowers, none},
      {"of a reaction and an article", {e(reaction), e(article)}, kFollowers, kFollowers, named_bob},
      {"of a reaction and a mention", {e(reaction), e(mention)}, kEverybody, kFollowers, named_both},
      {"of what is not here", {{"e", unknown}}, kEverybody, kFollowers, none},
      {"of a reaction that is not here", {{"e", unknown}, {"k", "7"}, p(bob)}, kNobody, kNobody, named_bob},
      {"of an article that is not here", {{"e", unknown}, {"k", "30023"}}, kFollowers, kFollowers, none},
      {"of two kinds that are not here", {{"e", unknown}, {"k", "7"}, {"k", "1"}}, kEverybody, kFollowers, none},
      {"of what is another's", {e(of_bob)}, kNobody, kNobody, none},
      {"of another's address", {tag("a", of_bob_address)}, kNobody, kNobody, none},
      {"of a deletion", {e(older)}, kNobody, kNobody, none},
      {"of nothing", {}, kNobody, kNobody, none},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(route(5, row.tags, FeedMode::broadcast), (Route{row.broadcast, row.named, true})) << row.what;
    EXPECT_EQ(route(5, row.tags, FeedMode::multicast), (Route{row.multicast, row.named, true})) << row.what;
  }
  EXPECT_EQ(route(5, {e(mention)}, FeedMode::broadcast, Replies::tagged), (Route{kNobody, named_carol, true}));
}

TEST_F(RoutesTest, WhoWaitsForOurAnswer) {
  const Event ours = put(owner, kind::post, {}, "ours");
  const Event gone = sign(owner, kind::post, {}, "gone");
  put(owner, kind::deletion, {e(gone)});
  const auto waits = [&](std::uint16_t k, const TagList& tags) {
    return waits_for_us(sign(bob, k, tags), owner.public_key(), store);
  };
  EXPECT_TRUE(waits(1, {p(owner)}));
  EXPECT_TRUE(waits(1, {tag("q", ours.id.hex())}));
  EXPECT_TRUE(waits(1, {tag("q", gone.id.hex())}));  // we deleted it; who quotes it still waits
  EXPECT_TRUE(waits(1, {{"q", unknown, "", owner.public_key().hex()}}));
  EXPECT_TRUE(waits(6, {e(ours)}));
  EXPECT_TRUE(waits(7, {e(ours)}));
  EXPECT_TRUE(waits(16, {e(ours)}));
  EXPECT_TRUE(waits(1111, {p(owner)}));
  EXPECT_TRUE(waits(5, {{"e", unknown}}));
  EXPECT_FALSE(waits(1, {}));
  EXPECT_FALSE(waits(1, {p(carol)}));
  EXPECT_FALSE(waits(1, {{"q", unknown}}));
  EXPECT_FALSE(waits(7, {{"e", unknown}, p(carol)}));
  EXPECT_FALSE(waits(30023, {}));
}

}  // namespace
}  // namespace np2p
