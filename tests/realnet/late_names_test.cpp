#include "realnet/late_names.h"

#include <gtest/gtest.h>

#include "tests/realnet/test_server.h"

namespace np2p::real {
namespace {

TEST(LateNames, AreAskedForUntilOneResolves) {
  asio::io_context io;
  int found = 0;
  // "invalid" never resolves (RFC 6761); localhost always does.
  LateNames names(io, {"nobody.invalid", "localhost"}, 5ms, [&] { ++found; });
  io.run_for(30s);  // ends as soon as there is nothing left to wait for
  EXPECT_EQ(found, 1);
}

TEST(LateNames, MayEndWhileTheyAreAskedFor) {
  asio::io_context io;
  {
    LateNames names(io, {"nobody.invalid"}, 0ms, [] { FAIL(); });
    io.run_one();
  }
  io.run_for(5s);
}

TEST(LateNames, EndTheRunOfAServerThatCanStartAgainWithThem) {
  test::TempDir dir;
  auto options = test::loopback_options(Signer::from_seed(4, 1).public_key(), dir.path() + "/data");
  options.late_names = {"nobody.invalid", "localhost"};
  options.names_every = 20ms;
  const auto server = Server::create(options);
  ASSERT_TRUE(server.ok()) << server.error().reason;
  EXPECT_FALSE((*server)->knows_more());
  (*server)->run();
  EXPECT_TRUE((*server)->knows_more());
}

}  // namespace
}  // namespace np2p::real
