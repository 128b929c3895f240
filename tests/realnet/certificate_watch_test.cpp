// A renewed certificate is taken up by a running server; half of one is not.
#include "realnet/certificate_watch.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "realnet/cli/tls_client.h"
#include "tests/realnet/certificate.h"
#include "tests/realnet/test_server.h"

namespace np2p::real {
namespace {

namespace files = std::filesystem;

struct CertificateWatchTest : ::testing::Test {
  test::TempDir dir;
  const std::string chain = dir.path() + "/chain.pem";
  const std::string key = dir.path() + "/key.pem";
  CertificateWatchTest() { test::write_certificate(chain, key); }
};

TEST_F(CertificateWatchTest, TellsOfEachRenewalOnceAndOfNothingElse) {
  asio::io_context io;
  int renewed = 0;
  CertificateWatch watch(io, chain, key, 1ms, [&](const TlsContext&) { ++renewed; });
  watch.start();
  const auto look = [&] {
    for (int i = 0; i < 5; ++i) io.run_one();
  };
  look();
  EXPECT_EQ(renewed, 0);
  test::write_certificate(chain, key);
  look();
  EXPECT_EQ(renewed, 1);
  // One file comes before the other, and is renamed into its place.
  test::write_certificate(dir.path() + "/new-chain.pem", dir.path() + "/new-key.pem");
  files::rename(dir.path() + "/new-chain.pem", chain);
  look();
  EXPECT_EQ(renewed, 1);
  files::rename(dir.path() + "/new-key.pem", key);
  look();
  EXPECT_EQ(renewed, 2);
  // Gone, and no certificate at all.
  files::remove(chain);
  look();
  test::write_certificate(chain, key);
  files::resize_file(key, 10);
  look();
  EXPECT_EQ(renewed, 2);
  test::write_certificate(chain, key);
  look();
  EXPECT_EQ(renewed, 3);
}

TEST_F(CertificateWatchTest, AServerShowsTheNewOneToWhoComesThen) {
  ServerOptions options = test::loopback_options(Signer::from_seed(6, 1).public_key(), dir.path() + "/data");
  options.tls_certificate = chain;
  options.tls_key = key;
  options.certificate_every = 10ms;
  test::RunningServer server(std::move(options));
  // Whether the server shows what stands in chain.pem: nothing else is trusted.
  const auto shows_it = [&] {
    ::setenv("SSL_CERT_FILE", chain.c_str(), 1);
    asio::io_context io;
    tcp::socket socket(io);
    socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), server.api_port()));
    const bool trusted = TlsClient::connect(socket.native_handle(), "127.0.0.1", true).ok();
    ::unsetenv("SSL_CERT_FILE");
    return trusted;
  };
  EXPECT_TRUE(shows_it());
  test::write_certificate(chain, key);
  bool taken_up = false;
  for (int attempt = 0; attempt < 600 && !taken_up; ++attempt) {
    taken_up = shows_it();
    if (!taken_up) ::usleep(50'000);
  }
  EXPECT_TRUE(taken_up);
}

}  // namespace
}  // namespace np2p::real
