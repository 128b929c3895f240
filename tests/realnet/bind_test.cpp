// nostrp2p bind: a user's key says which server is theirs. And what a server tells its owner about it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/event/json.h"
#include "core/event/nip19.h"
#include "core/event/validation.h"
#include "core/wire/packet.h"
#include "realnet/bind_watch.h"
#include "realnet/cli/commands.h"
#include "realnet/cli/http_call.h"
#include "tests/realnet/test_server.h"

namespace np2p::real {
namespace {

using test::HttpClient;
using test::loopback_options;
using test::RunningServer;
using test::TempDir;

struct BindCommandTest : ::testing::Test {
  TempDir dir;
  Signer owner = Signer::from_seed(5, 1);
  RunningServer server{loopback_options(owner.public_key(), dir.path() + "/data")};
  BindFlags flags;

  void SetUp() override {
    flags.key_file = key_file(owner);
    flags.server = "http://127.0.0.1:" + std::to_string(server.api_port());
  }
  std::string key_file(const Signer& key, bool hex = false) {
    const std::string path = dir.path() + "/key" + std::to_string(++files_);
    std::ofstream(path) << (hex ? key.secret().hex() : nsec(key.secret())) << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return path;
  }
  // What the server's store has; nothing: no BIND.
  std::optional<Bind> held() {
    HttpClient client(server.api_port());
    const auto reply = client.request("POST", "/req", R"({"kinds":[10848]})");
    EXPECT_EQ(reply.status, 200);
    const auto events = decode_answer(bytes_of(reply.body), Limits{});
    EXPECT_TRUE(events.ok());
    EXPECT_LE(events->size(), 1u);
    if (events->empty()) return std::nullopt;
    return *decode_bind(events->front());
  }
  int run(std::string* said = nullptr) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = run_bind(flags);
    std::fflush(stdout);
    const std::string out = without_log(testing::internal::GetCapturedStdout());
    const std::string err = without_log(testing::internal::GetCapturedStderr());
    EXPECT_EQ(status == 0, err.empty()) << err;
    if (status == 0) {
      EXPECT_FALSE(out.empty());
    } else {
      EXPECT_EQ(std::count(err.begin(), err.end(), '\n'), 1) << err;
    }
    if (said != nullptr) *said = status == 0 ? out : err;
    return status;
  }

 private:
  // The server runs in this process and may log meanwhile: lines that begin with a time.
  static std::string without_log(const std::string& err) {
    std::istringstream lines(err);
    std::string left;
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("[20")) left += line + "\n";
    }
    return left;
  }
  int files_ = 0;
};

