// NIP-98's server nonces: for how long, how often, how many; and what each address may cost. The way over HTTP is
// tested in tests/client.
#include "core/api/access.h"

#include "core/api/client_limits.h"
#include "core/base/address_budgets.h"
#include "core/event/sha256.h"
#include "tests/core/api/client_fixture.h"

namespace np2p {
namespace {

class Nonces : public test::ClientFixture {
 protected:
  Result<PubKey> prove(const std::string& nonce) {
    const RequestClaim claim{"relay.example:8080/req?nonce=" + nonce, "POST", "{}"};
    Tags tags;
    tags.add({"u", "http://" + claim.url});
    tags.add({"method", claim.method});
    tags.add({"payload", to_hex(sha256(bytes_of(claim.body)))});
    return node->access().prove(owner.sign(27235, now(), std::move(tags), ""), claim, {});
  }
  void wait(Duration duration) {
    ports->now.ns += duration.count();
    ports->wall_now.ns += duration.count();
  }
};

TEST_F(Nonces, WorkOnceAndForTheirTime) {
  const Duration life = Limits{}.client.nonce_life;
  const std::string one = node->access().nonce();
  const std::string another = node->access().nonce();
  wait(life - 1s);
  EXPECT_EQ(prove(one).ok() ? *prove(another) : PubKey{}, owner.public_key());
  EXPECT_FALSE(prove(one).ok()) << "used";
  const std::string old = node->access().nonce();
  wait(life);
  EXPECT_FALSE(prove(old).ok()) << "too old";
  EXPECT_TRUE(prove(node->access().nonce()).ok());
}

TEST_F(Nonces, AreSoManyAndTheOldestMakesRoom) {
  Config config;
  config.limits.client.nonces = 2;
  start(config);
  const std::string first = node->access().nonce();
  const std::string second = node->access().nonce();
  const std::string third = node->access().nonce();
  EXPECT_FALSE(prove(first).ok());
  EXPECT_TRUE(prove(second).ok());
  EXPECT_TRUE(prove(third).ok());
}

Address address(const char* text) {
  return *Address::parse(text);
}

TEST(AddressBudgets, AreOfAnIPv4AddressOrOfACustomersNetwork) {
  AddressBudgets budgets(0, 1, 8);
  EXPECT_TRUE(budgets.take(address("[2001:db8::1]:1"), {}));
  EXPECT_FALSE(budgets.take(address("[2001:db8::ffff:2]:9"), {})) << "the same /64";
  EXPECT_TRUE(budgets.take(address("[2001:db8:0:1::1]:1"), {}));
  EXPECT_TRUE(budgets.take(address("192.0.2.1:1"), {}));
  EXPECT_FALSE(budgets.take(address("192.0.2.1:2"), {}));
  EXPECT_TRUE(budgets.take(address("192.0.2.2:1"), {}));
}

TEST(AddressBudgets, SoManyAreRememberedAndTheOneUsedLongestAgoMakesRoom) {
  AddressBudgets budgets(0, 1, 2);
  EXPECT_TRUE(budgets.take(address("192.0.2.1:1"), {}));
  EXPECT_TRUE(budgets.take(address("192.0.2.2:1"), {}));
  EXPECT_FALSE(budgets.take(address("192.0.2.1:1"), {}));
  EXPECT_TRUE(budgets.take(address("192.0.2.3:1"), {}));
  EXPECT_FALSE(budgets.take(address("192.0.2.1:1"), {}));
  EXPECT_TRUE(budgets.take(address("192.0.2.2:1"), {})) << "forgotten";
}

class Strangers : public test::ClientFixture {
 protected:
  Event delivery() { return stranger.sign(kind::reaction, now(), tag({"p", owner.public_key().hex()}), made()); }
  Event forged() {
    Event event = delivery();
    event.sig.data[0] ^= 1;
    return event;
  }
  std::string deliver(const char* from, const Event& event) {
    const std::string answer = publish(connect(false, address(from)), event).back();
    const std::string reason = answer.substr(0, answer.size() - 2);
    return reason.substr(reason.rfind('"') + 1);
  }

 private:
  std::string made() { return std::to_string(++made_); }
  int made_ = 0;
};

constexpr const char* kTooMany = "rate-limited: too many deliveries lately; try again in a minute";

TEST_F(Strangers, AreLimitedByTheirNetworkAndNotByTheAddressTheyChooseInIt) {
  Config config;
  config.limits.client.deliveries_burst = 1;
  start(config);
  EXPECT_EQ(deliver("[2001:db8::1]:1", delivery()), "");
  EXPECT_EQ(deliver("[2001:db8::2]:1", delivery()), kTooMany);
  EXPECT_EQ(deliver("[2001:db8:0:1::1]:1", delivery()), "");
}

TEST_F(Strangers, EmptyTheBudgetOfAllWithNothingThatIsForgedOrKnown) {
  Config config;
  config.limits.client.all_deliveries_burst = 2;
  start(config);
  for (const char* from : {"192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "192.0.2.4:1"}) {
    EXPECT_EQ(deliver(from, forged()).substr(0, 8), "invalid:");
  }
  const Event known = delivery();
  EXPECT_EQ(deliver("192.0.2.5:1", known), "");
  for (const char* from : {"192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "192.0.2.4:1"}) {
    EXPECT_EQ(deliver(from, known), "duplicate: it is here already");
  }
  EXPECT_EQ(deliver("192.0.2.6:1", delivery()), "");
  EXPECT_EQ(deliver("192.0.2.7:1", delivery()), kTooMany);
}

TEST_F(Strangers, WhoForgeAreNotVerifiedAnyMore) {
  Config config;
  config.limits.client.deliveries_burst = 10 * kForgeries;
  config.limits.client.messages_burst = 10 * kForgeries;
  start(config);
  for (std::uint32_t i = 0; i <= kForgeries; ++i) {
    EXPECT_EQ(deliver("192.0.2.1:1", forged()).substr(0, 8), "invalid:") << i;
  }
  const std::string no = "rate-limited: too many forged events from this address; try again later";
  EXPECT_EQ(deliver("192.0.2.1:1", delivery()), no);
  EXPECT_EQ(ports->rejections["publish rate_limited"], 1);
  EXPECT_EQ(deliver("192.0.2.2:1", delivery()), "") << "others are not held to it";
  store(note("nor is the owner on this machine"));
  ports->now.ns += Duration(1s).count();
  EXPECT_EQ(deliver("192.0.2.1:1", delivery()), "") << "a while later";
}

TEST_F(Strangers, ReadAnOpenRelayOnceTheyHaveProvenAKeyAndNotItsState) {
  Config config;
  config.open_writes = true;
  start(config);
  Visitor visitor{{address("192.0.2.1:1"), false, ""}, {}};
  const Access& access = node->access();
  EXPECT_EQ(access.may_read(visitor).error().code, ErrorCode::unauthenticated);
  visitor.keys.push_back(stranger.public_key());
  EXPECT_TRUE(access.may_read(visitor).ok());
  EXPECT_EQ(access.may_see_state(visitor).error().code, ErrorCode::forbidden);
  EXPECT_FALSE(access.is_insider(visitor));
  start({});
  EXPECT_EQ(node->access().may_read(visitor).error().code, ErrorCode::forbidden) << "of a relay that is not open";
}

}  // namespace
}  // namespace np2p
