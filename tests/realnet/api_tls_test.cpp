// -s: the same API over TLS, with the certificate that the owner gives.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "core/event/nip19.h"
#include "realnet/cli/commands.h"
#include "realnet/cli/tls_client.h"
#include "tests/realnet/certificate.h"
#include "tests/realnet/test_server.h"

namespace np2p::real {
namespace {

struct ApiOverTls : ::testing::Test {
  test::TempDir dir;
  const Signer owner = Signer::from_seed(6, 1);
  ServerOptions options() const {
    ServerOptions made = test::loopback_options(owner.public_key(), dir.path() + "/data");
    made.tls_certificate = dir.path() + "/chain.pem";
    made.tls_key = dir.path() + "/key.pem";
    test::write_certificate(made.tls_certificate, made.tls_key);
    return made;
  }
};

// What a command says: to whoever reads it if it succeeds, else as its error.
std::string told(const std::vector<std::string>& arguments, int status) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(run(arguments), status);
  std::fflush(stdout);
  const std::string out = testing::internal::GetCapturedStdout();
  const std::string err = testing::internal::GetCapturedStderr();
  return status == 0 ? out : err;
}

TEST_F(ApiOverTls, TheCommandsSpeakIt) {
  test::RunningServer server(options());
  const std::string url = "https://127.0.0.1:" + std::to_string(server.api_port());
  EXPECT_NE(told({"status", "--server", url}, 0).find(server->node_id().hex()), std::string::npos);
  const std::string key = dir.path() + "/key";
  std::ofstream(key) << nsec(owner.secret()) << "\n";
  const std::string bound = told({"bind", "--key-file", key, "--server", url}, 0);
  EXPECT_NE(bound.find("is bound to node " + server->node_id().hex() + ", epoch 1"), std::string::npos) << bound;
  const std::string plain = "http://127.0.0.1:" + std::to_string(server.api_port());
  EXPECT_NE(told({"status", "--server", plain}, kExitFailure).find("asked over https://"), std::string::npos);
}

TEST_F(ApiOverTls, AServerWithoutItIsSaid) {
  ServerOptions without = options();
  without.tls_certificate = without.tls_key = "";
  test::RunningServer server(without);
  const std::string url = "https://127.0.0.1:" + std::to_string(server.api_port());
  EXPECT_NE(told({"status", "--server", url}, kExitFailure).find("does not speak TLS"), std::string::npos);
}

// What holds for a server on another machine.
TEST_F(ApiOverTls, ElsewhereACertificateMustBeTrustedOrAnyIsTaken) {
  test::RunningServer server(options());
  const auto shake_hands = [&](const std::string& host, bool verify) {
    asio::io_context io;
    tcp::socket socket(io);
    socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), server.api_port()));
    const auto made = TlsClient::connect(socket.native_handle(), host, verify);
    return made.ok() ? std::string() : made.error().reason;
  };
  EXPECT_EQ(shake_hands("127.0.0.1", false), "");
  EXPECT_NE(shake_hands("127.0.0.1", true).find("--insecure takes any"), std::string::npos);
  ::setenv("SSL_CERT_FILE", (dir.path() + "/chain.pem").c_str(), 1);
  EXPECT_EQ(shake_hands("127.0.0.1", true), "");
  EXPECT_NE(shake_hands("server.example", true).find("ostname mismatch"), std::string::npos);
  EXPECT_NE(shake_hands("192.0.2.1", true).find("IP address mismatch"), std::string::npos);
  ::unsetenv("SSL_CERT_FILE");
}

TEST_F(ApiOverTls, AnswersAsWithoutIt) {
  test::RunningServer server(options());
  EXPECT_EQ(server->api_url().rfind("https://", 0), 0u);

  asio::io_context io;
  tcp::socket socket(io);
  socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), server.api_port()));
  socket.non_blocking(true);
  const auto context = TlsContext::for_links();
  ASSERT_TRUE(context.ok());
  ByteStream stream(std::move(socket), std::make_unique<TlsSession>(*context, TlsSession::Side::client));
  std::string answer;
  asio::co_spawn(
      io,
      [&]() -> asio::awaitable<void> {
        ByteVec in;
        SocketError failure = co_await stream.handshake(in);
        EXPECT_FALSE(failure);
        const std::string request = test::HttpClient::format("POST", "/req", R"({"kinds":[40000]})");
        failure = co_await stream.write(bytes_of(request));
        while (!failure && answer.find("Evts") == std::string::npos) {
          failure = co_await stream.read(in);
          answer = text_of(in);
        }
      },
      [](const std::exception_ptr&) {});
  io.run_for(std::chrono::seconds(10));
  EXPECT_EQ(answer.rfind("HTTP/1.1 200 OK\r\n", 0), 0u) << answer;
}

TEST_F(ApiOverTls, AMissingCertificateIsSaid) {
  ServerOptions missing = options();
  missing.tls_certificate = dir.path() + "/nothing.pem";
  missing.tls_key = dir.path() + "/nothing.pem";
  const auto server = Server::create(missing);
  ASSERT_FALSE(server.ok());
  EXPECT_NE(server.error().reason.find("nothing.pem"), std::string::npos);
}

}  // namespace
}  // namespace np2p::real