TEST_F(BindCommandTest, BindsTheServerThatItAsksAndCountsEpochs) {
  EXPECT_FALSE(held());
  ASSERT_EQ(run(), 0);
  ASSERT_TRUE(held());
  EXPECT_EQ(held()->user, owner.public_key());
  EXPECT_EQ(held()->node, server->node_id());
  EXPECT_EQ(held()->epoch, 1u);
  EXPECT_EQ(held()->expires - held()->created_at, 90 * 86'400);
  flags.days = 30;
  flags.key_file = key_file(owner, true);
  ASSERT_EQ(run(), 0);
  EXPECT_EQ(held()->epoch, 2u);
  EXPECT_EQ(held()->expires - held()->created_at, 30 * 86'400);
  flags.revoke = true;
  ASSERT_EQ(run(), 0);
  EXPECT_EQ(held()->epoch, 3u);
  EXPECT_EQ(held()->node, std::nullopt);
}

TEST_F(BindCommandTest, WarnsOfAKeyFileThatOthersMayRead) {
  std::filesystem::permissions(flags.key_file, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_bind(flags), 0);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("others on this machine may read"));
}

TEST_F(BindCommandTest, PrintsInsteadOfPublishing) {
  flags.server = "127.0.0.1:1";  // nobody is asked
  flags.node = std::string(64, 'a');
  flags.epoch = 12;
  flags.print = true;
  std::string said;
  ASSERT_EQ(run(&said), 0);
  const auto event = parse_event_json(said, Limits{});
  ASSERT_TRUE(event.ok()) << said;
  const auto bind = decode_bind(*event);
  ASSERT_TRUE(bind.ok());
  EXPECT_EQ(bind->node->hex(), *flags.node);
  EXPECT_EQ(bind->epoch, 12u);
  EXPECT_FALSE(held());
  HttpClient client(server.api_port());
  EXPECT_EQ(client.request("POST", "/publish", said).status, 200);
  EXPECT_EQ(held()->epoch, 12u);
}

TEST_F(BindCommandTest, MistakesAreOneSentence) {
  const auto fails = [&](int status, const std::string& with, auto change) {
    const BindFlags good = flags;
    change(flags);
    std::string said;
    EXPECT_EQ(run(&said), status) << said;
    EXPECT_NE(said.find(with), std::string::npos) << said;
    flags = good;
  };
  fails(kExitMistake, "--node", [](BindFlags& f) { f.node = "abc"; });
  fails(kExitMistake, "--revoke", [](BindFlags& f) { f.revoke = true, f.node = std::string(64, 'a'); });
  fails(kExitMistake, "--epoch", [](BindFlags& f) { f.epoch = 0; });
  fails(kExitMistake, "--days", [](BindFlags& f) { f.days = 0; });
  fails(kExitMistake, "--days", [](BindFlags& f) { f.days = 400; });
  fails(kExitFailure, "is it running?", [](BindFlags& f) { f.server = "https://localhost:1"; });
  fails(kExitMistake, "host:port", [](BindFlags& f) { f.server = "localhost"; });
  fails(kExitFailure, "does not answer", [](BindFlags& f) { f.server = "127.0.0.1:1"; });
  fails(kExitFailure, "cannot be read", [](BindFlags& f) { f.key_file = "/does/not/exist"; });
  const std::string noise = dir.path() + "/noise";
  std::ofstream(noise) << "npub1nonsense\n";
  fails(kExitFailure, "no secret key", [&](BindFlags& f) { f.key_file = noise; });
  const std::string other = key_file(Signer::from_seed(5, 2));
  fails(kExitFailure, "belongs to npub1", [&](BindFlags& f) { f.key_file = other; });
  EXPECT_FALSE(held());
  flags.epoch = 9;
  ASSERT_EQ(run(), 0);
  fails(kExitFailure, "higher epoch 9", [](BindFlags& f) { f.epoch = 8; });
  fails(kExitFailure, "another node", [](BindFlags& f) { f.node = std::string(64, 'a'); });
  EXPECT_EQ(held()->epoch, 9u);
}

TEST_F(BindCommandTest, TheStatusSaysWhomTheKeyIsBoundTo) {
  HttpClient client(server.api_port());
  const auto reply = client.request("GET", "/status", "");
  EXPECT_NE(reply.body.find(R"("identity":{"state":"claimed","epoch":0,"expires":0})"), std::string::npos)
      << reply.body;
}

TEST(BindWatch, WarnsOfTheEndAndOfOtherNodes) {
  NodeId self;
  self.data.fill(7);
  Bind bind;
  bind.node = self;
  bind.expires = 100 * 86'400;
  const auto warning = [&](std::int64_t day) { return bind_warning(bind, self, day * 86'400); };
  EXPECT_EQ(warning(0), "");
  EXPECT_EQ(warning(70), "");
  EXPECT_NE(warning(71).find("ends in 29 days"), std::string::npos);
  EXPECT_NE(warning(99).find("ends in 1 days"), std::string::npos);
  EXPECT_NE(warning(100).find("has expired"), std::string::npos);
  bind.node->data[0] = 8;
  EXPECT_NE(warning(0).find("another server"), std::string::npos);
  bind.node.reset();
  EXPECT_NE(warning(0).find("revoked"), std::string::npos);
}

TEST(BindWatch, AServerReadsItsOwnersFromTheStore) {
  TempDir dir;
  const Signer owner = Signer::from_seed(5, 1);
  auto store = SqliteStore::open(dir.path() + "/db", Limits{});
  ASSERT_TRUE(store.ok());
  NodeId self;
  self.data.fill(7);
  EXPECT_EQ(stored_bind_warning(**store, owner.public_key(), self, 1000), "");
  SecpVerifier verifier;
  const Event event = owner.sign(kind::bind, 1000, bind_tags(self, 1, 1000 + 86'400), "");
  (*store)->put(*ValidationGate::validate(event, Limits{}, verifier));
  EXPECT_NE(stored_bind_warning(**store, owner.public_key(), self, 1000), "");
  EXPECT_EQ(stored_bind_warning(**store, Signer::from_seed(5, 2).public_key(), self, 1000), "");
}

}  // namespace
}  // namespace np2p::real
