// nostrp2p status asks running servers, and whoever else may listen there.
#include <gtest/gtest.h>

#include <cstdio>

#include "core/event/nip19.h"
#include "realnet/cli/commands.h"
#include "realnet/cli/http_call.h"
#include "realnet/cli/status_report.h"
#include "tests/realnet/test_server.h"

namespace np2p::real {
namespace {

using test::loopback;
using test::loopback_options;
using test::RunningServer;
using test::TempDir;

struct Said {
  int status = 0;
  std::string out;
  std::string err;
};

Said tell(std::uint16_t port, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments = {"status", "--server", "http://127.0.0.1:" + std::to_string(port)};
  arguments.insert(arguments.end(), more.begin(), more.end());
  Said said;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  said.status = run(arguments);
  std::fflush(stdout);
  said.out = testing::internal::GetCapturedStdout();
  said.err = testing::internal::GetCapturedStderr();
  return said;
}

void expect_words(const Said& said, const std::vector<std::string>& words) {
  EXPECT_EQ(said.status, 0) << said.err;
  for (const std::string& one : words) EXPECT_NE(said.out.find(one), std::string::npos) << one << "\n" << said.out;
}

void expect_refusal(const Said& said, int status, const std::string& words) {
  EXPECT_EQ(said.status, status);
  EXPECT_EQ(said.out, "");
  EXPECT_NE(said.err.find(words), std::string::npos) << said.err;
  EXPECT_EQ(std::count(said.err.begin(), said.err.end(), '\n'), 1) << said.err;
}

// Until it says that; a busy machine takes its time.
Said tell_until(std::uint16_t port, const std::string& words) {
  Said said;
  for (int attempt = 0; attempt < 300; ++attempt) {
    said = tell(port);
    if (said.out.find(words) != std::string::npos) break;
    ::usleep(100'000);
  }
  return said;
}

struct StatusCommandTest : ::testing::Test {
  TempDir dir;
  Signer alice = Signer::from_seed(6, 1);
  Signer bob = Signer::from_seed(6, 2);

  ServerOptions options(const Signer& user, OverlayKind overlay = OverlayKind::hyparview) const {
    ServerOptions made = loopback_options(user.public_key(), dir.path() + "/" + user.public_key().hex());
    made.config.overlay = overlay;
    return made;
  }
};

TEST_F(StatusCommandTest, TwoServersOnLoopbackTellOfEachOther) {
  RunningServer first(options(alice));
  const std::string where = first->listen_address().text();
  expect_words(tell(first.api_port()),
               {"node id:      " + first->node_id().hex(), npub(alice.public_key()), "claimed only", "hyparview",
                "only servers on this machine can dial it, at " + where + ": it listens on loopback only",
                "it has no neighbour: it was started without -b", "0 active, 0 passive, 0 clients"});
  ServerOptions with_way_in = options(bob);
  with_way_in.config.bootstrap = {first->listen_address()};
  RunningServer second(std::move(with_way_in));
  const std::string dialled = "can dial it, at " + second->listen_address().text();
  expect_words(tell_until(second.api_port(), "a route in 32 trees"),  // the roots are found within seconds
               {dialled, "1 active", "links:        1 direct, 0 punched, 0 in tunnels", "a route in 32 trees",
                "on the wire: control "});
  expect_words(tell_until(first.api_port(), "1 active"), {"1 active"});
}

TEST_F(StatusCommandTest, WhoCannotReachItsWayInSaysSo) {
  ServerOptions nowhere = options(alice);
  nowhere.config.bootstrap = {loopback(1)};
  RunningServer lonely(std::move(nowhere));
  const std::string why =
      "it has no neighbour: the server after -b cannot be reached (127.0.0.1:1: connection refused)";
  expect_words(tell_until(lonely.api_port(), why),
               {why, "nobody on another machine can dial this server: it listens on loopback only", "NAT:          "});
}

TEST_F(StatusCommandTest, ItSaysHowPostsTravel) {
  ServerOptions chooses = options(alice);
  chooses.config.mode = FeedMode::automatic;
  RunningServer server(std::move(chooses));
  expect_words(tell(server.api_port()),
               {"mode:         auto: posts go to everybody; how large the network is has yet"});
  expect_words(tell(server.api_port(), {"--json"}),
               {R"("mode":"auto","mode_now":"broadcast","auto":{"why":"unknown","load":0,"budget":)"});
  RunningServer other(options(bob));
  expect_words(tell(other.api_port()), {"mode:         broadcast: posts go to everybody\n"});
}

TEST_F(StatusCommandTest, AMeshTellsWhatItKnows) {
  RunningServer server(options(alice, OverlayKind::mesh));
  expect_words(tell(server.api_port()), {"overlay:      mesh", "neighbours:   0", "it listens on loopback only"});
}

TEST_F(StatusCommandTest, JsonIsWhatTheServerSays) {
  RunningServer server(options(alice));
  const Said said = tell(server.api_port(), {"--json"});
  expect_words(said, {R"("node_id":")" + server->node_id().hex(), R"("relay_addresses":[])", R"("nat":"public")",
                      R"("port_mapping":{"asked":false,"outside":null,"by":""},"ways_in":[])"});
  const auto begin = said.out.find("{\"owner\"");  // the server in this process logs there, too
  ASSERT_NE(begin, std::string::npos);
  EXPECT_TRUE(parse_status(said.out.substr(begin, said.out.find('\n', begin) - begin)).ok());
}

// Takes one connection and says that, whatever it is asked; then it is silent as long as it lives.
class Stranger {
 public:
  explicit Stranger(std::string words)
      : acceptor_(io_, to_endpoint(loopback(0))),
        port_(acceptor_.local_endpoint().port()),
        thread_([this, words = std::move(words)] {
          tcp::socket socket(io_);
          SocketError failure;
          acceptor_.accept(socket, failure);
          if (!failure) asio::write(socket, asio::buffer(words), failure);
          char byte = 0;
          while (::recv(socket.native_handle(), &byte, 1, 0) > 0) {
          }
        }) {}
  ~Stranger() { thread_.join(); }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::uint16_t port_;
  std::thread thread_;
};

TEST_F(StatusCommandTest, NobodyAndStrangersAreOneSentence) {
  expect_refusal(tell(1), kExitFailure, "The server at 127.0.0.1:1 does not answer (Connection refused)");
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
  expect_refusal(tell(Stranger(head + "hi").port()), kExitFailure, "is no server of nostrp2p");
  expect_refusal(tell(Stranger(head + "{}").port()), kExitFailure, "is no server of nostrp2p");
  expect_refusal(tell(Stranger("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}").port()), kExitFailure,
                 "only on its own machine");
  expect_refusal(tell(Stranger("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").port()), kExitFailure,
                 "GET /status gives 404");
}

TEST_F(StatusCommandTest, SilenceHasAnEnd) {
  const auto ask = [](std::uint16_t port) {
    return http_call(HttpUrl{"127.0.0.1", std::to_string(port), false, false}, "/status", {}, 100ms);
  };
  const Stranger silent("");
  const auto nothing = ask(silent.port());
  ASSERT_FALSE(nothing.ok());
  EXPECT_NE(nothing.error().reason.find("says nothing"), std::string::npos) << nothing.error().reason;
  const Stranger halting("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{");
  const auto half = ask(halting.port());
  ASSERT_FALSE(half.ok());
  EXPECT_NE(half.error().reason.find("end of its answer"), std::string::npos) << half.error().reason;
}

TEST_F(StatusCommandTest, WrongArgumentsAreOneSentence) {
  expect_refusal(tell(1, {"--server", "localhost"}), kExitMistake, "expected http://host:port");
  expect_refusal(tell(1, {"--server", "https://localhost"}), kExitMistake, "expected http://host:port");
  expect_refusal(tell(1, {"--loud"}), kExitMistake, "There is no option \"--loud\"");
  expect_refusal(tell(1, {"extra"}), kExitMistake, "Nothing is known of \"extra\"");
}

}  // namespace
}  // namespace np2p::real
