#include "realnet/late_names.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace np2p::real
