// NIP-98's server nonces: for how long, how often, how many. Their way over HTTP is tested in tests/client.
#include "core/api/access.h"

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
    return node->access().prove(owner.sign(27235, now(), std::move(tags), ""), claim);
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

}  // namespace
}  // namespace np2p
