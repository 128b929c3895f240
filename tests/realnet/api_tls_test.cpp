// -s: the same API over TLS, with the certificate that the owner gives.
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>

#include "tests/realnet/test_server.h"

namespace np2p::real {
namespace {

void write_certificate(const std::string& certificate_path, const std::string& key_path) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  std::FILE* file = std::fopen(certificate_path.c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen(key_path.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

TEST(ApiOverTls, AnswersAsWithoutIt) {
  test::TempDir dir;
  const Signer owner = Signer::from_seed(6, 1);
  ServerOptions options = test::loopback_options(owner.public_key(), dir.path() + "/data");
  options.tls_certificate = dir.path() + "/chain.pem";
  options.tls_key = dir.path() + "/key.pem";
  write_certificate(options.tls_certificate, options.tls_key);
  test::RunningServer server(options);
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

TEST(ApiOverTls, AMissingCertificateIsSaid) {
  test::TempDir dir;
  ServerOptions options = test::loopback_options(Signer::from_seed(6, 1).public_key(), dir.path() + "/data");
  options.tls_certificate = dir.path() + "/nothing.pem";
  options.tls_key = dir.path() + "/nothing.pem";
  const auto server = Server::create(options);
  ASSERT_FALSE(server.ok());
  EXPECT_NE(server.error().reason.find("nothing.pem"), std::string::npos);
}

}  // namespace
}  // namespace np2p::real
